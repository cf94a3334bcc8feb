"""Failed sign-ins and known sources on a real database: counted under three keys, within a window, and forgotten.

Source: reliability.md E11.
"""

from datetime import datetime, timedelta

from store_world import NOW

from mssante.model.mailbox import AccountId, AccountKind
from mssante.store import accounts, sign_ins
from mssante.store.engine import Store
from mssante.store.sign_ins import Counted, Tried

WINDOW = timedelta(minutes=10)


def tried(source: bytes = b"s", login: bytes = b"l") -> Tried:
    return Tried(source, login, b"all")


async def fail(store: Store, one: Tried, now: datetime = NOW) -> Counted:
    return await store.write(lambda tx: sign_ins.count_failure(tx, one, now, now - WINDOW))


async def counted(store: Store, one: Tried, now: datetime = NOW, account: AccountId | None = None) -> Counted:
    return await store.glance(lambda tx: sign_ins.counted(tx, one, account, now - WINDOW))


async def account(store: Store, login: str = "a") -> AccountId:
    made = await store.write(
        lambda tx: accounts.create_account(tx, login, AccountKind.PERSON, certificate_name=None, now=NOW)
    )
    return made.account_id


async def test_failures_add_up_for_the_source_the_login_and_everybody(store: Store) -> None:
    assert await counted(store, tried()) == Counted()
    assert await fail(store, tried()) == Counted(1, 1, 1)
    assert await fail(store, tried(login=b"other")) == Counted(2, 1, 2)
    assert await fail(store, tried(source=b"elsewhere")) == Counted(1, 2, 3)
    assert await counted(store, tried()) == Counted(2, 2, 3)


async def test_a_count_begins_anew_after_its_window_and_not_with_each_failure(store: Store) -> None:
    await fail(store, tried())
    assert await fail(store, tried(), NOW + WINDOW - timedelta(seconds=1)) == Counted(2, 2, 2)
    assert await counted(store, tried(), NOW + WINDOW) == Counted()
    assert await fail(store, tried(), NOW + WINDOW) == Counted(1, 1, 1)


async def test_a_source_is_known_to_one_account_and_in_general(store: Store) -> None:
    one, other = await account(store), await account(store, "b")
    await store.write(lambda tx: sign_ins.note_source(tx, b"s", one, NOW))
    later = NOW + timedelta(days=1)
    await store.write(lambda tx: sign_ins.note_source(tx, b"s", one, later))
    assert (await counted(store, tried(), account=one)).known_at == later
    assert (await counted(store, tried(), account=other)).known_at is None
    assert (await counted(store, tried())).known_at is None
    assert await store.read(lambda tx: sign_ins.is_known(tx, b"s", NOW))
    assert not await store.read(lambda tx: sign_ins.is_known(tx, b"s", later))
    assert not await store.read(lambda tx: sign_ins.is_known(tx, b"x", NOW))


async def test_old_counts_and_sources_are_forgotten_a_bounded_number_at_a_time(store: Store) -> None:
    one = await account(store)
    for number in range(3):
        await fail(store, Tried(b"s%d" % number, b"l%d" % number, b"all%d" % number))
        await store.write(lambda tx, key=b"s%d" % number: sign_ins.note_source(tx, key, one, NOW))
    await fail(store, tried(), NOW + WINDOW)
    after = NOW + timedelta(seconds=1)
    assert await store.write(lambda tx: sign_ins.forget(tx, after, NOW, 4)) == 4
    assert await store.write(lambda tx: sign_ins.forget(tx, after, after)) == 5 + 3
    assert await store.write(lambda tx: sign_ins.forget(tx, after, after)) == 0
    assert await counted(store, tried(), NOW + WINDOW) == Counted(1, 1, 1)
