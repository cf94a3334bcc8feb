"""A listening IMAP door: counts and times its connections, and closes them in order."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from mssante.doors.imap.connection import Connection
from mssante.doors.imap.state import Desk
from mssante.model.decision import Kind, Refusal
from mssante.model.log import Log

SWEEP_SECONDS: Final = 1.0
# What other processes commit rings no bell here: whoever waits in IDLE is looked after that often.
LOOK_SWEEPS: Final = 5
STOP_SECONDS: Final = 10.0
BACKLOG: Final = 1024
Key = TypeVar("Key", str, int)


class Door:
    """One listening socket and its connections."""

    def __init__(
        self,
        *,
        name: str,
        desk: Desk,
        implicit_tls: bool,
        tls_context: Callable[[], ssl.SSLContext],
        accounts: Counter[int],
        log: Log,
    ) -> None:
        """Keep the parts; nothing listens yet.

        Args:
            name: in logs: ``imap``, ``imaps``.
            desk: behind each connection.
            implicit_tls: TLS from the first byte.
            tls_context: called for each handshake, so that a renewed certificate serves at once.
            accounts: connections of each account, shared by the doors.
            log: where accidents go.
        """
        self.name = name
        self.log = log
        self.tls_context = tls_context
        self.loop = asyncio.get_running_loop()
        self._desk = desk
        self._settings = desk.settings
        self._implicit_tls = implicit_tls
        self._accounts = accounts
        self._connections: set[Connection] = set()
        self._by_ip: Counter[str] = Counter()
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
        """Stop listening, let commands under way end, say BYE to everybody."""
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
        ip = connection.peer.ip
        self._connections.add(connection)
        self._by_ip[ip] += 1
        if len(self._connections) > self._settings.connections:
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections", "Too many connections, try again later")
        if self._by_ip[ip] > self._settings.connections_per_address:
            public = "Too many connections from your address"
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections-per-address", public)
        return None

    def enter_account(self, account: int) -> Refusal | None:
        """Count in a connection that has signed in, or refuse it."""
        if self._accounts[account] >= self._settings.connections_per_account:
            public = "Too many connections of this account"
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections-per-account", public)
        self._accounts[account] += 1
        return None

    def leave_account(self, account: int) -> None:
        """Count out a connection that has signed out."""
        if account:
            _count_out(self._accounts, account)

    def leave(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        _count_out(self._by_ip, connection.peer.ip)
        self.leave_account(connection.account)
        connection.account = 0

    def _connection(self) -> Connection:
        return Connection(self, self._desk, implicit_tls=self._implicit_tls)

    async def _sweep(self) -> None:
        """Look for slow connections, and now and then for what others committed: one timer for all."""
        sweeps = 0
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now, sweeps = self.loop.time(), sweeps + 1
            for place, connection in enumerate(tuple(self._connections)):
                connection.check(now)
                if connection.session.is_waiting and (place + sweeps) % LOOK_SWEEPS == 0:
                    connection.poke()


def _count_out(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
