"""Imports of national files: whole or not at all, compared, guarded.

Source: issue of the directory (data).
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import pytest
from directory_files import (
    CARDIO,
    CHU,
    DUPONT,
    LINES,
    MARTIN,
    NOW,
    PRACTICE,
    activities,
    box,
    extraction,
    load_sources,
    loaded,
    opened,
)

from mssante.flows.directory.loading import Guard, ImportRefusedError
from mssante.flows.directory.rows import Source
from mssante.model.directory import (
    AddMailbox,
    Caller,
    Field,
    Holder,
    How,
    ListedMailbox,
    Match,
    Person,
    Subject,
    Target,
)
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.store.directory import history
from mssante.store.directory.engine import DirectoryShelf
from mssante.store.directory.file import DirectoryFolder
from mssante.store.directory.postgres.shelf import PostgresShelf
from mssante.store.tx import Work
from mssante.wire.annuaire.extraction import read_extraction
from mssante.wire.annuaire.lines import Batch
from mssante.wire.annuaire.persons import read_activities

T = TypeVar("T")

AGENT = Caller("agent", operator="chu")


def asked(shelf: DirectoryShelf, work: Work[T]) -> T:
    store = shelf.store()
    found = store.read_now(work)
    asyncio.run(store.close())
    return found


def whats(shelf: DirectoryShelf, after: int = 0) -> list[tuple[str, str]]:
    return [(one.what, one.address) for one in asked(shelf, lambda tx: history.feed(tx, after, 100))]


def addresses(shelf: DirectoryShelf) -> list[str]:
    async def work(tx) -> list[str]:
        return [str(row[0]) for row in await tx.all("boxes_from", after=0, limit=100)]

    return asked(shelf, work)


def versions(shelf: DirectoryShelf) -> list[str]:
    """Return what stands on the shelf: files, or schemas."""
    if isinstance(shelf, DirectoryFolder):
        return sorted(file.name for file in shelf.path.iterdir() if file.suffix == ".db")
    assert isinstance(shelf, PostgresShelf)

    async def look() -> list[str]:
        connection = await shelf._target.connect("test", read_only=True)
        rows = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'directory\\_%' ORDER BY 1")
        await connection.close()
        return [str(one) for (one,) in rows]

    return asyncio.run(look())


def test_a_first_import_puts_everything_in_force_without_a_feed(shelf: DirectoryShelf) -> None:
    report = loaded(shelf, extraction=extraction(), activities=activities([(DUPONT, CHU), (MARTIN, PRACTICE)]))
    assert (report.after.mailboxes, report.after.professionals, report.after.structures) == (6, 5, 3)
    assert report.after.situations == 2
    assert report.delta.created == 6
    assert whats(shelf) == []


def test_the_next_import_tells_what_was_created_changed_moved_and_removed(shelf: DirectoryShelf) -> None:
    loaded(shelf, extraction=extraction())
    lines = list(LINES)
    lines[0] = (replace(lines[0][0], is_paperless=False), *lines[0][1:])
    lines[2] = box(lines[2][0].address, lines[2][1], CHU)
    lines[3] = box("paul.martin@medecin.mssante.fr", MARTIN, PRACTICE)
    report = loaded(shelf, extraction=extraction(lines))
    assert (report.delta.created, report.delta.changed, report.delta.moved, report.delta.removed) == (1, 1, 1, 1)
    assert sorted(whats(shelf)) == [
        ("changed", "jean.dupont@chu-nantes.mssante.fr"),
        ("created", "paul.martin@medecin.mssante.fr"),
        ("moved", "annelise.dupont-moretti@medecin.mssante.fr"),
        ("removed", "helene.legoff@infirmier.mssante.fr"),
    ]


def test_the_same_file_again_changes_nothing(shelf: DirectoryShelf) -> None:
    loaded(shelf, extraction=extraction())
    report = loaded(shelf, extraction=extraction(), now=NOW.replace(day=3))
    delta = report.delta
    assert (delta.created, delta.changed, delta.moved, delta.removed) == (0, 0, 0, 0)


def test_bad_lines_are_counted_and_kept_never_fatal(shelf: DirectoryShelf) -> None:
    more = b"PER|sans-arobase|8\nPER|a@x.mssante.fr|8|10000000000|810000000000" + b"|" * 26 + b"\n\xff\xfe\n"
    report = loaded(shelf, guard=Guard(bad_share=0.5), extraction=extraction(more=more))
    assert (report.sources[0].lines, report.sources[0].kept, report.sources[0].bad) == (9, 6, 3)
    kept = asked(shelf, lambda tx: history.bad_lines(tx, 10))
    assert [one.line for one in kept] == [8, 9, 10]
    assert all(one.reason for one in kept)


def test_a_file_of_bad_lines_is_refused_and_the_old_directory_serves(shelf: DirectoryShelf) -> None:
    loaded(shelf, extraction=extraction())
    with pytest.raises(ImportRefusedError, match=r"lignes fautives.*ligne 8"):
        loaded(shelf, extraction=extraction(more=b"rien\n" * 3))
    assert len(addresses(shelf)) == 6


def test_a_shrunken_file_is_refused_unless_the_loss_is_accepted(shelf: DirectoryShelf) -> None:
    loaded(shelf, extraction=extraction())
    with pytest.raises(ImportRefusedError, match="4 boîtes au lieu de 6"):
        loaded(shelf, guard=Guard(), extraction=extraction(LINES[:4]))
    assert len(addresses(shelf)) == 6
    loaded(shelf, guard=Guard(0.0), extraction=extraction(LINES[:4]))
    assert len(addresses(shelf)) == 4


def test_an_accident_in_the_middle_leaves_nothing_behind(shelf: DirectoryShelf) -> None:
    loaded(shelf, extraction=extraction())
    before = versions(shelf)

    def broken() -> Iterator[Batch]:
        yield from read_extraction([extraction()[:1500]])
        raise OSError

    with pytest.raises(OSError):
        load_sources(shelf, [Source("x", "extraction", broken())])
    assert versions(shelf) == before
    assert len(addresses(shelf)) == 6


def test_the_version_before_is_kept_and_those_behind_it_go(shelf: DirectoryShelf) -> None:
    for day in range(1, 5):
        loaded(shelf, extraction=extraction(), now=NOW.replace(day=day))
    assert [int(one.removesuffix(".db")[-6:]) for one in versions(shelf)] == [3, 4]


def test_a_version_is_there_once_it_is_in_force(shelf: DirectoryShelf) -> None:
    assert not shelf.has_one()
    loaded(shelf, extraction=extraction())
    assert shelf.has_one()


async def test_a_reader_sees_one_version_to_its_end_and_the_next_one_at_its_next_question(
    shelf: DirectoryShelf,
) -> None:
    loaded(shelf, extraction=extraction())
    store = shelf.store()
    counts = []

    async def work(tx) -> None:
        counts.append((await tx.one("count_rows"))[3])
        loaded(shelf, extraction=extraction(LINES[:3]))
        loaded(shelf, extraction=extraction(LINES[:2]))
        counts.append(len(await tx.all("boxes_from", after=0, limit=100)))

    await store.read(work)
    counts.append((await store.read(lambda tx: tx.one("count_rows")))[3])
    assert counts == [6, 6, 2]
    await store.close()


def test_a_file_with_other_columns_is_refused_by_name(shelf: DirectoryShelf) -> None:
    with pytest.raises(TheirProtocolError, match="Adresse BAL"):
        loaded(shelf, extraction=extraction().replace(b"Adresse BAL", b"Courriel", 1))


async def test_what_an_operator_changed_is_kept_by_the_next_import_and_by_one_under_way(shelf: DirectoryShelf) -> None:
    loaded(shelf, extraction=extraction())
    directory, store = opened(shelf)
    added = ListedMailbox("jean.dupont@liberal.mssante.fr", MailboxType.PER)
    target = Target(Holder.PERSON, DUPONT.identifier)
    assert isinstance(await directory.change(AGENT, target, (AddMailbox(added),)), Person)

    meanwhile = ListedMailbox("jean.dupont2@liberal.mssante.fr", MailboxType.PER)

    def batches() -> Iterator[Batch]:
        yield from read_extraction([extraction()])
        store.write_now(lambda tx: _add(tx, meanwhile))

    report = load_sources(shelf, [Source("x", "extraction", batches())])
    assert report.caught_up == 1
    feed = await store.read(lambda tx: history.feed(tx, 0, 100))
    assert [one.address for one in feed] == [added.address, meanwhile.address]
    for address in (added.address, meanwhile.address):
        found = await directory.select(AGENT, Subject.MAILBOXES, Match(Field.ADDRESS, How.EQUALS, address), limit=5)
        assert [one.address for one in found.entries] == [address]
        searched = await directory.search(AGENT, address)
        assert [one.entry.address for one in searched.entries] == [address]
    await store.close()


async def test_what_changes_during_an_import_keeps_its_place_in_the_feed_and_what_it_did_comes_behind(
    shelf: DirectoryShelf,
) -> None:
    loaded(shelf, extraction=extraction())
    directory, store = opened(shelf)
    meanwhile = ListedMailbox("paul.martin@liberal.mssante.fr", MailboxType.PER, service="Zoologie")
    seen: list[int] = []

    def batches() -> Iterator[Batch]:
        yield from read_extraction([extraction(LINES[:5])])
        store.write_now(lambda tx: _add(tx, meanwhile))
        seen.extend(one.seq for one in store.read_now(lambda tx: history.feed(tx, 0, 100)))

    load_sources(shelf, [Source("x", "extraction", batches())])
    feed = await store.read(lambda tx: history.feed(tx, 0, 100))
    assert [(one.what, one.address) for one in feed] == [
        ("created", meanwhile.address),
        ("removed", LINES[5][0].address),
    ]
    assert [feed[0].seq] == seen
    assert [one.entry.address for one in (await directory.search(AGENT, "zoologie")).entries] == [meanwhile.address]
    await store.close()


async def test_who_got_a_first_mailbox_during_an_import_is_no_entry_without_one(shelf: DirectoryShelf) -> None:
    files = {"extraction": extraction(), "activities": activities([(MARTIN, CHU)])}
    loaded(shelf, **files)
    directory, store = opened(shelf)
    box = ListedMailbox("paul.martin@chu-nantes.mssante.fr", MailboxType.PER)

    def batches() -> Iterator[Batch]:
        yield from read_extraction([files["extraction"]])
        store.write_now(lambda tx: _add(tx, box, MARTIN.identifier))

    load_sources(
        shelf,
        [
            Source("x", "extraction", batches()),
            Source("y", "activities", read_activities([files["activities"]])),
        ],
    )
    found = await directory.search(AGENT, "paul martin")
    assert [one.entry.address for one in found.entries] == [box.address]
    await store.close()


async def _add(tx, mailbox: ListedMailbox, holder: str = DUPONT.identifier) -> None:
    from mssante.flows.directory.changing import changed

    refusal = await changed(tx, AGENT, Target(Holder.PERSON, holder), (AddMailbox(mailbox),), NOW)
    assert refusal is None


async def test_savoir_faire_of_their_own_file_take_the_place_of_others(shelf: DirectoryShelf) -> None:
    from mssante.wire.annuaire.persons import SPECIALITY_HEADER, read_specialities

    fields = {
        "Identification nationale PP": DUPONT.identifier,
        "Code profession": "10",
        "Code savoir-faire": "SM26",
        "Libellé savoir-faire": "Qualifié en Médecine Générale",
    }
    header = SPECIALITY_HEADER.decode()
    text = header + "|".join(fields.get(name, "") for name in header.strip().split("|")) + "\n"
    sources = [
        Source("a", "extraction", read_extraction([extraction()])),
        Source("b", "specialities", read_specialities([text.encode()])),
    ]
    load_sources(shelf, sources)
    directory, store = opened(shelf)
    found = await directory.one(AGENT, Target(Holder.PERSON, DUPONT.identifier))
    assert [one.code for one in found.professional.specialities] == ["SM26"]
    assert CARDIO.code not in {one.code for one in found.professional.specialities}
    await store.close()
