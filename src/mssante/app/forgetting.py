"""What is forgotten every ten minutes: failed sign-ins after their window, their sources and nodes that are no more."""

import asyncio
from datetime import timedelta
from typing import Final

from mssante.flows.failures import KNOWN_FOR, WINDOW
from mssante.flows.ports import Clock
from mssante.model.errors import StoreError
from mssante.model.log import Log
from mssante.store import nodes, sign_ins
from mssante.store.engine import Store

NODE_AGE: Final = timedelta(days=7)


async def keep_forgetting(store: Store, *, clock: Clock, log: Log) -> None:
    """Do it at the start and then once a window, for ever; what fails is tried again the next time."""
    while True:
        try:
            await forget_once(store, clock=clock)
        except StoreError as error:
            log.error("not-forgotten", error=str(error))
        await asyncio.sleep(WINDOW.total_seconds())


async def forget_once(store: Store, *, clock: Clock) -> None:
    """Forget all of it, some thousands of rows at a time: mail goes on in between.

    Raises:
        StoreError: the store cannot be written.
    """
    now = clock()
    while await store.write_long(lambda tx: sign_ins.forget(tx, now - WINDOW, now - KNOWN_FOR)):
        pass
    await store.write_long(lambda tx: nodes.forget_silent(tx, NODE_AGE))
