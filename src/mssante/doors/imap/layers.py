"""Compression of one connection (RFC 4978), bounded: a small input never becomes an endless output.

Begun after sign-in only, so that no secret of the sign-in is ever compressed beside what somebody else chose (CRIME).
"""

import zlib
from typing import Final

PIECE_BYTES: Final = 1024 * 1024
# Raw deflate, a small window: a connection holds both ends for as long as it lives.
_WINDOW: Final = -12
_MEMORY: Final = 5


class Deflate:
    """Both directions of one connection; guards their histories."""

    __slots__ = ("_in", "_out")

    def __init__(self) -> None:
        """Start with empty histories."""
        self._in = zlib.decompressobj(-zlib.MAX_WBITS)
        self._out = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, _WINDOW, _MEMORY)

    def receive(self, data: bytes) -> bytes:
        """Return what came, expanded.

        Raises:
            zlib.error: it is not deflated, it ended, or it expands beyond the bound (a bomb).
        """
        clear = self._in.decompress(data, PIECE_BYTES)
        if self._in.unconsumed_tail or self._in.eof:
            msg = "compressed input expands too far or has ended"
            raise zlib.error(msg)
        return clear

    def send(self, data: bytes) -> bytes:
        """Return what is said, compressed and flushed: the client can read all of it at once."""
        return self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)
