"""Address lists of header fields: From, To, Cc, Reply-To.

Not for envelopes, where an address is exact (see `mssante.model.address.parse_address`).
"""

import re
from typing import Final

from mssante.model.address import Address, parse_address
from mssante.model.errors import TheirProtocolError
from mssante.wire.mime.words import decode_words, one_line

VALUE_MAX_BYTES: Final = 1024 * 1024
DISPLAY_MAX_CHARS: Final = 512

# Possessive and disjoint: no step is tried twice. An unterminated string takes the rest of the text.
_TOKEN: Final = re.compile(
    r'[ \t\r\n]++|"(?:[^"\\]|\\.)*+(?:"|\\?$)|\[[^\[\]]*+\]?|[<>,:;@.()]|[^ \t\r\n"\[<>,:;@.()]++|.', re.DOTALL
)
_COMMENT: Final = re.compile(r"[^()\\]++|\\.|[()]|\\", re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
# What nearly every message has, in one step: a name, quoted or not, and an address without anything special.
_PLAIN: Final = re.compile(
    rb"[ \t]*+(?:\"([^\"\\\r\n]*+)\"|([^\"\\<>,;:@()\[\]\r\n]*+))[ \t]*+<([A-Za-z0-9.\-_+]+@[A-Za-z0-9.\-]+)>[ \t\r\n]*"
)


# The other common form: an address alone.
_BARE: Final = re.compile(rb"[ \t]*+([A-Za-z0-9.\-_+]+@[A-Za-z0-9.\-]+)[ \t\r\n]*+")


def parse_addresses(value: bytes) -> tuple[tuple[str, Address], ...]:
    """Return the addresses of a field with their display names, in order; broken ones are left out.

    Groups are opened, comments dropped, source routes ignored. Never raises; linear; reads at most 1 MiB.

    Args:
        value: the field's value with its folding, any bytes.

    Source: RFC 5322 sections 3.4 and 4.4; RFC 6532 section 3.2; RFC 2047 section 5; reliability.md C02.
    """
    plain = _PLAIN.fullmatch(value)
    if plain is not None:
        found = _address(plain[3].decode())
        display = plain[2] if plain[1] is None else plain[1]
        return () if found is None else ((_shown(display.decode("utf-8", "replace")), found),)
    bare = _BARE.fullmatch(value)
    if bare is not None:
        alone = _address(bare[1].decode())
        return () if alone is None else (("", alone),)
    reader = _Reader()
    text = value[:VALUE_MAX_BYTES].decode("utf-8", "replace")
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            break
        piece = match[0]
        position = match.end()
        if piece == "(":
            position = _skip_comment(text, position)
            reader.gap()
        else:
            reader.take(piece)
    reader.flush()
    return tuple(reader.found)


def _skip_comment(text: str, position: int) -> int:
    """Return the place after a comment, or the end when it is never closed; nesting is a number, not a recursion."""
    depth = 1
    while depth and position < len(text):
        match = _COMMENT.match(text, position)
        if match is None:
            return len(text)
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        position = match.end()
    return position


def _shown(display: str) -> str:
    return one_line(decode_words(display))[:DISPLAY_MAX_CHARS]


def _address(text: str) -> Address | None:
    try:
        return parse_address(text)
    except TheirProtocolError:
        return None


class _Reader:
    """What has been read of the address under way: words outside of the angle, text inside it."""

    __slots__ = ("_angle", "_broken", "_closed", "_gap", "_words", "found")

    def __init__(self) -> None:
        self.found: list[tuple[str, Address]] = []
        self._clear()

    def _clear(self) -> None:
        self._words: list[tuple[bool, str]] = []
        self._angle: list[str] | None = None
        self._closed = False
        self._broken = False
        self._gap = False

    def gap(self) -> None:
        """Note a space or a comment between two words."""
        self._gap = True

    def take(self, piece: str) -> None:
        """Take one token that is not a comment."""
        inside = self._angle is not None and not self._closed
        if piece[0] in " \t\r\n":
            self._gap = True
        elif piece == "<":
            self._broken = self._broken or self._angle is not None
            self._angle = [] if self._angle is None else self._angle
        elif piece == ">":
            self._broken = self._broken or not inside
            self._closed = True
        elif self._angle is not None and inside and self._is_route(piece):
            self._angle.append(piece)
        elif piece in {",", ";"}:
            self.flush()
        elif piece == ":" and self._angle is None:
            self._clear()
        elif self._angle is not None and inside:
            self._angle.append(piece)
        else:
            self._broken = self._broken or self._closed
            self._words.append((self._gap, piece))
            self._gap = False

    def _is_route(self, piece: str) -> bool:
        return piece in {",", ":"} and bool(self._angle) and self._angle is not None and self._angle[0] == "@"

    def flush(self) -> None:
        """End the address under way and keep it when it is whole."""
        if not self._broken:
            if self._angle is not None and self._closed:
                spec = "".join(self._angle)
                if spec.startswith("@"):
                    spec = spec.rpartition(":")[2]
                found = _address(spec)
                display = self._display()
            else:
                found = None if self._angle is not None or not self._words else _address(self._bare())
                display = ""
            if found is not None:
                self.found.append((display, found))
        self._clear()

    def _bare(self) -> str:
        """Return the words as an address: a gap counts only between two words that no dot or at sign joins."""
        out = ""
        parts: list[str] = []
        for gap, word in self._words:
            if gap and parts and out not in {".", "@"} and word not in {".", "@"}:
                parts.append(" ")
            parts.append(word)
            out = word
        return "".join(parts)

    def _display(self) -> str:
        parts: list[str] = []
        for gap, word in self._words:
            if gap and parts:
                parts.append(" ")
            parts.append(_QUOTED_PAIR.sub(r"\1", word[1:].removesuffix('"')) if word[0] == '"' else word)
        return _shown("".join(parts))
