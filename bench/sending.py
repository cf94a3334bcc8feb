"""Load clients, each a process of its own, and the wait until readers see what they sent."""

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import procs
from bench.credentials import Credentials
from bench.load import Load, LoadResult
from bench.peers.ports import Peer

ROOT: Final = Path(__file__).resolve().parent.parent
VISIBLE_SECONDS: Final = 180


class MeasureError(Exception):
    """A figure could not be measured."""


def send(loads: Sequence[Load], files: Credentials) -> list[LoadResult]:
    """Send all the loads at the same time; return what came out of each.

    Raises:
        MeasureError: a client failed.
    """
    log = files.authority.parent / "load.log"
    clients = [_start(load, log) for load in loads]
    try:
        return [_finished(one, log) for one in clients]
    finally:
        for one in clients:
            procs.stop(one)


def await_visible(peer: Peer, count: int) -> float:
    """Return the moment, of `time.monotonic`, at which readers see that many messages.

    Raises:
        MeasureError: they do not in time.
    """
    until = time.monotonic() + VISIBLE_SECONDS
    while (seen := peer.visible()) < count:
        if time.monotonic() > until:
            msg = f"{peer.name}: {seen} of {count} messages are visible after {VISIBLE_SECONDS} s"
            raise MeasureError(msg)
        time.sleep(0.02)
    return time.monotonic()


def _start(load: Load, log: Path) -> subprocess.Popen[bytes]:
    command = (sys.executable, "-m", "bench.load", json.dumps(dataclasses.asdict(load)))
    return procs.start(command, log=log, PYTHONPATH=str(ROOT))


def _finished(client: subprocess.Popen[bytes], log: Path) -> LoadResult:
    said = client.stdout.readline() if client.stdout is not None else b""
    if not said:
        msg = f"the load client failed: {log.read_text()[-400:]}"
        raise MeasureError(msg)
    return LoadResult(**json.loads(said))
