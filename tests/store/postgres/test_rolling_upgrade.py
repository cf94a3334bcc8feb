"""Two adjacent versions of the program on one database: the older goes on when a step says so, else it stops.

Source: reliability.md H24, H25.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from postgresql import Server, settle
from standins import KeptLog
from store_world import ALICE, BOB, NOW, mailbox, message

from mssante.app.presence import Presence
from mssante.model.audit import AuditEvent
from mssante.model.errors import StoreSchemaError
from mssante.model.mailbox import Mailbox, Role
from mssante.model.node import Node, NodeState
from mssante.store import audit, mailboxes, messages, nodes
from mssante.store.engine import Store
from mssante.store.migrate import Migration
from mssante.store.postgres import engine
from mssante.store.postgres.migrate import load_migrations
from mssante.store.tx import Tx

KNOWN = load_migrations()
LAST = len(KNOWN)
EVENT = AuditEvent("message.received", "CN=x", "ref", "ok", "R5", {})
WIDER = (
    "ALTER TABLE mailbox ADD COLUMN colour text; ALTER TABLE message ADD COLUMN shape bigint; CREATE TABLE hue (x int)"
)
Steps = tuple[Migration, ...]
Opening = Callable[[str, Steps], Awaitable[Store]]


def step(text: str) -> Steps:
    return (*KNOWN, Migration(LAST + 1, f"{LAST + 1:04}_more.sql", text))


@pytest.fixture
async def opening(postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Opening]:
    """Return what opens the store as a program does that knows these steps."""
    database = f"rolling_{tmp_path.name[-8:].lower()}".replace("-", "_")
    await postgresql.ask(f"CREATE DATABASE {database}")
    opened: list[Store] = []

    async def start(name: str, steps: Steps) -> Store:
        with monkeypatch.context() as patch:
            patch.setattr(engine, "load_migrations", lambda: steps)
            store = await Store.open(tmp_path / name, postgresql.settings(database))
        opened.append(store)
        return store

    yield start
    for store in opened:
        await store.close()
    await postgresql.drop(database)


async def deliver(store: Store, reference: str) -> int:
    async def work(tx: Tx) -> int:
        box = await mailboxes.mailbox_by_key(tx, ALICE.key)
        assert box is not None
        kept = await message(tx, reference)
        _change, uid = await messages.file_message(
            tx, message=kept, mailbox_id=box.mailbox_id, role=Role.INBOX, prefix=b"", now=NOW
        )
        await audit.append(tx, EVENT, NOW)
        return uid

    return await store.write(work)


async def listed(store: Store) -> list[int]:
    async def work(tx: Tx) -> list[int]:
        box = await mailboxes.mailbox_by_key(tx, ALICE.key)
        assert box is not None
        folder = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
        return sorted(row.uid for row in await messages.list_messages(tx, folder.folder_id, limit=10_000))

    return await store.read(work)


class Working:
    """Somebody who delivers and reads on one node without a pause."""

    def __init__(self, store: Store, name: str) -> None:
        self.uids: list[int] = []
        self._store, self._name = store, name
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        for number in count():
            self.uids.append(await deliver(self._store, f"{self._name}-{number}"))
            assert self.uids[-1] in await listed(self._store)

    async def more(self) -> None:
        """Wait until it has done some more, or fail as it did."""
        known = len(self.uids)
        await settle(lambda: self._task.done() or len(self.uids) >= known + 5)
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.mark.parametrize(
    ("older", "newer"),
    [(KNOWN[:-1], KNOWN), (KNOWN, step(f"-- works with: {LAST}\n{WIDER}"))],
    ids=["the last step", "a step to come"],
)
async def test_an_older_node_delivers_and_reads_while_a_newer_one_migrates_and_both_go_on(
    opening: Opening, older: Steps, newer: Steps
) -> None:
    old = await opening("old", older)

    async def first(tx: Tx) -> Mailbox:
        await mailbox(tx, BOB)
        return await mailbox(tx, ALICE)

    await old.write(first)
    before = Working(old, "old")
    await before.more()
    new = await opening("new", newer)
    after = Working(new, "new")
    for worker in (before, after, before):
        await worker.more()
    # An older one that is begun again meanwhile finds a newer schema, which says that it will do.
    again = Working(await opening("again", older), "again")
    for worker in (again, before, after):
        await worker.more()
    for worker in (before, after, again):
        await worker.stop()
    given = [uid for worker in (before, after, again) for uid in worker.uids]
    assert len(given) == len(set(given))
    for store in (old, new):
        # What was on its way at the stop may have been kept.
        assert set(given) <= set(await listed(store))
        assert (await store.read_long(audit.verify)).broken_at is None


async def test_a_step_that_the_older_program_does_not_know_keeps_it_from_starting_and_stops_one_that_runs(
    opening: Opening,
) -> None:
    old = await opening("old", KNOWN)
    log, stopped = KeptLog(), asyncio.Event()
    node = Node("r1", "mss1", "mss1", "0.1.0", LAST, "smtp 25")
    presence = Presence(old, node, clock=lambda: datetime.now(UTC), log=log, give_up=stopped.set)
    await presence.beat()
    assert not stopped.is_set()
    new = await opening("new", step(WIDER))
    refused = f"a le schéma {LAST + 1}, ce programme connaît jusqu'au {LAST} : reprenez le programme plus récent"
    with pytest.raises(StoreSchemaError, match=refused):
        await opening("again", KNOWN)
    await presence.beat()
    assert stopped.is_set()
    assert [(level, event) for level, event, _facts in log.lines] == [("error", "node-gives-up")]
    (heard,) = await new.read(nodes.list_nodes)
    assert (heard.state, heard.reason) == (
        NodeState.STOPPED,
        f"le schéma demande un programme qui le connaît jusqu'au {LAST + 1}",
    )


async def test_a_node_gives_up_also_when_its_own_table_is_not_there_any_more(opening: Opening) -> None:
    old = await opening("old", KNOWN)
    log, stopped = KeptLog(), asyncio.Event()
    node = Node("r1", "mss1", "mss1", "0.1.0", LAST, "")
    presence = Presence(old, node, clock=lambda: datetime.now(UTC), log=log, give_up=stopped.set)
    await opening("new", step(f"-- works with: {LAST}\nDROP TABLE node"))
    await presence.beat()
    assert stopped.is_set()
