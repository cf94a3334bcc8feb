"""Rights, quotas and annotations.

Source: RFC 4314 section 3; RFC 9208 section 4.1; RFC 5464 section 4.
"""

import re
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.model.folder import OLD_RIGHTS, RIGHTS
from mssante.wire.imap.commands import GetMetadata, SetAcl, SetMetadata, SetQuota, StoreMode
from mssante.wire.imap.scanner import MODSEQ_MAX, Scanner, decode_utf8

ENTRIES_MAX: Final = 100
_ENTRY: Final = re.compile(r"/(?:shared|private)(?:/[^/*%\x00-\x1f\x7f]{1,100}){1,10}", re.ASCII)
RESOURCES: Final = frozenset({"STORAGE", "MESSAGE"})


def parse_set_acl(scanner: Scanner) -> SetAcl:
    """Return SETACL."""
    folder = scanner.folder()
    scanner.space()
    identifier = scanner.text()
    scanner.space()
    rights = scanner.text()
    mode = StoreMode.REPLACE
    if rights[:1] in {"+", "-"}:
        mode = StoreMode(rights[0])
        rights = rights[1:]
    unknown = set(rights) - {*RIGHTS, *OLD_RIGHTS}
    if unknown:
        raise TheirProtocolError(f"the right {min(unknown)!a} is not known")
    return SetAcl(folder, identifier, mode, rights)


def parse_delete_acl(scanner: Scanner) -> SetAcl:
    """Return DELETEACL."""
    folder = scanner.folder()
    scanner.space()
    return SetAcl(folder, scanner.text())


def parse_list_rights(scanner: Scanner) -> SetAcl:
    """Return LISTRIGHTS."""
    folder = scanner.folder()
    scanner.space()
    return SetAcl(folder, scanner.text(), listing=True)


def parse_set_quota(scanner: Scanner) -> SetQuota:
    """Return SETQUOTA."""
    root = decode_utf8(scanner.astring())
    scanner.space()
    limits: list[tuple[str, int]] = []

    words: list[str] = []

    def one() -> None:
        if words:
            limits.append((words.pop(), scanner.number(MODSEQ_MAX)))
        else:
            words.append(scanner.keyword())

    scanner.many(one)
    if words:
        raise TheirProtocolError("a quota has no limit")
    return SetQuota(root, tuple(limits))


def parse_get_metadata(scanner: Scanner) -> GetMetadata:
    """Return GETMETADATA, with its options before or after the folder, as programs send both."""
    options: dict[str, int] = {}
    entries: list[str] = []

    def one() -> None:
        if scanner.try_word(b"MAXSIZE"):
            scanner.space()
            options["max_size"] = scanner.number(MODSEQ_MAX)
        elif scanner.try_word(b"DEPTH"):
            scanner.space()
            options["depth"] = -1 if scanner.try_word(b"INFINITY") else scanner.number(1)
        else:
            entries.append(_entry(scanner))

    def bracket() -> None:
        if scanner.peek() == b"(":
            scanner.many(one)
        else:
            entries.append(_entry(scanner))

    if scanner.peek() == b"(":
        scanner.many(one)
        scanner.space()
    folder = scanner.folder()
    scanner.space()
    bracket()
    if not entries:
        scanner.space()
        bracket()
    _few(tuple(entries))
    return GetMetadata(folder, tuple(entries), options.get("max_size"), options.get("depth", 0))


def parse_set_metadata(scanner: Scanner) -> SetMetadata:
    """Return SETMETADATA."""
    folder = scanner.folder()
    scanner.space()
    values: list[tuple[str, bytes | None]] = []
    names: list[str] = []

    def one() -> None:
        if names:
            values.append((names.pop(), scanner.nstring()))
        else:
            names.append(_entry(scanner))

    scanner.many(one)
    if names or not values or len(values) > ENTRIES_MAX:
        raise TheirProtocolError(f"SETMETADATA takes 1 to {ENTRIES_MAX} pairs of entry and value")
    return SetMetadata(folder, tuple(values))


def _entry(scanner: Scanner) -> str:
    entry = scanner.text().lower()
    if not _ENTRY.fullmatch(entry):
        raise TheirProtocolError("an entry begins with /shared/ or /private/ and has no wildcard")
    return entry


def _few(entries: tuple[str, ...]) -> None:
    if not 0 < len(entries) <= ENTRIES_MAX:
        raise TheirProtocolError(f"1 to {ENTRIES_MAX} entries at a time")
