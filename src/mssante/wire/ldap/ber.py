"""BER as LDAP uses it: definite lengths, tags of one byte, primitive strings; written and read in one forward pass.

Not for DER nor for certificates. Nothing here recurses: whoever reads nested elements counts the depth.

Source: RFC 4511 section 5.1; ITU-T X.690 sections 8.1 to 8.9.
"""

from typing import Final

from mssante.model.errors import TheirProtocolError

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
OCTETS: Final = 0x04
ENUMERATED: Final = 0x0A
SEQUENCE: Final = 0x30
SET: Final = 0x31
MAX_INT: Final = 2**31 - 1
# A length of 2**64 is more than any memory; further bytes could only be leading zeros.
LENGTH_MAX_BYTES: Final = 8

_LONG_TAG: Final = 0x1F
_HEADS: Final = tuple(bytes((OCTETS, length)) for length in range(0x80))


def head(data: bytes | bytearray, at: int, end: int) -> tuple[int, int, int] | None:
    """Return tag, start and length of the value whose element begins at `at`; None when the bytes end before it does.

    Raises:
        TheirProtocolError: a tag of several bytes, an indefinite or reserved length.

    Source: RFC 4511 section 5.1 (definite form only); X.690 sections 8.1.2 and 8.1.3.
    """
    if at + 2 > end:
        return None
    tag, length = data[at], data[at + 1]
    if tag & _LONG_TAG == _LONG_TAG:
        msg = f"tag 0x{tag:02x} is of a form that LDAP does not use"
        raise TheirProtocolError(msg)
    if length < 0x80:
        return tag, at + 2, length
    count = length & 0x7F
    if not 1 <= count <= LENGTH_MAX_BYTES:
        msg = f"length 0x{length:02x} is indefinite, reserved or of more than {LENGTH_MAX_BYTES} bytes"
        raise TheirProtocolError(msg)
    start = at + 2 + count
    if start > end:
        return None
    return tag, start, int.from_bytes(data[at + 2 : start], "big")


class Elements:
    """A place in a run of elements; each call goes over one.

    Attributes:
        next_tag: of the element that stands here, -1 at the end.
    """

    __slots__ = ("_at", "_data", "_end", "next_tag")

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        """Start at the first element of that part of the data."""
        self._data = data
        self._end = len(data) if end is None else end
        self._go_to(start)

    def _go_to(self, at: int) -> None:
        self._at = at
        self.next_tag = self._data[at] if at < self._end else -1

    @property
    def at_end(self) -> bool:
        """Tell whether nothing follows."""
        return self._at >= self._end

    def skip(self) -> tuple[int, int, int]:
        """Go over any element; return its tag and where its value starts and stops.

        Raises:
            TheirProtocolError: there is none, or it is longer than what holds it.
        """
        found = head(self._data, self._at, self._end)
        if found is None:
            msg = "an element is missing or cut short"
            raise TheirProtocolError(msg)
        tag, start, length = found
        stop = start + length
        if stop > self._end:
            msg = f"an element of {length} bytes is longer than what holds it"
            raise TheirProtocolError(msg)
        self._go_to(stop)
        return tag, start, stop

    def _take(self, tag: int) -> tuple[int, int]:
        if self.next_tag != tag:
            found = "the end" if self.next_tag < 0 else f"0x{self.next_tag:02x}"
            msg = f"expected element 0x{tag:02x}, found {found}"
            raise TheirProtocolError(msg)
        _tag, start, stop = self.skip()
        return start, stop

    def inside(self, tag: int = SEQUENCE) -> "Elements":
        """Go over a constructed element; return what stands in it."""
        start, stop = self._take(tag)
        return Elements(self._data, start, stop)

    def octets(self, tag: int = OCTETS) -> bytes:
        """Return the bytes of a primitive string."""
        start, stop = self._take(tag)
        return self._data[start:stop]

    def text(self, tag: int = OCTETS) -> str:
        """Return a string as text; bytes that are no UTF-8 become lone surrogates, which no name holds."""
        return self.octets(tag).decode("utf-8", "surrogateescape")

    def number(self, tag: int = INTEGER) -> int:
        """Return a whole number of 0 to 2**31 - 1, which is all that LDAP has.

        Source: RFC 4511 section 4.1.1 (maxInt).
        """
        start, stop = self._take(tag)
        value = int.from_bytes(self._data[start:stop], "big", signed=True) if stop - start <= 8 else -1
        if start == stop or not 0 <= value <= MAX_INT:
            msg = f"a number is not of 0 to {MAX_INT}"
            raise TheirProtocolError(msg)
        return value

    def flag(self, tag: int = BOOLEAN) -> bool:
        """Return a truth value; any byte but zero is true, as clients differ."""
        start, stop = self._take(tag)
        if stop - start != 1:
            msg = "a truth value is not of one byte"
            raise TheirProtocolError(msg)
        return self._data[start] != 0


def element(tag: int, value: bytes) -> bytes:
    """Return an element with the shortest length."""
    length = len(value)
    if length < 0x80:
        return bytes((tag, length)) + value
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + value


def octets(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    if len(value) < 0x80:
        return _HEADS[len(value)] + value
    return element(OCTETS, value)


def text(value: str) -> bytes:
    """Return a string of text; lone surrogates become the bytes that they were read from."""
    return octets(value.encode("utf-8", "surrogateescape"))


def number(value: int, tag: int = INTEGER) -> bytes:
    """Return a whole number of 0 or more."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def flag(*, value: bool) -> bytes:
    """Return a truth value.

    Source: RFC 4511 section 5.1 (TRUE is 0xFF).
    """
    return b"\x01\x01\xff" if value else b"\x01\x01\x00"


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Return a constructed element with those parts."""
    return element(tag, b"".join(parts))
