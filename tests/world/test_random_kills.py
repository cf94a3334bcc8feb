"""kill -9 at any moment, under load, of the program as it is run: what was acknowledged is there, once.

Source: reliability.md 3.2 (c).
"""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest
from ledger import Ledger, Verdict
from plots import BASILE, Plots, new_plots
from processes import examine, until

from load import CLIENTS, acknowledged, send_on, start
from mssante.app.sandbox.ports import free_ports

pytestmark = pytest.mark.world

KILLS = 5


@pytest.fixture(scope="module")
def plots(pki, tmp_path_factory: pytest.TempPathFactory) -> Plots:
    return new_plots(tmp_path_factory.mktemp("plots"), pki)


async def test_what_was_acknowledged_survives_kills_under_load(plots: Plots, pki, tmp_path: Path) -> None:
    chance = random.Random(20261123)
    (tmp_path / "b").mkdir()
    place = plots.b.settle(tmp_path / "b", free_ports(2))
    peer = plots.world.client_context(pki.operator)
    ledger, over = Ledger(tmp_path / "ledger"), asyncio.Event()
    process = await start(place.config)
    clients = [
        asyncio.get_running_loop().create_task(send_on(number, place, peer, ledger, over)) for number in range(CLIENTS)
    ]
    for _ in range(KILLS):
        known = acknowledged(ledger)
        await until(lambda known=known: acknowledged(ledger) >= known + 5, "five more acknowledgements")
        await asyncio.sleep(chance.random() * 0.1)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        process = await start(place.config)
    over.set()
    await asyncio.gather(*clients)
    os.kill(process.pid, signal.SIGTERM)
    assert await process.wait() == 0
    seen = await examine(place)
    assert ledger.judge(seen.boxes) == Verdict()
    assert len(seen.boxes[BASILE]) == acknowledged(ledger) >= 5 * KILLS
    assert seen.faults == []
