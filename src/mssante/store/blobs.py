"""Bodies on their way in, and the large ones at rest: flushed files named after their content.

A small message never leaves memory here: its bytes go into the transaction. A large one is written by threads while
it comes in, flushed, renamed to its hash, and its folder flushed, before the transaction that makes it visible; what
a stop leaves unreferenced is swept later.

Source: reliability.md K03 to K07, K18; reliability.md H01, H04.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from mssante.model.errors import StoreDamagedError, StoreError, StoreFullError
from mssante.model.message import Body
from mssante.model.settings import BlobSettings
from mssante.model.system import reason
from mssante.store.connection import no_room, room_bytes
from mssante.store.flush import flush

T = TypeVar("T")

PIECE_BYTES: Final = 256 * 1024
PENDING_BYTES: Final = 1024 * 1024
# Flushes of several files at the same time share the journal of the file system.
_THREADS: Final = 8
PARTS: Final = tuple(f"{number:02x}" for number in range(256))
"""First two digits of the names of bodies: folders of files, prefixes of keys."""
READS_AT_ONCE: Final = 8
"""Bodies that are read at the same time, by all sessions together."""
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def open_blobs(data_dir: Path, settings: BlobSettings, *, probe: Callable[[str], None]) -> "BlobFolder":
    """Return where large bodies go, as the settings say.

    Args:
        data_dir: bodies on their way are written there, and those at rest too unless an object store has them.
        settings: section [blobs].
        probe: called at the named steps of a write.

    Raises:
        ConfigError: a setting cannot be used.
        StoreError: a folder cannot be made.
    """
    if settings.engine == "files":
        return BlobFolder(data_dir, probe=probe)
    # Loaded when it is chosen: its library costs time and memory.
    from mssante.store.s3 import BucketBlobs

    return BucketBlobs(data_dir, settings, probe=probe)


class BlobFolder:
    """The folder of large bodies, with the threads that write there.

    Guards the moment between the rename of a file and its sweep.
    """

    def __init__(self, data_dir: Path, *, probe: Callable[[str], None]) -> None:
        """Make the folders when they are missing.

        Raises:
            StoreError: they cannot be made.
        """
        self.path = data_dir / "blobs"
        self.spool_path = data_dir / "spool"
        self.probe = probe
        self.pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="store-blobs")
        # Of their own: readers that wait for a slow object store hold up neither what comes in nor what does not read.
        self._readers = ThreadPoolExecutor(READS_AT_ONCE, thread_name_prefix="store-bodies")
        self._lock = threading.Lock()
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            self.spool_path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise blob_error(error, self.path) from error

    def close(self) -> None:
        """Wait for the threads; what still waited for one to read is not read any more."""
        self._readers.shutdown(cancel_futures=True)
        self.pool.shutdown()

    async def aside(self, work: Callable[..., T], *args: object) -> T:
        """Run what reads bodies beside the event loop, in threads that nothing else waits for.

        When the wait is given up a work that has not begun is not done; one that has comes to its end for nobody.

        Raises:
            StoreError: this is closed.
        """
        try:
            running = self._readers.submit(work, *args)
        except RuntimeError as error:
            msg = f"{self.path} est fermé : ce programme s'arrête"
            raise StoreError(msg) from error
        return await asyncio.wrap_future(running)

    async def beginning(self, body: Body, limit_bytes: int) -> bytes:
        """Return what `head` does, without holding up the event loop.

        Raises:
            StoreAwayError: the object store does not answer.
            StoreError: it refuses, or this is closed.
        """
        if body.data is not None:
            return body.data[:limit_bytes]
        return await self.aside(self.head, body, limit_bytes)

    def spool(self, memory_bytes: int, inline_bytes: int) -> "Spool":
        """Return a place for one incoming body.

        Args:
            memory_bytes: kept in memory up to this size, then written while it comes.
            inline_bytes: up to this size the bytes belong in the transaction, above in a file.
        """
        return Spool(self, memory_bytes, inline_bytes)

    def try_out(self) -> datetime | None:
        """Write, read and remove something where bodies are kept; return the time there.

        None when that is this machine: there is nothing to try that a start does not try.

        Raises:
            StoreError: one of these is refused.
        """
        return None

    def free_bytes(self) -> int:
        """Return the room that is left on the disk of the store."""
        return room_bytes(self.path)

    def read(self, body: Body) -> bytes:
        """Return the bytes of a body; blocks on the disk when they are in a file.

        Raises:
            StoreDamagedError: they are missing or are not what was written.
        """
        data = body.data if body.data is not None else self._load(body)
        if len(data) != body.size_bytes or hashlib.sha256(data).digest() != body.sha256:
            where = f" ({body.path})" if body.path else ""
            msg = f"le corps {body.sha256.hex()}{where} n'est plus ce qui a été reçu : remettez sa dernière bonne copie"
            raise StoreDamagedError(msg)
        return data

    def head(self, body: Body, limit_bytes: int) -> bytes:
        """Return the first bytes of a body; none when it is gone: a notice of it goes out anyway.

        Raises:
            StoreAwayError: the object store does not answer: what it has is not known.
        """
        if body.data is not None:
            return body.data[:limit_bytes]
        try:
            with (self.path / (body.path or "")).open("rb") as file:
                return file.read(limit_bytes)
        except OSError:
            return b""

    def sweep(self, referenced: Container[str], older_than: timedelta, now: datetime, *, part: str = "") -> int:
        """Remove files that nothing refers to; return how many.

        Args:
            referenced: paths of bodies in use, read from the database after the last removal there.
            older_than: younger files stay, they may belong to a transaction that is still open.
            now: UTC.
            part: one of `PARTS`, of which alone `referenced` has the paths; "" for all of them at once.
        """
        removed = 0
        for folder, _folders, names in os.walk(self.path / part):
            for name in names:
                file = Path(folder) / name
                if file.relative_to(self.path).as_posix() not in referenced:
                    removed += self._remove_old(file, now - older_than)
        return removed

    def sweep_spool(self, older_than: timedelta, now: datetime) -> int:
        """Remove what broken receptions left; return how many files."""
        return sum(self._remove_old(file, now - older_than) for file in self.spool_path.iterdir())

    def keep(self, spooled: Path, digest: bytes) -> str:
        """Give a flushed file its final name, for good; return that name. Runs in a thread.

        Raises:
            OSError: it cannot be renamed or its folder cannot be flushed.
        """
        name = digest.hex()
        folder = self.path / name[:2]
        with self._lock:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, exist_ok=True)
                flush(self.path)
            # Takes the place of an equal file: then its age starts again, and the sweep leaves it alone.
            spooled.rename(folder / name[2:])
        self.probe("K07")
        flush(folder)
        return f"{name[:2]}/{name[2:]}"

    def _load(self, body: Body) -> bytes:
        try:
            return (self.path / (body.path or "")).read_bytes()
        except OSError as error:
            msg = f"le corps {body.path} du magasin est illisible ({reason(error)}) : remettez sa dernière bonne copie"
            raise StoreDamagedError(msg) from error

    def _remove_old(self, file: Path, limit: datetime) -> int:
        with self._lock, contextlib.suppress(FileNotFoundError):
            if datetime.fromtimestamp(file.stat().st_mtime, UTC) < limit:
                file.unlink()
                return 1
        return 0


class Spool:
    """One body while it comes in; belongs to one task.

    Guards the order of the pieces: at most one thread writes, and `write` asks to wait when the disk is too slow.
    """

    __slots__ = (
        "_abandoned",
        "_digest",
        "_error",
        "_file",
        "_folder",
        "_inline_bytes",
        "_job",
        "_memory_bytes",
        "_path",
        "_pending",
        "_pending_bytes",
        "size_bytes",
    )

    def __init__(self, folder: BlobFolder, memory_bytes: int, inline_bytes: int) -> None:
        """Start empty."""
        self.size_bytes = 0
        self._abandoned = False
        self._folder = folder
        self._memory_bytes = memory_bytes
        self._inline_bytes = inline_bytes
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._digest = hashlib.sha256()
        self._file = -1
        self._path: Path | None = None
        self._job: asyncio.Future[Any] | None = None
        self._error: StoreError | None = None

    def write(self, chunk: bytes) -> "asyncio.Future[None] | None":
        """Take the next bytes.

        Returns:
            None, or when more than 1 MiB waits for the disk, a future that the caller awaits before it goes on.

        Raises:
            StoreError: an earlier piece could not be written; `StoreFullError` when there is no room.
        """
        self._pending.append(chunk)
        self._pending_bytes += len(chunk)
        self.size_bytes += len(chunk)
        if self.size_bytes <= self._memory_bytes:
            return None
        if self._error is not None:
            raise self._error
        if self._job is None and self._pending_bytes >= PIECE_BYTES:
            self._start_job()
        if self._job is None or self._pending_bytes <= PENDING_BYTES:
            return None
        # A caller that is cancelled while it waits must not take the thread's future with it.
        return asyncio.shield(self._job)

    async def finish(self) -> Body:
        """Return the whole body; a large one is on the disk for good then.

        Does not suspend for a body that goes into the transaction.

        Raises:
            StoreError: it could not be written; `StoreFullError` when there is no room. Nothing is kept.
        """
        self._folder.probe("K04")
        if self._path is None and self._job is None and self.size_bytes <= self._inline_bytes:
            data = b"".join(self._pending)
            self._pending.clear()
            return Body(hashlib.sha256(data).digest(), len(data), data, None)
        while self._job is not None:
            await asyncio.wait({self._job})
        if self._error is not None:
            error = self._error
            await self.discard()
            raise error
        pieces, self._pending = self._pending, []
        running = asyncio.get_running_loop().run_in_executor(self._folder.pool, self._complete, pieces)
        self._job = running
        running.add_done_callback(self._completed)
        await asyncio.wait({running})
        try:
            return running.result()
        except OSError as error:
            await self.discard()
            raise blob_error(error, self._folder.path) from error
        except StoreError:
            await self.discard()
            raise

    async def discard(self) -> None:
        """Drop everything; may be called at any time, also twice."""
        self._pending.clear()
        self._pending_bytes = 0
        while self._job is not None:
            await asyncio.wait({self._job})
        if self._path is not None:
            await asyncio.get_running_loop().run_in_executor(self._folder.pool, self._drop)

    def abandon(self) -> None:
        """Drop everything without waiting for it; for who cannot wait (a connection that is lost)."""
        self._abandoned = True
        self._pending.clear()
        self._pending_bytes = 0
        if self._job is None and self._path is not None:
            try:
                self._folder.pool.submit(self._drop)
            except RuntimeError:
                # The store was closed meanwhile and has no threads any more.
                self._drop()

    def _start_job(self) -> None:
        loop = asyncio.get_running_loop()
        pieces, self._pending, self._pending_bytes = self._pending, [], 0
        # Not the thread's own future: this one never fails, so that it may be awaited or forgotten.
        self._job = loop.create_future()
        loop.run_in_executor(self._folder.pool, self._append, pieces).add_done_callback(self._job_done)

    def _job_done(self, running: "asyncio.Future[None]") -> None:
        job, self._job = self._job, None
        error = None if running.cancelled() else running.exception()
        if isinstance(error, OSError):
            self._error = blob_error(error, self._folder.path)
        elif error is not None:
            self._error = StoreError(f"{self._folder.path}: {error}")
        if job is not None and not job.done():
            job.set_result(None)
        if self._abandoned:
            self.abandon()
            return
        if self._error is None and self._pending_bytes >= PIECE_BYTES:
            self._start_job()

    def _completed(self, running: "asyncio.Future[Body]") -> None:
        self._job = None
        # Looked at here for the caller that was cancelled and does not come back for it.
        if not running.cancelled():
            running.exception()

    def _append(self, pieces: list[bytes]) -> None:
        if self._path is None:
            self._file, name = tempfile.mkstemp(dir=self._folder.spool_path)
            self._path = Path(name)
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._digest.update(data)
        with memoryview(data) as left:
            done = 0
            while done < len(data):
                done += os.write(self._file, left[done:])

    def _complete(self, pieces: list[bytes]) -> Body:
        if pieces or self._path is None:
            self._append(pieces or [b""])
        self._folder.probe("K05")
        os.fsync(self._file)
        self._folder.probe("K06")
        self._close()
        digest = self._digest.digest()
        if self._path is None:
            msg = "the spooled file has no name"
            raise StoreError(msg)
        path = self._folder.keep(self._path, digest)
        self._path = None
        return Body(digest, self.size_bytes, None, path)

    def _drop(self) -> None:
        self._close()
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            self._path = None

    def _close(self) -> None:
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)


def blob_error(error: OSError, path: Path) -> StoreError:
    """Return the error of the file system as one of ours, naming the folder and the fix."""
    if error.errno in _NO_ROOM:
        return StoreFullError(no_room(path))
    return StoreError(f"{path} : écriture impossible ({reason(error)}) ; vérifiez le disque et les droits du dossier")
