"""What stands in front of the messages of APPEND and REPLACE; the messages themselves are a stream.

Source: RFC 9051 section 6.3.12; RFC 3502; RFC 6855 section 4; RFC 8508 section 3.
"""

from dataclasses import dataclass

from mssante.model.errors import TheirProtocolError
from mssante.wire.imap.commands import Append, AppendItem
from mssante.wire.imap.scanner import Scanner


@dataclass(frozen=True, slots=True)
class AppendStart:
    """What was read in front of one message.

    Attributes:
        append: None for the messages after the first.
        is_wrapped: the message stands in ``UTF8 (...)``, whose bracket closes after it.
        error: what is wrong, "" when nothing is.
    """

    tag: bytes
    append: Append | None
    item: AppendItem
    is_wrapped: bool = False
    error: str = ""


def parse_append(scanner: Scanner, size_bytes: int, *, binary: bool) -> AppendStart | None:
    """Return what the segments of an APPEND or REPLACE say up to its first message.

    Returns:
        None when the literal that follows is the name of the folder, not a message.
    """
    tag = scanner.tag()
    scanner.space()
    by_uid = scanner.try_word(b"UID")
    if by_uid:
        scanner.space()
    verb = scanner.keyword()
    scanner.space()
    try:
        scanner.check_text()
        replaces = None
        if verb == "REPLACE":
            replaces = scanner.number()
            if replaces == 0:
                raise TheirProtocolError("there is no message 0")  # noqa: TRY301 - told like the others
            scanner.space()
        if scanner.at_end:
            return None
        append = Append(scanner.folder(), replaces, by_uid)
        return AppendStart(tag, append, *_item(scanner, size_bytes, binary=binary))
    except TheirProtocolError as error:
        return AppendStart(tag, None, AppendItem((), None, size_bytes), error=str(error))


def parse_append_next(scanner: Scanner, tag: bytes, size_bytes: int, *, binary: bool, end: bytes) -> AppendStart:
    """Return what stands in front of a message after the first.

    Args:
        scanner, tag, size_bytes, binary: as for the first.
        end: the bracket that closes the message before, or "".
    """
    try:
        scanner.check_text()
        if end:
            scanner.char(end)
        return AppendStart(tag, None, *_item(scanner, size_bytes, binary=binary))
    except TheirProtocolError as error:
        return AppendStart(tag, None, AppendItem((), None, size_bytes), error=str(error))


def _item(scanner: Scanner, size_bytes: int, *, binary: bool) -> tuple[AppendItem, bool]:
    """Return what is said of a message, and whether it stands in UTF8 (...)."""
    scanner.space()
    flags: tuple[str, ...] = ()
    date = None
    if scanner.peek() == b"(":
        flags = scanner.many(scanner.flag)
        scanner.space()
    if scanner.peek() == b'"':
        date = scanner.date_time()
        scanner.space()
    is_wrapped = scanner.try_word(b"UTF8")
    if is_wrapped:
        scanner.space()
        scanner.char(b"(")
    scanner.end()
    return AppendItem(flags, date, size_bytes, binary or is_wrapped), is_wrapped
