"""Run tests that were written for the embedded engine on PostgreSQL: each folder of data becomes a database.

``PYTHONPATH=tests/support python -m pytest -p on_postgresql tests/flows tests/doors``. Tests that look into the file of
the embedded engine, or play its full disk, fail then; all others must not.

Source: reliability.md R19.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from postgresql import Server

from mssante.model.settings import FILES, BlobSettings, StoreSettings
from mssante.store.engine import Store
from mssante.store.postgres.engine import open_store

_servers: list[Server] = []
_databases: dict[Path, str] = {}


async def _open(
    data_dir: Path,
    settings: StoreSettings,
    *,
    blobs: BlobSettings = FILES,
    probe: Callable[[str], None] = lambda _step: None,
    must_be_there: bool = False,
) -> Store:
    if not _servers:
        _servers.append(Server())
    server = _servers[0]
    if data_dir not in _databases:
        _databases[data_dir] = await server.new_database()
    changed = dataclasses.replace(settings, engine="postgresql", dsn=server.dsn(_databases[data_dir]))
    return await open_store(data_dir, changed, blobs=blobs, probe=probe, must_be_there=must_be_there)


def pytest_configure() -> None:
    """Put this engine in the place of the other."""
    Store.open = _open


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop the server."""
    for server in _servers:
        server.remove()
