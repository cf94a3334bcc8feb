"""A listening door whose connections sign in: counted by address and by account, timed, closed in order."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from mssante.doors.net.crowd import Crowd, Guest, count_out
from mssante.model.decision import Kind, Refusal
from mssante.model.log import Log
from mssante.model.peer import PeerFacts


class SignedIn(Guest, Protocol):
    """A connection as its door sees it.

    Attributes:
        account: of whoever signed in, 0 before.
    """

    account: int

    @property
    def peer(self) -> PeerFacts:
        """Return who is there."""
        ...


class Bounds(Protocol):
    """How many connections there may be."""

    @property
    def connections(self) -> int:
        """Return the most in all."""
        ...

    @property
    def connections_per_address(self) -> int:
        """Return the most from one address."""
        ...

    @property
    def connections_per_account(self) -> int:
        """Return the most of one account."""
        ...


C = TypeVar("C", bound=SignedIn)


class AccountDoor(Generic[C]):
    """One listening socket and its connections."""

    def __init__(
        self,
        *,
        name: str,
        make: Callable[["AccountDoor[C]"], asyncio.Protocol],
        look: Callable[[C, float, int], None],
        bounds: Bounds,
        tls_context: Callable[[], ssl.SSLContext],
        accounts: Counter[int],
        log: Log,
    ) -> None:
        """Keep the parts; nothing listens yet.

        Args:
            name: in logs: ``imap``, ``imaps``.
            make: makes a connection of this door.
            look: see `Crowd`.
            bounds: how many connections there may be.
            tls_context: called for each handshake, so that a renewed certificate serves at once.
            accounts: connections of each account, shared by the doors.
            log: where accidents go.
        """
        self.name = name
        self.log = log
        self.tls_context = tls_context
        self.loop = asyncio.get_running_loop()
        self._make = make
        self._bounds = bounds
        self._accounts = accounts
        self._crowd: Crowd[C] = Crowd(
            connections=bounds.connections, per_address=bounds.connections_per_address, look=look
        )

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port, which is a free one when 0 was asked.

        Raises:
            OSError: the address is in use or not ours.
        """
        return await self._crowd.open(lambda: self._make(self), host, port)

    async def close(self) -> None:
        """Stop listening, let what is under way end, tell everybody."""
        await self._crowd.close()

    def enter(self, connection: C) -> Refusal | None:
        """Count a new connection in, or refuse it."""
        return self._crowd.enter(connection, connection.peer.ip)

    def enter_account(self, account: int) -> Refusal | None:
        """Count in a connection that has signed in, or refuse it."""
        if self._accounts[account] >= self._bounds.connections_per_account:
            public = "Too many connections of this account"
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections-per-account", public)
        self._accounts[account] += 1
        return None

    def leave_account(self, account: int) -> None:
        """Count out a connection that has signed out."""
        if account:
            count_out(self._accounts, account)

    def leave(self, connection: C) -> None:
        """Count a connection out."""
        self._crowd.leave(connection, connection.peer.ip)
        self.leave_account(connection.account)
        connection.account = 0
