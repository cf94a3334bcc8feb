"""Housekeeping of one operator: what is forgotten after its time, what a stop has left behind."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from mssante.model.errors import StoreError
from mssante.model.log import Log
from mssante.model.settings import StoreSettings
from mssante.store import messages, queue
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
    referenced = await store.read_long(messages.blob_paths)
    removed = await asyncio.to_thread(store.blobs.sweep, referenced, ORPHAN_AGE, now)
    log.info("house-kept", copies_forgotten=forgotten, finished_forgotten=finished, files_removed=removed)
