"""A real cluster of three Patroni nodes: its leader is killed, hangs, or is cut off, and nothing acknowledged is lost.

The same cut with asynchronous replication loses a row, which shows that the check can see a loss.

Source: reliability.md H06, R8.
"""

import asyncio
import shutil
import signal
import sys
import tempfile
import textwrap
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from clusters import hold_back, joined, needs_cluster, processes_in
from processes import PATIENCE_SECONDS, until

from bench.failover_writes import ANSWER_SECONDS, FAULTS, INSERT, TABLE, Writes, lost, writing
from mssante.app.sandbox.cluster.cluster import Cluster, open_cluster
from mssante.app.sandbox.cluster.layout import Plan
from mssante.app.sandbox.cluster.patroni import FAST, Replication

pytestmark = [pytest.mark.world, pytest.mark.slow, needs_cluster, pytest.mark.asyncio(loop_scope="module")]

MORE = 50
THERE = "SELECT EXISTS (SELECT 1 FROM written WHERE number = $1)"
FOLLOWS = "SELECT pg_is_in_recovery()"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Cluster]:
    async with open_cluster(Plan(etcd_members=3)) as cluster:
        yield cluster


@pytest_asyncio.fixture(loop_scope="module")
async def cluster(running: Cluster) -> AsyncIterator[Cluster]:
    """Return the cluster, all of it at work, and put it back afterwards."""
    await running.wait_ready()
    yield running
    for name in set(running.nodes) - set(running.running):
        await running.start(name)


async def _more(writes: Writes) -> None:
    known = len(writes.acknowledged)
    await until(lambda: len(writes.acknowledged) >= known + MORE, "more acknowledgements")


async def test_nothing_acknowledged_is_lost_when_the_leader_is_killed(cluster: Cluster) -> None:
    leader = await cluster.wait_ready()
    async with writing(cluster.dsn(), clients=4) as writes:
        await _more(writes)
        await cluster.kill(leader)
        await _more(writes)
    assert await cluster.leader() not in {leader, None}
    assert await lost(cluster.dsn(), writes) == set()
    await cluster.start(leader)
    progress: list[str] = []
    assert await cluster.wait_ready(progress.append) != leader
    assert "suivi par 2 réplique(s) sur 2" in progress[-1]
    async with joined(cluster.dsn(leader)) as connection:
        assert await connection.fetchval(FOLLOWS)


async def test_a_leader_that_hung_past_its_lock_gives_way_and_nothing_is_lost(cluster: Cluster) -> None:
    leader = await cluster.wait_ready()
    async with joined(cluster.dsn(leader)) as old:
        await old.execute(TABLE)
        cluster.freeze(leader)
        successor = await cluster.wait_leader()
        async with writing(cluster.dsn(successor), clients=2) as writes:
            await _more(writes)
            # It lies in the socket of a server that believes that it still leads.
            late = asyncio.ensure_future(old.execute(INSERT, -1))
            await asyncio.sleep(0)
            cluster.thaw(leader)
            await asyncio.wait({late}, timeout=PATIENCE_SECONDS)
            assert isinstance(late.exception(), FAULTS)
            await _more(writes)
            assert await cluster.wait_ready() == successor != leader
            await _more(writes)
    assert await lost(cluster.dsn(successor), writes) == set()
    async with joined(cluster.dsn(leader)) as connection:
        assert await connection.fetchval(FOLLOWS)


async def _write_on_the_leader_alone(cluster: Cluster, number: int) -> tuple[bool, bool]:
    """Cut the leader off from its replicas, write, kill it; return whether that was acknowledged, and is there."""
    leader = await cluster.wait_ready()
    async with joined(cluster.dsn(leader)) as connection:
        await connection.execute(TABLE)
        await hold_back(cluster, leader)
        try:
            await connection.execute(INSERT, number, timeout=ANSWER_SECONDS)
            acknowledged = True
        except TimeoutError:
            acknowledged = False
        await cluster.kill(leader)
    await cluster.wait_leader()
    async with joined(cluster.dsn()) as connection:
        there = await connection.fetchval(THERE, number)
    await cluster.start(leader)
    await cluster.wait_ready()
    async with joined(cluster.dsn(leader)) as connection:
        # It had it, and gave it up to follow the others.
        assert await connection.fetchval(THERE, number) == there
    return acknowledged, there


async def test_what_is_on_the_leader_alone_is_never_acknowledged(cluster: Cluster) -> None:
    assert await _write_on_the_leader_alone(cluster, -2) == (False, False)


async def test_asynchronous_replication_can_lose_what_it_acknowledged() -> None:
    async with open_cluster(Plan(replication=Replication(synchronous=False))) as cluster:
        assert await _write_on_the_leader_alone(cluster, -3) == (True, False)


async def test_a_member_of_etcd_can_be_lost(cluster: Cluster) -> None:
    leader = await cluster.wait_ready()
    async with writing(cluster.dsn(), clients=1) as writes:
        await cluster.kill("e1")
        began = asyncio.get_running_loop().time()
        # Past the time that the leader's lock would last unless it were renewed.
        past = began + 2 * FAST.ttl_seconds
        await until(lambda: asyncio.get_running_loop().time() > past, "two terms of the lock")
        await _more(writes)
    await cluster.start("e1")
    assert await cluster.wait_ready() == leader
    assert await lost(cluster.dsn(), writes) == set()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
async def test_nothing_is_left_running_when_the_sandbox_is_killed_or_interrupted(end: signal.Signals) -> None:
    source = """
        import asyncio
        from mssante.app.sandbox.cluster.cluster import open_cluster
        from mssante.app.sandbox.cluster.layout import Plan
        async def main():
            async with open_cluster(Plan(nodes=2)) as cluster:
                print(cluster.log("n1").parent.parent, flush=True)
                await asyncio.Event().wait()
        asyncio.run(main())
    """
    # As at a terminal, where Ctrl-C goes to the whole group.
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", textwrap.dedent(source)), stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    assert started.stdout is not None
    folder = Path((await started.stdout.readline()).decode().strip())
    assert folder.parent == Path(tempfile.gettempdir())
    assert len(processes_in(folder)) >= 8
    started.send_signal(end)
    await started.communicate()
    await until(lambda: not processes_in(folder), "the end of all")
    left = await asyncio.to_thread(folder.exists)
    assert left == (end == signal.SIGKILL)
    if left:
        await asyncio.to_thread(shutil.rmtree, folder)
