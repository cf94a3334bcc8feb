"""The directory's door over real TLS on loopback, with client certificates; what links and certificates are tried on."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from cryptography.hazmat.primitives import serialization
from forge import DAY, Issued, Order, issue, server_name
from https_server import authority
from starlette.types import ASGIApp

from mssante.doors.directory.peer import CertificateProtocol


@dataclass(frozen=True, slots=True)
class Files:
    """A certificate with its key, as PEM files."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class HttpsDoor:
    """An open door.

    Attributes:
        url: without path.
        root: DER that its certificate comes from.
        client: a certificate of the same authority.
    """

    url: str
    root: bytes
    client: Files


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.opened.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def written(folder: Path, name: str, issued: Issued) -> Files:
    """Write a certificate and its key."""
    files = Files(folder / f"{name}.pem", folder / f"{name}.key")
    files.chain.write_bytes(issued.certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        issued.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


@asynccontextmanager
async def directory_https(app: ASGIApp, folder: Path) -> AsyncIterator[HttpsDoor]:
    """Serve the application as localhost, a client certificate being asked for and not demanded."""
    now = datetime.now(UTC)
    root = authority()
    dates = {"not_before": now - DAY, "not_after": now + DAY}
    server = written(folder, "server", issue(replace(Order(), dns=("localhost",), **dates), root))
    client = written(
        folder, "client", issue(Order(subject=server_name("DPI VALDORE"), key_name="client", **dates), root)
    )
    anchor = written(folder, "root", root)
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        http=CertificateProtocol,
        ssl_certfile=server.chain,
        ssl_keyfile=str(server.key),
        ssl_ca_certs=str(anchor.chain),
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
        lifespan="off",
        log_config=None,
        access_log=False,
    )
    door = _Quiet(config)
    task = asyncio.create_task(door.serve())
    await door.opened.wait()
    try:
        yield HttpsDoor(f"https://localhost:{door.servers[0].sockets[0].getsockname()[1]}", root.value.der, client)
    finally:
        door.should_exit = True
        await task
