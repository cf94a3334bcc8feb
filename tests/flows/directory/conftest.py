"""The directory on each engine: tests that ask for `shelf` or `new_shelf` run on both and must see the same."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from postgresql import Server, postgresql

from mssante.store.directory.engine import DirectoryShelf
from mssante.store.directory.file import DirectoryFolder
from mssante.store.directory.postgres.shelf import PostgresShelf

__all__ = ["postgresql"]
ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session", params=ENGINES)
def new_shelf(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], DirectoryShelf]]:
    """Return what makes an empty place for a directory, on one engine after the other."""
    if request.param == "sqlite":
        yield lambda: DirectoryFolder(tmp_path_factory.mktemp("annuaire"))
        return
    server: Server = request.getfixturevalue("postgresql")
    numbers = count(1)

    def make() -> DirectoryShelf:
        name = f"annuaire_{next(numbers)}"
        _at_once(server, f"CREATE DATABASE {name}")
        return PostgresShelf(server.settings(name))

    # They go with their server.
    yield make


@pytest.fixture(scope="session")
def used(new_shelf: Callable[[], DirectoryShelf]) -> list[DirectoryShelf]:
    """Return places that other tests have given back."""
    return []


@pytest.fixture
def shelf(new_shelf: Callable[[], DirectoryShelf], used: list[DirectoryShelf]) -> Iterator[DirectoryShelf]:
    """Return an empty place for a directory."""
    made = used.pop() if used else new_shelf()
    yield made
    if isinstance(made, PostgresShelf):
        asyncio.run(_empty(made))
        used.append(made)


async def _empty(shelf: PostgresShelf) -> None:
    """Empty a database: a tenth of what a new one costs."""
    connection = await shelf._target.connect("test", read_only=False)
    rows = await connection.fetch("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'directory%'")
    for (name,) in rows:
        await connection.execute(f"DROP SCHEMA {name} CASCADE")
    await connection.close()


def _at_once(server: Server, sql: str) -> None:
    """Run a statement beside whatever loop runs here."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(server.ask(sql))).result()
