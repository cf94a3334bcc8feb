"""The bytes of a message on the wire: transparency (dot-stuffing), the end mark, strict line ends, bounds.

Not for headers or MIME: a message is lines here. Everything is found with the searches of `bytes`, in one pass.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.model.errors import OurProtocolError

END: Final = b"\r\n.\r\n"
PIECE_BYTES: Final = 65536

_BARE: Final = Refusal(
    Kind.BARE_LINE_END,
    "line-ends",
    "Bare CR, bare LF or NUL is not allowed; lines end with CRLF",
    "the message holds a bare CR, a bare LF or a NUL",
)


class DataReader:
    """Takes the bytes after a 354 and gives back the message, piece by piece.

    Attributes:
        ended: the end mark was seen; `rest` holds what came after it.
        rest: bytes that belong to the next command.
        refusal: why the message cannot be accepted, or None; once set, no more bytes are given.
        broken: the refusal leaves no safe way to find the end of the message: the connection must be closed.
        size_bytes: length of the message so far, transparency undone.
    """

    __slots__ = (
        "_carry",
        "_limit",
        "_line",
        "_line_limit",
        "_skip",
        "broken",
        "ended",
        "refusal",
        "rest",
        "size_bytes",
    )

    def __init__(self, limit_bytes: int, text_line_bytes: int) -> None:
        # The message starts at the start of a line: the CRLF before it is assumed, then skipped in what is given.
        self._carry = b"\r\n"
        self._skip = 2
        self._line = 0
        self._limit = limit_bytes
        self._line_limit = text_line_bytes
        self.ended = False
        self.rest = b""
        self.refusal: Refusal | None = None
        self.broken = False
        self.size_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Return the next bytes of the message, possibly none; look at `refusal` and `ended` after each call.

        Source: RFC 5321 section 4.5.2 (transparency) and 2.3.8 (CRLF only); reliability.md A01, A03.
        """
        data = self._carry + data if self._carry else data
        # One search settles most pieces: no line that starts with a dot, so neither an end nor transparency.
        dot = data.find(b"\r\n.") if b"." in data else -1
        cut = len(data)
        self._carry = b""
        if dot >= 0:
            end = data.find(END, dot)
            if end >= 0:
                self.ended = True
                self.rest = data[end + 5 :]
                cut = end + 2
        if not self.ended:
            cut -= _undecided(data)
            self._carry = data[cut:]
        piece = data[self._skip : cut] if self._skip < cut else b""
        if 0 <= dot < cut:
            piece = data[:cut].replace(b"\r\n.", b"\r\n")[self._skip :]
        self._skip = max(0, self._skip - cut)
        return self._checked(piece)

    def _checked(self, piece: bytes) -> bytes:
        self.size_bytes += len(piece)
        if self.broken:
            return b""
        if not has_clean_lines(piece):
            self.refusal, self.broken = _BARE, True
        elif self.refusal is None and self.size_bytes > self._limit:
            self.refusal = Refusal(
                Kind.MESSAGE_TOO_BIG, "message-size", f"Message is larger than the limit of {self._limit} bytes"
            )
        elif self.refusal is None and not self._lines_fit(piece):
            self.refusal = Refusal(
                Kind.LINE_TOO_LONG, "text-line", f"Text line is longer than the limit of {self._line_limit} bytes"
            )
        if self.refusal is not None and self.size_bytes > 2 * self._limit:
            self.broken = True
        return b"" if self.refusal is not None else piece

    def _lines_fit(self, piece: bytes) -> bool:
        # Leaps from line end to the last line end within reach, so that short lines cost nothing each.
        reach = self._line_limit + 2
        start = 0
        length = len(piece)
        before = self._line
        while before + length - start >= reach:
            found = piece.rfind(b"\r\n", start, start + reach - before)
            if found < 0:
                return False
            start = found + 2
            before = 0
        last = piece.rfind(b"\r\n", start)
        self._line = length - last - 2 if last >= 0 else before + length - start
        return self._line <= self._line_limit


def _undecided(data: bytes) -> int:
    """Return how many last bytes may be the beginning of an end mark."""
    for size in (4, 3, 2, 1):
        if data.endswith(END[:size]):
            return size
    return 0


def has_clean_lines(data: bytes) -> bool:
    """Tell whether there is no NUL, and no CR or LF but in CRLF.

    Source: RFC 5321 section 2.3.8; reliability.md A01, A02, A12.
    """
    # The pairs once blanked, what is left is bare; searches for one byte cost next to nothing.
    rest = data.replace(b"\r\n", b"  ")
    return b"\r" not in rest and b"\n" not in rest and b"\0" not in rest


def stuff(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the message as DATA sends it: transparency added, the end mark last, in pieces of about 64 KiB.

    Args:
        chunks: the message in any cut.

    Raises:
        OurProtocolError: a bare CR, a bare LF or a NUL; nothing of that piece was given, so close the connection.

    Source: RFC 5321 section 4.5.2 and 4.1.1.4; reliability.md A02.
    """
    held = b""
    line_start = True
    for piece in _pieces(chunks):
        whole = held + piece if held else piece
        # A CR waits for its LF, so that no pair is ever cut.
        held = b"\r" if whole.endswith(b"\r") else b""
        whole = whole[:-1] if held else whole
        if not has_clean_lines(whole):
            break
        if whole:
            dot = b"." if line_start and whole.startswith(b".") else b""
            line_start = whole.endswith(b"\r\n")
            yield dot + whole.replace(b"\r\n.", b"\r\n..") if dot or b"\r\n." in whole else whole
    else:
        if not held:
            yield END[2:] if line_start else END
            return
    msg = "message holds a bare CR, a bare LF or a NUL"
    raise OurProtocolError(msg)


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) <= PIECE_BYTES:
            yield chunk
        else:
            yield from (chunk[start : start + PIECE_BYTES] for start in range(0, len(chunk), PIECE_BYTES))
