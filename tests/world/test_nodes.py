"""Two nodes of one operator as processes on one PostgreSQL: they show themselves, say goodbye, are killed, give up."""

import asyncio
import json
import os
import re
import signal
import sys
import tomllib
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_world import new_shell
from postgresql import Server, postgresql, settle
from processes import PATIENCE_SECONDS

from mssante.app.sandbox.layout import toml_text
from mssante.app.sandbox.ports import free_ports
from mssante.store.migrate import load_migrations

__all__ = ["postgresql"]
pytestmark = pytest.mark.world
MSSANTE = (sys.executable, "-m", "mssante.app")
DATABASE = "nodes_in_service"


@dataclass
class Running:
    """One node."""

    process: Process
    log: Path

    async def end(self, by: signal.Signals) -> int:
        os.kill(self.process.pid, by)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)


@dataclass
class Site:
    """One operator on one database, with a configuration for each node."""

    server: Server
    configs: dict[str, Path]

    async def ask(self, sql: str) -> None:
        await self.server.ask(sql, database=DATABASE)

    async def nodes(self) -> tuple[int, list[dict[str, object]]]:
        code, out = await self.run("node", "list", "--json")
        return code, json.loads(out)

    async def run(self, *arguments: str, name: str = "one") -> tuple[int, str]:
        command = (*MSSANTE, *arguments, "--config", str(self.configs[name]))
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=asyncio.subprocess.STDOUT)
        out, _err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        assert process.returncode is not None
        return process.returncode, out.decode()

    @asynccontextmanager
    async def serving(self, name: str) -> AsyncIterator[Running]:
        config = self.configs[name]
        log = config.with_suffix(".log")
        with log.open("wb") as written:
            process = await asyncio.create_subprocess_exec(
                *MSSANTE, "serve", "--config", str(config), stdout=PIPE, stderr=written
            )
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)
            assert b'"ready"' in line, log.read_text()
            yield Running(process, log)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@pytest.fixture
def site(tmp_path: Path, pki, capsys: pytest.CaptureFixture[str], postgresql: Server) -> Iterator[Site]:
    asyncio.run(postgresql.ask(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0"))
    shell = new_shell(tmp_path, pki, capsys, "--dsn", postgresql.dsn(DATABASE))
    ports, configs = iter(free_ports(4)), {}
    for name in ("one", "two"):
        sections = tomllib.loads(shell.config.read_text())
        sections["operator"]["data_dir"] = str(tmp_path / name)
        sections["smtp"] = {"host": "127.0.0.1", "port": next(ports)}
        sections["submission"] = {"host": "127.0.0.1", "port": next(ports), "implicit_port": -1}
        sections["imap"] = {"port": -1, "implicit_port": -1}
        configs[name] = shell.config.with_name(f"{name}.toml")
        configs[name].write_text(toml_text(sections))
    yield Site(postgresql, configs)
    asyncio.run(postgresql.drop(DATABASE))


async def test_nodes_show_themselves_say_goodbye_and_are_missed(site: Site) -> None:
    async with site.serving("one") as one, site.serving("two") as two:
        code, found = await site.nodes()
        assert (code, [node["state"] for node in found]) == (0, ["running", "running"])
        assert len({node["name"] for node in found}) == 2
        assert all(re.fullmatch(r"smtp \d+, submission \d+", str(node["doors"])) for node in found)
        assert all(abs(int(str(node["clock_ms"]))) < 1000 for node in found)

        assert await one.end(signal.SIGTERM) == 0
        code, found = await site.nodes()
        assert (code, sorted(str(node["state"]) for node in found)) == (0, ["running", "stopped"])

        await two.end(signal.SIGKILL)
        await site.ask("UPDATE node SET beat_at = beat_at - 60000000 WHERE state = 'running'")
        code, found = await site.nodes()
        assert (code, sorted(str(node["state"]) for node in found)) == (1, ["silent", "stopped"])
        silent = next(str(node["name"]) for node in found if node["state"] == "silent")
        code, said = await site.run("node", "list")
        assert (code, f"mssante node forget {silent}" in said) == (1, True)

    async with site.serving("two"):
        code, found = await site.nodes()
        assert (code, {node["name"]: node["state"] for node in found}[silent]) == (0, "running")


async def test_a_node_that_a_newer_schema_leaves_behind_closes_its_doors_and_does_not_start_again(site: Site) -> None:
    last = len(load_migrations())
    async with site.serving("one") as one:
        await site.ask("INSERT INTO migration SELECT max(version) + 1, 'next.sql', '', max(version) + 1 FROM migration")
        await settle(lambda: one.process.returncode is not None, seconds=PATIENCE_SECONDS)
        assert one.process.returncode == 0
        assert "node-gives-up" in one.log.read_text()
    code, said = await site.run("serve")
    assert (code, f"ce programme connaît jusqu'au {last} : reprenez le programme plus récent" in said) == (3, True)
