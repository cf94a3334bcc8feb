"""The store on PostgreSQL: one connection that writes, a pool that reads, one that listens; bodies beside it.

Nothing is kept in this process: any node may serve any connection.

Source: design.md section 4; libraries.md (distributed engine); decision 0020.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from mssante.model.errors import StoreError
from mssante.model.settings import BlobSettings, StoreSettings
from mssante.model.system import reason
from mssante.store.blobs import BlobFolder, open_blobs
from mssante.store.engine import Elsewhere, Store
from mssante.store.in_service import ASKED, Moving, check_in_service
from mssante.store.postgres.driver import Connection, Pool, Target, read_target
from mssante.store.postgres.errors import FOREIGN, AgainError, LostError, translate
from mssante.store.postgres.listening import Listening
from mssante.store.postgres.migrate import load_migrations, migrate
from mssante.store.postgres.queries import load_queries
from mssante.store.postgres.tx import PostgresTx, drive
from mssante.store.postgres.writer import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Writer
from mssante.store.tx import Work

T = TypeVar("T")

OPENING: Final = "mssante-opening"
"""Name of a process that has none yet."""
FORGOTTEN_AFTER: Final = "interval '7 days'"
"""Writers that said nothing for so long are no more: a transaction of theirs is not in doubt any longer."""
_OTHERS: Final = "SELECT CAST(coalesce(sum(number), 0) AS bigint) FROM store_change WHERE writer <> $1"


class PostgresStore(Store):
    """An open store on PostgreSQL.

    Guards the connections; each read and each group of writes is one transaction on one of them.
    """

    is_shared = True

    def __init__(
        self, folder: Path, target: Target, program: str, pool: Pool, writer: Writer, blobs: BlobFolder
    ) -> None:
        """Put the parts together; use `open_store`."""
        super().__init__(folder, target.name, blobs)
        self._target = target
        self._program = program
        self._pool = pool
        self._writer = writer
        self._listening = Listening(target, program)
        self._long = asyncio.Semaphore(target.settings.readers)
        self._queries = load_queries()
        self._closed = False

    async def close(self) -> None:
        """Finish what is queued, then close everything."""
        if self._closed:
            return
        self._closed = True
        await self._listening.close()
        await self._writer.close()
        try:
            async with asyncio.timeout(self._target.settings.wait_seconds):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()
        await asyncio.to_thread(self.blobs.close)

    def write(self, work: Work[T]) -> "asyncio.Future[T]":
        """Run the work in a transaction, grouped with others; the result comes after the commit."""
        return self._writer.submit(work)

    def write_long(self, work: Work[T]) -> "asyncio.Future[T]":
        """Do as `write` does, alone."""
        return self._writer.submit(work, is_long=True)

    async def read(self, work: Work[T]) -> T:
        """Run a reading work in one snapshot."""
        return await self._patiently(work, is_snapshot=True)

    async def glance(self, work: Work[T]) -> T:
        """Run a reading work without one snapshot over its queries, which would cost two more ways there and back."""
        return await self._patiently(work, is_snapshot=False)

    async def read_long(self, work: Work[T]) -> T:
        """Run a long reading work in one snapshot; few at a time, so that short ones find a connection."""
        async with self._long:
            return await self._patiently(work, is_snapshot=True)

    async def commits_elsewhere(self) -> int:
        """Return a number that changes when another process has changed what processes keep in memory.

        Not at each of its commits: beside a node that is busy it would always have changed.
        """
        async with self._borrowed() as connection:
            return int(await connection.fetchval(_OTHERS, self._program))

    def listen(self, told: Callable[[Elsewhere], None]) -> Callable[[], None]:
        """Call it at each commit of another process; returns what ends it."""
        return self._listening.add(told)

    async def _patiently(self, work: Work[T], *, is_snapshot: bool) -> T:
        """Read; once more, for some seconds, when the connection was lost."""
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + self._target.settings.wait_seconds, FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._read(work, is_snapshot=is_snapshot)
            except AgainError:
                if self._closed or loop.time() + pause > end:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _read(self, work: Work[T], *, is_snapshot: bool) -> T:
        async with self._borrowed() as connection:
            tx = PostgresTx(connection, self._queries, self._target.name, writes=False)
            if not is_snapshot:
                return await drive(work(tx), tx)
            await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                return await drive(work(tx), tx)
            finally:
                await _roll_back(connection)

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Connection]:
        if self._closed:
            msg = f"{self._target.name} est fermé : ce programme s'arrête"
            raise StoreError(msg)
        # A door begins its steps outside of any task, and makes one of those that wait: asyncpg must be in it.
        await asyncio.sleep(0)
        try:
            async with self._pool.acquire(timeout=self._target.settings.answer_seconds) as connection:
                try:
                    yield connection
                except LostError:
                    # Not for the next reader.
                    connection.terminate()
                    raise
                except FOREIGN as error:
                    connection.terminate()
                    raise translate(error, self._target.name) from error
        except FOREIGN as error:
            raise translate(error, self._target.name) from error


async def open_store(
    folder: Path,
    settings: StoreSettings,
    *,
    blobs: BlobSettings,
    probe: Callable[[str], None],
    must_be_there: bool,
    is_copy: bool = False,
) -> PostgresStore:
    """Open the store of a database; bring its schema up to date.

    Args:
        folder: where this node keeps what is not in the database.
        settings: section [store].
        blobs: section [blobs].
        probe: called at the named steps of a write; tests stop the process there.
        must_be_there: an empty database is refused.
        is_copy: it may be the unfinished copy of another store.

    Raises:
        ConfigError: the dsn or a file that it needs cannot be used.
        StoreSchemaError: a newer schema, another program's database, or an unsuitable server.
        StoreError: the database does not answer.
    """
    target = read_target(settings)
    await asyncio.to_thread(_make, folder)
    bodies = open_blobs(folder, blobs, probe=probe)
    program = await _prepare(target, must_be_there=must_be_there, is_copy=is_copy)
    writer = Writer(target, program, load_queries(), probe=probe)
    pool = await target.pool(program, settings.connections)
    return PostgresStore(folder, target, program, pool, writer, bodies)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder} ne s'ouvre pas : {reason(error)} ; vérifiez que cet utilisateur y écrit"
        raise StoreError(msg) from error


async def _prepare(target: Target, *, must_be_there: bool, is_copy: bool) -> str:
    """Bring the schema up to date; return the name of this process, which no other one has."""
    connection = await _patiently_connected(target)
    try:
        await migrate(connection, target.name, load_migrations(), must_be_there=must_be_there)
        found = await connection.fetch(ASKED)
        check_in_service(target.name, Moving(*found[0]) if found else None, is_copy=is_copy)
        await connection.execute(
            "DELETE FROM store_writer WHERE at < extract(epoch FROM now() - "  # noqa: S608 - a constant
            f"{FORGOTTEN_AFTER}) * 1000000;"
            " DELETE FROM store_change WHERE writer NOT IN (SELECT writer FROM store_writer)"
        )
        program = f"mssante-{await connection.fetchval('SELECT left(CAST(gen_random_uuid() AS text), 18)')}"
        await connection.close(timeout=target.settings.wait_seconds)
    except FOREIGN as error:
        raise translate(error, target.name) from error
    finally:
        connection.terminate()
    return program


async def _patiently_connected(target: Target) -> Connection:
    """Return a connection once the server answers: nodes and server may start together."""
    loop = asyncio.get_running_loop()
    end, pause = loop.time() + target.settings.wait_seconds, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await target.connect(OPENING, read_only=False)
        except FOREIGN as error:
            fault = translate(error, target.name)
            if not isinstance(fault, LostError) or loop.time() + pause > end:
                raise fault from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except FOREIGN:
        connection.terminate()
