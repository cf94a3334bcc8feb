"""A PostgreSQL cluster for tests, and faults that its own code has no need of."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from processes import until

from mssante.app.sandbox.cluster.cluster import Cluster
from mssante.app.sandbox.cluster.programs import find_account, find_programs
from mssante.model.errors import ConfigError

JOIN_SECONDS = 5.0


def why_no_cluster() -> str:
    """Return why a cluster cannot run here, or ""."""
    try:
        find_programs()
        find_account()
    except ConfigError as error:
        return str(error)
    return ""


needs_cluster = pytest.mark.skipif(bool(why_no_cluster()), reason=why_no_cluster() or "there")


@asynccontextmanager
async def joined(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection, and drop it at the end, whatever became of its server."""
    connection = await asyncpg.connect(dsn, timeout=JOIN_SECONDS)
    try:
        yield connection
    finally:
        connection.terminate()


async def hold_back(cluster: Cluster, leader: str) -> None:
    """Let the leader send nothing more to its replicas: what it commits from here on is nowhere else.

    Stopping those that receive would not do: what lies in their sockets would still arrive.
    """
    async with joined(cluster.dsn(leader)) as connection:
        senders = [row["pid"] for row in await connection.fetch("SELECT pid FROM pg_stat_replication")]
    assert senders
    for pid in senders:
        os.kill(pid, signal.SIGSTOP)
    await until(lambda: all(_state(pid) == "T" for pid in senders), "the senders' standstill")


def processes_in(folder: Path) -> list[int]:
    """Return the living processes that were started with something in that folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
