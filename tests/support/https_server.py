"""A small HTTPS server on loopback that answers from a table of functions, for links that ask over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from forge import DAY, Issued, Order, authority_name, issue

Page = Callable[[bytes], bytes]


@dataclass
class HttpsServer:
    """Where it listens and what it was asked.

    Attributes:
        pages: path -> what answers, from the body of the question.
        asked: paths in order.
        reached: somebody has asked.
        gate: answers wait for it.
    """

    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str) -> str:
        return f"https://localhost:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            body = await reader.readexactly(length)
            self.asked.append(path)
            self.reached.set()
            await self.gate.wait()
            found = self.pages[path](body) if path in self.pages else None
            status = b"404 Not Found" if found is None else b"200 OK"
            data = found or b""
            writer.write(
                b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(data), data)
            )
            await writer.drain()
            writer.close()


def authority(name: str = "TEST AC WEB") -> Issued:
    """Return a root that is good by the clock of the machine, as the TLS library judges it."""
    now = datetime.now(UTC)
    return issue(
        Order(
            subject=authority_name(name),
            authority=True,
            key_name=name,
            not_before=now - DAY,
            not_after=now + DAY,
        )
    )


@asynccontextmanager
async def https_server(folder: Path, signer: Issued) -> AsyncIterator[HttpsServer]:
    """Listen as localhost with a certificate of the signer."""
    now = datetime.now(UTC)
    leaf = issue(replace(Order(), dns=("localhost",), not_before=now - DAY, not_after=now + DAY), signer)
    chain, key = folder / "web.pem", folder / "web.key"
    chain.write_bytes(leaf.certificate.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    made = HttpsServer()
    made.gate.set()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await server.wait_closed()
