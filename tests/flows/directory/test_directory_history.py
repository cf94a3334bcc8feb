"""What a delivery tells of an address comes back in the next search, and only to whom it concerns."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

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
from mssante.store.directory.file import DirectoryFolder, DirectoryStore

NEAR_HOST = "mss.ville.fr"
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
async def shelf(tmp_path: Path) -> AsyncIterator[DirectoryStore]:
    loaded(tmp_path / "annuaire", extraction=extraction(LINES))
    store = DirectoryStore(DirectoryFolder(tmp_path / "annuaire"))
    yield store
    await store.close()


def directory_of(office: Office, shelf: DirectoryStore) -> Directory:
    return Directory(shelf, office.clock, daily_entries=0, history=RecordedHistory(office.store, office.clock))


async def sent(office: Office, *recipients: str, sender: str = ANNE) -> None:
    await office.submit(letter(sender=sender), *recipients, sender=sender)
    await office.delivering.drain()


async def answer(directory: Directory, caller: Caller = ASKER) -> list[tuple[str, str]]:
    found = await directory.search(caller, "dupont jean")
    assert isinstance(found, Ranked)
    return [(one.entry.address, one.warning) for one in found.entries]


async def test_a_hard_bounce_puts_the_address_last_in_the_next_search_with_its_warning(
    office: Office, shelf: DirectoryStore
) -> None:
    directory = directory_of(office, shelf)
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


async def test_a_success_brings_the_address_back(office: Office, shelf: DirectoryStore) -> None:
    directory = directory_of(office, shelf)
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
    office: Office, shelf: DirectoryStore
) -> None:
    directory = directory_of(office, shelf)
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


async def test_without_a_directory_there_are_bounces_and_no_alternative(office: Office, tmp_path: Path) -> None:
    office.courier.answers[NEAR_HOST] = always(GONE)
    await sent(office, OLD)
    store = DirectoryStore(DirectoryFolder(tmp_path / "rien"))
    directory = Directory(store, office.clock, daily_entries=0)
    (one,) = await bounces(office.store, directory, Caller("cli"), office.clock())
    assert (one.alternative, one.health) == (None, Health.BOUNCING)
    await store.close()


async def test_a_store_that_cannot_be_read_leaves_the_search_without_its_past(
    office: Office, shelf: DirectoryStore
) -> None:
    directory = directory_of(office, shelf)
    await office.store.close()
    assert [one[0] for one in await answer(directory)] == [OLD, NEW]
