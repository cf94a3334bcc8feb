"""Fetch the public extraction from its address and import it, once a day, when it has changed.

By this program's own command in another process: an import takes a minute of both cores at national scale.

Source: operators.md 4.4 (daily, ZIP); reliability.md C09 (bounded, configured roots).
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from mssante.app.config import Config
from mssante.app.directory_files import read_elsewhere
from mssante.app.directory_place import directory_folder, directory_shelf
from mssante.app.own_command import run_own
from mssante.app.tls import read_chain
from mssante.flows.directory.loading import EXTRACTION, Guard, Progress, Report, load
from mssante.flows.ports import Clock
from mssante.links.documents import HttpDocuments
from mssante.model.errors import ConfigError, MssError
from mssante.model.log import Log
from mssante.model.outside import Fetched
from mssante.store.directory.engine import DirectoryShelf
from mssante.store.directory.file import DirectoryFolder

SOURCE_MAX_BYTES: Final = 256 * 1024 * 1024
FETCH_SECONDS: Final = 600.0
START_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 3600.0
FETCHED: Final = "Extraction_Correspondance_MSSante.zip"
STATE: Final = "source.json"
_LOCK: Final = "source.lock"


class Last(msgspec.Struct, frozen=True):
    """The last extraction that was imported from an address, and when it was last looked for."""

    url: str
    etag: str
    last_modified: str
    fetched_at: datetime


def source_of(config: Config) -> str:
    """Return the address of the extraction, "" for none.

    Raises:
        ConfigError: it is not HTTPS.
    """
    found = config.directory.source
    if found and not found.startswith("https://"):
        msg = f"{config.source} : [directory] source doit commencer par https:// ({found!r})"
        raise ConfigError(msg)
    return found


def fetch_source(config: Config, guard: Guard, clock: Clock, progress: Progress) -> Report | None:
    """Import the extraction when it has changed since the last time; blocks until it is in force.

    Returns:
        None when it is the one that was imported last.

    Raises:
        ConfigError: there is no address, or the roots cannot be used; the file is damaged or of another kind.
        LinkError: it cannot be fetched.
        TheirProtocolError: it has not the columns of an extraction.
        ImportRefusedError: it is not plausible: the directory stays as it was, and so does what is known of the source.
    """
    url = source_of(config)
    if not url:
        msg = f'{config.source} : donnez [directory] source = "https://…", ou importez un fichier'
        raise ConfigError(msg)
    shelf, folder = directory_shelf(config), DirectoryFolder(directory_folder(config))
    with folder.locked(_LOCK):
        last = read_last(folder.path)
        known = last if last is not None and last.url == url and shelf.has_one() else None
        found = asyncio.run(_fetched(config, url, known))
        if found is None:
            etag, last_modified = ("", "") if known is None else (known.etag, known.last_modified)
            report = None
        else:
            etag, last_modified = found.etag, found.last_modified
            report = _imported(shelf, folder.path / FETCHED, found.data, guard, clock, progress)
        (folder.path / STATE).write_bytes(msgspec.json.encode(Last(url, etag, last_modified, clock())))
    return report


def read_last(folder: Path) -> Last | None:
    """Return what is known of the source of a directory; None when nothing is."""
    try:
        return msgspec.json.decode((folder / STATE).read_bytes(), type=Last)
    except (OSError, msgspec.DecodeError):
        return None


async def watch_source(config: Config, clock: Clock, log: Log, *, start_seconds: float = START_SECONDS) -> None:
    """Fetch the extraction for ever, as often as the settings say; a failure is tried again an hour later.

    Args:
        start_seconds: left to what starts with us.
    """
    every = config.directory.source_seconds
    await asyncio.sleep(start_seconds)
    while True:
        last = read_last(directory_folder(config))
        pause_seconds = 0.0 if last is None else every - (clock() - last.fetched_at).total_seconds()
        if pause_seconds <= 0:
            try:
                said = await run_own("directory", "fetch", "--json", "--config", str(config.source))
                log.info("directory-fetched", report=said.decode("utf-8", "replace").strip())
                pause_seconds = every
            except MssError as error:
                log.error("directory-not-fetched", error=str(error))
                pause_seconds = min(RETRY_SECONDS, every)
        await asyncio.sleep(min(pause_seconds, every))


async def _fetched(config: Config, url: str, known: Last | None) -> Fetched | None:
    anchors = config.trust.list_anchors
    roots = read_chain(config.tls.anchors, "anchors") if anchors is None else read_chain(anchors, "list_anchors")
    documents = HttpDocuments(roots, timeout_seconds=FETCH_SECONDS, max_bytes=SOURCE_MAX_BYTES)
    if known is None:
        return await documents.fetch(url)
    return await documents.fetch(url, etag=known.etag, last_modified=known.last_modified)


def _imported(shelf: DirectoryShelf, file: Path, data: bytes, guard: Guard, clock: Clock, progress: Progress) -> Report:
    try:
        file.write_bytes(data)
        named, pieces = read_elsewhere((file,))
        if named != [(FETCHED, EXTRACTION)]:
            msg = "[directory] source : le fichier reçu n'est pas une extraction MSSanté ; vérifiez l'adresse"
            raise ConfigError(msg)
        return load(shelf, named, pieces, guard, clock(), progress)
    finally:
        file.unlink(missing_ok=True)
