"""The server side of TLS on one connection: cipher text in and out of memory, so that the door keeps the socket.

asyncio's own STARTTLS drops the connection before the alert of a refused handshake is written, and the peer would not
learn why (law 8); here the alert goes out first. What came in clear before the handshake never gets in here.

Source: RFC 3207 section 4; RFC 5246 section 7.2 (alerts), as OpenSSL makes them.
"""

import contextlib
import ssl
from typing import Final

PIECE_BYTES: Final = 64 * 1024


class TlsLayer:
    """One TLS session as a server.

    Attributes:
        ready: the handshake is done.
        ended: the peer said that it sends no more.
    """

    __slots__ = ("_in", "_object", "_out", "ended", "ready")

    def __init__(self, context: ssl.SSLContext) -> None:
        """Start before the first byte of the handshake."""
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=True)
        self.ready = False
        self.ended = False

    @property
    def session(self) -> ssl.SSLObject:
        """Return the session, for what it knows of the peer."""
        return self._object

    def receive(self, data: bytes) -> bytes:
        """Take what came from the wire; return what it says in clear, b"" while the handshake goes on.

        Raises:
            ssl.SSLError: the handshake is refused or the session is broken; `output` may hold the alert to send.
        """
        self._in.write(data)
        if not self.ready:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                return b""
            self.ready = True
        return self._read()

    def _read(self) -> bytes:
        pieces: list[bytes] = []
        try:
            while piece := self._object.read(PIECE_BYTES):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            self.ended = False
        except ssl.SSLZeroReturnError:
            self.ended = True
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def send(self, data: bytes) -> bytes:
        """Return the cipher text of what is to be said."""
        self._object.write(data)
        return self._out.read()

    def output(self) -> bytes:
        """Return what the session itself has to say: handshake, alert."""
        return self._out.read()

    def close(self) -> bytes:
        """Return the end of the session as we say it."""
        if self.ready:
            # Said once; the peer's own end is not waited for.
            with contextlib.suppress(ssl.SSLError, ValueError):
                self._object.unwrap()
        return self._out.read()
