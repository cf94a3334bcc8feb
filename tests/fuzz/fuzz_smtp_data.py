"""Fuzz target: dot-stuffing in any cut gives the message back; any bytes as a message are read in bounds."""

from mssante.model.errors import OurProtocolError
from mssante.wire.smtp.data import DataReader, has_clean_lines, stuff

LIMIT_BYTES = 1000


def one_input(data: bytes) -> None:
    """Check the round trip of the message, and the bounds of the reader on the raw bytes."""
    step = (data[0] if data else 0) + 1
    body = data[1:]
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    _read(pieces)
    try:
        wire = b"".join(stuff(pieces))
    except OurProtocolError:
        assert not has_clean_lines(body)
        return
    reader = DataReader(len(body) + 2, len(body) + 2)
    out = b""
    for start in range(0, len(wire), step):
        out += reader.feed(wire[start : start + step])
    assert reader.ended
    assert out == (body if body.endswith(b"\r\n") or not body else body + b"\r\n")


def _read(pieces: list[bytes]) -> None:
    reader = DataReader(LIMIT_BYTES, 100)
    out = b""
    for piece in pieces:
        if reader.ended or reader.broken:
            break
        out += reader.feed(piece)
    assert len(out) <= LIMIT_BYTES
    assert has_clean_lines(out)
    assert all(len(line) <= 100 for line in out.split(b"\r\n"))
