"""The background work on mailboxes and the directory: publication, delegations, absences, what is done once a day."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

from mssante.app.chance import new_reference
from mssante.app.compose import Operator
from mssante.app.directory_place import directory_link
from mssante.app.directory_source import source_of, watch_source
from mssante.flows.answering import Answering
from mssante.flows.delegating import Delegating
from mssante.flows.directory.comparing import Comparing
from mssante.flows.life_cycle import LifeCycle
from mssante.flows.publication.announcing import Announcing
from mssante.model.address import parse_address
from mssante.model.errors import StoreError
from mssante.store import correspondents

DAY_SECONDS: Final = 24 * 3600.0
CORRESPONDENTS_AGE: Final = timedelta(days=400)
_ACTOR: Final = "system"


def box_work(operator: Operator) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
    """Return what begins the works that run beside the doors for ever, by name.

    Raises:
        ConfigError: a setting of [publication], [life_cycle] or [directory] cannot be used.
    """
    config, clock = operator.config, operator.clock
    delegating = Delegating(store=operator.store, actor=_ACTOR, trace_key=operator.trace_key, clock=clock)
    answering = Answering(store=operator.store, submitting=operator.submitting, clock=clock, log=operator.log)
    link = directory_link(config)
    comparing = Comparing(operator.store, operator.directory_store, clock, look_up=link.look_up if link else None)
    life_cycle = LifeCycle(
        settings=config.life_cycle,
        hostname=config.operator.hostname,
        postmaster=parse_address(config.operator.postmaster),
        store=operator.store,
        new_reference=new_reference,
        trace_key=operator.trace_key,
        notifier=operator.notifier,
    )
    found: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "delegations": lambda: delegating.watch(operator.notifier, operator.log),
        "absences": answering.run,
        "directory-history": operator.history.run,
        "life-cycle": lambda: _daily(operator, life_cycle, answering, comparing),
    }
    if link is not None:
        announcing = Announcing(
            settings=config.publication,
            store=operator.store,
            link=link,
            clock=clock,
            new_lease=new_reference,
            trace_key=operator.trace_key,
            log=operator.log,
        )
        found["publication"] = announcing.run
    if source_of(config):
        found["directory-source"] = lambda: watch_source(config, clock, operator.log)
    return found


async def _daily(operator: Operator, life_cycle: LifeCycle, answering: Answering, comparing: Comparing) -> None:
    """Look at every mailbox at the start and once a day; what fails is tried again the next day."""
    while True:
        try:
            happened = await life_cycle.run_life_cycle(operator.clock())
            await answering.forget()
            await _forget(operator, operator.clock() - CORRESPONDENTS_AGE)
            compared = await comparing.compare_and_keep()
            told = {one.source.value: one.is_available for one in compared.sources}
            operator.log.info("directory-compared", found=compared.found, **told)
            operator.log.info("mailboxes-looked-at", steps=len(happened))
        except StoreError as error:
            operator.log.error("mailboxes-not-looked-at", error=str(error))
        await asyncio.sleep(DAY_SECONDS)


async def _forget(operator: Operator, before: datetime) -> None:
    while await operator.store.write_long(lambda tx: correspondents.forget(tx, before)):
        pass
