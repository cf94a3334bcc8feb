"""The manager's store: a wrong path or a wrong database is not taken for a new list without anybody."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from cli_world import new_shell
from postgresql import Server, postgresql

from mssante.app.config import Config, read_config
from mssante.app.manager import open_publishing, run_manager
from mssante.model.errors import StoreError
from mssante.store.connection import FILE_NAME

__all__ = ["postgresql"]
EMPTY = r"n'existe pas|base vide"


@pytest.fixture
def made(tmp_path: Path, pki, capsys) -> Config:
    return replace(read_config(new_shell(tmp_path, pki, capsys).config), role="manager")


@pytest.fixture(params=["sqlite", "postgresql"])
async def config(request: pytest.FixtureRequest, made: Config) -> AsyncIterator[Config]:
    """Return the configuration of a manager whose store is empty, on each engine."""
    (made.operator.data_dir / FILE_NAME).unlink()
    if request.param == "sqlite":
        yield made
        return
    server: Server = request.getfixturevalue("postgresql")
    await server.ask("CREATE DATABASE hollow")
    yield replace(made, store=server.settings("hollow"))
    await server.drop("hollow")


async def test_an_empty_store_is_refused_and_left_as_it_is(config: Config) -> None:
    for _ in range(2):
        with pytest.raises(StoreError, match=EMPTY):
            async with open_publishing(config):
                pass
        with pytest.raises(StoreError, match=EMPTY):
            await run_manager(config, asyncio.Event())
    assert not (config.operator.data_dir / FILE_NAME).exists()


async def test_the_first_to_be_admitted_makes_it(config: Config) -> None:
    async with open_publishing(config, may_be_new=True) as publishing:
        assert await publishing.current() is None
    async with open_publishing(config) as publishing:
        assert await publishing.current() is None
