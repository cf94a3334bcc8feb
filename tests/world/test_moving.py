"""An operator moves to PostgreSQL and back while others send it mail: what was acknowledged is there, once."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from ledger import Ledger, Verdict
from plots import BASILE, Plots, new_plots
from postgresql import Server, postgresql
from processes import Plot, examine, until
from s3 import fake_s3

from load import CLIENTS, acknowledged, send_on, start
from mssante.app.sandbox.ports import free_ports
from mssante.model.settings import BlobSettings, StoreSettings

__all__ = ["postgresql"]
pytestmark = pytest.mark.world


@pytest.fixture(scope="module")
def plots(pki, tmp_path_factory: pytest.TempPathFactory) -> Plots:
    return new_plots(tmp_path_factory.mktemp("plots"), pki)


async def _stop(process: Process) -> None:
    os.kill(process.pid, signal.SIGTERM)
    assert await process.wait() == 0


def _copy(source: Path, target: Path, *more: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mssante.app", "store", "copy", "--from", str(source), "--to", str(target), *more],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _there(place: Plot, settings: StoreSettings, blobs: BlobSettings) -> Path:
    """Write the configuration of the same operator on PostgreSQL and an object store."""
    target = place.config.with_name("mssante-pg.toml")
    text = place.config.read_text().replace(str(place.folder / "data"), str(place.folder / "pg"))
    section = (
        f'[store]\nengine = "postgresql"\ndsn = "{settings.dsn}"\n[blobs]\nengine = "s3"\n'
        f'endpoint = "{blobs.endpoint}"\nbucket = "{blobs.bucket}"\n'
        f'access_key = "{blobs.access_key}"\nsecret_key = "{blobs.secret_key}"\n'
    )
    target.write_text(f"{text}\n{section}")
    return target


async def test_an_operator_under_load_moves_and_comes_back(
    plots: Plots, pki, tmp_path: Path, postgresql: Server
) -> None:
    (tmp_path / "b").mkdir()
    place = plots.b.settle(tmp_path / "b", free_ports(2))
    ledger, over = Ledger(tmp_path / "ledger"), asyncio.Event()
    peer = plots.world.client_context(pki.operator)
    with fake_s3() as s3:
        blobs = s3.settings(tmp_path)
        settings = postgresql.settings(await postgresql.new_database())
        there = _there(place, settings, blobs)

        async def more(what: str) -> None:
            known = acknowledged(ledger)
            await until(lambda: acknowledged(ledger) >= known + 10, f"ten letters more {what}")

        process = await start(place.config)
        clients = [asyncio.create_task(send_on(number, place, peer, ledger, over)) for number in range(CLIENTS)]
        await more("before")
        for _ in range(2):
            await asyncio.to_thread(_copy, place.config, there)
            await more("beside the copy")
        await _stop(process)
        await asyncio.to_thread(_copy, place.config, there, "--final")
        process = await start(there)
        await more("on PostgreSQL")
        await asyncio.to_thread(_copy, there, place.config)
        await more("beside the way back")
        await _stop(process)
        await asyncio.to_thread(_copy, there, place.config, "--final")
        process = await start(place.config)
        await more("at home again")
        over.set()
        await asyncio.gather(*clients)
        await _stop(process)
        seen = await examine(place)
    assert ledger.judge(seen.boxes) == Verdict()
    assert len(seen.boxes[BASILE]) == acknowledged(ledger) >= 60
    assert seen.faults == []
