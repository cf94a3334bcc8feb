"""The file of the public extraction: a ZIP archive that takes the place of the one before when it is whole.

The manager makes it once a day, by this program's own command in another process: half a million lines are formatted
while its doors answer.
"""

import asyncio
import os
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from mssante.app.config import Config
from mssante.app.directory_place import directory_folder, directory_shelf, open_directory
from mssante.app.own_command import run_own
from mssante.flows.directory.extracting import Extracted, extract
from mssante.flows.ports import Clock
from mssante.model.errors import ConfigError, MssError
from mssante.model.log import Log
from mssante.model.system import reason
from mssante.store.directory.file import DirectoryFolder
from mssante.store.flush import flush
from mssante.store.tx import Tx

NAME: Final = "Extraction_Correspondance_MSSante"
EXPORT_LOCK: Final = "export.lock"
LOOK_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: mailboxes in it and left out of it (red list, software), its length."""

    path: Path
    lines: int
    left_out: int
    size_bytes: int


def served_extraction(config: Config) -> Path:
    """Return the file that the manager serves."""
    return config.operator.data_dir / "extraction" / f"{NAME}.zip"


def write_extraction(config: Config, path: Path, now: datetime) -> Written:
    """Write the extraction of the directory in force; whoever reads the path gets the old file or the new one, whole.

    Args:
        config: whose directory it is.
        path: of the archive; its folder exists.
        now: UTC; names the file in the archive, as the national one is named.

    Raises:
        ConfigError: the file cannot be written.
        StoreError: there is no directory, or it cannot be read.

    Source: operators.md 4.4 (ZIP, one .txt, daily).
    """
    partial = path.with_name(f".{path.name}.part")
    store = open_directory(config)
    # Two at once would write into each other's file.
    with DirectoryFolder(directory_folder(config)).locked(EXPORT_LOCK):
        try:
            handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            with os.fdopen(handle, "w+b") as file:
                found = store.read_now(lambda tx: _packed(tx, file, now))
                file.flush()
                os.fsync(file.fileno())
            size_bytes = partial.stat().st_size
            partial.replace(path)
            flush(path.parent)
        except OSError as error:
            msg = f"{path} : {reason(error)} ; donnez un fichier d'un dossier où cet utilisateur écrit"
            raise ConfigError(msg) from error
        finally:
            partial.unlink(missing_ok=True)
    return Written(path, found.lines, found.left_out, size_bytes)


async def keep_extraction(config: Config, clock: Clock, log: Log) -> None:
    """Publish the extraction of the manager's directory for ever: when there is none, and when it is a day old.

    A directory that comes later is noticed within a minute; what fails is tried again an hour later.
    """
    path = served_extraction(config)
    every = timedelta(seconds=config.manager.extraction_seconds)
    while True:
        pause_seconds = LOOK_SECONDS
        try:
            if await asyncio.to_thread(directory_shelf(config).has_one):
                pause_seconds = _due_seconds(path, every, clock)
                if pause_seconds <= 0:
                    await run_own("directory", "export", "--config", str(config.source))
                    log.info("extraction-published", file=str(path))
                    continue
        except MssError as error:
            log.error("extraction-not-published", error=str(error))
            pause_seconds = min(RETRY_SECONDS, every.total_seconds())
        await asyncio.sleep(pause_seconds)


async def _packed(tx: Tx, file: IO[bytes], now: datetime) -> Extracted:
    """Write the archive, from its beginning: a work may be called a second time."""
    file.seek(0)
    file.truncate()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        name = zipfile.ZipInfo(f"{NAME}_{now:%Y%m%d%H%M}.txt", now.timetuple()[:6])
        name.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(name, "w", force_zip64=True) as lines:
            return await extract(tx, lines.write)


def _due_seconds(path: Path, every: timedelta, clock: Clock) -> float:
    """Return how long the file is still good: nothing or less when it is to be made."""
    try:
        made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return 0.0
    now = clock()
    # A file of the future is one of a clock that was wrong.
    return 0.0 if made_at > now + every else (made_at + every - now).total_seconds()
