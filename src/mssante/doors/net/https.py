"""Open an HTTPS door inside a running event loop: the manager's, the autoconfiguration's, the directory's."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette

from mssante.doors.net.client_certificates import ClientCertificates
from mssante.doors.net.renewing import OwnCertificate
from mssante.model.errors import ConfigError
from mssante.model.log import Log
from mssante.model.system import reason

CLOSE_SECONDS: Final = 3
BACKLOG: Final = 128


class _Server(uvicorn.Server):
    """The server without its hold on signals (whoever runs us stops us), and with a way to know that it is open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door, then say so."""
        await super().startup(sockets)
        self.opened.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


@asynccontextmanager
async def open_door(
    app: Starlette,
    *,
    host: str,
    port: int,
    certificate: Path,
    key: Path,
    section: str = "manager",
    clients: ClientCertificates | None = None,
    log: Log | None = None,
) -> AsyncIterator[int]:
    """Serve the application until the context ends; gives the port, which matters when 0 was asked.

    A renewed certificate is shown from the next handshake on.

    Args:
        section: of the configuration, for what is said when the address cannot be used.
        clients: asks for their certificates; None: does not.
        log: where it is said that a renewed certificate is in force, or cannot be used.

    Raises:
        ConfigError: the address cannot be used, or the certificate or the key.
    """
    config = uvicorn.Config(
        app,
        http="auto" if clients is None else clients.protocol,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=1000,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    try:
        config.load()
        if config.ssl is not None:
            OwnCertificate(certificate, key, clients, section=section, log=log).show(config.ssl)
        listener = socket.create_server((host, port), backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        msg = f"[{section}] impossible d'écouter sur {host}, port {port}, avec {certificate} et {key} : {_said(error)}"
        raise ConfigError(msg) from error
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"{section} door")
    try:
        await server.opened.wait()
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


def _said(error: OSError | OverflowError) -> str:
    if isinstance(error, ssl.SSLError):
        return f"certificat ou clé inutilisable ({error.reason or 'illisible'}) ; vérifiez [tls]"
    return f"{reason(error) if isinstance(error, OSError) else error} ; changez host ou port, ou libérez-le"
