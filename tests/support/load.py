"""Clients that send one letter after the other to an operator that may stop and start meanwhile."""

import asyncio
import ssl
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from ledger import ACKNOWLEDGED, Ledger, letter
from plots import ANNE, BASILE, A
from processes import PATIENCE_SECONDS, Plot, hand_over

CLIENTS = 4
SIZES = (2_000, 30_000, 200_000)


async def start(config: Path) -> Process:
    """Start the operator of a configuration as a program, wait until its doors are open."""
    with config.with_name("err").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mssante.app", "serve", "--config", str(config)),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        line = await process.stdout.readline()
    assert b'"ready"' in line, config.with_name("err").read_text()
    return process


async def send_on(number: int, place: Plot, peer: ssl.SSLContext, ledger: Ledger, over: asyncio.Event) -> None:
    """Send one letter after the other, each again until it is acknowledged."""
    count = 0
    while not over.is_set():
        count += 1
        one = letter(f"charge-{number}-{count}@{A}", ANNE, (BASILE,), SIZES[count % len(SIZES)])
        while True:
            if await hand_over(ledger, one, place.smtp, peer):
                break
            await asyncio.sleep(0.02)


def acknowledged(ledger: Ledger) -> int:
    """Return how many letters were acknowledged so far."""
    return sum(line.state == ACKNOWLEDGED for line in ledger.lines()) if ledger.path.exists() else 0
