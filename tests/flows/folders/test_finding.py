"""Searches over real messages: each condition, and trees of them."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from library import Library, refused

from mssante.flows.folders.finding import cost, members
from mssante.flows.folders.values import Found
from mssante.model.numbers import NumberSet
from mssante.model.search import (
    Age,
    All,
    ChangedSince,
    Compare,
    Condition,
    Either,
    Everything,
    HasFlag,
    HasHeader,
    HasId,
    HasText,
    IsNew,
    Not,
    Numbers,
    OnDay,
    SaveDateKnown,
    Size,
    SortBy,
    SortKey,
    Thread,
    Threading,
    When,
    Where,
)

ONE = (
    b"From: Anne <anne@chu.mssante.fr>\r\nTo: bruno@chu.mssante.fr\r\nSubject: =?utf-8?q?R=C3=A9sultats?=\r\n"
    b"Date: Mon, 05 Jan 2026 10:00:00 +0100\r\nMessage-ID: <1@x>\r\nX-Rare: oui\r\n\r\nGlyc\xc3\xa9mie \xc3\xa0 jeun\r\n"
)
TWO = (
    b"From: claire@ville.mssante.fr\r\nTo: anne@chu.mssante.fr\r\nCc: denis@loin.mssante.fr\r\n"
    b"Subject: Re: =?utf-8?q?R=C3=A9sultats?=\r\nDate: Tue, 06 Jan 2026 10:00:00 +0100\r\nMessage-ID: <2@x>\r\n"
    b"In-Reply-To: <1@x>\r\n\r\nMerci beaucoup\r\n"
)
THREE = (
    b"From: zoe@ville.mssante.fr\r\nSubject: Courrier\r\nDate: Sun, 04 Jan 2026 10:00:00 +0000\r\n\r\n" + b"long " * 999
)
WORDS = HasText(Where.TEXT, "resultats")


@pytest.fixture
async def full(library: Library) -> Library:
    """Add three messages, the second one seen."""
    await library.add(ONE)
    await library.add(TWO, flags=("\\Seen", "Suivi"))
    await library.add(THREE)
    return library


def by_uid(*ranges: tuple[int, int]) -> Numbers:
    return Numbers(NumberSet(ranges), by_uid=True)


@pytest.mark.parametrize(
    ("condition", "uids"),
    [
        (Everything(), (1, 2, 3)),
        (SaveDateKnown(), (1, 2, 3)),
        (All(()), (1, 2, 3)),
        (HasFlag("\\seen"), (2,)),
        (HasFlag("\\Seen", wanted=False), (1, 3)),
        (HasFlag("suivi"), (2,)),
        (HasFlag("\\Recent", wanted=False), (1, 2, 3)),
        (IsNew(), ()),
        (by_uid((2, 0)), (2, 3)),
        (Numbers(NumberSet(((1, 1), (3, 9))), by_uid=False), (1, 3)),
        (Numbers(None, by_uid=False, saved=True), (3,)),
        (Size(2000, larger=True), (3,)),
        (Size(2000, larger=False), (1, 2)),
        (OnDay(When.SENT, Compare.ON, date(2026, 1, 5)), (1,)),
        (OnDay(When.SENT, Compare.BEFORE, date(2026, 1, 5)), (3,)),
        (OnDay(When.SENT, Compare.SINCE, date(2026, 1, 5)), (1, 2)),
        (OnDay(When.INTERNAL, Compare.SINCE, date(2020, 1, 5)), (1, 2, 3)),
        (OnDay(When.SAVED, Compare.BEFORE, date(2020, 1, 5)), ()),
        (Age(60, younger=True), (1, 2, 3)),
        (Age(60, younger=False), ()),
        (HasText(Where.SUBJECT, "résultats"), (1, 2)),
        (HasText(Where.FROM, "ANNE"), (1,)),
        (HasText(Where.CC, "denis"), (2,)),
        (HasText(Where.BODY, "glycemie"), (1,)),
        (HasText(Where.BODY, "resultats"), ()),
        (HasText(Where.BODY, "glycémie à je"), (1,)),
        (HasText(Where.TEXT, "RESULT"), (1, 2)),
        (HasText(Where.TEXT, 'x" OR body : *'), ()),
        (HasText(Where.TEXT, "!!"), ()),
        (HasText(Where.TEXT, ""), (1, 2, 3)),
        (HasHeader("X-Rare", "OUI"), (1,)),
        (HasHeader("x-rare", ""), (1,)),
        (HasHeader("In-Reply-To", "1@x"), (2,)),
        (HasId("T1", thread=True), ()),
        (HasId("M0", thread=False), ()),
        (Not(WORDS), (3,)),
        (All((WORDS, Not(HasFlag("\\Seen")))), (1,)),
        (Either(HasText(Where.BODY, "merci"), Size(2000, larger=True)), (2, 3)),
        (Not(Either(by_uid((1, 1)), Not(by_uid((1, 2))))), (2,)),
    ],
)
async def test_finds(full: Library, condition: Condition, uids: tuple[int, ...]) -> None:
    found = await (await full.open()).find(condition, saved=(3,))
    assert isinstance(found, Found)
    assert found.uids == uids
    assert (found.highest_modseq > 0) is bool(uids)


@pytest.mark.parametrize("zone", ["+1400", "-1200", "-0000", ""])
async def test_the_day_sent_is_the_one_that_its_author_wrote(library: Library, zone: str) -> None:
    for clock in ("00:30:00", "23:30:00"):
        await library.add(f"Date: Mon, 05 Jan 2026 {clock} {zone}\r\n\r\n".encode())
    found = await (await library.open()).find(OnDay(When.SENT, Compare.ON, date(2026, 1, 5)))
    assert isinstance(found, Found)
    assert found.uids == (1, 2)


async def test_a_message_without_a_date_was_sent_on_no_day_and_is_sorted_by_when_it_came(library: Library) -> None:
    await library.add(THREE)
    await library.add(b"Subject: sans date\r\n\r\n")
    await library.add(ONE)
    opened = await library.open()
    for compare in Compare:
        for day in (date(1, 1, 1), date(2026, 1, 4), date(9999, 12, 31)):
            found = await opened.find(OnDay(When.SENT, compare, day))
            assert isinstance(found, Found)
            assert 2 not in found.uids
    assert await opened.sort((SortKey(SortBy.DATE),), Everything()) == (1, 3, 2)


async def test_finds_what_changed_since(full: Library) -> None:
    opened = await full.open()
    await opened.store_flags([1], "+", frozenset({"\\Flagged"}))
    await opened.poll(expunges=True)
    found = await opened.find(ChangedSince(opened.snapshot.highest_modseq))
    assert isinstance(found, Found)
    assert found == Found((1,), opened.snapshot.highest_modseq)


async def test_words_are_found_in_the_own_mailbox_only_and_go_with_the_message(full: Library) -> None:
    assert await (await full.open("bruno@chu.mssante.fr")).find(WORDS) == Found((), 0)
    opened = await full.open()
    await opened.find(WORDS)
    await opened.store_flags([1, 2], "+", frozenset({"\\Deleted"}))
    assert await opened.expunge() is None
    left = await full.office.store.read(lambda tx: tx.all("search_text", mailbox_id=2, query='"resultats"'))
    assert left == []


async def test_a_search_that_takes_too_long_is_given_up(full: Library) -> None:
    reading = replace(full.reading, settings=replace(full.reading.settings, work_seconds=0.0))
    opened = await Library(full.office, reading).open()
    assert refused(await opened.find(WORDS)) == "too-costly"


async def test_a_search_may_be_cancelled(full: Library) -> None:
    opened = await full.open()
    task = asyncio.create_task(opened.find(WORDS))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(await opened.find(WORDS), Found)


async def test_sorts_and_threads_what_is_found(full: Library) -> None:
    opened = await full.open()
    assert await opened.sort((SortKey(SortBy.DATE),), Everything()) == (3, 1, 2)
    assert await opened.sort((SortKey(SortBy.SUBJECT), SortKey(SortBy.DATE, reverse=True)), Everything()) == (3, 2, 1)
    assert await opened.thread(Threading.REFERENCES, Everything()) == (Thread(3), Thread(1, (Thread(2),)))


async def test_lists_show_what_the_index_holds(full: Library) -> None:
    opened = await full.open()
    rows = [row async for batch in opened.rows([1, 3], whole=True) for row in batch]
    assert [row.uid for row in rows] == [1, 3]
    assert b"sultats" in rows[0].envelope
    assert rows[0].preview.startswith("Glycémie")
    assert rows[0].size_bytes == len(ONE)
    plain = [row async for batch in opened.rows([2], whole=False) for row in batch]
    assert plain[0].envelope == b""
    assert datetime.fromtimestamp(plain[0].internal_at / 1e6, UTC) == full.office.clock()


async def test_rows_come_in_batches(library: Library) -> None:
    for _ in range(11):
        await library.add(*([ONE] * 100))
    opened = await library.open()
    batches = [batch async for batch in opened.rows(opened.snapshot.uids[::2], whole=True)]
    assert [row.uid for batch in batches for row in batch] == list(range(1, 1101, 2))
    assert max(map(len, batches)) <= 500


def test_the_cost_of_a_tree_is_that_of_its_dearest_condition() -> None:
    deep: Condition = WORDS
    for _ in range(2000):
        deep = Not(deep)
    assert cost(deep) == 2
    assert [cost(one) for one in (Everything(), Size(1, larger=True), Either(Everything(), WORDS))] == [0, 1, 2]
    assert members(0b1011) == [0, 1, 3]
    assert members(0) == []
