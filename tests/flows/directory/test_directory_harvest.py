"""A script that walks the alphabet for a day, by every way in, gets less than a hundredth of the directory.

Source: reliability.md D09, S15. The clock is ours: a day passes without waiting.
"""

import asyncio
import string
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from directory_files import NOW, load_sources

from mssante.app.sandbox.population.population import EXTRACTION, write_population
from mssante.flows.directory.budgets import Budgets
from mssante.flows.directory.reading import Directory
from mssante.flows.directory.rows import Source
from mssante.model.address import parse_address
from mssante.model.decision import Refusal
from mssante.model.directory import Any, Caller, Field, How, Match, Not, Subject
from mssante.model.directory_settings import DirectorySettings
from mssante.model.mailbox import MailboxType
from mssante.model.settings import StoreSettings
from mssante.store.directory.file import DirectoryFolder
from mssante.store.engine import Store
from mssante.store.mailboxes import create_mailbox
from mssante.store.tx import Tx
from mssante.wire.annuaire.extraction import read_extraction

REAL_ENTRIES = 600_000
PEOPLE = 3000


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    made = tmp_path_factory.mktemp("nation")
    report = write_population(made, professionals=PEOPLE, seed=3, progress=lambda _done: None)
    folder = made / "annuaire"
    load_sources(folder, [Source("x", "extraction", read_extraction([(made / EXTRACTION).read_bytes()]))])
    return folder, report.mailboxes


def clock_of(day: list[datetime]) -> Callable[[], datetime]:
    return lambda: day[0]


async def walk(directory: Directory, caller: Caller) -> set[str]:
    """Ask for everything, by every way in."""
    got: set[str] = set()
    for first, second in product(string.ascii_lowercase, repeat=2):
        answer = await directory.search(caller, first + second, limit=50)
        got |= set() if isinstance(answer, Refusal) else {one.entry.address for one in answer.entries}
    everybody = Not(Match(Field.ADDRESS, How.EQUALS, "x"))
    for subject in Subject:
        after = None
        while True:
            page = await directory.select(caller, subject, Any((everybody,)), limit=1000, after=after)
            if isinstance(page, Refusal):
                break
            got |= {one.address for one in page.entries}
            after = page.after
            if after is None:
                break
    for ask in (directory.people, directory.roles, directory.places):
        page = await ask(caller, everybody, limit=1000)
        if not isinstance(page, Refusal):
            got |= {box.address for one in page.items for box in one.mailboxes}
    return got - {""}


async def test_a_day_of_walking_gives_less_than_a_hundredth(nation: tuple[Path, int]) -> None:
    folder, mailboxes = nation
    share = DirectorySettings().daily_entries / REAL_ENTRIES
    assert share < 0.01
    budget = max(1, round(share * mailboxes))
    day = [NOW]
    store = DirectoryFolder(folder).store()
    directory = Directory(store, clock_of(day), daily_entries=budget)
    caller = Caller("script")
    got = await walk(directory, caller)
    assert 0 < len(got) <= budget
    for _hour in range(10):
        day[0] += timedelta(hours=1)
        got |= await walk(directory, caller)
    assert len(got) <= 0.01 * mailboxes
    day[0] += timedelta(days=1)
    assert isinstance(await directory.search(caller, "martin"), Refusal) is False
    await store.close()


async def test_the_same_walk_without_a_budget_would_get_nearly_all(nation: tuple[Path, int]) -> None:
    folder, mailboxes = nation
    store = DirectoryFolder(folder).store()
    directory = Directory(store, clock_of([NOW]), daily_entries=0)
    assert len(await walk(directory, Caller("script"))) > 0.9 * mailboxes * 0.9
    await store.close()


async def test_a_restart_an_hour_and_another_account_give_a_harvester_nothing_more(
    nation: tuple[Path, int], tmp_path: Path
) -> None:
    folder, mailboxes = nation
    budget = max(1, round(DirectorySettings().daily_entries / REAL_ENTRIES * mailboxes))
    main = await Store.open(tmp_path / "data", StoreSettings())
    own = [f"jean.dupont{number}@chu.mssante.fr" for number in range(3)]

    async def work(tx: Tx) -> None:
        for text in own:
            await create_mailbox(
                tx, parse_address(text), MailboxType.PER, holder="x", identifier="810001234567", quota_bytes=1, now=NOW
            )

    await main.write(work)
    shelf, got = DirectoryFolder(folder).store(), set[str]()
    callers = [*(Caller(one, address=one) for one in own), Caller("key:script", address=own[0])]
    for caller in callers:
        directory = Directory(shelf, clock_of([NOW]), daily_entries=budget, budgets=Budgets(clock_of([NOW]), main))
        got |= await walk(directory, caller)
        await directory.close()
    assert 0 < len(got) <= budget
    await shelf.close()
    await main.close()


async def test_a_hundred_questions_at_once_give_no_more_than_the_budget(nation: tuple[Path, int]) -> None:
    folder, _mailboxes = nation
    store = DirectoryFolder(folder).store()
    directory = Directory(store, clock_of([NOW]), daily_entries=40)
    everybody = Not(Match(Field.ADDRESS, How.EQUALS, "x"))
    pages = await asyncio.gather(
        *(directory.select(Caller("script"), Subject.MAILBOXES, everybody, limit=1000) for _number in range(100))
    )
    assert sum(len(one.entries) for one in pages if not isinstance(one, Refusal)) == 40
    await store.close()
