"""kill -9 at any moment, under load, of the program as it is run: what was acknowledged is there, once.

Source: reliability.md 3.2 (c).
"""

import asyncio
import os
import random
import signal
import ssl
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

import pytest
from ledger import ACKNOWLEDGED, Ledger, Verdict, letter
from plots import ANNE, BASILE, A, Plots, new_plots
from processes import PATIENCE_SECONDS, Plot, examine, hand_over, until

from mssante.app.sandbox.ports import free_ports

pytestmark = pytest.mark.world

KILLS = 5
CLIENTS = 4
SIZES = (2_000, 30_000, 200_000)


@pytest.fixture(scope="module")
def plots(pki, tmp_path_factory: pytest.TempPathFactory) -> Plots:
    return new_plots(tmp_path_factory.mktemp("plots"), pki)


async def _start(place: Plot) -> Process:
    with (place.folder / "err").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mssante.app", "serve", "--config", str(place.config)),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        line = await process.stdout.readline()
    assert b'"ready"' in line, (place.folder / "err").read_text()
    return process


async def _client(number: int, place: Plot, peer: ssl.SSLContext, ledger: Ledger, over: asyncio.Event) -> None:
    """Send one letter after the other, each again until it is acknowledged."""
    count = 0
    while not over.is_set():
        count += 1
        one = letter(f"charge-{number}-{count}@{A}", ANNE, (BASILE,), SIZES[count % len(SIZES)])
        while True:
            if await hand_over(ledger, one, place.smtp, peer):
                break
            await asyncio.sleep(0.02)


async def test_what_was_acknowledged_survives_kills_under_load(plots: Plots, pki, tmp_path: Path) -> None:
    chance = random.Random(20261123)
    (tmp_path / "b").mkdir()
    place = plots.b.settle(tmp_path / "b", free_ports(2))
    peer = plots.world.client_context(pki.operator)
    ledger, over = Ledger(tmp_path / "ledger"), asyncio.Event()
    process = await _start(place)
    clients = [
        asyncio.get_running_loop().create_task(_client(number, place, peer, ledger, over)) for number in range(CLIENTS)
    ]
    for _ in range(KILLS):
        known = _acknowledged(ledger)
        await until(lambda known=known: _acknowledged(ledger) >= known + 5, "five more acknowledgements")
        await asyncio.sleep(chance.random() * 0.1)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        process = await _start(place)
    over.set()
    await asyncio.gather(*clients)
    os.kill(process.pid, signal.SIGTERM)
    assert await process.wait() == 0
    seen = await examine(place)
    assert ledger.judge(seen.boxes) == Verdict()
    assert len(seen.boxes[BASILE]) == _acknowledged(ledger) >= 5 * KILLS
    assert seen.faults == []


def _acknowledged(ledger: Ledger) -> int:
    return sum(line.state == ACKNOWLEDGED for line in ledger.lines()) if ledger.path.exists() else 0
