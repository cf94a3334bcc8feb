"""Selections by a condition: whatever the indexes narrow, the answer is that of looking at every entry.

Source: RFC 4511 section 4.5.1.7; issue of the directory (doors).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from directory_files import (
    BAC,
    CHU,
    DUPONT,
    DUPONT_PARIS,
    LE_GOFF,
    LINES,
    MARTIN,
    PRACTICE,
    activities,
    extraction,
    loaded,
    opened,
    rpps,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mssante.flows.directory import selecting
from mssante.flows.directory.reading import Directory
from mssante.flows.directory.selecting import selected
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import All, Any, Caller, Condition, Entry, EntryId, Field, How, Match, Not, Subject
from mssante.model.folding import fold
from mssante.rules.directory_condition import holds
from mssante.store.directory import read
from mssante.store.directory.engine import DirectoryShelf, DirectoryStore
from mssante.store.directory.numbers import BOX_LIMIT

CALLER = Caller("somebody")


@pytest.fixture(scope="module")
def shelf(new_shelf: Callable[[], DirectoryShelf]) -> DirectoryShelf:
    made = new_shelf()
    known = [(DUPONT, CHU), (DUPONT, PRACTICE), (DUPONT_PARIS, BAC), (LE_GOFF, CHU), (MARTIN, CHU)]
    loaded(made, extraction=extraction(), activities=activities(known))
    return made


@pytest.fixture(scope="module")
def store(shelf: DirectoryShelf) -> Iterator[DirectoryStore]:
    made = shelf.store()
    yield made
    asyncio.run(made.close())


@pytest.fixture
async def directory(shelf: DirectoryShelf) -> AsyncIterator[Directory]:
    made, store = opened(shelf)
    yield made
    await store.close()


def everything(store: DirectoryStore) -> list[Entry]:
    async def work(tx) -> list[Entry]:
        ids = [row[0] for row in await tx.all("entries_from", after=0, limit=1000)]
        return await read.entries(tx, ids)

    return store.read_now(work)


VALUES = ["dupont", "DUPONT", "jean", "le goff", "goff", "nan", "nantes", "44", "44000", "cardio", "chu", "upo", "10"]
VALUES += [
    rpps(1),
    rpps(1)[1:],
    CHU.identifier,
    "440000289",
    LINES[0][0].address,
    "jean.dupont@",
    "mssante.fr",
    "PER",
    "",
]
LEAVES = st.builds(Match, st.sampled_from(Field), st.sampled_from(How), st.sampled_from(VALUES))
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: Any(tuple(parts)))
    ),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=CONDITIONS)
def test_narrowing_never_loses_an_entry(store: DirectoryStore, condition: Condition) -> None:
    expected = [one for one in everything(store) if holds(condition, one)]
    for subject in (Subject.EVERYTHING, Subject.MAILBOXES):
        wanted = [one for one in expected if subject is Subject.EVERYTHING or one.entry_id < BOX_LIMIT]
        got = store.read_now(
            lambda tx, subject=subject: selected(tx, subject, condition, lambda _box: True, limit=100, after=None)
        )
        assert {one.entry_id for one in got.entries} == {one.entry_id for one in wanted}
        assert got.after is None


@pytest.mark.parametrize(
    "condition",
    [
        All(()),
        Match(Field.NAME, How.CONTAINS, "upon"),
        Match(Field.TOWN, How.PRESENT),
        Match(Field.FAMILY, How.STARTS, "du"),
        Match(Field.FAMILY, How.EQUALS, "dupont"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_give_each_entry_once(directory: Directory, condition: Condition, limit: int) -> None:
    whole = await directory.select(CALLER, Subject.EVERYTHING, condition, limit=100)
    got: list[EntryId] = []
    after = None
    while True:
        page = await directory.select(CALLER, Subject.EVERYTHING, condition, limit=limit, after=after)
        assert len(page.entries) <= limit
        got += [one.entry_id for one in page.entries]
        after = page.after
        if after is None:
            break
    assert got == [one.entry_id for one in whole.entries]


async def test_a_beginning_of_names_gives_them_in_their_order(directory: Directory) -> None:
    for letter, how_many in (("m", 1), ("le g", 1), ("d", 3)):
        answer = await directory.select(CALLER, Subject.EVERYTHING, Match(Field.FAMILY, How.STARTS, letter), limit=10)
        names = [f"{one.professional.family} {one.professional.given}" for one in answer.entries]
        assert len(names) >= how_many
        assert [fold(one) for one in names] == sorted(fold(one) for one in names)


async def test_names_go_on_nowhere_behind_an_entry_that_is_gone_and_say_so(directory: Directory) -> None:
    condition = Match(Field.FAMILY, How.STARTS, "d")
    answer = await directory.select(CALLER, Subject.EVERYTHING, condition, limit=10, after=EntryId(5))
    assert (answer.entries, answer.after, answer.was_cut) == ((), None, True)


async def test_professionals_have_their_situations_and_roles_their_mailboxes(directory: Directory) -> None:
    people = await directory.people(CALLER, Match(Field.FAMILY, How.EQUALS, "dupont"), limit=10)
    assert [one.professional.identifier for one in people.items] == sorted([DUPONT.identifier, DUPONT_PARIS.identifier])
    assert {one.structure for one in people.items[0].situations} == {CHU.identifier, PRACTICE.identifier}
    roles = await directory.roles(CALLER, Match(Field.PERSON, How.EQUALS, DUPONT.identifier), limit=10)
    assert {(one.structure.identifier, len(one.mailboxes)) for one in roles.items} == {
        (CHU.identifier, 1),
        (PRACTICE.identifier, 0),
    }
    places = await directory.places(CALLER, Match(Field.STRUCTURE, How.EQUALS, "440000289"), limit=10)
    assert [len(one.mailboxes) for one in places.items] == [2]


async def test_pages_of_people_give_each_once(directory: Directory) -> None:
    whole = await directory.people(CALLER, All(()), limit=100)
    got, after = [], None
    while True:
        page = await directory.people(CALLER, All(()), limit=2, after=after)
        got += [one.professional.identifier for one in page.items]
        after = page.after
        if after is None:
            break
    assert got == [one.professional.identifier for one in whole.items]
    assert len(got) == 5


async def test_what_is_looked_at_is_bounded_and_goes_on_on_the_next_page(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selecting, "LOOKED_AT_MAX", 2)
    monkeypatch.setattr(selecting, "BLOCK", 2)
    monkeypatch.setattr(selecting, "BLOCK_MIN", 2)
    condition = Match(Field.CIVILITY, How.EQUALS, "dr")
    got, after, pages = [], None, 0
    while True:
        page = await directory.select(CALLER, Subject.MAILBOXES, condition, limit=50, after=after)
        got += page.entries
        pages += 1
        after = page.after
        if after is None:
            break
    assert len(got) == 4
    assert pages > 2


async def test_too_many_conditions_are_refused(directory: Directory) -> None:
    deep: Condition = Match(Field.NAME, How.PRESENT)
    for _ in range(50):
        deep = Not(deep)
    for condition in (deep, Any(tuple([Match(Field.NAME, How.CONTAINS, "a")] * 500))):
        answer = await directory.select(CALLER, Subject.MAILBOXES, condition, limit=5)
        assert isinstance(answer, Refusal)
        assert answer.kind is Kind.QUERY_UNCLEAR
