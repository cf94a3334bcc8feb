"""The one thread that writes: takes what is waiting, commits it together, then answers.

While one group is being flushed the next one gathers, so the number of flushes follows the disk and not the load.
Works run without a savepoint each, which costs as much as the work itself; when one fails, the group is rolled back
and run again with savepoints, so that it fails alone.

Source: design.md law 1 (accepted means committed and flushed); reliability.md K08, K09, H02.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

import apsw

from mssante.model.errors import StoreError, StoreFullError
from mssante.store.connection import SqliteTx, translate
from mssante.store.named import Query
from mssante.store.tx import Work, drive

# 32 MiB of log: about 0.1 s of copying, seldom enough not to be felt.
_CHECKPOINT_PAGES: Final = 4000


@dataclass(frozen=True, slots=True)
class _Job:
    future: asyncio.Future[Any]
    work: Work[Any] | None = None
    aside: Callable[[apsw.Connection], Any] | None = None


@dataclass(frozen=True, slots=True)
class _Done:
    future: asyncio.Future[Any]
    value: object = None
    error: BaseException | None = None


class Writer:
    """Owns the only connection of this process that writes.

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
        """Take the connection over and start the thread."""
        self._connection = connection
        self._path = path
        self._tx = SqliteTx(connection, queries, path)
        self._limit = group_commit
        self._probe = probe
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._log_pages = 0
        self._suspect = ""
        self._closed = False
        self._carried: _Job | None = None
        connection.set_wal_hook(self._committed)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[Any]) -> asyncio.Future[Any]:
        """Queue the work; the future resolves after the flush of its group."""
        future = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StoreError(f"{self._path} is closed: this program is stopping"))
        else:
            self._queue.put(_Job(future, work=work))
        return future

    def aside(self, call: Callable[[apsw.Connection], Any]) -> asyncio.Future[Any]:
        """Queue a call that runs between two groups, in no transaction."""
        future = asyncio.get_running_loop().create_future()
        if self._closed:
            future.set_exception(StoreError(f"{self._path} is closed: this program is stopping"))
        else:
            self._queue.put(_Job(future, aside=call))
        return future

    def close(self) -> None:
        """Finish what is queued, copy the log into the database, close; blocks until then."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            job = self._carried or self._queue.get()
            self._carried = None
            if job is None:
                break
            if job.aside is not None:
                _publish([self._call(job, job.aside)])
                continue
            group, last = self._gather(job)
            _publish(self._write(group))
            del group
            if self._log_pages >= _CHECKPOINT_PAGES:
                self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
            if last:
                break
        self._connection.set_busy_timeout(0)
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
        self._connection.close()

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        with contextlib.suppress(Empty):
            while len(group) < self._limit:
                job = self._queue.get_nowait()
                if job is None:
                    return group, True
                if job.aside is not None:
                    self._carried = job
                    break
                group.append(job)
        return group, False

    def _call(self, job: _Job, call: Callable[[apsw.Connection], Any]) -> _Done:
        try:
            return _Done(job.future, value=call(self._connection))
        except apsw.Error as error:
            return _Done(job.future, error=translate(error, self._path))
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, and this thread must go on
            return _Done(job.future, error=error)

    def _write(self, group: list[_Job]) -> list[_Done]:
        if self._suspect:
            return [_Done(job.future, error=StoreError(self._suspect)) for job in group]
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                done = [_Done(job.future, value=self._work(job)) for job in group]
            except Exception as error:  # noqa: BLE001 - whatever one work raises must not hurt the others
                self._roll_back()
                if len(group) == 1:
                    return [_Done(group[0].future, error=error)]
                self._connection.execute("BEGIN IMMEDIATE")
                done = [self._work_apart(job) for job in group]
            self._commit()
        except Exception as error:  # noqa: BLE001 - the same, when it comes from the transaction itself
            self._roll_back()
            reason = translate(error, self._path) if isinstance(error, apsw.Error) else error
            return [_Done(job.future, error=reason) for job in group]
        return done

    def _work(self, job: _Job) -> object:
        return drive(job.work(self._tx)) if job.work is not None else None

    def _work_apart(self, job: _Job) -> _Done:
        self._connection.execute("SAVEPOINT work")
        try:
            done = _Done(job.future, value=self._work(job))
        except Exception as error:
            if not self._connection.in_transaction:
                # A full disk ended the whole transaction: it is the error of all.
                raise
            self._connection.execute("ROLLBACK TO work")
            done = _Done(job.future, error=error)
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
        self._suspect = f"a flush of {self._path} failed ({error}): check the disk, then start this program again"

    def _committed(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
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


def _publish(done: list[_Done]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[_Done]] = {}
    for one in done:
        by_loop.setdefault(one.future.get_loop(), []).append(one)
    for loop, results in by_loop.items():
        # A loop that is gone has nobody waiting.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, results)


def _resolve(results: list[_Done]) -> None:
    for done in results:
        if done.future.done():
            continue
        if done.error is not None:
            done.future.set_exception(done.error)
        else:
            done.future.set_result(done.value)
