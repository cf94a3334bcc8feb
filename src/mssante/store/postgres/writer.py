"""The one connection that writes: takes what is waiting, runs it, commits it together, then answers.

One transaction writes at a time, over all nodes of a database: each takes the same lock first. So every function of
the store may read and then write as it does on the embedded engine; numbers of messages, UIDs and modification numbers
rise in the order of the commits; there are no deadlocks. What a node loses by waiting it wins back by the group: what
gathers meanwhile goes into one transaction, with one flush.

Works run without a savepoint each; when one fails, the group is rolled back and run again with savepoints.

A transaction that the server gave up, or a connection lost before COMMIT, is done again. A connection lost during
COMMIT leaves in doubt what became of it: the turn that the transaction noted in ``store_writer`` tells it to the next
connection, once this one has the lock and the other has so come to its end.

Source: design.md law 1; reliability.md H05 to H07; decision 0020.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mssante.model.errors import StoreError
from mssante.store.jobs import Done, resolve
from mssante.store.named import Query
from mssante.store.postgres.driver import Connection, Target
from mssante.store.postgres.errors import FOREIGN, AgainError, LostError, translate
from mssante.store.postgres.tx import PostgresTx, drive
from mssante.store.tx import Work

LOCK: Final = 0x4D5353_7772
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
_NOW: Final = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)"
_IN_DOUBT: Final = "la connexion a été perdue pendant l'écriture : on ne sait pas si elle a été gardée"


@dataclass(frozen=True, slots=True)
class _Job:
    future: asyncio.Future[Any]
    work: Work[Any]
    is_long: bool
    since: float


@dataclass(slots=True)
class _Group:
    """Works that are committed together; when `turn` is not 0, whether they were is in doubt."""

    jobs: list[_Job]
    turn: int = 0
    done: list[Done] = field(default_factory=list)


class Writer:
    """Owns the only connection of this process that writes; belongs to the event loop that made it.

    Guards the order of the commits, and that a work in doubt is neither lost nor done twice.
    """

    def __init__(
        self,
        target: Target,
        program: str,
        queries: Mapping[str, Query],
        *,
        probe: Callable[[str], None],
    ) -> None:
        """Start; the connection is made for the first work.

        Args:
            target: the database.
            program: the name of this process, which no other one has.
            queries: by name.
            probe: called at the named steps.
        """
        self._target = target
        self._program = program
        self._queries = queries
        self._limit = target.settings.group_commit
        self._patience = target.settings.wait_seconds
        self._probe = probe
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._connection: Connection | None = None
        self._warned = False
        self._turn = 0
        self._closed = False
        self._task = self._loop.create_task(self._run(), name="store-writer")

    def submit(self, work: Work[Any], *, is_long: bool = False) -> asyncio.Future[Any]:
        """Queue the work; the future resolves after the commit of its group.

        Args:
            work: a function of its transaction only.
            is_long: run it alone.
        """
        future = self._loop.create_future()
        if self._closed:
            future.set_exception(StoreError(f"{self._target.name} est fermé : ce programme s'arrête"))
        else:
            self._waiting.append(_Job(future, work, is_long, self._loop.time()))
            self._wake.set()
        return future

    async def close(self) -> None:
        """Finish what is queued, close."""
        if not self._closed:
            self._closed = True
            self._wake.set()
        await self._task

    async def _run(self) -> None:
        while self._waiting or not self._closed:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._write(_Group(self._gather()))
        await self._end()

    def _gather(self) -> list[_Job]:
        group = [self._waiting.popleft()]
        while not group[0].is_long and self._waiting and len(group) < self._limit and not self._waiting[0].is_long:
            group.append(self._waiting.popleft())
        return group

    async def _write(self, group: _Group) -> None:
        """Try until the group is committed, refused, or too old."""
        pause = FIRST_PAUSE_SECONDS
        while group.jobs:
            try:
                resolve(await self._attempt(group))
            except Exception as error:  # noqa: BLE001 - it belongs to the callers, and the writer must go on
                if not isinstance(error, AgainError):
                    self._drop()
                    if not group.turn:
                        resolve([Done(job.future, error=error) for job in group.jobs])
                        return
                self._give_up_old(group, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                return

    def _give_up_old(self, group: _Group, error: Exception) -> None:
        oldest = self._loop.time() - self._patience
        in_doubt = StoreError(f"{self._target.name} : {_IN_DOUBT} ({error})") if group.turn else error
        resolve([Done(job.future, error=in_doubt) for job in group.jobs if job.since < oldest])
        group.jobs = [job for job in group.jobs if not job.future.done()]
        # Those that wait behind them would only wait for the same.
        while self._waiting and self._waiting[0].since < oldest:
            resolve([Done(self._waiting.popleft().future, error=error)])

    async def _attempt(self, group: _Group) -> list[Done]:
        connection = await self._connected()
        try:
            if group.turn and await self._was_committed(connection, group):
                return group.done
            group.turn = 0
            return await self._transaction(connection, group)
        except LostError:
            self._drop()
            raise
        except AgainError:
            await self._roll_back(connection)
            raise
        except FOREIGN as error:
            self._drop()
            raise translate(error, self._target.name, writes=True) from error

    async def _was_committed(self, connection: Connection, group: _Group) -> bool:
        await self._ask(connection, f"BEGIN; SELECT pg_advisory_xact_lock({LOCK})")
        held = await connection.fetchval("SELECT turn FROM store_writer WHERE writer = $1", self._program)
        # A write of our own, so that the commit waits for whatever replicas the server waits for: they have the
        # transaction in doubt before this one.
        await self._ask(connection, self._note_turn(held or 0))
        await self._commit(connection)
        return bool(held == group.turn)

    async def _transaction(self, connection: Connection, group: _Group) -> list[Done]:
        self._turn += 1
        await self._begin(connection)
        tx = PostgresTx(connection, self._queries, self._target.name, writes=True)
        try:
            done = [Done(job.future, value=await _work(job, tx)) for job in group.jobs]
        except AgainError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one work raises must not hurt the others
            await self._roll_back(connection)
            if len(group.jobs) == 1:
                return [Done(group.jobs[0].future, error=error)]
            await self._begin(connection)
            tx.failed = None
            done = [await self._work_apart(connection, job, tx) for job in group.jobs]
        group.turn, group.done = self._turn, done
        try:
            await self._commit(connection)
        except LostError:
            raise
        except StoreError:
            # The server says that it has kept nothing: there is no doubt.
            group.turn = 0
            raise
        return done

    async def _begin(self, connection: Connection) -> None:
        await self._ask(connection, f"BEGIN; SELECT pg_advisory_xact_lock({LOCK}); {self._note_turn(self._turn)}")

    def _note_turn(self, turn: int) -> str:
        # Numbers and a name of our own making: nothing of anybody's is in this text.
        return (
            f"INSERT INTO store_writer (writer, turn, at) VALUES ('{self._program}', {turn}, {_NOW})"  # noqa: S608
            " ON CONFLICT (writer) DO UPDATE SET turn = excluded.turn, at = excluded.at"
        )

    async def _work_apart(self, connection: Connection, job: _Job, tx: PostgresTx) -> Done:
        await self._ask(connection, "SAVEPOINT work")
        try:
            done = Done(job.future, value=await _work(job, tx))
        except AgainError:
            raise
        except Exception as error:  # noqa: BLE001 - it belongs to the caller
            done = Done(job.future, error=error)
            tx.failed = None
            await self._ask(connection, "ROLLBACK TO SAVEPOINT work")
        await self._ask(connection, "RELEASE SAVEPOINT work")
        return done

    async def _commit(self, connection: Connection) -> None:
        """Commit.

        Raises:
            LostError: the connection was lost, or a replica that the server waits for has perhaps not got it.
            AgainError: the server gave the transaction up.
        """
        self._probe("K08")
        self._warned = False
        # Were it ended by a time limit, the server would report a commit that its replicas may not have.
        status = await self._ask(connection, "SET LOCAL statement_timeout = 0; COMMIT")
        if status != "COMMIT":
            msg = f"{self._target.name} n'a rien gardé de l'opération ({status})"
            raise StoreError(msg)
        if self._warned:
            msg = f"{self._target.name} a écrit sans attendre sa copie ; l'opération est à vérifier"
            raise LostError(msg)
        self._probe("K09")

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            try:
                self._connection = await self._target.connect(self._program, read_only=False)
            except FOREIGN as error:
                raise translate(error, self._target.name, writes=True) from error
            self._connection.add_log_listener(self._note_warning)
        return self._connection

    def _note_warning(self, _connection: Connection, message: object) -> None:
        self._warned = self._warned or getattr(message, "severity_en", "") == "WARNING"

    async def _ask(self, connection: Connection, sql: str) -> str:
        try:
            return await connection.execute(sql)
        except FOREIGN as error:
            raise translate(error, self._target.name, writes=True) from error

    async def _roll_back(self, connection: Connection) -> None:
        try:
            await connection.execute("ROLLBACK")
        except FOREIGN:
            self._drop()

    def _drop(self) -> None:
        """End the connection: the server rolls back what it had open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.execute("DELETE FROM store_writer WHERE writer = $1", self._program)
            await connection.close(timeout=self._patience)
        except FOREIGN:
            connection.terminate()


async def _work(job: _Job, tx: PostgresTx) -> object:
    value: object = await drive(job.work(tx), tx)
    if tx.failed is not None:
        # The work went on after a statement that failed; the server has given the whole transaction up since.
        raise tx.failed
    return value
