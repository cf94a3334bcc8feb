"""Places for stores of any engine: SQLite with files, or PostgreSQL with an object store."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from postgresql import Server, postgresql
from s3 import FakeS3, fake_s3

from mssante.model.settings import FILES, StoreSettings
from mssante.store.copying.moving import Place
from mssante.store.engine import Store

__all__ = ["postgresql"]


@dataclass
class Stores:
    """Makes places and opens them."""

    folder: Path
    server: Server | None
    s3: FakeS3
    databases: list[str] = field(default_factory=list)
    made: int = 0

    async def place(self, engine: str) -> Place:
        """Return a new place: SQLite with files, or PostgreSQL with an object store."""
        self.made += 1
        folder = self.folder / f"place-{self.made}"
        if engine == "sqlite":
            return Place(folder, StoreSettings(), FILES)
        assert self.server is not None
        database = await self.server.lend_database()
        self.databases.append(database)
        return Place(folder, self.server.settings(database), self.s3.settings(self.folder, prefix=f"p{self.made}"))

    @asynccontextmanager
    async def opened(self, place: Place, **more: Any) -> AsyncIterator[Store]:  # noqa: ANN401 - as `Store.open`
        """Open the store of a place."""
        store = await Store.open(place.data_dir, place.store, blobs=place.blobs, **more)
        try:
            yield store
        finally:
            await store.close()


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    """Return an object store."""
    with fake_s3() as made:
        yield made


@pytest.fixture
async def stores(request: pytest.FixtureRequest, tmp_path: Path, s3: FakeS3) -> AsyncIterator[Stores]:
    """Return what makes stores; the server only when a test names an engine that needs it."""
    wanted = getattr(request.node, "callspec", None)
    needs = wanted is None or "postgresql" in str(wanted.params)
    server = request.getfixturevalue("postgresql") if needs else None
    made = Stores(tmp_path, server, s3)
    yield made
    for database in made.databases:
        await server.take_back(database)
