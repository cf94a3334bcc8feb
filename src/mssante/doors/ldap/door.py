"""A listening LDAP door: counts and times its connections, and closes them in order."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable

from mssante.doors.ldap.connection import Connection
from mssante.doors.ldap.state import Desk
from mssante.doors.net.crowd import Crowd, count_out
from mssante.model.decision import Kind, Refusal
from mssante.model.log import Log


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
            name: in logs: ``ldap``, ``ldaps``.
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
        self._crowd: Crowd[Connection] = Crowd(
            connections=desk.settings.connections, per_address=desk.settings.connections_per_address, look=_look
        )

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one when 0 was asked.

        Raises:
            OSError: the address is in use or not ours.
        """
        return await self._crowd.open(self._connection, host, port)

    async def close(self) -> None:
        """Stop listening, let operations under way end, tell everybody."""
        await self._crowd.close()

    def enter(self, connection: Connection) -> Refusal | None:
        """Count a new connection in, or refuse it."""
        return self._crowd.enter(connection, connection.peer.ip)

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
            count_out(self._accounts, account)

    def leave(self, connection: Connection) -> None:
        """Count a connection out."""
        self._crowd.leave(connection, connection.peer.ip)
        self.leave_account(connection.account)
        connection.account = 0

    def _connection(self) -> Connection:
        return Connection(self, self._desk, implicit_tls=self._implicit_tls)


def _look(connection: Connection, now: float, _turn: int) -> None:
    connection.check(now)
