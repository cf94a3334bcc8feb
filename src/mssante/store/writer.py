"""The one connection that writes: takes what is waiting, runs it, commits it together, then answers.

Works run on the event loop, one after the other; only what may wait for the disk or for another process (the flush, a
held lock, a checkpoint, a long work) runs in the writer's thread. With works in a thread of their own, every step of
SQLite handed the interpreter lock over, which cost 13 to 42 % more processor time. While one
group is being flushed the next one gathers, so the number of flushes follows the disk and not the load.

Works run without a savepoint each, which costs as much as the work itself; when one fails, the group is rolled back
and run again with savepoints, so that it fails alone.

Source: design.md law 1 (accepted means committed and flushed); reliability.md K08, K09, H02.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

import apsw

from mssante.model.errors import StoreError, StoreFullError
from mssante.store.connection import BUSY_MILLISECONDS, SqliteTx, translate
from mssante.store.jobs import Done, resolve
from mssante.store.named import Query
from mssante.store.tx import Work, drive

T = TypeVar("T")

# 32 MiB of log: about 0.1 s of copying, seldom enough not to be felt.
_CHECKPOINT_PAGES: Final = 4000


@dataclass(frozen=True, slots=True)
class _Job:
    future: asyncio.Future[Any]
    work: Work[Any] | None = None
    aside: Callable[[apsw.Connection], Any] | None = None
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class _Call:
    future: asyncio.Future[Any]
    call: Callable[..., Any]
    args: tuple[object, ...]


class Writer:
    """Owns the only connection of this process that writes; belongs to the event loop that made it.

    Guards the order of the commits, and the refusal of everything once a flush has failed: what the disk then holds
    is known only after it has been read again, which a new start does.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        path: Path,
        queries: Mapping[str, Query],
        *,
        group_commit: int,
        probe: Callable[[str], None],
    ) -> None:
        """Take the connection over and start."""
        self._connection = connection
        self._path = path
        self._tx = SqliteTx(connection, queries, path)
        self._limit = group_commit
        self._probe = probe
        self._loop = asyncio.get_running_loop()
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()
        self._waiting: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._log_pages = 0
        self._suspect = ""
        self._closed = False
        connection.set_wal_hook(self._note_log)
        self._task = self._loop.create_task(self._run(), name="store-writer")

    def submit(self, work: Work[Any], *, is_long: bool = False) -> asyncio.Future[Any]:
        """Queue the work; the future resolves after the flush of its group.

        Args:
            work: a function of its transaction only.
            is_long: run it alone and in the thread, because it would hold up the event loop.
        """
        return self._put(_Job(self._loop.create_future(), work=work, is_long=is_long))

    def aside(self, call: Callable[[apsw.Connection], Any]) -> asyncio.Future[Any]:
        """Queue a call that runs between two groups, in no transaction, in the thread."""
        return self._put(_Job(self._loop.create_future(), aside=call))

    async def close(self) -> None:
        """Finish what is queued, copy the log into the database, close."""
        if not self._closed:
            self._closed = True
            self._wake.set()
        await self._task

    def _put(self, job: _Job) -> asyncio.Future[Any]:
        if self._closed:
            job.future.set_exception(StoreError(f"{self._path} est fermé : ce programme s'arrête"))
        else:
            self._waiting.append(job)
            self._wake.set()
        return job.future

    async def _run(self) -> None:
        while self._waiting or not self._closed:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            job = self._waiting.popleft()
            if job.aside is not None:
                done = [await self._in_thread(self._call, job, job.aside)]
            elif job.is_long:
                done = await self._in_thread(self._write_long, job)
            else:
                done = await self._write(self._gather(job))
            resolve(done)
            if self._log_pages >= _CHECKPOINT_PAGES:
                await self._in_thread(self._checkpoint, apsw.SQLITE_CHECKPOINT_PASSIVE)
        await self._in_thread(self._end)
        self._calls.put(None)

    def _in_thread(self, call: Callable[..., T], *args: object) -> asyncio.Future[T]:
        # A queue of our own: an executor's submit was a tenth of the processor time of the receive path (py-spy).
        future: asyncio.Future[T] = self._loop.create_future()
        self._calls.put(_Call(future, call, args))
        return future

    def _serve(self) -> None:
        """Run the calls of the loop, in the thread."""
        while (asked := self._calls.get()) is not None:
            try:
                done = Done(asked.future, value=asked.call(*asked.args))
            except Exception as error:  # noqa: BLE001 - it belongs to who waits for the call
                done = Done(asked.future, error=error)
            # A loop that is gone has nobody waiting.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(resolve, [done])

    def _end(self) -> None:
        self._connection.set_busy_timeout(0)
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._connection.close()

    def _gather(self, first: _Job) -> list[_Job]:
        group = [first]
        while self._waiting and len(group) < self._limit:
            job = self._waiting[0]
            if job.aside is not None or job.is_long:
                break
            group.append(self._waiting.popleft())
        return group

    def _call(self, job: _Job, call: Callable[[apsw.Connection], Any]) -> Done:
        try:
            return Done(job.future, value=call(self._connection))
        except apsw.Error as error:
            return Done(job.future, error=translate(error, self._path))
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, and the writer must go on
            return Done(job.future, error=error)

    def _write_long(self, job: _Job) -> list[Done]:
        if self._suspect:
            return self._all_failed([job], StoreError(self._suspect))
        try:
            self._begin_patiently()
            done = [Done(job.future, value=self._work(job))]
            self._commit()
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, and the writer must go on
            return self._all_failed([job], error)
        return done

    async def _write(self, group: list[_Job]) -> list[Done]:
        if self._suspect:
            return self._all_failed(group, StoreError(self._suspect))
        try:
            await self._begin()
            try:
                done = [Done(job.future, value=self._work(job)) for job in group]
            except Exception as error:  # noqa: BLE001 - whatever one work raises must not hurt the others
                self._roll_back()
                if len(group) == 1:
                    return self._all_failed(group, error)
                await self._begin()
                done = [self._work_apart(job) for job in group]
            await self._in_thread(self._commit)
        except Exception as error:  # noqa: BLE001 - the same, when it comes from the transaction itself
            return self._all_failed(group, error)
        return done

    async def _begin(self) -> None:
        """Begin at once; wait in the thread when another process holds the lock."""
        self._connection.set_busy_timeout(0)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except apsw.BusyError:
            await self._in_thread(self._begin_patiently)

    def _begin_patiently(self) -> None:
        self._connection.set_busy_timeout(BUSY_MILLISECONDS)
        self._connection.execute("BEGIN IMMEDIATE")

    def _all_failed(self, group: list[_Job], error: Exception) -> list[Done]:
        self._roll_back()
        reason = translate(error, self._path) if isinstance(error, apsw.Error) else error
        return [Done(job.future, error=reason) for job in group]

    def _work(self, job: _Job) -> object:
        return drive(job.work(self._tx)) if job.work is not None else None

    def _work_apart(self, job: _Job) -> Done:
        self._connection.execute("SAVEPOINT work")
        try:
            done = Done(job.future, value=self._work(job))
        except Exception as error:
            if not self._connection.in_transaction:
                # A full disk ended the whole transaction: it is the error of all.
                raise
            self._connection.execute("ROLLBACK TO work")
            done = Done(job.future, error=error)
        self._connection.execute("RELEASE work")
        return done

    def _commit(self) -> None:
        self._probe("K08")
        try:
            self._connection.execute("COMMIT")
        except apsw.IOError as error:
            reason = translate(error, self._path)
            self._roll_back()
            if not isinstance(reason, StoreFullError):
                self._distrust(error)
            raise reason from error
        self._probe("K09")

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(apsw.Error):
                self._connection.execute("ROLLBACK")

    def _distrust(self, error: apsw.Error) -> None:
        # After a failed flush the kernel may have dropped the pages: a second flush that succeeds proves nothing.
        fix = "vérifiez le disque, puis redémarrez ce programme"
        self._suspect = f"{self._path} n'a pas pu être écrit sur le disque ({error}) : {fix}"

    def _note_log(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def _checkpoint(self, mode: int) -> None:
        self._probe("K18")
        try:
            self._connection.wal_checkpoint(mode=mode)
        except apsw.IOError as error:
            if not isinstance(translate(error, self._path), StoreFullError):
                self._distrust(error)
        except apsw.Error:
            # Readers of another process, or a full disk: the log grows and the next group tries again.
            return
        self._log_pages = 0
