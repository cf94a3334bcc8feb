"""Background work waits for a database that is away; on a store that nodes share, some of it runs on one of them."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from postgresql import settle
from standins import KeptLog

from mssante.app import background
from mssante.model.errors import StoreAwayError, StoreError
from mssante.model.settings import StoreSettings
from mssante.store import leases
from mssante.store.engine import Store


def node(store: Store) -> Any:  # noqa: ANN401 - what `alone` needs of an operator
    return SimpleNamespace(store=store, clock=lambda: datetime.now(UTC))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LEASE", timedelta(seconds=0.15))


async def test_work_begins_again_when_the_store_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "AWAY_SECONDS", 0.0)
    log, tries = KeptLog(), 0

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            msg = "la base ne répond pas"
            raise StoreAwayError(msg)

    await background.kept_going(SimpleNamespace(log=log), "index", work)  # type: ignore[arg-type]
    assert tries == 3
    assert [event for _level, event, _facts in log.lines] == ["task-waits"] * 2


async def test_another_fault_of_the_store_ends_it() -> None:
    async def work() -> None:
        msg = "abîmé"
        raise StoreError(msg)

    with pytest.raises(StoreError, match="abîmé"):
        await background.kept_going(SimpleNamespace(log=KeptLog()), "index", work)  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    """Let the others go on until it is so."""
    while True:
        if condition():
            return
        await asyncio.sleep(0)


async def test_two_nodes_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    monkeypatch.setattr(type(store), "is_shared", True)
    begun: list[str] = []
    running: set[str] = set()

    async def work(name: str) -> None:
        assert not running
        running.add(name)
        begun.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            running.discard(name)

    tasks = {
        name: asyncio.create_task(background.alone(node(store), "house", name, lambda name=name: work(name)))
        for name in ("a", "b")
    }
    async with asyncio.timeout(10):
        await until(lambda: bool(begun))
        first = begun[0]
        tasks[first].cancel()
        await until(lambda: len(begun) == 2)
    assert set(begun) == {"a", "b"}
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    await store.close()


async def test_a_store_of_one_node_needs_no_lease(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    done: list[bool] = []

    async def work() -> None:
        done.append(True)

    await background.alone(node(store), "house", "a", work)
    assert done == [True]
    await store.close()


async def test_an_accident_of_the_work_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    monkeypatch.setattr(type(store), "is_shared", True)

    async def work() -> None:
        msg = "accident"
        raise ValueError(msg)

    with pytest.raises(ValueError, match="accident"):
        await background.alone(node(store), "house", "a", work)
    await store.close()


async def test_a_node_that_may_not_lead_takes_no_lease_and_gives_up_the_one_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    monkeypatch.setattr(type(store), "is_shared", True)
    leads, running = False, asyncio.Event()

    async def work() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            running.clear()

    holding = background.alone(node(store), "house", "a", work, may_lead=lambda: leads)
    task = asyncio.create_task(holding)
    for _turn in range(10):
        await asyncio.sleep(0)
    assert not running.is_set()
    leads = True
    async with asyncio.timeout(10):
        await running.wait()
        leads = False
        await until(lambda: not running.is_set())
        await settle(
            lambda: store.write(lambda tx: leases.take(tx, "house", "b", datetime.now(UTC), timedelta(seconds=9)))
        )
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()
