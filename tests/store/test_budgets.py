"""What callers of the directory got, on a real database: added up for a day, begun anew the next, forgotten later."""

from datetime import date, timedelta

from store_world import ALICE, BOB, NOW

from mssante.model.mailbox import MailboxType
from mssante.store import budgets, mailboxes
from mssante.store.budgets import Counted
from mssante.store.engine import Store
from mssante.store.tx import Tx

TODAY = date(2026, 11, 28)
YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)


async def add(store: Store, day: date, *amounts: int, caller: str = "key:a") -> list[int]:
    return await store.write(
        lambda tx: budgets.add_spent(tx, [Counted(caller, "entries", day, one) for one in amounts])
    )


async def spent(store: Store, day: date, caller: str = "key:a", what: str = "entries") -> int:
    return await store.read(lambda tx: budgets.spent_on(tx, caller, what, day))


async def test_amounts_of_a_day_add_up_for_each_caller_and_thing(store: Store) -> None:
    assert await add(store, TODAY, 3, 4) == [3, 7]
    assert await add(store, TODAY, 5, caller="key:b") == [5]
    assert (await spent(store, TODAY), await spent(store, TODAY, "key:b")) == (7, 5)
    assert (await spent(store, TODAY, what="completions"), await spent(store, TODAY, "key:c")) == (0, 0)


async def test_the_next_day_begins_at_nothing_and_a_late_amount_changes_nothing(store: Store) -> None:
    await add(store, TODAY, 9)
    assert await spent(store, TOMORROW) == 0
    assert await add(store, TOMORROW, 2) == [2]
    assert await add(store, TODAY, 50) == [50]
    assert (await spent(store, TOMORROW), await spent(store, TODAY)) == (2, 0)


async def test_old_days_are_forgotten_a_bounded_number_at_a_time(store: Store) -> None:
    for number in range(5):
        await add(store, YESTERDAY, 1, caller=f"key:{number}")
    await add(store, TODAY, 1)
    assert await store.write(lambda tx: budgets.forget_spent(tx, TODAY, 3)) == 3
    assert await store.write(lambda tx: budgets.forget_spent(tx, TODAY)) == 2
    assert await spent(store, TODAY) == 1


async def test_the_holder_of_a_personal_mailbox_is_known_by_his_number(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for address, kind, number in ((ALICE, MailboxType.PER, "810001234567"), (BOB, MailboxType.ORG, "1440000289")):
            await mailboxes.create_mailbox(tx, address, kind, holder="x", identifier=number, quota_bytes=1, now=NOW)

    await store.write(work)
    assert await store.read(lambda tx: budgets.person_of(tx, ALICE)) == "810001234567"
    assert await store.read(lambda tx: budgets.person_of(tx, BOB)) == ""
