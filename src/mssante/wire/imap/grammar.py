"""One whole command to its value: the table of verbs, and those with few arguments.

Source: RFC 9051 section 6; RFC 3501 section 6.
"""

import binascii
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.model.search import Condition, SortBy, SortKey, Threading
from mssante.wire.imap import commands as c
from mssante.wire.imap.grammar_fetch import parse_fetch
from mssante.wire.imap.grammar_folders import parse_create, parse_list, parse_lsub, parse_select, parse_status
from mssante.wire.imap.grammar_notify import parse_notify
from mssante.wire.imap.grammar_search import parse_program
from mssante.wire.imap.grammar_sharing import (
    parse_delete_acl,
    parse_get_metadata,
    parse_list_rights,
    parse_set_acl,
    parse_set_metadata,
    parse_set_quota,
)
from mssante.wire.imap.scanner import MODSEQ_MAX, Scanner, decode_utf8

ID_FIELDS_MAX: Final = 30
_SEARCH_RETURNS: Final = frozenset({"MIN", "MAX", "ALL", "COUNT", "SAVE"})

Parser = Callable[[Scanner], c.Command]


class BadCharsetError(TheirProtocolError):
    """The search is in a charset that we do not know."""


def parse_command(scanner: Scanner) -> c.Command:
    """Return the command that stands after the tag.

    Raises:
        BadCharsetError: of SEARCH, SORT or THREAD.
        TheirProtocolError: it is none that we know, or its arguments are not those of the grammar.
    """
    verb = scanner.keyword()
    if verb == "UID":
        scanner.space()
        verb = f"UID {scanner.keyword()}"
    if verb in _SIMPLE:
        scanner.end()
        return c.Simple(verb)
    parser = _PARSERS.get(verb)
    if parser is None:
        raise TheirProtocolError(f"unknown command {verb[:20]}")
    scanner.space()
    command = parser(scanner)
    scanner.end()
    return command


def _login(scanner: Scanner) -> c.Login:
    user = decode_utf8(scanner.astring())
    scanner.space()
    return c.Login(user, decode_utf8(scanner.astring()))


def _authenticate(scanner: Scanner) -> c.Authenticate:
    mechanism = scanner.keyword()
    initial: bytes | None = None
    if scanner.try_char(b" "):
        initial = b"" if scanner.try_char(b"=") else _base64(scanner)
    return c.Authenticate(mechanism, initial)


def _base64(scanner: Scanner) -> bytes:
    try:
        return binascii.a2b_base64(scanner.astring(), strict_mode=True)
    except binascii.Error as error:
        raise TheirProtocolError("the initial response is not base64") from error


def _enable(scanner: Scanner) -> c.Enable:
    names = [scanner.keyword()]
    while scanner.try_char(b" "):
        names.append(scanner.keyword())
    return c.Enable(tuple(names))


def _id(scanner: Scanner) -> c.Id:
    if scanner.try_word(b"NIL"):
        return c.Id(None)

    def pair() -> tuple[str, str | None]:
        name = scanner.string().decode("utf-8", "replace").lower()
        scanner.space()
        value = scanner.nstring()
        return name, None if value is None else value.decode("utf-8", "replace")

    pairs = scanner.many(pair)
    if len(pairs) > ID_FIELDS_MAX:
        raise TheirProtocolError(f"ID takes at most {ID_FIELDS_MAX} pairs of name and value")
    return c.Id(pairs)


def _compress(scanner: Scanner) -> c.Compress:
    return c.Compress(scanner.keyword())


def _folder_command(name: str) -> Parser:
    return lambda scanner: c.FolderCommand(name, scanner.folder())


def _root_command(name: str) -> Parser:
    return lambda scanner: c.FolderCommand(name, decode_utf8(scanner.astring()))


def _rename(scanner: Scanner) -> c.Rename:
    old = scanner.folder()
    scanner.space()
    return c.Rename(old, scanner.folder())


def _store(scanner: Scanner, *, by_uid: bool) -> c.Store:
    numbers = scanner.number_set()
    scanner.space()
    unchanged_since = None
    if scanner.try_char(b"("):
        if not scanner.try_word(b"UNCHANGEDSINCE"):
            raise scanner.wrong("UNCHANGEDSINCE")
        scanner.space()
        unchanged_since = scanner.number(MODSEQ_MAX)
        scanner.char(b")")
        scanner.space()
    mode = c.StoreMode.REPLACE
    if scanner.try_char(b"+"):
        mode = c.StoreMode.ADD
    elif scanner.try_char(b"-"):
        mode = c.StoreMode.REMOVE
    item = scanner.keyword()
    if item not in {"FLAGS", "FLAGS.SILENT"}:
        raise TheirProtocolError("STORE changes FLAGS only")
    scanner.space()
    flags = scanner.many(scanner.flag) if scanner.peek() == b"(" else _bare_flags(scanner)
    return c.Store(numbers, by_uid, mode, flags, item == "FLAGS.SILENT", unchanged_since)


def _bare_flags(scanner: Scanner) -> tuple[str, ...]:
    flags = [scanner.flag()]
    while scanner.try_char(b" "):
        flags.append(scanner.flag())
    return tuple(flags)


def _transfer(scanner: Scanner, *, by_uid: bool, move: bool) -> c.Transfer:
    numbers = scanner.number_set()
    scanner.space()
    return c.Transfer(numbers, by_uid, scanner.folder(), move)


def _uid_expunge(scanner: Scanner) -> c.UidExpunge:
    return c.UidExpunge(scanner.number_set())


def _search(scanner: Scanner, *, by_uid: bool) -> c.Search:
    returns = None
    if scanner.try_word(b"RETURN"):
        scanner.space()
        returns = scanner.many(scanner.keyword)
        unknown = set(returns) - _SEARCH_RETURNS
        if unknown:
            raise TheirProtocolError(f"unknown search result {min(unknown)[:20]}")
        scanner.space()
    if scanner.try_word(b"CHARSET"):
        scanner.space()
        _charset(scanner)
        scanner.space()
    return c.Search(parse_program(scanner), by_uid, returns)


def _charset(scanner: Scanner) -> None:
    if scanner.astring().upper() not in {b"UTF-8", b"US-ASCII", b"UTF8"}:
        raise BadCharsetError("charset")


def _sort_key(scanner: Scanner) -> SortKey:
    reverse = scanner.try_word(b"REVERSE")
    if reverse:
        scanner.space()
    word = scanner.keyword()
    try:
        return SortKey(SortBy(word), reverse)
    except ValueError as error:
        raise TheirProtocolError(f"unknown sort key {word[:20]}") from error


def _sort(scanner: Scanner, *, by_uid: bool) -> c.Sort:
    keys = scanner.many(lambda: _sort_key(scanner))
    if not keys:
        raise TheirProtocolError("SORT needs a key")
    return c.Sort(keys, _after_charset(scanner), by_uid)


def _thread(scanner: Scanner, *, by_uid: bool) -> c.ThreadCommand:
    word = scanner.keyword()
    try:
        threading = Threading(word)
    except ValueError as error:
        raise TheirProtocolError(f"unknown threading {word[:20]}") from error
    return c.ThreadCommand(threading, _after_charset(scanner), by_uid)


def _after_charset(scanner: Scanner) -> Condition:
    scanner.space()
    _charset(scanner)
    scanner.space()
    return parse_program(scanner)


def _uid_variants(parser: Callable[..., c.Command], name: str) -> dict[str, Parser]:
    return {
        name: lambda scanner: parser(scanner, by_uid=False),
        f"UID {name}": lambda scanner: parser(scanner, by_uid=True),
    }


_SIMPLE: Final = frozenset(
    {
        "CAPABILITY",
        "NOOP",
        "LOGOUT",
        "STARTTLS",
        "CHECK",
        "CLOSE",
        "UNSELECT",
        "IDLE",
        "NAMESPACE",
        "UNAUTHENTICATE",
        "EXPUNGE",
    }
)
_PARSERS: Final[Mapping[str, Parser]] = MappingProxyType(
    {
        "LOGIN": _login,
        "AUTHENTICATE": _authenticate,
        "ENABLE": _enable,
        "ID": _id,
        "COMPRESS": _compress,
        "SELECT": lambda scanner: parse_select(scanner, read_only=False),
        "EXAMINE": lambda scanner: parse_select(scanner, read_only=True),
        "CREATE": parse_create,
        "DELETE": _folder_command("DELETE"),
        "SUBSCRIBE": _folder_command("SUBSCRIBE"),
        "UNSUBSCRIBE": _folder_command("UNSUBSCRIBE"),
        "RENAME": _rename,
        "STATUS": parse_status,
        "LIST": parse_list,
        "LSUB": parse_lsub,
        **_uid_variants(parse_fetch, "FETCH"),
        **_uid_variants(_store, "STORE"),
        **_uid_variants(lambda scanner, *, by_uid: _transfer(scanner, by_uid=by_uid, move=False), "COPY"),
        **_uid_variants(lambda scanner, *, by_uid: _transfer(scanner, by_uid=by_uid, move=True), "MOVE"),
        "UID EXPUNGE": _uid_expunge,
        **_uid_variants(_search, "SEARCH"),
        **_uid_variants(_sort, "SORT"),
        **_uid_variants(_thread, "THREAD"),
        "GETACL": _folder_command("GETACL"),
        "MYRIGHTS": _folder_command("MYRIGHTS"),
        "SETACL": parse_set_acl,
        "DELETEACL": parse_delete_acl,
        "LISTRIGHTS": parse_list_rights,
        "GETQUOTA": _root_command("GETQUOTA"),
        "GETQUOTAROOT": _folder_command("GETQUOTAROOT"),
        "SETQUOTA": parse_set_quota,
        "GETMETADATA": parse_get_metadata,
        "SETMETADATA": parse_set_metadata,
        "NOTIFY": parse_notify,
    }
)

VERBS: Final = frozenset(_SIMPLE | _PARSERS.keys() | {"APPEND", "REPLACE", "UID REPLACE"})
"""Every command that is known."""
