"""A listening SMTP door: counts and times its connections, and closes them in order."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

from mssante.doors.net.crowd import Crowd, count_out
from mssante.doors.smtp.connection import Connection, Desk
from mssante.model.decision import Kind, Refusal
from mssante.model.log import Log
from mssante.model.settings import LimitSettings
from mssante.wire.smtp.session import ServerProfile


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
        self._by_peer: Counter[str] = Counter()
        self._crowd: Crowd[Connection] = Crowd(
            connections=limits.connections,
            per_address=limits.connections_per_address,
            look=lambda connection, now, _turn: connection.check(now),
        )

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one when 0 was asked.

        Raises:
            OSError: the address is in use or not ours.
        """
        return await self._crowd.open(self._connection, host, port)

    async def close(self) -> None:
        """Stop listening, let messages under way end, then close what is left."""
        await self._crowd.close()

    def enter(self, connection: Connection) -> Refusal | None:
        """Count a new connection in, or refuse it."""
        return self._crowd.enter(connection, connection.ip)

    def enter_peer(self, fingerprint: str) -> Refusal | None:
        """Count in a peer that has shown its certificate, or refuse it; `leave` counts it out."""
        self._by_peer[fingerprint] += 1
        if self._by_peer[fingerprint] > self._limits.connections_per_peer:
            public = "Too many connections with your certificate"
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections-per-peer", public)
        return None

    def leave(self, connection: Connection) -> None:
        """Count a connection out."""
        self._crowd.leave(connection, connection.ip)
        if connection.fingerprint:
            count_out(self._by_peer, connection.fingerprint)

    def _connection(self) -> Connection:
        return Connection(self, self._make_desk(), self._profile, implicit_tls=self._implicit_tls)
