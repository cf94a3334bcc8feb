"""What an operator does beside its doors: begun together, again when a store comes back, on one node when it must be.

Not for what these works are (see `mssante.app.boxes`, `mssante.app.house` and the flows).
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

from mssante.app.boxes import box_work
from mssante.app.chance import new_reference
from mssante.app.compose import Operator
from mssante.app.forgetting import keep_forgetting
from mssante.app.house import keep_house
from mssante.app.presence import Presence, this_node
from mssante.flows.passport import SilenceWatch
from mssante.model.address import parse_address
from mssante.model.errors import StoreAwayError, StoreError
from mssante.model.log import accident
from mssante.rules.nodes import LEASE
from mssante.store import leases

Begin = Callable[[], Coroutine[Any, Any, None]]
"""Begins a work that runs for ever; may be called again."""

AWAY_SECONDS: Final = 1.0
LOOKS_A_LEASE: Final = 3
ONE_NODE: Final = frozenset({"house", "forgetting", "life-cycle", "absences", "silence"})
"""Works that only one of several nodes does: what is over is forgotten, boxes are aged, absences are answered once,
senders are told of silence."""
CERTIFICATE_LOOK_SECONDS: Final = 30.0


@asynccontextmanager
async def background(operator: Operator, doors: Mapping[str, int | None]) -> AsyncIterator[None]:
    """Run deliveries, the watch over the list, the index of messages, and housekeeping; ends them at the end.

    Args:
        doors: name -> port, for who looks at the nodes of a shared store.
    """
    node = new_reference()
    presence = Presence(
        operator.store,
        this_node(node, operator.config.operator.data_dir, doors),
        clock=operator.clock,
        log=operator.log,
        give_up=_stop,
    )
    works: dict[str, Begin] = {
        "deliver": operator.delivering.run,
        "trust": lambda: operator.trust.watch(operator.notifier.wake_queue),
        "room": operator.room.watch,
        "index": operator.reading.indexing.run,
        "certificates": lambda: _watch_certificates(operator),
        "house": lambda: keep_house(operator.store, operator.config.store, clock=operator.clock, log=operator.log),
        "forgetting": lambda: keep_forgetting(operator.store, clock=operator.clock, log=operator.log),
        "silence": lambda: silence_watch(operator).run(),
        **box_work(operator),
    }
    for name in ONE_NODE & works.keys():
        works[name] = partial(alone, operator, name, node, works[name], may_lead=presence.may_lead)
    if operator.store.is_shared:
        works["presence"] = presence.watch
        operator.delivering.share(node, presence.gone)
        # Before the works that only one node does, which need to know how its clock is.
        await presence.beat()
    tasks = [asyncio.create_task(kept_going(operator, name, begin), name=name) for name, begin in works.items()]
    for task in tasks:
        task.add_done_callback(lambda ended: _stop_on_accident(operator, ended))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await presence.leave()


def silence_watch(operator: Operator) -> SilenceWatch:
    """Return what tells senders that nothing came of their message."""
    return SilenceWatch(
        operator.store,
        operator.config.operator.hostname,
        parse_address(operator.config.operator.postmaster),
        operator.trace_key,
        new_reference,
        operator.clock,
        operator.log,
        operator.notifier.wake_queue,
    )


async def kept_going(operator: Operator, name: str, begin: Begin) -> None:
    """Run a work; begin it again when a database or an object store elsewhere was away: it comes back by itself."""
    while True:
        try:
            await begin()
        except StoreAwayError as error:
            operator.log.warning("task-waits", task=name, error=str(error))
            await asyncio.sleep(AWAY_SECONDS)
        else:
            return


async def alone(
    operator: Operator, name: str, node: str, begin: Begin, *, may_lead: Callable[[], bool] = lambda: True
) -> None:
    """Run a work while this node holds its lease: on one of the nodes that share a store, and on the next when it dies.

    Args:
        node: a name that no other process has.
        may_lead: whether this node may take or keep a lease now.
    """
    store = operator.store
    if not store.is_shared:
        await begin()
        return

    async def hold() -> bool:
        if not may_lead():
            return False
        now = operator.clock()
        return await store.write(lambda tx: leases.take(tx, name, node, now, LEASE))

    pause = LEASE.total_seconds() / LOOKS_A_LEASE
    while True:
        if not await hold():
            await asyncio.sleep(pause)
            continue
        work = asyncio.create_task(begin(), name=name)
        try:
            while await hold():
                done, _ = await asyncio.wait({work}, timeout=pause)
                if done:
                    work.result()
                    return
        finally:
            # Before anything else: when the lease cannot be kept, another node begins.
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            with suppress(StoreError):
                await store.write(lambda tx: leases.give(tx, name, node))


def _stop_on_accident(operator: Operator, task: asyncio.Task[None]) -> None:
    """Stop the process when a background task dies: a supervisor starts a whole one again."""
    if not task.cancelled() and (error := task.exception()) is not None:
        operator.log.error("task-died", task=task.get_name(), error=accident(error))
        _stop()


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def _watch_certificates(operator: Operator) -> None:
    while True:
        operator.contexts.look()
        await asyncio.sleep(CERTIFICATE_LOOK_SECONDS)
