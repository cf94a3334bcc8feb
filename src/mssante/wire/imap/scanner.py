"""The words of a command, one after the other: atoms, strings, literals, numbers, dates, names of folders.

Reads forward only and never looks back further than one byte, so that its time follows the length of the command.
Not for what the words mean (see the ``grammar`` modules).

Source: RFC 9051 section 9 (formal syntax); RFC 3501 section 9.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, TypeVar

from mssante.model.errors import TheirProtocolError
from mssante.model.numbers import STAR, NumberSet
from mssante.wire.imap.mutf7 import decode_name

T = TypeVar("T")

NUMBER_MAX: Final = 0xFFFFFFFF
MODSEQ_MAX: Final = 0x7FFFFFFFFFFFFFFF
SET_RANGES_MAX: Final = 20_000
NAME_MAX_CHARS: Final = 1000

_ATOM: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_ASTRING: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
# Names of folders that clients send raw in UTF-8 are taken as they are meant.
_LIST_WORD: Final = re.compile(rb"[^\x00-\x20\x7f(){\"\\]+")
_NAME: Final = re.compile(rb"[^\x00-\x20\x7f(){%*\"\\]+")
_TAG: Final = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+")
_FLAG: Final = re.compile(rb"\\?[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
_DIGITS: Final = re.compile(rb"[0-9]+")
_SET: Final = re.compile(rb"[0-9*:,]+")
_DAY: Final = re.compile(rb"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_DATE_TIME: Final = re.compile(
    rb"([ 0-9][0-9])-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"
)
MONTHS: Final = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")


class Scanner:
    """A place in the segments of one command: text, literal, text, literal, text.

    Attributes:
        utf8: names are UTF-8 as they stand, not modified UTF-7.
        depth: brackets that may still be opened.
    """

    __slots__ = ("_at", "_index", "_segments", "_text", "depth", "utf8")

    def __init__(self, segments: list[bytes], *, utf8: bool, depth: int) -> None:
        """Start at the beginning."""
        self._segments = segments
        self._index = 0
        self._text = segments[0]
        self._at = 0
        self.utf8 = utf8
        self.depth = depth

    # -- where we are --------------------------------------------------------------------------------------------

    @property
    def at_literal(self) -> bool:
        """Tell whether a literal stands here."""
        return self._at == len(self._text) and self._index + 1 < len(self._segments)

    @property
    def at_end(self) -> bool:
        """Tell whether nothing follows."""
        return self._at == len(self._text) and self._index + 1 >= len(self._segments)

    def check_text(self) -> None:
        """Look at the text between literals once, before anything is read of it.

        Raises:
            TheirProtocolError: it holds a NUL or a bare CR, which stand nowhere in a command outside a literal.
        """
        if any(b"\0" in text or b"\r" in text for text in self._segments[::2]):
            raise TheirProtocolError("the command holds a NUL or a bare CR")

    def peek(self) -> bytes:
        """Return the next byte of the text, b"" where a literal or the end is."""
        return self._text[self._at : self._at + 1]

    def end(self) -> None:
        """Do nothing at the end of the command.

        Raises:
            TheirProtocolError: something follows.
        """
        if not self.at_end:
            raise self.wrong("the end of the command")

    def wrong(self, wanted: str) -> TheirProtocolError:
        """Return the error for something else than what is wanted here."""
        found = self._text[self._at : self._at + 20].decode("ascii", "replace")
        what = repr(found) if found else "a literal" if self.at_literal else "the end"
        return TheirProtocolError(f"expected {wanted}, found {what}")

    # -- words ---------------------------------------------------------------------------------------------------

    def space(self) -> None:
        """Go over one space."""
        self.char(b" ")

    def char(self, char: bytes) -> None:
        """Go over that byte."""
        if not self.try_char(char):
            raise self.wrong(f"{char.decode()!r}")

    def try_char(self, char: bytes) -> bool:
        """Go over that byte when it stands here; tell whether it did."""
        if self._text.startswith(char, self._at):
            self._at += len(char)
            return True
        return False

    def try_word(self, word: bytes) -> bool:
        """Go over that word, whatever its case, when it stands here and ends here; tell whether it did."""
        end = self._at + len(word)
        if self._text[self._at : end].upper() != word or self._text[end : end + 1] not in {b"", b" ", b"(", b")"}:
            return False
        self._at = end
        return True

    def take(self, pattern: re.Pattern[bytes], wanted: str) -> bytes:
        """Return what the pattern matches here."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self.wrong(wanted)
        self._at = found.end()
        return found[0]

    def tag(self) -> bytes:
        """Return the tag of the command."""
        return self.take(_TAG, "a tag")

    def atom(self) -> bytes:
        """Return an atom."""
        return self.take(_ATOM, "an atom")

    def keyword(self) -> str:
        """Return an atom in upper case."""
        return self.atom().decode("ascii").upper()

    def flag(self) -> str:
        """Return a flag or keyword as typed."""
        return self.take(_FLAG, "a flag").decode("ascii")

    def number(self, most: int = NUMBER_MAX) -> int:
        """Return a number."""
        digits = self.take(_DIGITS, "a number")
        if len(digits) > 19 or int(digits) > most:
            raise TheirProtocolError(f"number {digits[:20].decode()} is too large")
        return int(digits)

    def string(self) -> bytes:
        """Return a quoted string or a literal."""
        if self.at_literal:
            return self._literal()
        if self.peek() == b'"':
            return self._quoted()
        raise self.wrong("a string")

    def nstring(self) -> bytes | None:
        """Return a string, or None for NIL."""
        return None if self.try_word(b"NIL") else self.string()

    def astring(self) -> bytes:
        """Return an atom with ``]`` allowed, or a string."""
        if self.at_literal or self.peek() == b'"':
            return self.string()
        return self.take(_ASTRING, "a string or an atom")

    def text(self) -> str:
        """Return an astring as UTF-8 text.

        Raises:
            TheirProtocolError: it is not UTF-8.
        """
        return decode_utf8(self.astring())

    def folder(self) -> str:
        """Return the name of a folder, decoded; INBOX in any case is ``INBOX``."""
        is_string = self.at_literal or self.peek() == b'"'
        return self._name(self.string() if is_string else self.take(_NAME, "a folder name"))

    def pattern(self) -> str:
        """Return a pattern of LIST, decoded."""
        if self.at_literal or self.peek() == b'"':
            return self._name(self.string())
        return self._name(self.take(_LIST_WORD, "a folder pattern"))

    def number_set(self) -> NumberSet | None:
        """Return a set of numbers, or None for ``$`` (RFC 5182)."""
        if self.try_char(b"$"):
            return None
        return parse_set(self.take(_SET, "a set of numbers"))

    def date_time(self) -> datetime:
        """Return a quoted date-time."""
        raw = self._quoted()
        found = _DATE_TIME.fullmatch(raw)
        if found is None:
            raise TheirProtocolError('the date is not "dd-Mon-yyyy hh:mm:ss +zzzz"')
        sign = -1 if found[7] == b"-" else 1
        minutes = sign * (int(found[8]) * 60 + int(found[9]))
        try:
            zone = timezone(timedelta(minutes=minutes))
            moment = datetime(
                int(found[3]), _month(found[2]), int(found[1]), int(found[4]), int(found[5]), int(found[6]), tzinfo=zone
            )
            return moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise TheirProtocolError("there is no such date or time") from error

    def day(self) -> date:
        """Return a day, quoted or not."""
        raw = self._quoted() if self.peek() == b'"' else self.take(_DAY, "a day")
        found = _DAY.fullmatch(raw)
        if found is None:
            raise TheirProtocolError("the day is not dd-Mon-yyyy")
        try:
            return date(int(found[3]), _month(found[2]), int(found[1]))
        except ValueError as error:
            raise TheirProtocolError("there is no such day") from error

    def many(self, one: Callable[[], T]) -> tuple[T, ...]:
        """Return what stands in brackets, separated by spaces; () for empty brackets."""
        self.char(b"(")
        self.deeper()
        found: list[T] = []
        if not self.try_char(b")"):
            found.append(one())
            while not self.try_char(b")"):
                self.space()
                found.append(one())
        self.depth += 1
        return tuple(found)

    def deeper(self) -> None:
        """Count an opened bracket.

        Raises:
            TheirProtocolError: it is one too many (reliability.md D02).
        """
        self.depth -= 1
        if self.depth < 0:
            raise TheirProtocolError("brackets are nested too deep")

    def _literal(self) -> bytes:
        literal = self._segments[self._index + 1]
        self._index += 2
        self._text = self._segments[self._index]
        self._at = 0
        return literal

    def _quoted(self) -> bytes:
        text, at = self._text, self._at + 1
        if self.peek() != b'"':
            raise self.wrong("a quoted string")
        close = text.find(b'"', at)
        if close >= 0 and text.find(b"\\", at, close) < 0:
            self._at = close + 1
            return text[at:close]
        return self._escaped(at)

    def _escaped(self, at: int) -> bytes:
        pieces = bytearray()
        text = self._text
        while at < len(text) and text[at] != 34:
            if text[at] == 92:
                at += 1
                if text[at : at + 1] not in {b'"', b"\\"}:
                    raise TheirProtocolError("a backslash quotes nothing")
            pieces.append(text[at])
            at += 1
        if at >= len(text):
            raise TheirProtocolError("a quoted string is not closed")
        self._at = at + 1
        return bytes(pieces)

    def _name(self, raw: bytes) -> str:
        name = unicodedata.normalize("NFC", decode_name(raw, utf8=self.utf8))
        if len(name) > NAME_MAX_CHARS:
            raise TheirProtocolError(f"the folder name is longer than {NAME_MAX_CHARS} characters")
        head, slash, rest = name.partition("/")
        return f"INBOX{slash}{rest}" if head.upper() == "INBOX" else name


def decode_utf8(raw: bytes) -> str:
    """Return the text of UTF-8 bytes without NUL.

    Raises:
        TheirProtocolError: they are not UTF-8.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TheirProtocolError("the text is not UTF-8") from error
    if "\0" in text:
        raise TheirProtocolError("the text holds a NUL")
    return text


def parse_set(raw: bytes) -> NumberSet:
    """Return the set of ``1:4,7,*``.

    Raises:
        TheirProtocolError: it is not one, a number is zero or too large, or it has more than 20,000 ranges.
    """
    parts = raw.split(b",")
    if len(parts) > SET_RANGES_MAX:
        raise TheirProtocolError(f"the set has more than {SET_RANGES_MAX} ranges")
    ranges: list[tuple[int, int]] = []
    for part in parts:
        first, colon, last = part.partition(b":")
        low = _set_number(first)
        ranges.append((low, _set_number(last) if colon else low))
    return NumberSet(tuple(ranges))


def _set_number(raw: bytes) -> int:
    if raw == b"*":
        return STAR
    if not raw.isdigit() or len(raw) > 10 or not 0 < int(raw) <= NUMBER_MAX:
        raise TheirProtocolError("a number of the set is missing, zero or too large")
    return int(raw)


def _month(raw: bytes) -> int:
    try:
        return MONTHS.index(raw.lower()) + 1
    except ValueError as error:
        raise TheirProtocolError("there is no such month") from error
