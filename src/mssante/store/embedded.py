"""The embedded store: one connection that writes with group commit, readers beside it, large bodies in files.

Nothing else opens the database.

Source: reliability.md A, B and 6.8; design.md section 4.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from mssante.model.errors import MssError, StoreError
from mssante.model.settings import BlobSettings, StoreSettings
from mssante.model.system import reason
from mssante.store.blobs import BlobFolder, open_blobs
from mssante.store.connection import FILE_NAME, SqliteTx, connect, translate
from mssante.store.engine import Elsewhere, Store
from mssante.store.in_service import ASKED, Moving, check_in_service
from mssante.store.migrate import load_migrations, migrate
from mssante.store.named import load_queries
from mssante.store.tx import Work, drive
from mssante.store.writer import Writer

T = TypeVar("T")


class _Reader:
    """A reading connection and its transaction object, for one thread."""

    __slots__ = ("connection", "tx")

    def __init__(self, path: Path) -> None:
        self.connection = connect(path, reader=True)
        self.tx = SqliteTx(self.connection, load_queries(), path)


class EmbeddedStore(Store):
    """An open store in one file.

    Guards the connections: one that writes, one that reads per thread.
    """

    def __init__(self, path: Path, settings: StoreSettings, writer: Writer, blobs: BlobFolder) -> None:
        """Put the parts together; use `open_store`."""
        super().__init__(path.parent, path.name, blobs)
        self.path = path
        self._writer = writer
        self._pool = ThreadPoolExecutor(settings.readers, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._lock = threading.Lock()
        self._readers: list[_Reader] = []
        self._closed = False

    async def close(self) -> None:
        """Finish what is queued, then close everything."""
        if self._closed:
            return
        self._closed = True
        await self._writer.close()
        await asyncio.to_thread(self._pool.shutdown)
        await asyncio.to_thread(self.blobs.close)
        with self._lock:
            for reader in self._readers:
                reader.connection.close()

    def write(self, work: Work[T]) -> "asyncio.Future[T]":
        """Run the work in a transaction, grouped with others; the result comes after the flush."""
        return self._writer.submit(work)

    def write_long(self, work: Work[T]) -> "asyncio.Future[T]":
        """Do as `write` does, alone and in the writer's thread: for works that would hold up the event loop."""
        return self._writer.submit(work, is_long=True)

    async def read(self, work: Work[T]) -> T:
        """Run a short reading work at once, on the calling thread, in one snapshot; never suspends."""
        return self._read(work)

    async def glance(self, work: Work[T]) -> T:
        """Run a short work at once without one snapshot over its queries, which would cost as much as a query."""
        reader: _Reader = getattr(self._local, "reader", None) or self._new_reader()
        return drive(work(reader.tx))

    async def read_long(self, work: Work[T]) -> T:
        """Run a long reading work in the pool of reader threads, in one snapshot."""
        if self._closed:
            raise self._closed_error()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)

    async def commits_elsewhere(self) -> int:
        """Return a number that changes when another process has committed."""
        found: int = await self._writer.aside(_data_version)
        return found

    def listen(self, told: Callable[[Elsewhere], None]) -> Callable[[], None]:  # noqa: ARG002 - nobody tells us
        """Do nothing: other processes of this engine say nothing, `commits_elsewhere` finds what they did."""
        return lambda: None

    def _read(self, work: Work[T]) -> T:
        reader: _Reader = getattr(self._local, "reader", None) or self._new_reader()
        if self._closed:
            raise self._closed_error()
        try:
            reader.connection.execute("BEGIN")
            try:
                return drive(work(reader.tx))
            finally:
                if reader.connection.in_transaction:
                    reader.connection.execute("ROLLBACK")
        except apsw.Error as error:
            raise translate(error, self.path) from error

    def _new_reader(self) -> _Reader:
        with self._lock:
            if self._closed:
                raise self._closed_error()
            reader = _Reader(self.path)
            self._readers.append(reader)
        self._local.reader = reader
        return reader

    def _closed_error(self) -> StoreError:
        return StoreError(f"{self.path} est fermé : ce programme s'arrête")


async def open_store(
    folder: Path, settings: StoreSettings, *, blobs: BlobSettings, probe: Callable[[str], None], is_copy: bool = False
) -> EmbeddedStore:
    """Open the store of a folder, which is made when it is missing; bring its schema up to date.

    Args:
        folder: only this program writes there; several processes of it may.
        settings: section [store].
        blobs: section [blobs].
        probe: called at the named steps of a write; tests stop the process there.
        is_copy: it may be the unfinished copy of another store.

    Raises:
        ConfigError: a setting of [blobs] cannot be used.
        StoreSchemaError: a newer schema, another program's file, or an unsound SQLite.
        StoreDamagedError: the file is not readable as a database.
        StoreFullError: no room.
        StoreError: the folder cannot be used.
    """
    path = folder / FILE_NAME
    connection = await asyncio.to_thread(_prepare, path, probe, is_copy=is_copy)
    try:
        bodies = open_blobs(folder, blobs, probe=probe)
    except MssError:
        connection.close()
        raise
    writer = Writer(connection, path, load_queries(), group_commit=settings.group_commit, probe=probe)
    return EmbeddedStore(path, settings, writer, bodies)


def _data_version(connection: apsw.Connection) -> int:
    return int(str(connection.pragma("data_version")))


def _prepare(path: Path, probe: Callable[[str], None], *, is_copy: bool) -> apsw.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made by us first, so that the database, its log and its shared memory are readable by this user only.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        fix = f"vérifiez que {path.parent} existe et que cet utilisateur y écrit"
        msg = f"{path} ne s'ouvre pas : {reason(error)} ; {fix}"
        raise StoreError(msg) from error
    connection = connect(path, reader=False)
    try:
        migrate(connection, path, migrations=load_migrations(), probe=probe)
        found = connection.execute(ASKED).fetchall()
        check_in_service(str(path), Moving(str(found[0][0]), str(found[0][1])) if found else None, is_copy=is_copy)
        # What an earlier process could not flush is read from its log and written again; without room for that the
        # log stays, and what was accepted is read from there.
        with contextlib.suppress(apsw.FullError, apsw.BusyError):
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.Error as error:
        connection.close()
        raise translate(error, path) from error
    except StoreError:
        connection.close()
        raise
    return connection
