"""The connections of one listening socket: counted, looked at each second, closed in order.

A mail door has one of these and says what is its own: who else is counted, and what a look at a connection does.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, Protocol, TypeVar

from mssante.model.decision import Kind, Refusal

SWEEP_SECONDS: Final = 1.0
STOP_SECONDS: Final = 10.0
BACKLOG: Final = 1024


class Guest(Protocol):
    """A connection as it is counted and closed."""

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is under way that a stop should wait for."""
        ...

    def end(self, refusal: Refusal) -> None:
        """Say why, and close; what is under way may go to its end first."""
        ...


G = TypeVar("G", bound=Guest)
Key = TypeVar("Key", str, int)


class Crowd(Generic[G]):
    """Guards the listening socket, the set of its connections, and how many come from each address."""

    def __init__(self, *, connections: int, per_address: int, look: Callable[[G, float, int], None]) -> None:
        """Keep the bounds; nothing listens yet.

        Args:
            connections: at most, of everybody.
            per_address: at most, of one address.
            look: called about once a second for each connection, with the time of the loop and a number that grows by
                one each time and differs from one connection to the next, so that not all do something at once.
        """
        self._most = connections
        self._most_per_address = per_address
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._inside: set[G] = set()
        self._by_ip: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None

    async def open(self, make: Callable[[], asyncio.Protocol], host: str, port: int) -> int:
        """Listen; returns the port, which is a free one when 0 was asked.

        Raises:
            OSError: the address is in use or not ours.
        """
        self._server = await self._loop.create_server(make, host, port, backlog=BACKLOG)
        self._sweeper = self._loop.create_task(self._sweep())
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening, let what is under way end, then close what is left."""
        if self._server is not None:
            self._server.close()
        refusal = Refusal(Kind.SHUTTING_DOWN, "stop", "Service is stopping, try again later")
        until = self._loop.time() + STOP_SECONDS
        while self._inside and self._loop.time() < until:
            for guest in self.inside:
                if guest.is_idle:
                    guest.end(refusal)
            await asyncio.sleep(0.02)
        for guest in self.inside:
            guest.end(refusal)
        if self._sweeper is not None:
            self._sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeper

    @property
    def inside(self) -> tuple[G, ...]:
        """Return the connections that are open now."""
        return tuple(self._inside)

    def enter(self, guest: G, ip: str) -> Refusal | None:
        """Count a new connection in, or refuse it; in both cases `leave` counts it out."""
        self._inside.add(guest)
        self._by_ip[ip] += 1
        if len(self._inside) > self._most:
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections", "Too many connections, try again later")
        if self._by_ip[ip] > self._most_per_address:
            public = "Too many connections from your address"
            return Refusal(Kind.TOO_MANY_CONNECTIONS, "connections-per-address", public)
        return None

    def leave(self, guest: G, ip: str) -> None:
        """Count a connection out."""
        self._inside.discard(guest)
        count_out(self._by_ip, ip)

    async def _sweep(self) -> None:
        """Look at each connection: one timer for all costs less than one each."""
        sweeps = 0
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now, sweeps = self._loop.time(), sweeps + 1
            for place, guest in enumerate(self.inside):
                self._look(guest, now, place + sweeps)


def count_out(counter: Counter[Key], key: Key) -> None:
    """Count one less, and keep no zero."""
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
