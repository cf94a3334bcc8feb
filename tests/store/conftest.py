"""The contract of the store: tests that ask for `store` run on each engine and must see the same."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from postgresql import postgresql

from mssante.model.settings import StoreSettings
from mssante.store.engine import Store

__all__ = ["postgresql"]
ENGINES = ("sqlite", "postgresql")

Opening = Callable[..., Awaitable[Store]]


@pytest.fixture(params=ENGINES)
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opening]:
    """Return what opens the store of this test, on one engine after the other; each time it is the same store."""
    opened: list[Store] = []
    is_shared = request.param == "postgresql"
    server = request.getfixturevalue("postgresql") if is_shared else None
    database = await server.lend_database() if server else ""

    async def opening(**changes: object) -> Store:
        probe = changes.pop("probe", lambda _step: None)
        settings = server.settings(database, **changes) if server else StoreSettings(**changes)
        store = await Store.open(tmp_path / "data", settings, probe=probe)
        opened.append(store)
        return store

    yield opening
    for store in opened:
        await store.close()
    if server:
        await server.take_back(database)


@pytest.fixture
async def store(open_store: Opening) -> Store:
    """Return an open store."""
    return await open_store()
