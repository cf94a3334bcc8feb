"""Questions to the directory on PostgreSQL, and changes in it: `mssante.store.directory.engine.DirectoryStore`.

Which version is in force is asked in each transaction: a new one is seen by every node at its next question.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from mssante.model.errors import StoreError, StoreSchemaError
from mssante.store.directory.postgres.loop import LoopThread
from mssante.store.directory.postgres.versions import LOCKS, PROGRAM, WRITE_LOCK, end, enter, queries
from mssante.store.postgres.driver import Connection, Pool, Target
from mssante.store.postgres.errors import FOREIGN, AgainError, LostError, translate
from mssante.store.postgres.tx import PostgresTx, drive
from mssante.store.tx import Work

T = TypeVar("T")

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 10.0


class PostgresDirectoryStore:
    """Guards a pool of connections, in a thread of its own."""

    def __init__(self, target: Target, *, readers: int = 2) -> None:
        """Open nothing yet."""
        self._target = target
        self._readers = readers
        self._thread = LoopThread("directory")
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    async def read(self, work: Work[T]) -> T:
        """Run a reading work in one snapshot of the version in force."""
        return await asyncio.wrap_future(self._thread.start(self._read(work)))

    async def write(self, work: Work[T]) -> T:
        """Run a changing work in one transaction, alone on all nodes; flushed when it returns."""
        return await asyncio.wrap_future(self._thread.start(self._write(work)))

    def read_now(self, work: Work[T]) -> T:
        """Do as `read` does; the calling thread waits."""
        return self._thread.run(self._read(work))

    def write_now(self, work: Work[T]) -> T:
        """Do as `write` does; the calling thread waits."""
        return self._thread.run(self._write(work))

    async def aclose(self) -> None:
        """Do as `close`, for `contextlib.aclosing`."""
        await self.close()

    async def close(self) -> None:
        """Wait for what runs, then close every connection."""
        if self._closed:
            return
        self._closed = True
        if self._pool is not None:
            await asyncio.wrap_future(self._thread.start(_close(self._pool)))
        await asyncio.to_thread(self._thread.stop)

    async def _read(self, work: Work[T]) -> T:
        return await self._patiently(lambda: self._read_once(work))

    async def _write(self, work: Work[T]) -> T:
        return await self._patiently(lambda: self._write_once(work))

    async def _patiently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Do it; again, for some seconds, when the connection was lost, and at once when the version went away."""
        loop = asyncio.get_running_loop()
        end_at, pause = loop.time() + self._target.settings.wait_seconds, FIRST_PAUSE_SECONDS
        is_first = True
        while True:
            try:
                return await attempt()
            except StoreSchemaError:
                if not is_first:
                    raise
                is_first = False
                continue
            except AgainError:
                if self._closed or loop.time() + pause > end_at:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _read_once(self, work: Work[T]) -> T:
        async with self._borrowed() as connection:
            await self._do(connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            try:
                await enter(connection, self._target.name)
                tx = PostgresTx(connection, queries(), self._target.name, writes=False)
                return await drive(work(tx), tx)
            finally:
                await _roll_back(connection)

    async def _write_once(self, work: Work[T]) -> T:
        """Write on a connection of its own: changes are few."""
        self._check_open()
        name = self._target.name
        connection = await self._do(self._target.connect(PROGRAM, read_only=False))
        try:
            await self._do(connection.execute("BEGIN"))
            await self._do(connection.execute(f"SELECT pg_advisory_xact_lock({LOCKS}, {WRITE_LOCK})"))
            await enter(connection, name)
            tx = PostgresTx(connection, queries(), name, writes=True)
            found = await drive(work(tx), tx)
            try:
                await self._do(connection.execute("COMMIT"))
            except LostError as error:
                msg = f"{name} : on ne sait pas si ce changement de l'annuaire a été gardé, vérifiez-le ({error})"
                raise StoreError(msg) from error
        finally:
            await end(connection)
        return found

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Connection]:
        self._check_open()
        async with self._opening:
            if self._pool is None:
                self._pool = await self._do(self._target.pool(PROGRAM, self._readers))
        borrowing = self._pool.acquire(timeout=self._target.settings.answer_seconds)
        connection = await self._do(borrowing.__aenter__())
        try:
            yield connection
        finally:
            await self._do(borrowing.__aexit__(None, None, None))

    async def _do(self, one: Awaitable[T]) -> T:
        """Await what may go wrong between us and PostgreSQL; what a work does itself is its own."""
        try:
            return await one
        except FOREIGN as error:
            raise translate(error, self._target.name) from error

    def _check_open(self) -> None:
        if self._closed:
            msg = f"{self._target.name} : l'annuaire est fermé, ce programme s'arrête"
            raise StoreError(msg)


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except FOREIGN:
        connection.terminate()


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await pool.close()
    except TimeoutError:
        pool.terminate()
