"""The items of FETCH.

Source: RFC 9051 sections 6.4.5 and 6.4.5.1; RFC 3501 section 6.4.5; RFC 3516; RFC 7162 section 3.1.4; RFC 8474
section 5.3; RFC 8514 section 4.1; RFC 8970 section 3.
"""

import re
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.model.numbers import NumberSet
from mssante.wire.imap.commands import BodyItem, Fetch, SectionKind
from mssante.wire.imap.scanner import MODSEQ_MAX, Scanner
from mssante.wire.mime.strings import imap_string

BODIES_MAX: Final = 100
FIELDS_MAX: Final = 200
PATH_MAX: Final = 50
_MACROS: Final = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
_ITEMS: Final = frozenset(
    {
        "FLAGS",
        "UID",
        "INTERNALDATE",
        "RFC822.SIZE",
        "ENVELOPE",
        "BODY",
        "BODYSTRUCTURE",
        "MODSEQ",
        "EMAILID",
        "THREADID",
        "SAVEDATE",
        "PREVIEW",
    }
)
_OLD: Final = {
    "RFC822": (SectionKind.ALL, False),
    "RFC822.HEADER": (SectionKind.HEADER, True),
    "RFC822.TEXT": (SectionKind.TEXT, False),
}
_BODIES: Final = frozenset({"BODY", "BODY.PEEK", "BINARY", "BINARY.PEEK", "BINARY.SIZE"})

_WORD: Final = re.compile(rb"[A-Za-z0-9.]+")
_SECTION: Final = re.compile(rb"[A-Za-z.]+")
# Anything that may be sent back in one line; what is no name of a field (RFC 5322 section 3.6.8) is found nowhere.
_FIELD_NAME: Final = re.compile(rb"[ -9;-~]+")
_FIELD: Final = re.compile(rb"[!#$&'+,./0-9:;<=>?@A-Z^_`a-z|~-]+")

Items = list[str | BodyItem]


def parse_fetch(scanner: Scanner, *, by_uid: bool) -> Fetch:
    """Return the FETCH whose arguments stand here.

    Raises:
        TheirProtocolError: an item is not known, or there are too many.
    """
    numbers = scanner.number_set()
    scanner.space()
    items, lazy = parse_items(scanner)
    changed_since, vanished = _modifiers(scanner)
    if vanished and (not by_uid or changed_since is None):
        raise TheirProtocolError("VANISHED needs UID FETCH and CHANGEDSINCE")
    return made_fetch(numbers, items, by_uid=by_uid, lazy=lazy, changed_since=changed_since, vanished=vanished)


def made_fetch(
    numbers: NumberSet | None,
    items: Items,
    *,
    by_uid: bool,
    lazy: bool = False,
    changed_since: int | None = None,
    vanished: bool = False,
) -> Fetch:
    """Return the FETCH of those items, each simple one once."""
    bodies = tuple(dict.fromkeys(item for item in items if isinstance(item, BodyItem)))
    if len(bodies) > BODIES_MAX:
        raise TheirProtocolError(f"more than {BODIES_MAX} body items")
    simple = tuple(dict.fromkeys(item for item in items if isinstance(item, str)))
    return Fetch(numbers, by_uid, simple, bodies, changed_since, vanished, lazy)


def parse_items(scanner: Scanner) -> tuple[Items, bool]:
    """Return the items, macros expanded, and whether the preview may be left out (LAZY)."""
    lazy: list[bool] = []
    found: Items = []
    if scanner.peek() == b"(":
        for items in scanner.many(lambda: _item(scanner, lazy)):
            found += items
        if not found:
            raise TheirProtocolError("FETCH needs an item")
    else:
        for macro, items_of in _MACROS.items():
            if scanner.try_word(macro.encode()):
                found += items_of
                return found, False
        found += _item(scanner, lazy)
    return found, bool(lazy)


def _item(scanner: Scanner, lazy: list[bool]) -> Items:
    word = _item_word(scanner)
    if scanner.peek() == b"[" and word in _BODIES:
        return [_body(scanner, word)]
    if word in _OLD:
        kind, peek = _OLD[word]
        return [BodyItem(word.encode("ascii"), kind, peek=peek)]
    if word not in _ITEMS:
        raise TheirProtocolError(f"unknown FETCH item {word[:20]}")
    if word == "PREVIEW" and scanner.try_char(b" (") and not _lazy(scanner, lazy):
        raise TheirProtocolError("PREVIEW knows LAZY only")
    return [word]


def _lazy(scanner: Scanner, lazy: list[bool]) -> bool:
    known = scanner.try_word(b"LAZY") and scanner.try_char(b")")
    lazy.append(known)
    return known


def _item_word(scanner: Scanner) -> str:
    word = scanner.take(_WORD, "a FETCH item")
    return word.decode("ascii").upper()


def _body(scanner: Scanner, word: str) -> BodyItem:
    scanner.char(b"[")
    binary = word.startswith("BINARY")
    path, kind, fields = _section(scanner, binary=binary)
    scanner.char(b"]")
    size_only = word == "BINARY.SIZE"
    partial = None
    if not size_only and scanner.try_char(b"<"):
        first = scanner.number(MODSEQ_MAX)
        scanner.char(b".")
        count = scanner.number(MODSEQ_MAX)
        scanner.char(b">")
        if count == 0:
            raise TheirProtocolError("a partial fetch asks for at least one byte")
        partial = (first, count)
    return BodyItem(
        label=_label(word, path, kind, fields),
        kind=kind,
        path=path,
        fields=fields,
        peek=word.endswith((".PEEK", ".SIZE")),
        binary=binary,
        size_only=size_only,
        partial=partial,
    )


def _section(scanner: Scanner, *, binary: bool) -> tuple[tuple[int, ...], SectionKind, tuple[bytes, ...]]:
    path: list[int] = []
    while scanner.peek().isdigit():
        number = scanner.number()
        path.append(number)
        if number == 0 or len(path) > PATH_MAX:
            raise TheirProtocolError("a part number is zero, or the path is too long")
        if not scanner.try_char(b"."):
            return tuple(path), SectionKind.ALL, ()
    if scanner.peek() == b"]":
        if path:
            raise TheirProtocolError("the section ends with a dot")
        return (), SectionKind.ALL, ()
    word = scanner.take(_SECTION, "a section").decode("ascii").upper()
    try:
        kind = SectionKind(word)
    except ValueError as error:
        raise TheirProtocolError(f"unknown section {word[:20]}") from error
    if binary or (kind is SectionKind.MIME and not path):
        raise TheirProtocolError(f"section {word} does not stand here")
    fields: tuple[bytes, ...] = ()
    if kind in {SectionKind.HEADER_FIELDS, SectionKind.HEADER_FIELDS_NOT}:
        scanner.space()
        fields = scanner.many(scanner.astring)
        if not 0 < len(fields) <= FIELDS_MAX or not all(_FIELD_NAME.fullmatch(name) for name in fields):
            raise TheirProtocolError(f"HEADER.FIELDS takes 1 to {FIELDS_MAX} names of header fields")
    return tuple(path), kind, fields


def _label(word: str, path: tuple[int, ...], kind: SectionKind, fields: tuple[bytes, ...]) -> bytes:
    parts = [str(number) for number in path]
    if kind.value:
        parts.append(kind.value)
    section = ".".join(parts).encode("ascii")
    if fields:
        section += b" (" + b" ".join(_field(name) for name in fields) + b")"
    return word.removesuffix(".PEEK").encode("ascii") + b"[" + section + b"]"


def _field(name: bytes) -> bytes:
    if _FIELD.fullmatch(name):
        return name
    return imap_string(name)


def _modifiers(scanner: Scanner) -> tuple[int | None, bool]:
    if not scanner.try_char(b" "):
        return None, False
    changed_since: int | None = None
    vanished = False

    def one() -> None:
        nonlocal changed_since, vanished
        word = scanner.keyword()
        if word == "CHANGEDSINCE":
            scanner.space()
            changed_since = scanner.number(MODSEQ_MAX)
        elif word == "VANISHED":
            vanished = True
        else:
            raise TheirProtocolError(f"unknown FETCH modifier {word[:20]}")

    scanner.many(one)
    return changed_since, vanished
