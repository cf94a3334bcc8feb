"""Housekeeping of one operator: what is forgotten after its time, what a stop has left behind."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from mssante.model.errors import StoreError
from mssante.model.log import Log
from mssante.model.settings import StoreSettings
from mssante.store import messages, queue
from mssante.store.blobs import PARTS
from mssante.store.engine import Store

INTERVAL_SECONDS: Final = 3600.0
ORPHAN_AGE: Final = timedelta(hours=6)
FINISHED_AGE: Final = timedelta(days=90)


async def keep_house(store: Store, settings: StoreSettings, *, clock: Callable[[], datetime], log: Log) -> None:
    """Do it at the start and then every hour, for ever; what fails is tried again at the next hour."""
    while True:
        try:
            await keep_house_once(store, settings, now=clock(), log=log)
        except (StoreError, OSError) as error:
            log.error("house-not-kept", error=str(error))
        await asyncio.sleep(INTERVAL_SECONDS)


async def swept(store: Store, older_than: timedelta, now: datetime) -> int:
    """Remove the bodies that nothing refers to and what broken receptions left; return how many files.

    Part by part: the names of ten million bodies take 2.1 GiB, those of a part 10 MiB. Each part is read from the
    database right before it is swept.

    Source: decision 0021.
    """
    removed = await store.blobs.aside(store.blobs.sweep_spool, older_than, now)
    for part in PARTS:
        referenced = await store.read_long(partial(messages.blob_paths, part=part))
        removed += await store.blobs.aside(partial(store.blobs.sweep, referenced, older_than, now, part=part))
    return removed


async def keep_house_once(store: Store, settings: StoreSettings, *, now: datetime, log: Log) -> None:
    """Forget old copy keys and finished copies, all of them, then remove the files that nothing refers to.

    Raises:
        StoreError: the store cannot be written or read.
        OSError: a folder of files cannot be read.
    """
    seen_before = now - timedelta(seconds=settings.dedupe_seconds)
    forgotten = finished = 0
    # Some thousands of rows at a time, beside the event loop: mail goes on between two of these works.
    while dropped := await store.write_long(lambda tx: messages.forget_copies(tx, seen_before)):
        forgotten += dropped
    while dropped := await store.write_long(lambda tx: queue.forget_finished(tx, now - FINISHED_AGE)):
        finished += dropped
    removed = await swept(store, ORPHAN_AGE, now)
    log.info("house-kept", copies_forgotten=forgotten, finished_forgotten=finished, files_removed=removed)
