"""One of several nodes does a work: it keeps it while it says so, and loses it when it does not."""

from datetime import UTC, datetime, timedelta

from mssante.store import leases
from mssante.store.engine import Store

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
LENGTH = timedelta(seconds=30)


async def taken(store: Store, node: str, seconds: float) -> bool:
    moment = NOW + timedelta(seconds=seconds)
    return await store.write(lambda tx: leases.take(tx, "house", node, moment, LENGTH))


async def test_a_work_is_one_node_s_until_it_stops_saying_so(store: Store) -> None:
    assert await taken(store, "a", 0)
    assert not await taken(store, "b", 29)
    assert await taken(store, "a", 29)
    assert not await taken(store, "b", 58)
    assert await taken(store, "b", 60)
    assert not await taken(store, "a", 61)
    assert not await taken(store, "a", 90)
    assert await taken(store, "a", 91)


async def test_a_work_that_is_given_back_is_free_at_once(store: Store) -> None:
    assert await taken(store, "a", 0)
    await store.write(lambda tx: leases.give(tx, "house", "b"))
    assert not await taken(store, "b", 1)
    await store.write(lambda tx: leases.give(tx, "house", "a"))
    assert await taken(store, "b", 1)
