"""``script/bench failover``: how long nobody can write when the leader of a PostgreSQL cluster is killed.

Starts a cluster of three Patroni nodes with etcd in a temporary folder, writes to it without rest, kills the leader's
Patroni and PostgreSQL with -9, and looks at the ledger of the clients; the dead node comes back before the next round.
Prints each outage and the median; tells by its exit code whether anything acknowledged was lost.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import click

from bench.failover_writes import lost, writing
from mssante.app.sandbox.cluster.cluster import Cluster, open_cluster
from mssante.app.sandbox.cluster.layout import Plan
from mssante.app.sandbox.cluster.patroni import Replication, Timing
from mssante.model.errors import MssError

CLIENTS: Final = 4
BEFORE_WRITES: Final = 200
AFTER_WRITES: Final = 50
PATIENCE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.02
QUICK_ROUNDS: Final = 2


@dataclass(frozen=True, slots=True)
class Round:
    """One death of a leader.

    Attributes:
        outage_seconds: longest time without an acknowledgement.
        acknowledged: rows before and after.
        lost: of those, how many are not there.
        back_seconds: until the dead node follows again, once started.
    """

    leader: str
    outage_seconds: float
    acknowledged: int
    lost: int
    back_seconds: float


async def one_round(cluster: Cluster) -> Round:
    """Kill the leader of a whole cluster under load, and bring it back."""
    leader = await cluster.wait_ready()
    async with writing(cluster.dsn(), clients=CLIENTS) as writes:
        await _until(lambda: len(writes.acknowledged) >= BEFORE_WRITES)
        await cluster.kill(leader)
        # All of it is dead: what is acknowledged from here on is another leader's.
        dead_at, known = time.monotonic(), len(writes.acknowledged)
        await _until(lambda: len(writes.acknowledged) >= known + AFTER_WRITES)
    gone = await lost(cluster.dsn(), writes)
    began = time.monotonic()
    await cluster.start(leader)
    await cluster.wait_ready()
    back = time.monotonic() - began
    return Round(leader, writes.outage(dead_at), len(writes.acknowledged), len(gone), back)


async def measure(plan: Plan, rounds: int, say: Callable[[str], None]) -> list[Round]:
    """Return what became of that many leaders of one cluster."""
    found = []
    async with open_cluster(plan, progress=say) as cluster:
        for number in range(1, rounds + 1):
            one = await one_round(cluster)
            say(
                f"{number}: {one.leader} killed, no write for {one.outage_seconds:.1f} s, {one.lost} of "
                f"{one.acknowledged} acknowledged rows lost, back after {one.back_seconds:.1f} s"
            )
            found.append(one)
    return found


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not true():  # noqa: ASYNC110 - what it waits for is in other processes
            await asyncio.sleep(LOOK_SECONDS)


@click.command(help=__doc__)
@click.option("--rounds", default=5, show_default=True, help="Leaders to kill.")
@click.option("--quick", is_flag=True, help="Two rounds only.")
@click.option("--ttl", default=7, show_default=True, help="How long the leader's lock lasts, seconds.")
@click.option("--loop-wait", default=1, show_default=True, help="Between two looks of Patroni, seconds.")
@click.option("--retry-timeout", default=3, show_default=True, help="Hitches that cost no lock, seconds.")
@click.option("--etcd", default=1, show_default=True, help="Members of etcd.")
@click.option("--strict", is_flag=True, help="Nothing is acknowledged by one node alone.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON on standard output.")
def main(
    *, rounds: int, quick: bool, ttl: int, loop_wait: int, retry_timeout: int, etcd: int, strict: bool, as_json: bool
) -> None:
    """Run it from the command line."""
    try:
        plan = Plan(
            etcd_members=etcd,
            timing=Timing(ttl, loop_wait, retry_timeout),
            replication=Replication(strict=strict),
        )
        found = asyncio.run(
            measure(plan, QUICK_ROUNDS if quick else rounds, lambda text: click.echo(text, err=as_json))
        )
    except MssError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    outages = [one.outage_seconds for one in found]
    figures = {
        "cluster_failover_outage": round(statistics.median(outages), 1),
        "shortest": round(min(outages), 1),
        "longest": round(max(outages), 1),
        "rounds": len(found),
        "acknowledged": sum(one.acknowledged for one in found),
        "lost": sum(one.lost for one in found),
        "ttl": ttl,
    }
    if as_json:
        click.echo(json.dumps(figures))
    else:
        click.echo(
            f"median outage {figures['cluster_failover_outage']} s ({figures['shortest']} - {figures['longest']}) "
            f"over {len(found)} leaders, {figures['lost']} of {figures['acknowledged']} acknowledged rows lost"
        )
    sys.exit(1 if figures["lost"] else 0)


if __name__ == "__main__":
    main()
