"""What a delivery tells of an address comes back in the next search, and only to whom it concerns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import pytest
from directory_files import CHU, DUPONT, MARTIN, PRACTICE, box, extraction, loaded
from standins import ANNE, BRUNO, CITIZEN, VILLE, Office, always, letter

from mssante.flows.directory.history import RecordedHistory, bounces
from mssante.flows.directory.reading import Directory
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Caller, Health
from mssante.model.directory_search import Past, Ranked
from mssante.model.message import Failed
from mssante.store import absences, correspondents
from mssante.store.directory.engine import DirectoryShelf, DirectoryStore
from mssante.store.engine import Store
from mssante.store.tx import Work

T = TypeVar("T")
NEAR_HOST = "mss.ville.fr"
STRANGER = Caller("autre")
OLD, NEW = VILLE, "jean.dupont@chu-nantes.mssante.fr"
TEAM = "cardiologie@chu-nantes.mssante.fr"
LINES = (
    box(OLD, DUPONT, PRACTICE, rank=1),
    box(NEW, DUPONT, CHU),
    box("paul.martin@ville.mssante.fr", MARTIN, CHU),
    box(TEAM, None, CHU, service="Cardiologie"),
)
GONE = Failed(Refusal(Kind.PEER_REFUSED, "peer", "550 5.1.1 Unknown"), "550 5.1.1 Unknown")
ASKER = Caller("anne", address=ANNE, near="44400")


@pytest.fixture
async def kept(shelf: DirectoryShelf) -> AsyncIterator[DirectoryStore]:
    loaded(shelf, extraction=extraction(LINES))
    store = shelf.store()
    yield store
    await store.close()


def directory_of(office: Office, kept: DirectoryStore) -> Directory:
    return Directory(kept, office.clock, daily_entries=0, history=RecordedHistory(office.store, office.clock))


async def sent(office: Office, *recipients: str, sender: str = ANNE) -> None:
    await office.submit(letter(sender=sender), *recipients, sender=sender)
    await office.delivering.drain()


async def answer(directory: Directory, caller: Caller = ASKER) -> list[tuple[str, str]]:
    found = await directory.search(caller, "dupont jean")
    assert isinstance(found, Ranked)
    return [(one.entry.address, one.warning) for one in found.entries]


async def test_a_hard_bounce_puts_the_address_last_in_the_next_search_with_its_warning(
    office: Office, kept: DirectoryStore
) -> None:
    directory = directory_of(office, kept)
    assert [one[0] for one in await answer(directory)] == [OLD, NEW]
    office.courier.answers[NEAR_HOST] = always(GONE)
    await sent(office, OLD)
    office.clock.step(seconds=6)
    (first, warning), (last, last_warning) = await answer(directory)
    assert (first, last, warning) == (NEW, OLD, "")
    assert last_warning
    office.clock.step(days=1)
    await sent(office, OLD, sender=BRUNO)
    office.clock.step(seconds=6)
    dead = (await answer(directory, Caller("autre")))[-1]
    assert dead[0] == OLD
    assert dead[1] != last_warning, "dead is not said as bouncing"


async def test_a_success_brings_the_address_back(office: Office, kept: DirectoryStore) -> None:
    directory = directory_of(office, kept)
    office.courier.answers[NEAR_HOST] = always(GONE)
    await sent(office, OLD)
    del office.courier.answers[NEAR_HOST]
    office.clock.step(minutes=1)
    await sent(office, OLD)
    assert (await answer(directory))[0] == (OLD, "")


async def test_a_success_is_told_to_its_sender_alone(office: Office) -> None:
    history = RecordedHistory(office.store, office.clock)
    await sent(office, OLD)
    assert await history.past(ASKER) == {OLD: Past(office.clock(), Health.ALIVE)}
    assert await history.past(Caller("bruno", address=BRUNO)) == {}
    office.courier.answers[NEAR_HOST] = always(GONE)
    delivered_at = office.clock()
    office.clock.step(days=1)
    await sent(office, OLD)
    assert await history.past(Caller("bruno", address=BRUNO)) == {OLD: Past(None, Health.BOUNCING)}
    assert (await history.past(ASKER))[OLD] == Past(delivered_at, Health.BOUNCING)


async def test_what_was_read_is_kept_for_some_seconds(office: Office) -> None:
    history = RecordedHistory(office.store, office.clock)
    assert await history.past(ASKER) == {}
    await sent(office, OLD)
    assert await history.past(ASKER) == {}
    office.clock.step(seconds=5)
    assert OLD in await history.past(ASKER)


async def test_nothing_of_citizens_nor_of_other_failures_is_kept(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(
        Failed(Refusal(Kind.MESSAGE_TOO_BIG, "peer", "552 5.3.4 Too big"), "552 5.3.4 Too big")
    )
    await sent(office, OLD, CITIZEN)
    assert await office.store.read(lambda tx: correspondents.failing(tx, 10)) == []
    assert await office.store.read(lambda tx: correspondents.written_by(tx, parse_address(ANNE).key, 10)) == []
    since = office.clock() - timedelta(days=1)
    for address, expected in ((OLD, 1), (parse_address(CITIZEN).key, 0)):
        found = await office.store.read(lambda tx, key=address: correspondents.written_to(tx, key, since, 10))
        assert len(found) == expected


async def test_an_absence_is_known_with_its_end_and_who_stands_in(office: Office) -> None:
    box_of_bruno, now = await office.mailbox(BRUNO), office.clock()
    until = now + timedelta(days=8)
    await office.store.write(
        lambda tx: absences.set_absence(
            tx,
            box_of_bruno.mailbox_id,
            starts_at=now,
            ends_at=until,
            text="Absent",
            substitute=parse_address(ANNE),
        )
    )
    office.clock.step(minutes=1)
    past = await RecordedHistory(office.store, office.clock).past(ASKER)
    assert past[BRUNO] == Past(None, Health.AWAY, until, ANNE)


async def test_bounces_propose_the_other_box_and_say_who_still_writes_there(
    office: Office, kept: DirectoryStore
) -> None:
    directory = directory_of(office, kept)
    bruno, old = parse_address(BRUNO), parse_address(OLD)
    long_ago = office.clock() - timedelta(days=200)
    await office.store.write(lambda tx: correspondents.note_arrival(tx, bruno, old, long_ago))
    office.courier.answers[NEAR_HOST] = always(GONE)
    since = office.clock()
    await sent(office, OLD, "paul.martin@ville.mssante.fr")
    office.clock.step(days=2)
    await sent(office, OLD)
    found = await bounces(office.store, directory, Caller("cli"), office.clock())
    assert [(one.address, one.health, one.since, one.writers) for one in found] == [
        (OLD, Health.DEAD, since, (ANNE,)),
        ("paul.martin@ville.mssante.fr", Health.BOUNCING, since, (ANNE,)),
    ]
    assert [one.alternative.address if one.alternative else "" for one in found] == [NEW, TEAM]
    assert found[0].reason == "mailbox-unknown"


async def test_without_a_directory_there_are_bounces_and_no_alternative(office: Office, shelf: DirectoryShelf) -> None:
    office.courier.answers[NEAR_HOST] = always(GONE)
    await sent(office, OLD)
    store = shelf.store()
    directory = Directory(store, office.clock, daily_entries=0)
    (one,) = await bounces(office.store, directory, Caller("cli"), office.clock())
    assert (one.alternative, one.health) == (None, Health.BOUNCING)
    await store.close()


async def test_a_store_that_cannot_be_read_leaves_the_search_without_its_past(
    office: Office, kept: DirectoryStore
) -> None:
    directory = directory_of(office, kept)
    await office.store.close()
    assert [one[0] for one in await answer(directory)] == [OLD, NEW]


class GatedStore:
    """A store whose readings wait at a gate: what a search does meanwhile is seen."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.gate, self.waiting = asyncio.Event(), asyncio.Event()
        self.reads = 0

    async def read(self, work: Work[T]) -> T:
        self.reads += 1
        self.waiting.set()
        await self.gate.wait()
        return await self._inner.read(work)


@asynccontextmanager
async def running(office: Office) -> AsyncIterator[tuple[RecordedHistory, GatedStore]]:
    """Run the history beside the tests; it has read once."""
    store = GatedStore(office.store)
    store.gate.set()
    history = RecordedHistory(store, office.clock, keep_for=timedelta())  # type: ignore[arg-type] # reads alone
    await history.past(STRANGER)
    store.gate.clear()
    store.waiting.clear()
    task = asyncio.create_task(history.run())
    await store.waiting.wait()
    try:
        yield history, store
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(history: RecordedHistory, expected: dict[str, Past]) -> None:
    async with asyncio.timeout(10):
        while await history.past(STRANGER) != expected:  # noqa: ASYNC110 - the history rings no bell
            await asyncio.sleep(0)


async def test_while_it_runs_no_search_waits_for_what_concerns_everybody(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(GONE)
    await sent(office, OLD)
    async with running(office) as (history, store):
        assert OLD in await history.past(STRANGER), "what was kept, though it is too old and the reading stands still"
        reads = store.reads
        office.clock.step(minutes=4)
        assert OLD in await history.past(STRANGER)
        assert store.reads == reads


async def test_a_search_that_finds_it_old_has_it_read_again(office: Office) -> None:
    async with running(office) as (history, store):
        store.gate.set()
        office.courier.answers[NEAR_HOST] = always(GONE)
        await sent(office, OLD)
        await until(history, {OLD: Past(None, Health.BOUNCING)})


async def test_what_could_not_be_read_for_long_is_asked_by_the_search_itself(office: Office) -> None:
    async with running(office) as (history, store):
        office.clock.step(minutes=6)
        store.waiting.clear()
        asking = asyncio.create_task(history.past(STRANGER))
        await store.waiting.wait()
        assert not asking.done()
        store.gate.set()
        assert await asking == {}


async def test_a_store_that_fails_while_it_runs_leaves_what_was_kept(office: Office) -> None:
    office.courier.answers[NEAR_HOST] = always(GONE)
    await sent(office, OLD)
    async with running(office) as (history, store):
        await office.store.close()
        store.gate.set()
        reads = store.reads
        async with asyncio.timeout(10):
            while store.reads < reads + 3:
                assert OLD in await history.past(STRANGER)
                await asyncio.sleep(0)


async def test_what_stopped_running_is_read_by_the_search_again(office: Office) -> None:
    async with running(office) as (history, store):
        pass
    store.gate.set()
    office.courier.answers[NEAR_HOST] = always(GONE)
    await sent(office, OLD)
    assert OLD in await history.past(STRANGER)
