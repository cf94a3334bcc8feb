"""Lines of a national file out of chunks of bytes, and rows in batches; a bad line is told, never fatal.

Not for what the lines say (see the modules of each file), nor for opening files and archives (the caller does).

Source: issue 4 (bad lines are counted and kept with number and reason); reliability.md D08 (bounds).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.model.folding import fold

LINE_MAX_BYTES: Final = 16_384
TEXT_MAX_CHARS: Final = 200
BATCH_LINES: Final = 2_000
COLUMNS_MAX: Final = 300

_BLOCK_BYTES: Final = 65_536
# Of a line that is too long: enough to see that it is, whatever BOM and CR are taken off it.
_KEPT_BYTES: Final = LINE_MAX_BYTES + 8
_BOM: Final = b"\xef\xbb\xbf"
_CONTROLS: Final = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r")

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out.

    Attributes:
        number: in the file, its header being line 1.
        reason: in French.
        text: its beginning, up to 200 characters.
    """

    number: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What some lines in a row gave; a file has each of its lines below the header in exactly one batch.

    Attributes:
        rows: in the order of the file; their layout is the reader's.
        lines: how many lines were read for it.
    """

    rows: list[Row]
    bad: list[BadLine]
    lines: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no text: why, and what can be shown of it."""

    reason: str
    text: str


Line = str | Unreadable


def read_lines(chunks: Iterable[bytes], *, fallback: str | None = None) -> Iterator[Line]:
    r"""Yield the lines of a file of UTF-8 without their ends (LF or CRLF); a BOM goes; the last one needs no end.

    Where the chunks are cut changes nothing. What is kept is one block and one line, whatever is sent.

    Args:
        chunks: the bytes of the file in order, of any sizes.
        fallback: encoding of a line that is not UTF-8 (one byte a character); None: such a line is unreadable.
    """
    for block in _blocks(chunks):
        if b"\r" not in block and len(block.translate(None, _CONTROLS)) == len(block):
            try:
                texts = block.decode("utf-8").split("\n")
            except UnicodeDecodeError:
                pass
            else:
                if max(map(len, texts)) * 4 <= LINE_MAX_BYTES:
                    yield from texts
                    continue
        for raw in block.split(b"\n"):
            yield _line(raw, fallback)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield whole lines, several at a time, without the end of the last one; of an endless line only its beginning."""
    rest = b""
    is_first = True
    for piece in _pieces(chunks):
        cut = piece.rfind(b"\n")
        if cut < 0:
            rest = (rest + piece)[:_KEPT_BYTES] if len(rest) < _KEPT_BYTES else rest
            continue
        block = rest + piece[:cut]
        rest = piece[cut + 1 :]
        yield block.removeprefix(_BOM) if is_first else block
        is_first = False
    if rest:
        yield rest.removeprefix(_BOM) if is_first else rest


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what came in pieces of a bounded size."""
    for chunk in chunks:
        if len(chunk) <= _BLOCK_BYTES:
            yield chunk
        else:
            for start in range(0, len(chunk), _BLOCK_BYTES):
                yield chunk[start : start + _BLOCK_BYTES]


def _line(raw: bytes, fallback: str | None) -> Line:
    raw = raw.removesuffix(b"\r")
    if len(raw) > LINE_MAX_BYTES:
        return Unreadable(f"ligne de plus de {LINE_MAX_BYTES} octets", _shown(raw))
    if len(raw.translate(None, _CONTROLS + b"\r")) != len(raw):
        return Unreadable("caractère de contrôle dans la ligne", _shown(raw))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        if fallback is None:
            return Unreadable("la ligne n'est pas en UTF-8", _shown(raw))
        return raw.decode(fallback, "replace")


def _shown(raw: bytes) -> str:
    """Return the beginning of a line as it can be shown in a report."""
    text = raw[: TEXT_MAX_CHARS * 4].decode("utf-8", "replace")[:TEXT_MAX_CHARS]
    return "".join([char if char.isprintable() else "\ufffd" for char in text])


def header_of(lines: Iterator[Line], what: str) -> str:
    """Take the first line.

    Args:
        what: the file, as its user calls it.

    Raises:
        TheirProtocolError: there is none, or it cannot be read.
    """
    header = next(lines, "")
    if isinstance(header, Unreadable):
        msg = f"{what} : ligne d'en-tête illisible ({header.reason})"
        raise TheirProtocolError(msg)
    if not header.strip():
        msg = f"{what} : le fichier est vide ou commence par une ligne vide"
        raise TheirProtocolError(msg)
    return header


def in_batches(lines: Iterator[Line], parse: Callable[[str], Row | str], first: int) -> Iterator[Batch]:
    """Yield the rows of the lines, `BATCH_LINES` lines at a time.

    Args:
        parse: gives the row of a line, or, in French, why it has none.
        first: number of the first of the lines in the file.
    """
    while part := list(islice(lines, BATCH_LINES)):
        rows: list[Row] = []
        bad: list[BadLine] = []
        for number, line in enumerate(part, first):
            if isinstance(line, str):
                found = parse(line)
                if isinstance(found, str):
                    bad.append(bad_line(number, found, line))
                else:
                    rows.append(found)
            else:
                bad.append(BadLine(number, line.reason, line.text))
        yield Batch(rows, bad, len(part))
        first += len(part)


def bad_line(number: int, reason: str, text: str) -> BadLine:
    """Return a line that was left out, cut to what a report may show."""
    return BadLine(number, reason, text[:TEXT_MAX_CHARS])


def columns_of(header: list[str], wanted: Iterable[str], what: str) -> list[int]:
    """Return where columns stand in a header; case, accents and spaces do not count; others may stand between.

    Raises:
        TheirProtocolError: one is missing (it is named), or the header has more columns than any file of this kind.
    """
    if len(header) > COLUMNS_MAX:
        msg = f"{what} : plus de {COLUMNS_MAX} colonnes dans l'en-tête"
        raise TheirProtocolError(msg)
    places: dict[str, int] = {}
    for place, name in enumerate(header):
        places.setdefault(fold(name), place)
    found: list[int] = []
    for name in wanted:
        place_of = places.get(fold(name))
        if place_of is None:
            msg = f"{what} : la colonne « {name} » manque dans l'en-tête"
            raise TheirProtocolError(msg)
        found.append(place_of)
    return found


def fields_of(line: str, separator: str = "|") -> list[str]:
    """Return the fields of a line without the spaces around them."""
    return list(map(str.strip, line.split(separator)))


def wrong_count(fields: list[str], wanted: int) -> str:
    """Return, in French, why a line with so many fields is left out."""
    if len(fields) == 1 and not fields[0].strip():
        return "ligne vide"
    return f"{len(fields)} colonnes au lieu de {wanted}"
