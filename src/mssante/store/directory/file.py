"""The directory in files: a folder of numbered ones, and which one is in force.

A file is made beside the one in force and put in force by one rename; readers see it at their next question. Who writes
in the file in force, or puts another one in force, holds the lock of the folder, across processes.

Source: issue of the directory (atomic replacement: the old version serves until the new one is whole).
"""

import asyncio
import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, TypeVar

import apsw

from mssante.model.errors import DirectoryMissingError, StoreError
from mssante.model.system import reason
from mssante.store.connection import BUSY_MILLISECONDS, SqliteTx, connect, translate
from mssante.store.directory.engine import SCHEMA, Making
from mssante.store.flush import flush
from mssante.store.named import Query, parse_queries
from mssante.store.tx import Work, drive

T = TypeVar("T")

POINTER: Final = "current"
LOCK: Final = "lock"
IMPORT_LOCK: Final = "import.lock"
_PREFIX: Final = "annuaire-"
_KEPT: Final = 2


@cache
def queries() -> Mapping[str, Query]:
    """Return the named queries of the directory, read once."""
    text = resources.files("mssante.store.directory").joinpath("queries.sql").read_text(encoding="utf-8")
    return parse_queries(text, "directory/queries.sql")


def script(name: str) -> str:
    """Return the text of a script of this folder."""
    return resources.files("mssante.store.directory").joinpath(name).read_text(encoding="utf-8")


def schema_of(path: Path) -> int:
    """Return the number of the schema of a file, 0 when it cannot be read.

    Raises:
        StoreError: another program holds it, as one does for a moment that closes it after a change.
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            connection.set_busy_timeout(BUSY_MILLISECONDS)
            return int(str(connection.pragma("user_version")))
        finally:
            connection.close()
    except apsw.BusyError as error:
        raise translate(error, path) from error
    except apsw.Error:
        return 0


class DirectoryFolder:
    """`mssante.store.directory.engine.DirectoryShelf`: files and pointer; nothing is kept open."""

    def __init__(self, path: Path) -> None:
        """Name the folder, which need not exist yet."""
        self.path = path

    def has_one(self) -> bool:
        """Tell whether a file is in force."""
        return self.current() is not None

    @contextmanager
    def making(self) -> Iterator[Making]:
        """Make the next file, one at a time; what an import that was killed left behind goes away."""
        from mssante.store.directory.making import FileMaking

        with self.locked(IMPORT_LOCK):
            self._sweep()
            making = FileMaking.begin(self)
            try:
                yield making
            except BaseException:
                making.discard()
                raise

    def store(self, *, readers: int = 2) -> "FileDirectoryStore":
        """Return what asks and changes the file in force."""
        return FileDirectoryStore(self, readers=readers)

    def current(self) -> Path | None:
        """Return the file in force, None when there is none.

        Raises:
            StoreError: the pointer cannot be read or names something else than a file of the folder.
        """
        try:
            name = (self.path / POINTER).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{self.path / POINTER} : {_said(error)} ; importez l'annuaire de nouveau"
            raise StoreError(msg) from error
        found = self.path / name
        if not name.startswith(_PREFIX) or "/" in name or not found.is_file():
            msg = f"{self.path / POINTER} nomme {name[:60]!r}, qui manque ; importez l'annuaire de nouveau"
            raise StoreError(msg)
        return found

    def next(self) -> Path:
        """Return the name of the next file; the folder is made when it is missing."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            msg = f"{self.path} : {reason(error)} ; vérifiez que cet utilisateur y écrit"
            raise StoreError(msg) from error
        return self.path / f"{_PREFIX}{max(self._numbers(), default=0) + 1:06d}.db"

    def put_in_force(self, made: Path) -> None:
        """Let readers use that file from now on; older ones but the last go away. Flushed when it returns."""
        flush(made)
        new = self.path / f"{POINTER}.new"
        new.write_text(f"{made.name}\n", encoding="ascii")
        flush(new)
        new.replace(self.path / POINTER)
        flush(self.path)
        for number in sorted(self._numbers())[:-_KEPT]:
            self.remove(self.path / f"{_PREFIX}{number:06d}.db")

    def remove(self, file: Path) -> None:
        """Remove a file with what the engine keeps beside it."""
        for end in ("", "-wal", "-shm", "-journal"):
            file.with_name(file.name + end).unlink(missing_ok=True)

    @contextmanager
    def locked(self, name: str = LOCK) -> Iterator[None]:
        """Hold a lock of the folder; waits for whoever holds it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _sweep(self) -> None:
        """Remove the files behind the one in force; nothing makes one now."""
        with suppress(StoreError):
            current = self.current()
            for number in self._numbers():
                file = self.path / f"{_PREFIX}{number:06d}.db"
                if current is not None and file.name > current.name:
                    self.remove(file)

    def _numbers(self) -> list[int]:
        found = []
        for file in self.path.glob(f"{_PREFIX}*.db"):
            with suppress(ValueError):
                found.append(int(file.stem.removeprefix(_PREFIX)))
        return found


class FileDirectoryStore:
    """`mssante.store.directory.engine.DirectoryStore` on the file in force.

    Guards one connection per thread, replaced when another file is in force.
    """

    def __init__(self, folder: DirectoryFolder, *, readers: int = 2) -> None:
        """Open nothing yet."""
        self.folder = folder
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="directory")
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[apsw.Connection] = []

    async def read(self, work: Work[T]) -> T:
        """Run a reading work in the pool, in one snapshot of the file in force.

        Raises:
            DirectoryMissingError: no directory was ever imported.
            StoreError: its file cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.read_now, work)

    async def write(self, work: Work[T]) -> T:
        """Run a changing work in one transaction, alone; flushed when it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.write_now, work)

    def read_now(self, work: Work[T]) -> T:
        """Do as `read` does, on the calling thread."""
        tx, connection, path = self._reader()
        try:
            connection.execute("BEGIN")
            try:
                return drive(work(tx))
            finally:
                connection.execute("ROLLBACK")
        except apsw.Error as error:
            raise translate(error, path) from error

    def write_now(self, work: Work[T]) -> T:
        """Do as `write` does, on the calling thread."""
        with self.folder.locked():
            path = self._path()
            connection = connect(path, reader=False)
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    found = drive(work(SqliteTx(connection, queries(), path)))
                except BaseException:
                    connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error as error:
                raise translate(error, path) from error
            finally:
                connection.close()
            return found

    async def aclose(self) -> None:
        """Do as `close`, for `contextlib.aclosing`."""
        await self.close()

    async def close(self) -> None:
        """Wait for what runs, then close every connection."""
        await asyncio.to_thread(self._pool.shutdown)
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()

    def _reader(self) -> tuple[SqliteTx, apsw.Connection, Path]:
        path = self._path()
        held: tuple[SqliteTx, apsw.Connection, Path] | None = getattr(self._local, "held", None)
        if held is not None and held[2] == path:
            return held
        if schema_of(path) != SCHEMA:
            raise DirectoryMissingError
        connection = connect(path, reader=True)
        with self._lock:
            if held is not None:
                self._open.remove(held[1])
                held[1].close()
            self._open.append(connection)
        connection.execute("PRAGMA cache_size=-65536; PRAGMA mmap_size=1073741824")
        self._local.held = (SqliteTx(connection, queries(), path), connection, path)
        made: tuple[SqliteTx, apsw.Connection, Path] = self._local.held
        return made

    def _path(self) -> Path:
        path = self.folder.current()
        if path is None:
            raise DirectoryMissingError
        return path


def _said(error: OSError | UnicodeDecodeError) -> str:
    return reason(error) if isinstance(error, OSError) else "illisible"
