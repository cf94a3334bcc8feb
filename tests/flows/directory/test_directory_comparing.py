"""Our mailboxes against a real small directory, and against what a national directory answers."""

from collections.abc import AsyncIterator, Callable, Container, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from directory_files import CHU, DUPONT, DUPONT_PARIS, LE_GOFF, MARTIN, PRACTICE, Line, box, extraction, loaded
from standins import HERE, Office

from mssante.flows.directory import comparing as comparing_module
from mssante.flows.directory.comparing import BATCH, UNREACHED_MAX, Comparing, Comparison, LookUp
from mssante.model.address import parse_address
from mssante.model.directory import ListedMailbox, Professional
from mssante.model.mailbox import MailboxState, MailboxType
from mssante.model.publication import Listing, Unreachable
from mssante.rules.directory_diff import Said
from mssante.store import correspondents, mailboxes, publication
from mssante.store.directory.engine import DirectoryShelf, DirectoryStore
from mssante.store.tx import Tx

FINE, MISSING, MOVED, CLOSED, RED, GHOST, TWICE = (
    f"{name}@{HERE}" for name in ("dupont", "martin", "legoff", "ferme", "rouge", "fantome", "double")
)
LINES: tuple[Line, ...] = (
    box(FINE, DUPONT, CHU),
    box(MOVED, LE_GOFF, PRACTICE),
    box(CLOSED, DUPONT_PARIS, CHU),
    box(RED, MARTIN, CHU),
    box(GHOST, MARTIN, CHU),
    box(TWICE, None, CHU, service="Accueil"),
    box(TWICE, None, PRACTICE, service="Accueil"),
    box("dupont@autre-chu.mssante.fr", DUPONT, CHU),
    box(f"sous@pole.{HERE}", MARTIN, CHU),
)


async def add(tx: Tx, address: str, who: Professional | None, office: Office, **listing: object) -> None:
    kind = MailboxType.ORG if who is None else MailboxType.PER
    identifier = CHU.identifier[1:] if who is None else who.identifier[1:]
    made = await mailboxes.create_mailbox(
        tx, parse_address(address), kind, holder="", identifier=identifier, quota_bytes=1000, now=office.clock()
    )
    structure = "" if who is None else CHU.identifier
    told = replace(Listing(structure=structure), **listing)  # type: ignore[arg-type]
    await publication.change_listing(tx, made.mailbox_id, told, office.clock())
    if address == CLOSED:
        await mailboxes.set_mailbox_state(tx, made.mailbox_id, MailboxState.CLOSED, office.clock())


@pytest.fixture
async def kept(office: Office, shelf: DirectoryShelf) -> AsyncIterator[DirectoryStore]:
    loaded(shelf, extraction=extraction(LINES), now=office.clock())

    async def fill(tx: Tx) -> None:
        for address, who in ((FINE, DUPONT), (MISSING, MARTIN), (MOVED, LE_GOFF), (CLOSED, DUPONT_PARIS)):
            await add(tx, address, who, office)
        await add(tx, RED, MARTIN, office, is_red=True)
        await add(tx, TWICE, None, office, service="Accueil")

    await office.store.write(fill)
    store = shelf.store()
    yield store
    await store.close()


def said(made: Comparison) -> set[tuple[str, str, str]]:
    return {(one.what.value, one.source.value, one.address) for one in made.findings}


EXTRACT = {
    ("missing", "extract", MISSING),
    ("wrong-holder", "extract", MOVED),
    ("ghost", "extract", CLOSED),
    ("red-leak", "extract", RED),
    ("ghost", "extract", GHOST),
    ("duplicate", "extract", TWICE),
}


@pytest.mark.parametrize("page", [1, 3, 200])
async def test_two_ways_find_everything_that_is_wrong_and_nothing_else(
    office: Office, kept: DirectoryStore, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing_module, "PAGE", page)
    steps: list[tuple[int, int]] = []
    made = await Comparing(office.store, kept, office.clock).compare(lambda done, total: steps.append((done, total)))
    assert said(made) == EXTRACT
    assert (made.found, len(made.findings)) == (6, 6)
    assert (made.compared, made.unattached) == (steps[-1][0], 3), "the three of the office have no identifier"
    assert steps[-1][0] == steps[-1][1]
    ours, extract, fhir = made.sources
    assert (ours.at, extract.at) == (office.clock(), office.clock().replace(microsecond=0))
    assert fhir.at is None
    assert "non interrogé" in fhir.note


def answering(lines: Sequence[ListedMailbox], *, silent: Container[str] = ()) -> LookUp:
    """Answer what there is of these lines; of the silent addresses, nothing that can be believed."""

    async def look_up(addresses: Sequence[str]) -> dict[str, tuple[ListedMailbox, ...]] | Unreachable:
        assert len(addresses) <= BATCH
        return {one: tuple(line for line in lines if line.address == one) for one in addresses if one not in silent}

    return look_up


@pytest.mark.parametrize("batch", [1, 4, BATCH])
async def test_the_third_way_has_its_own_findings(
    office: Office, kept: DirectoryStore, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing_module, "BATCH", batch)
    fine, martin, twice = LINES[0][0], box(MISSING, MARTIN, CHU)[0], LINES[5][0]
    look_up = answering([replace(fine, rank=3), martin, LINES[4][0], twice, LINES[6][0], LINES[2][0]])
    made = await Comparing(office.store, kept, office.clock, look_up=look_up).compare()
    assert said(made) - EXTRACT == {
        ("stale", "fhir", FINE),
        ("missing", "fhir", MOVED),
        ("ghost", "fhir", GHOST),
        ("ghost", "fhir", CLOSED),
        ("duplicate", "fhir", TWICE),
    }
    fhir = made.sources[2]
    assert (fhir.at, fhir.note, fhir.is_available, fhir.unanswered) == (office.clock(), "", True, 0)
    columns = {one.address: (one.ours, one.extract, one.fhir) for one in made.findings}
    assert columns == {
        FINE: (Said.THERE, Said.THERE, Said.THERE),
        MISSING: (Said.THERE, Said.ABSENT, Said.THERE),
        MOVED: (Said.THERE, Said.THERE, Said.ABSENT),
        CLOSED: (Said.OUT_OF_SERVICE, Said.THERE, Said.THERE),
        RED: (Said.THERE, Said.THERE, Said.ABSENT),
        GHOST: (Said.ABSENT, Said.THERE, Said.THERE),
        TWICE: (Said.THERE, Said.THERE, Said.THERE),
    }


async def test_an_address_that_got_no_answer_is_counted_and_never_missing(office: Office, kept: DirectoryStore) -> None:
    made = await Comparing(office.store, kept, office.clock, look_up=answering([], silent={MOVED, TWICE})).compare()
    assert said(made) - EXTRACT == {("missing", "fhir", FINE), ("missing", "fhir", MISSING)}
    fhir = made.sources[2]
    assert (fhir.is_available, fhir.unanswered, fhir.note) == (True, 2, "répond en partie, 2 adresses non vérifiées")
    assert {one.fhir for one in made.findings if one.address in {MOVED, TWICE}} == {Said.UNKNOWN}


async def test_a_directory_that_is_down_is_left_alone_and_said(
    office: Office, kept: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing_module, "BATCH", 1)
    asked = []

    async def look_up(addresses: Sequence[str]) -> Unreachable:
        asked.append(addresses)
        return Unreachable("503 en panne")

    made = await Comparing(office.store, kept, office.clock, look_up=look_up).compare()
    assert said(made) == EXTRACT
    assert UNREACHED_MAX <= len(asked) <= UNREACHED_MAX + comparing_module.ASKED_AT_ONCE
    fhir = made.sources[2]
    assert (fhir.at, fhir.is_available, fhir.unanswered) == (office.clock(), False, 7)
    assert fhir.note == "indisponible, 7 adresses non vérifiées (503 en panne)"


async def test_a_directory_that_falls_silent_in_the_middle_is_given_up(
    office: Office, kept: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing_module, "BATCH", 1)
    monkeypatch.setattr(comparing_module, "ASKED_AT_ONCE", 1)
    monkeypatch.setattr(comparing_module, "UNREACHED_MAX", 2)
    asked = []

    async def look_up(addresses: Sequence[str]) -> dict[str, tuple[ListedMailbox, ...]] | Unreachable:
        asked.append(addresses)
        return dict.fromkeys(addresses, ()) if len(asked) == 1 else Unreachable("")

    made = await Comparing(office.store, kept, office.clock, look_up=look_up).compare()
    assert len(asked) == 3
    assert len([one for one in made.findings if one.source.value == "fhir"]) == 1
    fhir = made.sources[2]
    assert (fhir.is_available, fhir.unanswered) == (True, 6)
    assert fhir.note == "ne répond plus après 2 demandes de suite, 6 adresses non vérifiées"


async def test_the_third_way_does_without_an_extract(
    office: Office, kept: DirectoryStore, new_shelf: Callable[[], DirectoryShelf]
) -> None:
    nothing = new_shelf().store()
    made = await Comparing(office.store, nothing, office.clock, look_up=answering([LINES[0][0]])).compare()
    await nothing.close()
    assert said(made) == {("missing", "fhir", one) for one in (MISSING, MOVED, TWICE)}
    assert [one.is_available for one in made.sources] == [True, False, True]


async def test_without_a_directory_nothing_is_found_and_it_is_said(office: Office, shelf: DirectoryShelf) -> None:
    store = shelf.store()
    made = await Comparing(office.store, store, office.clock).compare()
    await store.close()
    assert (made.found, made.sources[1].at) == (0, None)
    assert "aucun annuaire" in made.sources[1].note


async def test_findings_are_counted_beyond_what_is_kept(
    office: Office, kept: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing_module, "FINDINGS_MAX", 2)
    made = await Comparing(office.store, kept, office.clock).compare()
    assert (made.found, len(made.findings)) == (6, 2)


async def test_the_daily_result_is_kept_in_the_place_of_the_one_before(office: Office, kept: DirectoryStore) -> None:
    comparing = Comparing(office.store, kept, office.clock)
    await comparing.compare_and_keep()
    office.clock.step(days=1)
    made = await comparing.compare_and_keep()
    kept = await office.store.read(correspondents.last_comparison)
    assert kept is not None
    assert (kept.at, kept.found) == (made.at, 6)
    assert comparing_module.kept_comparison(kept.result) == made
    assert made.at - timedelta(days=1) < kept.at
