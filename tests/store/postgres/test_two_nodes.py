"""Two nodes on one database: numbers are given once, readers see commits in their order, each hears of the other."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgresql import Server, settle
from store_world import ALICE, BOB, NOW, mailbox, message

from mssante.flows.notify import Notifier
from mssante.model.address import parse_address
from mssante.model.audit import AuditEvent
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.mailbox import FolderId, Mailbox, MailboxId, Role
from mssante.model.message import Copy, CopyId, CopyState
from mssante.store import audit, domains, folders, mailboxes, messages, queue
from mssante.store.engine import Elsewhere, Store
from mssante.store.postgres.writer import LOCK
from mssante.store.tx import Tx

EVENT = AuditEvent("message.received", "CN=x", "ref", "ok", "R5", {})
LEASE = timedelta(minutes=15)
RUNS = itertools.count()
Nodes = tuple[Store, Store]


@pytest.fixture
async def nodes(postgresql: Server, tmp_path: Path) -> AsyncIterator[Nodes]:
    database = await postgresql.lend_database()
    made = [await Store.open(tmp_path / name, postgresql.settings(database, group_commit=8)) for name in ("one", "two")]
    yield made[0], made[1]
    for store in made:
        await store.close()
    await postgresql.take_back(database)


async def _deliver(tx: Tx, reference: str, box: MailboxId) -> tuple[int, int, int]:
    kept = await message(tx, reference)
    change, uid = await messages.file_message(tx, message=kept, mailbox_id=box, role=Role.INBOX, prefix=b"", now=NOW)
    await audit.append(tx, EVENT, NOW)
    return change.folder_id, uid, change.modseq


async def _queue(tx: Tx, count: int) -> list[CopyId]:
    kept = await message(tx)
    return [
        await queue.add_copy(
            tx,
            message=kept,
            reference="ref-1",
            sender=BOB,
            recipient=Recipient(parse_address(f"u{number}@d{number % 7}.fr")),
            options=MailOptions(),
            prefix=b"",
            dsn=False,
            due_at=NOW,
            now=NOW,
        )
        for number in range(count)
    ]


async def _claim(store: Store, lease: str, *, now: datetime = NOW, limit: int = 5) -> list[Copy]:
    return await store.write(
        lambda tx: queue.claim_due(
            tx, now=now, limit=limit, lease=lease, lease_until=now + LEASE, busy={}, per_destination=9
        )
    )


async def _finish(tx: Tx, copy: Copy, lease: str) -> bool:
    return await queue.finish_copy(
        tx,
        copy_id=copy.copy_id,
        lease=lease,
        state=CopyState.RELAYED,
        due_at=None,
        kind=None,
        detail="",
        reply="",
        peer="",
        rule="",
        now=NOW,
    )


async def _watch(store: Store, folder: FolderId, stop: asyncio.Event) -> list[tuple[int, int]]:
    """Look again and again; return (UID, modification number) in the order in which they were first seen."""
    seen: dict[tuple[int, int], None] = {}
    while True:
        last = stop.is_set()
        rows = await store.read(lambda tx: folders.flag_rows(tx, folder))
        fresh = sorted((row[2], row[0]) for row in rows if (row[0], row[2]) not in seen)
        seen.update({(uid, modseq): None for modseq, uid in fresh})
        if last:
            return list(seen)


async def _two_boxes(store: Store) -> tuple[list[Mailbox], FolderId]:
    async def make(tx: Tx) -> tuple[list[Mailbox], FolderId]:
        boxes = [await mailbox(tx, ALICE), await mailbox(tx, BOB)]
        return boxes, (await mailboxes.folder_by_role(tx, boxes[0].mailbox_id, Role.INBOX)).folder_id

    return await store.write(make)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000), count=st.integers(20, 60))
async def test_never_gives_a_uid_twice_and_readers_see_numbers_rise_in_commit_order(
    nodes: Nodes, seed: int, count: int
) -> None:
    chance, run = random.Random(seed), next(RUNS)

    async def make(tx: Tx) -> tuple[list[MailboxId], FolderId]:
        names = [parse_address(f"{one}{run}@chu.mssante.fr") for one in "ab"]
        ids = [(await mailbox(tx, name)).mailbox_id for name in names]
        return ids, (await mailboxes.folder_by_role(tx, ids[0], Role.INBOX)).folder_id

    boxes, folder = await nodes[0].write(make)

    def deliver(number: int) -> asyncio.Future[tuple[int, int, int]]:
        box = chance.choice(boxes)
        return chance.choice(nodes).write(lambda tx: _deliver(tx, f"{run}-{number}", box))

    stop = asyncio.Event()
    watchers = [asyncio.create_task(_watch(store, folder, stop)) for store in nodes]
    given_places = await asyncio.gather(*(deliver(number) for number in range(count)))
    stop.set()
    assert len({(where, uid) for where, uid, _modseq in given_places}) == count
    for where in {place[0] for place in given_places}:
        uids = sorted(uid for folder_id, uid, _modseq in given_places if folder_id == where)
        assert uids == list(range(1, len(uids) + 1))
        by_uid = [modseq for _folder, _uid, modseq in sorted(given_places) if _folder == where]
        assert by_uid == sorted(set(by_uid))
    for watcher in watchers:
        order = await watcher
        # What was seen later has a larger number: who asks for changes above the last one misses nothing.
        assert order == sorted(order, key=lambda one: one[1])
        assert len(order) == sum(place[0] == folder for place in given_places)
    found = await nodes[1].read_long(audit.verify)
    assert found.broken_at is None


async def test_a_copy_is_claimed_by_one_node_and_finished_by_who_holds_it(nodes: Nodes) -> None:
    copies = await nodes[0].write(lambda tx: _queue(tx, 60))
    claimed = await asyncio.gather(*(_claim(nodes[number % 2], f"w{number}") for number in range(14)))
    assert sorted(copy.copy_id for found in claimed for copy in found) == copies
    first = next(found[0] for found in claimed if found)
    assert not await nodes[0].write(lambda tx: _finish(tx, first, "other"))
    (again,) = await _claim(nodes[1], "late", now=NOW + LEASE, limit=1)
    holder = next(found[0] for found in claimed if found and found[0].copy_id == again.copy_id)
    assert not await nodes[0].write(lambda tx: _finish(tx, holder, holder.lease)), "its lease has ended"
    assert await nodes[1].write(lambda tx: _finish(tx, again, "late"))


async def test_a_claim_leaves_what_another_transaction_has_its_hands_on(nodes: Nodes, postgresql: Server) -> None:
    copies = await nodes[0].write(lambda tx: _queue(tx, 3))
    beside = await asyncpg.connect(nodes[0]._target.dsn)
    await beside.execute("BEGIN; SELECT 1 FROM copy WHERE copy_id = 1 FOR UPDATE")
    claimed = await _claim(nodes[1], "w")
    assert [copy.copy_id for copy in claimed] == copies[1:]
    await beside.close()


async def test_each_node_hears_of_the_commits_of_the_other_and_not_of_its_own(nodes: Nodes) -> None:
    heard: tuple[list[Elsewhere], list[Elsewhere]] = ([], [])
    for store, notices in zip(nodes, heard, strict=True):
        store.listen(notices.append)
    await settle(lambda: all(notices == [Elsewhere(missed=True)] for notices in heard))
    boxes, folder = await _two_boxes(nodes[0])
    await nodes[0].write(lambda tx: _deliver(tx, "r1", boxes[0].mailbox_id))
    await nodes[1].write(lambda tx: folders.rename_folder(tx, folder, "Autre"))
    await nodes[0].write(lambda tx: folders.set_acl(tx, folder, "bob", "lr"))
    await nodes[0].write(lambda tx: domains.add_domain(tx, "x.fr", NOW))
    await settle(lambda: heard[1][-1].trust and len(heard[0]) > 1)
    assert Elsewhere(folder=(boxes[0].mailbox_id, folder, 2)) in heard[1]
    assert heard[1].count(Elsewhere(mailbox_id=boxes[0].mailbox_id)) == 2
    assert heard[0][1:] == [Elsewhere(mailbox_id=boxes[0].mailbox_id)]


async def test_who_waits_on_one_node_is_told_of_a_delivery_on_the_other(nodes: Nodes) -> None:
    notifier, told = Notifier(), asyncio.Event()
    boxes, folder = await _two_boxes(nodes[0])
    nodes[1].listen(notifier.hear)
    await asyncio.wait_for(notifier.wait_queue(60), 10)
    notifier.listen(
        boxes[0].mailbox_id, lambda changes: told.set() if any(one.folder_id == folder for one in changes) else None
    )
    await nodes[0].write(lambda tx: _deliver(tx, "r1", boxes[0].mailbox_id))
    await asyncio.wait_for(told.wait(), 1)
    assert told.is_set()
    await nodes[0].write(lambda tx: _queue(tx, 1))
    await asyncio.wait_for(notifier.wait_queue(60), 1)


async def test_a_transaction_that_is_rolled_back_is_not_heard_of(nodes: Nodes) -> None:
    heard: list[Elsewhere] = []
    nodes[1].listen(heard.append)
    boxes, _folder = await _two_boxes(nodes[0])

    async def fails(tx: Tx) -> None:
        await _deliver(tx, "r1", boxes[0].mailbox_id)
        msg = "an accident"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="accident"):
        await nodes[0].write(fails)
    await settle(lambda: bool(heard))
    heard.clear()
    await nodes[0].write(lambda tx: domains.add_domain(tx, "x.fr", NOW))
    await settle(lambda: bool(heard))
    assert heard == [Elsewhere(trust=True)]


async def test_hears_again_after_the_connection_was_lost_and_says_that_it_missed_something(
    nodes: Nodes, postgresql: Server
) -> None:
    heard: list[Elsewhere] = []
    stop = nodes[1].listen(heard.append)
    await settle(lambda: bool(heard))
    name = nodes[1]._program
    await postgresql.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", name)
    await settle(lambda: len(heard) == 2)
    assert heard[1] == Elsewhere(missed=True)
    stop()
    stop()
    await nodes[0].write(lambda tx: domains.add_domain(tx, "x.fr", NOW))
    assert await nodes[1].read(domains.list_domains) == ("x.fr",)
    assert len(heard) == 2


async def test_a_node_that_stands_still_in_a_transaction_holds_the_others_up_for_a_while_only(
    nodes: Nodes,
) -> None:
    still = await asyncpg.connect(nodes[0]._target.dsn)
    await still.execute(
        f"SET idle_in_transaction_session_timeout = '300ms'; BEGIN; SELECT pg_advisory_xact_lock({LOCK})"
    )
    await nodes[0].write(lambda tx: domains.add_domain(tx, "x.fr", NOW))
    assert await nodes[1].read(domains.list_domains) == ("x.fr",)
    assert still.is_closed()
