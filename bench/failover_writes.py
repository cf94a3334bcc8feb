"""Clients that write to a cluster without rest and keep a ledger outside it, each row under a number used once.

Not for killing what they write to.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import asyncpg

TABLE: Final = "CREATE TABLE IF NOT EXISTS written (number bigint PRIMARY KEY)"
INSERT: Final = "INSERT INTO written (number) VALUES ($1)"
JOIN_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.02
NUMBERS_EACH: Final = 1_000_000_000
FAULTS: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # None of the nodes takes writes; it is of neither of the two families.
    asyncpg.InternalClientError,
)


@dataclass(slots=True)
class Writes:
    """The ledger.

    Attributes:
        acknowledged: number -> when its commit was acknowledged (monotonic seconds).
        tried: numbers handed over, whatever became of them.
    """

    acknowledged: dict[int, float] = field(default_factory=dict)
    tried: int = 0

    def outage(self, since: float) -> float:
        """Return the longest time without any acknowledgement that reaches past a moment, seconds.

        Raises:
            ValueError: nothing was acknowledged before it, or after it.
        """
        times = sorted(self.acknowledged.values())
        before = [at for at in times if at <= since]
        after = [at for at in times if at > since]
        if not before or not after:
            msg = "nothing was acknowledged on one side of the moment"
            raise ValueError(msg)
        edges = [before[-1], *after]
        return max(later - earlier for earlier, later in itertools.pairwise(edges))


@contextlib.asynccontextmanager
async def writing(dsn: str, *, clients: int) -> AsyncIterator[Writes]:
    """Make the table, then write with that many clients until the end of the block."""
    connection = await asyncpg.connect(dsn, timeout=JOIN_SECONDS)
    try:
        await connection.execute(TABLE)
        first = await connection.fetchval("SELECT coalesce(max(number), 0) FROM written") // NUMBERS_EACH + 1
    finally:
        await connection.close()
    writes, over = Writes(), asyncio.Event()
    tasks = [asyncio.create_task(_client(dsn, (first + one) * NUMBERS_EACH, writes, over)) for one in range(clients)]
    try:
        yield writes
    finally:
        over.set()
        await asyncio.gather(*tasks)


async def lost(dsn: str, writes: Writes) -> set[int]:
    """Return the numbers that were acknowledged and are not there."""
    connection = await asyncpg.connect(dsn, timeout=JOIN_SECONDS)
    try:
        rows = await connection.fetch("SELECT number FROM written")
    finally:
        await connection.close()
    return writes.acknowledged.keys() - {row["number"] for row in rows}


async def _client(dsn: str, number: int, writes: Writes, over: asyncio.Event) -> None:
    connection: asyncpg.Connection | None = None
    while not over.is_set():
        number += 1
        try:
            if connection is None:
                connection = await asyncpg.connect(dsn, timeout=JOIN_SECONDS)
            writes.tried += 1
            await connection.execute(INSERT, number, timeout=ANSWER_SECONDS)
        except FAULTS:
            if connection is not None:
                connection.terminate()
                connection = None
            await asyncio.sleep(RETRY_SECONDS)
        else:
            writes.acknowledged[number] = time.monotonic()
    if connection is not None:
        await connection.close(timeout=ANSWER_SECONDS)
