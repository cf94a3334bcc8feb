"""A byte stream to one peer that can turn into TLS: reads, writes and time-outs; knows nothing of SMTP.

Own protocol in place of asyncio's streams, because bytes that came in clear must be seen, and refused, before the
handshake (reliability.md A05 and section 6.1).
"""

import asyncio
import ssl
from typing import Final

from mssante.model.errors import LinkError, TheirProtocolError

READ_MAX_BYTES: Final = 256 * 1024


class _Receiver(asyncio.Protocol):
    """Keeps what came, and tells when there is something or when writing may go on."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.closed = False
        self.error: Exception | None = None
        self.readable = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport) or hasattr(transport, "pause_reading"):
            self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.readable.set()
        if len(self.buffer) > READ_MAX_BYTES and self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> None:
        self.closed = True
        self.readable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.error = exc
        self.readable.set()
        self.writable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()


class SmtpStream:
    """One connection, in clear and then inside TLS."""

    def __init__(self, transport: asyncio.Transport, receiver: _Receiver) -> None:
        self._transport = transport
        self._receiver = receiver

    @classmethod
    async def connect(cls, address: str, port: int, *, seconds: float) -> "SmtpStream":
        """Return the open connection.

        Raises:
            OSError: refused, unreachable, no address.
            TimeoutError: it took longer.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            transport, receiver = await loop.create_connection(_Receiver, address, port)
        return cls(transport, receiver)

    async def start_tls(self, context: ssl.SSLContext, server_name: str, *, seconds: float) -> None:
        """Shake hands.

        Raises:
            TheirProtocolError: the peer sent bytes in clear that nobody asked for.
            ssl.SSLError: the handshake failed.
            OSError: the connection was lost.
            TimeoutError: it took longer.
        """
        self._transport.pause_reading()
        if self._receiver.buffer:
            msg = "peer sent bytes between its answer to STARTTLS and the handshake"
            raise TheirProtocolError(msg)
        loop = asyncio.get_running_loop()
        fresh = _Receiver()
        async with asyncio.timeout(seconds):
            transport = await loop.start_tls(
                self._transport, fresh, context, server_hostname=server_name, ssl_handshake_timeout=seconds
            )
        if transport is None:
            msg = "the connection closed during the handshake"
            raise ConnectionError(msg)
        fresh.transport = transport
        self._transport, self._receiver = transport, fresh

    async def read(self, *, seconds: float) -> bytes:
        """Return what came, at least one byte.

        Raises:
            LinkError: the peer closed or the connection was lost.
            TimeoutError: nothing came.
        """
        receiver = self._receiver
        if not receiver.buffer and not receiver.closed:
            receiver.readable.clear()
            async with asyncio.timeout(seconds):
                await receiver.readable.wait()
        if not receiver.buffer:
            msg = f"peer closed the connection{f': {receiver.error}' if receiver.error else ''}"
            raise LinkError(msg)
        data = bytes(receiver.buffer)
        receiver.buffer.clear()
        if len(data) > READ_MAX_BYTES and not receiver.closed:
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes, *, seconds: float) -> None:
        """Write, and wait while the peer takes no more.

        Raises:
            LinkError: the connection was lost.
            TimeoutError: the peer took nothing.
        """
        if self._receiver.closed or self._transport.is_closing():
            msg = "peer closed the connection"
            raise LinkError(msg)
        self._transport.write(data)
        if not self._receiver.writable.is_set():
            async with asyncio.timeout(seconds):
                await self._receiver.writable.wait()

    @property
    def is_closed(self) -> bool:
        """Tell whether the peer closed or the connection was lost."""
        return self._receiver.closed or self._transport.is_closing()

    @property
    def remote(self) -> tuple[str, int]:
        """Return the peer's address and port."""
        name = self._transport.get_extra_info("peername") or ("", 0)
        return str(name[0]), int(name[1])

    @property
    def tls(self) -> ssl.SSLObject | None:
        """Return the TLS session, or None in clear."""
        found: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object")
        return found

    def abort(self) -> None:
        """Close at once, without waiting."""
        self._transport.abort()

    async def close(self, *, seconds: float) -> None:
        """Close in good order, at once when that takes longer."""
        self._transport.close()
        receiver = self._receiver
        try:
            async with asyncio.timeout(seconds):
                while not receiver.closed:
                    receiver.readable.clear()
                    await receiver.readable.wait()
        except TimeoutError:
            self._transport.abort()
