"""One person, one budget: over accounts, doors, restarts and questions that come at the same time.

Source: reliability.md D09, S15. The clock is ours; a restart is a new object on the same store.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from directory_files import NOW
from ldap_talk import KeptLog

from mssante.flows.directory import budgets as flow
from mssante.flows.directory.budgets import COMPLETIONS, ENTRIES, Budgets
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Caller
from mssante.model.errors import StoreError
from mssante.model.mailbox import MailboxType
from mssante.model.settings import StoreSettings
from mssante.store import budgets, mailboxes
from mssante.store.engine import Store
from mssante.store.tx import Tx

TODAY = NOW.date()
HOSPITAL, PRACTICE, TEAM = "jean.dupont@chu.mssante.fr", "j.dupont@medecin.mssante.fr", "cardiologie@chu.mssante.fr"
JEAN = "810001234567"
LDAP, PORTAL, KEY = Caller(HOSPITAL, address=HOSPITAL), Caller(PRACTICE, address=PRACTICE), Caller("key:dpi", address=HOSPITAL.upper())  # fmt: skip
LATER = timedelta(hours=1)


@dataclass
class Office:
    """A store with two boxes of one person, and what asks."""

    store: Store
    now: list[datetime] = field(default_factory=lambda: [NOW])
    log: KeptLog = field(default_factory=KeptLog)

    def budgets(self, *, write_after: timedelta = LATER) -> Budgets:
        return Budgets(lambda: self.now[0], self.store, log=self.log, write_after=write_after)

    async def written(self, caller: str) -> int:
        return await self.store.read(lambda tx: budgets.spent_on(tx, caller, ENTRIES, self.now[0].date()))


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    store = await Store.open(tmp_path / "data", StoreSettings())

    async def work(tx: Tx) -> None:
        for text, kind, number in ((HOSPITAL, MailboxType.PER, JEAN), (PRACTICE, MailboxType.PER, JEAN), (TEAM, MailboxType.ORG, "1440000289")):  # fmt: skip
            await mailboxes.create_mailbox(
                tx, parse_address(text), kind, holder="x", identifier=number, quota_bytes=1, now=NOW
            )

    await store.write(work)
    yield Office(store)
    await store.close()


async def ask(
    made: Budgets, caller: Caller, wanted: int, *, most: int = 10, what: str = ENTRIES, given: int | None = None
) -> int | Refusal:
    """Ask for some entries; what is granted is given, unless something else is said."""

    async def work(granted: int) -> int | Refusal:
        return granted if given is None else min(given, granted)

    return await made.spend(caller, what, most, wanted, work, lambda one: one)


async def test_the_accounts_of_a_person_share_one_budget(office: Office) -> None:
    made = office.budgets()
    assert [await ask(made, one, 4) for one in (LDAP, PORTAL, KEY)] == [4, 4, 2]
    refusal = await ask(made, PORTAL, 1)
    assert isinstance(refusal, Refusal)
    assert refusal.kind is Kind.BUDGET_SPENT
    assert await ask(made, Caller(TEAM, address=TEAM), 4) == 4
    assert await ask(made, Caller("key:other"), 4) == 4
    await made.close()


async def test_the_certificate_and_the_keys_of_an_operator_share_one_budget(office: Office) -> None:
    made = office.budgets()
    callers = [Caller("certificate:CN=x", operator="chu"), Caller("key:a", operator="chu"), Caller("key:b", operator="chu", address=HOSPITAL)]  # fmt: skip
    assert [await ask(made, one, 4) for one in callers] == [4, 4, 2]
    assert await ask(made, LDAP, 4) == 4
    await made.close()


async def test_a_restart_goes_on_where_the_day_stood(office: Office) -> None:
    made = office.budgets()
    await ask(made, LDAP, 7)
    await ask(made, LDAP, 1, what=COMPLETIONS)
    await made.close()
    assert await office.written(f"person:{JEAN}") == 7
    again = office.budgets()
    assert await ask(again, PORTAL, 7) == 3
    assert isinstance(await ask(again, LDAP, 1), Refusal)
    assert await ask(again, LDAP, 20, what=COMPLETIONS) == 9
    office.now[0] += timedelta(days=1)
    assert await ask(again, LDAP, 20) == 10
    await again.close()
    assert await office.written(f"person:{JEAN}") == 10


async def test_an_answer_waits_for_no_write_and_one_write_takes_them_all(office: Office) -> None:
    made = office.budgets(write_after=timedelta(0))
    for number in range(3):
        await ask(made, Caller(f"key:{number}"), 2)
        await ask(made, LDAP, 1)
    # Nothing has suspended: the loop had no turn in which to write.
    assert await office.written(f"person:{JEAN}") == 0
    async with asyncio.timeout(10):
        while await office.written(f"person:{JEAN}") < 3:  # noqa: ASYNC110 - the store rings no bell
            await asyncio.sleep(0)
    assert [await office.written(f"key:{number}") for number in range(3)] == [2, 2, 2]
    await made.close()


async def test_a_crash_loses_only_what_was_not_written_yet(office: Office) -> None:
    made = office.budgets()
    await ask(made, LDAP, 4)
    await made.close()
    lost = office.budgets()
    await ask(lost, LDAP, 3)
    assert lost._timer is not None
    lost._timer.cancel()
    assert await ask(office.budgets(), LDAP, 20) == 6


async def test_what_cannot_be_written_is_written_later_and_said_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.budgets()

    def refused(_work: object) -> Awaitable[object]:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(StoreError("plus de place"))
        return future

    await ask(made, LDAP, 3)
    with monkeypatch.context() as patch:
        patch.setattr(office.store, "write", refused)
        assert await made._write_some() is False
        assert await made._write_some() is False
    assert [facts["error"] for _event, facts in office.log.events] == ["plus de place"]
    await ask(made, LDAP, 2)
    await made.close()
    assert await office.written(f"person:{JEAN}") == 5


async def test_two_programs_on_one_store_add_up(office: Office) -> None:
    one, other = office.budgets(), office.budgets()
    await ask(one, LDAP, 3)
    await ask(other, LDAP, 4)
    await one.close()
    await other.close()
    assert await office.written(f"person:{JEAN}") == 7
    assert await ask(other, LDAP, 20) == 3


async def test_what_was_given_before_must_be_known(office: Office) -> None:
    made = office.budgets()
    await office.store.close()
    with pytest.raises(StoreError):
        await ask(made, LDAP, 1)


async def test_nothing_is_counted_without_a_bound(office: Office) -> None:
    made = office.budgets()
    assert await ask(made, LDAP, 500, most=0) == 500
    await made.close()
    assert await office.written(f"person:{JEAN}") == 0


@dataclass
class Slow:
    """Works that end when they are told to."""

    granted: list[int] = field(default_factory=list)
    ends: list[asyncio.Future[None]] = field(default_factory=list)

    def start(self, made: Budgets, wanted: int, given: int) -> asyncio.Task[int | Refusal]:
        async def work(granted: int) -> int | Refusal:
            self.granted.append(granted)
            self.ends.append(asyncio.get_running_loop().create_future())
            await self.ends[-1]
            return min(given, granted)

        return asyncio.ensure_future(made.spend(LDAP, ENTRIES, 10, wanted, work, lambda one: one))


async def turn() -> None:
    """Let everything run that can."""
    for _round in range(5):
        await asyncio.sleep(0)


async def test_questions_at_the_same_time_get_no_more_than_one_after_the_other(office: Office) -> None:
    made, slow = office.budgets(), Slow()
    tasks = [slow.start(made, 6, 6) for _number in range(20)]
    await turn()
    assert slow.granted == [6]
    for number in range(2):
        slow.ends[number].set_result(None)
        await turn()
    assert slow.granted == [6, 4]
    found = await asyncio.gather(*tasks)
    assert sum(one for one in found if isinstance(one, int)) == 10
    await made.close()


async def test_a_question_that_gives_less_leaves_the_rest_to_who_waits(office: Office) -> None:
    made, slow = office.budgets(), Slow()
    tasks = [slow.start(made, 8, 1) for _number in range(3)]
    await turn()
    assert slow.granted == [8]
    while not all(one.done() for one in tasks):
        next(one for one in slow.ends if not one.done()).set_result(None)
        await turn()
    assert slow.granted == [8, 8, 8]
    assert [one.result() for one in tasks] == [1, 1, 1]
    await made.close()


async def test_a_question_that_is_given_up_gives_nothing_and_holds_nothing(office: Office) -> None:
    made, slow = office.budgets(), Slow()
    first, waiting = slow.start(made, 10, 10), slow.start(made, 10, 10)
    third = slow.start(made, 10, 10)
    await turn()
    waiting.cancel()
    first.cancel()
    await turn()
    slow.ends[1].set_result(None)
    assert await third == 10
    assert (first.cancelled(), waiting.cancelled()) == (True, True)
    await made.close()


async def test_small_questions_of_one_caller_do_not_wait_for_each_other(office: Office) -> None:
    made, slow = office.budgets(), Slow()
    tasks = [slow.start(made, 2, 2) for _number in range(5)]
    await turn()
    assert slow.granted == [2, 2, 2, 2, 2]
    for one in slow.ends:
        one.set_result(None)
    await asyncio.gather(*tasks)
    await made.close()


@pytest.mark.parametrize("keeps", [True, False])
async def test_callers_in_memory_are_bounded_and_none_is_forgiven(
    office: Office, monkeypatch: pytest.MonkeyPatch, keeps: bool
) -> None:
    monkeypatch.setattr(flow, "CALLERS_MAX", 3)
    made = office.budgets() if keeps else Budgets(lambda: office.now[0])
    await ask(made, Caller("key:first"), 10)
    await made._write_some()
    for number in range(10):
        await ask(made, Caller(f"key:{number}"), 1)
        await made._write_some()
    assert isinstance(await ask(made, Caller("key:first"), 1), Refusal)
    if keeps:
        assert len(made._accounts) <= 4
    else:
        office.now[0] += timedelta(days=1)
        await ask(made, Caller("key:new"), 1)
        assert len(made._accounts) == 1
    await made.close()
