"""Imports of national files: whole or not at all, compared, guarded.

Source: issue of the directory (data).
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
from mssante.store.directory.file import DirectoryFolder, DirectoryStore
from mssante.wire.annuaire.extraction import read_extraction
from mssante.wire.annuaire.lines import Batch

AGENT = Caller("agent", operator="chu")


def whats(folder: Path, after: int = 0) -> list[tuple[str, str]]:
    store = DirectoryStore(DirectoryFolder(folder))
    return [(one.what, one.address) for one in store.read_now(lambda tx: history.feed(tx, after, 100))]


def addresses(folder: Path) -> list[str]:
    store = DirectoryStore(DirectoryFolder(folder))

    async def work(tx) -> list[str]:
        return [str(row[0]) for row in await tx.all("boxes_from", after=0, limit=100)]

    return store.read_now(work)


def test_a_first_import_puts_everything_in_force_without_a_feed(tmp_path: Path) -> None:
    report = loaded(tmp_path, extraction=extraction(), activities=activities([(DUPONT, CHU), (MARTIN, PRACTICE)]))
    assert (report.after.mailboxes, report.after.professionals, report.after.structures) == (6, 5, 3)
    assert report.after.situations == 2
    assert report.delta.created == 6
    assert whats(tmp_path) == []


def test_the_next_import_tells_what_was_created_changed_moved_and_removed(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    lines = list(LINES)
    lines[0] = (replace(lines[0][0], is_paperless=False), *lines[0][1:])
    lines[2] = box(lines[2][0].address, lines[2][1], CHU)
    lines[3] = box("paul.martin@medecin.mssante.fr", MARTIN, PRACTICE)
    report = loaded(tmp_path, extraction=extraction(lines))
    assert (report.delta.created, report.delta.changed, report.delta.moved, report.delta.removed) == (1, 1, 1, 1)
    assert sorted(whats(tmp_path)) == [
        ("changed", "jean.dupont@chu-nantes.mssante.fr"),
        ("created", "paul.martin@medecin.mssante.fr"),
        ("moved", "annelise.dupont-moretti@medecin.mssante.fr"),
        ("removed", "helene.legoff@infirmier.mssante.fr"),
    ]


def test_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    report = loaded(tmp_path, extraction=extraction(), now=NOW.replace(day=3))
    delta = report.delta
    assert (delta.created, delta.changed, delta.moved, delta.removed) == (0, 0, 0, 0)


def test_bad_lines_are_counted_and_kept_never_fatal(tmp_path: Path) -> None:
    more = b"PER|sans-arobase|8\nPER|a@x.mssante.fr|8|10000000000|810000000000" + b"|" * 26 + b"\n\xff\xfe\n"
    report = loaded(tmp_path, guard=Guard(bad_share=0.5), extraction=extraction(more=more))
    assert (report.sources[0].lines, report.sources[0].kept, report.sources[0].bad) == (9, 6, 3)
    store = DirectoryStore(DirectoryFolder(tmp_path))
    kept = store.read_now(lambda tx: history.bad_lines(tx, 10))
    assert [one.line for one in kept] == [8, 9, 10]
    assert all(one.reason for one in kept)


def test_a_file_of_bad_lines_is_refused_and_the_old_directory_serves(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    with pytest.raises(ImportRefusedError, match=r"lignes fautives.*ligne 8"):
        loaded(tmp_path, extraction=extraction(more=b"rien\n" * 3))
    assert len(addresses(tmp_path)) == 6


def test_a_shrunken_file_is_refused_unless_the_loss_is_accepted(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    with pytest.raises(ImportRefusedError, match="4 boîtes au lieu de 6"):
        loaded(tmp_path, guard=Guard(), extraction=extraction(LINES[:4]))
    assert len(addresses(tmp_path)) == 6
    loaded(tmp_path, guard=Guard(0.0), extraction=extraction(LINES[:4]))
    assert len(addresses(tmp_path)) == 4


def test_an_accident_in_the_middle_leaves_no_file_behind(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    before = sorted(one.name for one in tmp_path.iterdir())

    def broken() -> Iterator[Batch]:
        yield from read_extraction([extraction()[:1500]])
        raise OSError

    with pytest.raises(OSError):
        load_sources(tmp_path, [Source("x", "extraction", broken())])
    assert {one for one in before if one.endswith(".db")} == {
        one.name for one in tmp_path.iterdir() if one.suffix == ".db"
    }
    assert len(addresses(tmp_path)) == 6


def test_a_file_with_other_columns_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TheirProtocolError, match="Adresse BAL"):
        loaded(tmp_path, extraction=extraction().replace(b"Adresse BAL", b"Courriel", 1))


async def test_what_an_operator_changed_is_kept_by_the_next_import_and_by_one_under_way(tmp_path: Path) -> None:
    loaded(tmp_path, extraction=extraction())
    directory, store = opened(tmp_path)
    added = ListedMailbox("jean.dupont@liberal.mssante.fr", MailboxType.PER)
    target = Target(Holder.PERSON, DUPONT.identifier)
    assert isinstance(await directory.change(AGENT, target, (AddMailbox(added),)), Person)

    meanwhile = ListedMailbox("jean.dupont2@liberal.mssante.fr", MailboxType.PER)

    def batches() -> Iterator[Batch]:
        yield from read_extraction([extraction()])
        store.write_now(lambda tx: _add(tx, meanwhile))

    report = load_sources(tmp_path, [Source("x", "extraction", batches())])
    assert report.caught_up == 1
    for address in (added.address, meanwhile.address):
        found = await directory.select(AGENT, Subject.MAILBOXES, Match(Field.ADDRESS, How.EQUALS, address), limit=5)
        assert [one.address for one in found.entries] == [address]
        searched = await directory.search(AGENT, address)
        assert [one.entry.address for one in searched.entries] == [address]
    await store.close()


async def _add(tx, mailbox: ListedMailbox) -> None:
    from mssante.flows.directory.changing import changed

    refusal = await changed(tx, AGENT, Target(Holder.PERSON, DUPONT.identifier), (AddMailbox(mailbox),), NOW)
    assert refusal is None


async def test_savoir_faire_of_their_own_file_take_the_place_of_others(tmp_path: Path) -> None:
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
    load_sources(tmp_path, sources)
    directory, store = opened(tmp_path)
    found = await directory.one(AGENT, Target(Holder.PERSON, DUPONT.identifier))
    assert [one.code for one in found.professional.specialities] == ["SM26"]
    assert CARDIO.code not in {one.code for one in found.professional.specialities}
    await store.close()
