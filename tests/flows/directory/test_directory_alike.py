"""The same questions to the same nation in files and on PostgreSQL: the same entries, order, reasons and pages.

Source: issue 5 (directory on PostgreSQL: same ranking, same answers on a common query set).
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest
from directory_files import NOW, load_sources
from postgresql import Server

from mssante.app.directory_files import open_source
from mssante.app.sandbox.population.population import write_population
from mssante.flows.directory import selecting
from mssante.flows.directory.reading import Directory
from mssante.model.directory import (
    AddMailbox,
    All,
    Any,
    Caller,
    ChangeMailbox,
    Condition,
    Entry,
    Field,
    Holder,
    How,
    ListedMailbox,
    Match,
    Not,
    RemoveMailbox,
    Subject,
    Target,
)
from mssante.model.directory_search import Filters
from mssante.model.mailbox import MailboxType
from mssante.store.directory import history, read
from mssante.store.directory.engine import DirectoryShelf, DirectoryStore
from mssante.store.directory.file import DirectoryFolder
from mssante.store.directory.postgres.shelf import PostgresShelf

PEOPLE = 2000
AGENT = Caller("agent", operator="chu", sees_red=True)
COMMON = (
    "medecin", "infirmier nantes", "medecin infirmier", "chu", "dep75", "m", "du", "paris", "pharmacien 13", "hopital",
    "cardiologue lyon", "dr martin", "le", "st denis", "zanzibar martin", "kine", "a b c d e f g h", "d'été", "75001",
)  # fmt: skip


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    made = tmp_path_factory.mktemp("nation")
    report = write_population(made, professionals=PEOPLE, seed=5, progress=lambda _done: None)
    return [file for file in report.files if file.suffix != ".zip"]


@pytest.fixture(scope="module")
def shelves(nation: list[Path], tmp_path_factory: pytest.TempPathFactory, postgresql: Server) -> list[DirectoryShelf]:
    asyncio.run(postgresql.ask("CREATE DATABASE alike"))
    found: list[DirectoryShelf] = [
        DirectoryFolder(tmp_path_factory.mktemp("alike")),
        PostgresShelf(postgresql.settings("alike")),
    ]
    for shelf in found:
        load_sources(shelf, [open_source(file) for file in nation])
    return found


class Both:
    """The two directories, asked the same."""

    def __init__(self, stores: list[DirectoryStore]) -> None:
        self.stores = stores
        self.directories = [Directory(one, lambda: NOW, daily_entries=0) for one in stores]
        self.asked = 0

    async def same(self, what: str, *args: object, **more: object) -> object:
        one, other = [await getattr(directory, what)(*args, **more) for directory in self.directories]
        assert one == other, (what, args, more)
        self.asked += 1
        return one

    async def feed(self) -> list[tuple[int, str, str]]:
        one, other = [
            [(line.seq, line.what, line.address) for line in await store.read(lambda tx: history.feed(tx, 0, 5000))]
            for store in self.stores
        ]
        # What an import did has no order of its own.
        assert [line[0] for line in one] == [line[0] for line in other]
        assert {line[1:] for line in one} == {line[1:] for line in other}
        return one


@pytest.fixture
async def both(shelves: list[DirectoryShelf]) -> AsyncIterator[Both]:
    stores = [shelf.store() for shelf in shelves]
    yield Both(stores)
    for store in stores:
        await store.close()


async def drawn(both: Both, count: int) -> list[Entry]:
    async def work(tx) -> list[Entry]:
        ids = [row[0] for row in await tx.all("entries_from", after=0, limit=100_000)]
        return await read.entries(tx, sorted(Random(7).sample(ids, count)))

    one, other = [await store.read(work) for store in both.stores]
    assert one == other
    return one


def typed(entry: Entry) -> Iterator[str]:
    """Yield what a person would type who wants this entry."""
    who, where = entry.professional, entry.structure
    town = "" if where is None else where.address.town
    if who is not None:
        yield f"{who.given} {who.family}"
        yield f"{who.family} {town}"
        yield who.family[:3]
        yield f"{who.family[:1]}{who.family[2:3]}{who.family[1:2]}{who.family[3:]} {town}"
        yield f"{who.profession.label.split('-')[0]} {town}"
        yield who.identifier
        yield from [f"{one.label.split()[0]} {who.family}" for one in who.specialities[:1]]
    if where is not None:
        yield where.name
        yield f"{where.name.split()[0]} {where.address.department}"
    if entry.address:
        yield entry.address
        yield entry.address[:9]


@pytest.mark.parametrize("near", ["", "44000", "2A"])
async def test_searches_find_the_same_in_the_same_order_for_the_same_reasons(both: Both, near: str) -> None:
    entries = await drawn(both, 25)
    for words in (*COMMON, *(words for entry in entries for words in typed(entry))):
        await both.same("search", Caller("x", near=near), words, limit=20)
    assert both.asked > 150


async def test_filters_and_completions_find_the_same(both: Both) -> None:
    for entry in await drawn(both, 25):
        who, where = entry.professional, entry.structure
        town = "" if where is None else where.address.town
        name = "" if who is None else who.family
        for filters in (Filters(name=name, town=town), Filters(town=town, kind="ORG"), Filters(name=name[:4])):
            await both.same("search", AGENT, "", filters)
        for words in (name[:2], name[:3], f"jean {town[:4]}", name[:5]):
            await both.same("complete", AGENT, words)
    assert both.asked > 150


def conditions(entries: list[Entry]) -> Iterator[Condition]:
    """Yield what address books and programs would ask."""
    random = Random(9)
    values: list[str] = ["", "nan", "cardio", "75", "e", "mssante.fr"]
    for entry in entries:
        values += [one for words in typed(entry) for one in (words, *words.split(), words[1:-1])]
    for how in How:
        for field in Field:
            for value in random.sample(values, 1):
                yield Match(field, how, value)
    for _ in range(60):
        leaves = [Match(random.choice(list(Field)), random.choice(list(How)), random.choice(values)) for _ in range(3)]
        yield random.choice((All, Any))(tuple(leaves))
        yield All((Any(tuple(leaves)), Not(leaves[0])))
    for _ in range(30):
        word, other = random.choice(values), random.choice(values)
        fields = (Field.NAME, Field.PROFESSION_LABEL, Field.TOWN)
        yield All(tuple([Any(tuple([Match(field, How.CONTAINS, one) for field in fields])) for one in (word, other)]))


async def test_conditions_select_the_same_a_page_at_a_time(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    # What no index narrows is looked at one by one: less of it here.
    monkeypatch.setattr(selecting, "LOOKED_AT_MAX", 150)
    for place, condition in enumerate(conditions(await drawn(both, 10))):
        subject = list(Subject)[place % len(Subject)]
        page = await both.same("select", AGENT, subject, condition, limit=7)
        if page.after is not None:
            await both.same("select", AGENT, subject, condition, limit=7, after=page.after)
        if place % 3 == 0:
            await both.same(("people", "roles", "places")[place % 9 // 3], AGENT, condition, limit=5)
    assert both.asked > 350


async def test_changes_and_the_next_import_leave_the_same(both: Both, shelves: list[DirectoryShelf], nation: list[Path]) -> None:  # fmt: skip
    entries = [one for one in await drawn(both, 300) if one.professional is not None]
    for place, entry in enumerate(entries[:20]):
        target = Target(Holder.PERSON, entry.professional.identifier)
        address = f"Été.{place}@chu-ajouté.mssante.fr"
        box = ListedMailbox(address, MailboxType.PER, service="Zoothérapie intégrative", is_red=place % 3 == 0)
        await both.same("change", AGENT, target, (AddMailbox(box),))
        if place % 2:
            await both.same("change", AGENT, target, (ChangeMailbox(address, description="Chouette", rank=2),))
        if place % 4 == 0:
            await both.same("change", AGENT, target, (RemoveMailbox(address),))
    words = ["zoo", "zootherapie", "chouette", "ajoute", "été 3", "ete.3@chu", "zoothérapie chouette", "integratve"]
    for text in (*words, *COMMON):
        await both.same("search", AGENT, text)
        await both.same("complete", AGENT, text[:3])
    assert len(await both.feed()) == 35
    # Without the savoir-faire: specialities come from other columns, and mailboxes are compared.
    for shelf in shelves:
        load_sources(shelf, [open_source(file) for file in nation if "Extraction" in file.name])
    for text in (*words, *COMMON):
        await both.same("search", AGENT, text)
        await both.same("complete", AGENT, text[:3])
    await both.feed()
