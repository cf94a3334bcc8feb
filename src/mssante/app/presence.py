"""This node among the others of a shared store: its signs of life, its clock, and who of the others is no more.

Not for what only one node does (see `mssante.app.background`) nor for what is shown of it (`mssante.app.cli.node`).
"""

import asyncio
import hashlib
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from mssante.flows.ports import Clock
from mssante.model.errors import StoreError, StoreSchemaError
from mssante.model.log import Log
from mssante.model.node import Heard, Node, NodeState
from mssante.rules.nodes import BEAT, CLOCK_OFF, SILENT_BEATS, is_clock_off, may_lead
from mssante.store import nodes
from mssante.store.engine import Store
from mssante.store.migrate import load_migrations
from mssante.store.tx import Tx

LONGEST_TRIP: Final = timedelta(seconds=0.5)
"""An answer that took longer says too little about the clock."""
GONE_MAX: Final = 1000
_NAME_CHARS: Final = 4
_LOOKS: Final = 2


def this_node(run: str, data_dir: Path, doors: Mapping[str, int | None]) -> Node:
    """Return what this process says of itself: its machine and its folder of data make its name.

    Args:
        run: like no other process's.
        doors: name -> port; those without one are closed.
    """
    host = socket.gethostname()
    place = hashlib.sha256(str(data_dir.absolute()).encode()).hexdigest()[:_NAME_CHARS]
    return Node(
        run=run,
        name=f"{host.partition('.')[0]}-{place}",
        host=host,
        version=version("mssante"),
        schema_version=len(load_migrations()),
        doors=", ".join(f"{name} {port}" for name, port in doors.items() if port),
    )


class Presence:
    """Says that this node is there, looks at its clock and its schema, and knows which other nodes are gone.

    Guards what is known of the others, and that it gives up once.
    """

    def __init__(self, store: Store, node: Node, *, clock: Clock, log: Log, give_up: Callable[[], None]) -> None:
        """Begin with nothing known.

        Args:
            give_up: called when this program must not go on with the store; stops the process in order.
        """
        self.run_name = node.run
        self._store = store
        self._node = node
        self._clock = clock
        self._log = log
        self._give_up = give_up
        self._given_up = False
        self._difference: timedelta | None = None
        self._said = ""
        self._problem = ""
        self._seen: dict[str, tuple[datetime, int]] = {}
        self._gone: frozenset[str] = frozenset()

    def may_lead(self) -> bool:
        """Tell whether this node may take works that only one node may do."""
        return not self._given_up and (not self._store.is_shared or may_lead(self._difference))

    def gone(self) -> frozenset[str]:
        """Return the runs of other nodes that stopped, were begun again, or were silent while we were heard."""
        return self._gone

    async def watch(self) -> None:
        """Beat for ever, or until this node gives up; what fails is tried again at the next beat and told once."""
        while not self._given_up:
            await self.beat()
            await asyncio.sleep(BEAT.total_seconds())

    async def beat(self) -> None:
        """Look at clock and schema, say that we are there, look who else is; a store that fails is told in the log."""
        try:
            needed = await self._look()
            if needed > self._node.schema_version:
                await self._leave_for(f"le schéma demande un programme qui le connaît jusqu'au {needed}")
                return
            is_twice, heard = await self._store.write(self._say)
        except StoreSchemaError as error:
            await self._leave_for(str(error))
        except StoreError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                self._log.warning("node-not-heard", error=self._problem)
        else:
            self._problem = ""
            if is_twice:
                fix = "deux nœuds ont ce nom : donnez-leur des noms de machine différents"
                self._log.error("node-name-twice", node=self._node.name, fix=fix)
            self._observe(heard)

    async def leave(self) -> None:
        """Say goodbye, so that the others need not wait for our silence."""
        if self._store.is_shared and not self._given_up:
            with suppress(StoreError):
                await self._store.write(lambda tx: nodes.stop(tx, self._node.run))

    async def _look(self) -> int:
        """Compare the clocks; return up to which step a program must know the schema."""

        async def work(tx: Tx) -> tuple[list[tuple[timedelta, timedelta]], int]:
            looks = []
            for _look in range(_LOOKS):
                before = self._clock()
                there = await nodes.database_now(tx)
                trip = self._clock() - before
                looks.append((trip, before + trip / 2 - there))
            return looks, await nodes.schema_needed(tx, self._node.schema_version)

        looks, needed = await self._store.glance(work)
        trip, difference = min(looks)
        if timedelta(0) <= trip <= LONGEST_TRIP:
            self._difference = difference
            self._judge_clock(difference)
        return needed

    def _judge_clock(self, difference: timedelta) -> None:
        """Say how the clock is, when that has changed."""
        state = "off" if not may_lead(difference) else "differs" if is_clock_off(difference) else ""
        if state == self._said:
            return
        self._said = state
        seconds = round(difference.total_seconds(), 3)
        if state == "off":
            why = f"plus de {CLOCK_OFF.total_seconds():.0f} s avec la base : ce nœud ne prend plus de travail unique"
            self._log.error("clock-off", seconds=seconds, why=why, fix="réglez l'heure (chrony)")
        elif state:
            self._log.warning("clock-differs", seconds=seconds, fix="réglez l'heure (chrony)")
        else:
            self._log.info("clock-right", seconds=seconds)

    async def _say(self, tx: Tx) -> tuple[bool, list[Heard]]:
        return await nodes.beat(tx, self._node, self._difference), await nodes.list_nodes(tx)

    async def _leave_for(self, reason: str) -> None:
        """Stop this process: it would read or write what it does not understand."""
        self._given_up = True
        self._log.error("node-gives-up", node=self._node.name, reason=reason)
        with suppress(StoreError):
            await self._store.write(lambda tx: nodes.stop(tx, self._node.run, reason))
        self._give_up()

    def _observe(self, heard: list[Heard]) -> None:
        """Count for each other node how often it said nothing new while we were heard: no clock is asked for that."""
        seen: dict[str, tuple[datetime, int]] = {}
        # Who was gone and is forgotten since may still have leases that run.
        gone = set(list(self._gone - {one.node.run for one in heard})[:GONE_MAX])
        for one in heard:
            run = one.node.run
            before, missed = self._seen.get(run, (one.beat_at, -1))
            seen[run] = (one.beat_at, missed + 1 if one.beat_at == before else 0)
            if run == self._node.run:
                continue
            if one.state is not NodeState.RUNNING:
                gone.add(run)
            elif seen[run][1] >= SILENT_BEATS:
                gone.add(run)
                if run not in self._gone:
                    self._log.warning("node-silent", node=one.node.name)
        self._seen, self._gone = seen, frozenset(gone)
