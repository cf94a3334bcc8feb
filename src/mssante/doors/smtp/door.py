"""A listening SMTP door: counts and times its connections, and closes them in order."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from mssante.doors.smtp.connection import Connection, Desk
from mssante.model.decision import Kind, Refusal
from mssante.model.log import Log
from mssante.model.settings import LimitSettings
from mssante.wire.smtp.session import ServerProfile

SWEEP_SECONDS: Final = 1.0
STOP_SECONDS: Final = 10.0
BACKLOG: Final = 1024


class Door:
    """One listening socket and its connections."""

    def __init__(
        self,
        *,
        name: str,
        profile: ServerProfile,
        implicit_tls: bool,
        make_desk: Callable[[], Desk],
        tls_context: Callable[[], ssl.SSLContext],
        limits: LimitSettings,
        log: Log,
    ) -> None:
        """Keep the parts; nothing listens yet.

        Args:
            name: in logs: ``smtp``, ``submission``, ``submissions``.
            make_desk: called for each connection.
            tls_context: called for each handshake, so that a renewed certificate serves at once.
        """
        self.name = name
        self.log = log
        self.tls_context = tls_context
        self.loop = asyncio.get_running_loop()
        self._profile = profile
        self._implicit_tls = implicit_tls
        self._make_desk = make_desk
        self._limits = limits
        self._connections: set[Connection] = set()
        self._by_ip: Counter[str] = Counter()
        self._by_peer: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one when 0 was asked.

        Raises:
            OSError: the address is in use or not ours.
        """
        self._server = await self.loop.create_server(self._connection, host, port, backlog=BACKLOG)
        self._sweeper = self.loop.create_task(self._sweep())
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening, let messages under way end, then close what is left."""
        if self._server is not None:
            self._server.close()
        refusal = Refusal(Kind.SHUTTING_DOWN, "stop", "Service is stopping, try again later")
        until = self.loop.time() + STOP_SECONDS
        while self._connections and self.loop.time() < until:
            for connection in tuple(self._connections):
                if connection.is_idle:
                    connection.end(refusal)
            await asyncio.sleep(0.02)
        for connection in tuple(self._connections):
            connection.end(refusal)
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper

    def enter(self, connection: Connection) -> Refusal | None:
        """Count a new connection in, or refuse it."""
        self._connections.add(connection)
        self._by_ip[connection.ip] += 1
        if len(self._connections) > self._limits.connections:
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections", "Too many connections, try again later")
        if self._by_ip[connection.ip] > self._limits.connections_per_address:
            return Refusal(
                Kind.TOO_MANY_CONNECTIONS, "connections-per-address", "Too many connections from your address"
            )
        return None

    def enter_peer(self, fingerprint: str) -> Refusal | None:
        """Count in a peer that has shown its certificate, or refuse it; `leave` counts it out."""
        self._by_peer[fingerprint] += 1
        if self._by_peer[fingerprint] > self._limits.connections_per_peer:
            public = "Too many connections with your certificate"
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections-per-peer", public)
        return None

    def leave(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        _count_out(self._by_ip, connection.ip)
        if connection.fingerprint:
            _count_out(self._by_peer, connection.fingerprint)

    def _connection(self) -> Connection:
        return Connection(self, self._make_desk(), self._profile, implicit_tls=self._implicit_tls)

    async def _sweep(self) -> None:
        """Look for slow and old connections: one timer for all costs less than one each."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self.loop.time()
            for connection in tuple(self._connections):
                connection.check(now)


def _count_out(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
