"""``script/bench store``: our operator on SQLite, and as one and two nodes on a PostgreSQL cluster, on this machine.

The cluster is the one of ``script/demo --cluster``: three Patroni nodes, synchronous, all on this machine's cores too.
"""

import asyncio
import dataclasses
import os
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from bench import machine, procs, store_directory
from bench.campaign import MAILBOXES
from bench.credentials import Credentials, make_credentials
from bench.failover import measure as measure_failover
from bench.load import Load, LoadResult
from bench.peers.nodes import Nodes
from bench.peers.operator import Operator
from bench.publish import publish
from bench.report import Figure, figure_table
from bench.sending import ROOT, MeasureError, await_visible, send
from mssante.app.sandbox.cluster.cluster import open_cluster
from mssante.app.sandbox.cluster.layout import Plan
from mssante.app.sandbox.ports import free_ports
from mssante.model.errors import MssError

COMMAND: Final = "script/bench store"
SIZE_BYTES: Final = 4096
CONNECTIONS: Final = 20
MESSAGES: Final = 2000
OUTAGE_TARGET: Final = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """One run: messages a second until the last is visible, and the time to acceptance."""

    rate: float
    p50_ms: float
    p99_ms: float


class Sender:
    """Sends the same to any number of doors at the same time."""

    def __init__(self, files: Credentials, messages: int) -> None:
        """Keep the certificates and how many messages a run has."""
        self._files = files
        self._messages = messages
        self._first = 0

    def sample(self, peer: Operator) -> Sample:
        """Run one server, warm it up, and measure it."""
        os.sync()
        with peer.running():
            ports = peer.ports if isinstance(peer, Nodes) else [peer.port]
            warm = self._messages // 10
            self._send(ports, warm)
            await_visible(peer, warm)
            results = self._send(ports, self._messages)
            seen_at = await_visible(peer, warm + self._messages)
            began = min(one.started_at for one in results)
            p50 = statistics.median(one.p50_ms for one in results)
            return Sample(self._messages / (seen_at - began), p50, max(one.p99_ms for one in results))

    def _send(self, ports: Sequence[int], messages: int) -> list[LoadResult]:
        results = send(
            [self._load(port, messages // len(ports), CONNECTIONS // len(ports)) for port in ports], self._files
        )
        took = sum(one.total for one in results)
        if took < messages:
            msg = f"{took} of {messages} messages were taken: {[one.errors for one in results]}"
            raise MeasureError(msg)
        return results

    def _load(self, port: int, messages: int, connections: int) -> Load:
        self._first += 1_000_000
        return Load(
            port=port,
            authority=str(self._files.authority),
            certificate=str(self._files.client),
            key=str(self._files.client_key),
            size_bytes=SIZE_BYTES,
            connections=connections,
            messages=messages,
            mailboxes=MAILBOXES,
            first=self._first,
        )


async def measured(folder: Path, *, runs: int, messages: int) -> dict[str, list[Sample]]:
    """Return the samples of each server by name, run in turn."""
    (documents,) = free_ports(1)
    files = make_credentials(folder / "pki", crl_url=f"https://localhost:{documents}/ca.crl")
    sender = Sender(files, messages)
    async with open_cluster(progress=click.echo) as cluster:
        peers = [Operator(folder / "one", files, documents=documents, mailboxes=MAILBOXES)] + [
            Nodes(
                folder / f"nodes{count}",
                files,
                documents=documents,
                mailboxes=MAILBOXES,
                dsn=cluster.store_dsn,
                joining=cluster.dsn(),
                count=count,
            )
            for count in (1, 2)
        ]
        names = ["SQLite", *[peer.name for peer in peers[1:]]]
        found: dict[str, list[Sample]] = {name: [] for name in names}
        for run in range(runs):
            for name, peer in zip(names, peers, strict=True):
                found[name].append(await asyncio.to_thread(sender.sample, peer))
                click.echo(f"run {run + 1}, {name}: {found[name][-1].rate:.0f} messages/s")
        return found


@click.command()
@click.option("--quick", is_flag=True, help="One short run and one fail-over; writes nothing.")
@click.option("--runs", default=3, show_default=True, help="Runs of each server.")
@click.option("--rounds", default=5, show_default=True, help="Leaders that are killed.")
@click.option("--directory", is_flag=True, help="Only the search of the directory, on both engines.")
@click.option("--people", default=store_directory.PEOPLE, show_default=True, help="Professionals of that directory.")
@click.option("--docs", default=ROOT / "docs", type=click.Path(path_type=Path), help="Where the results go.")
def main(*, quick: bool, runs: int, rounds: int, directory: bool, people: int, docs: Path) -> None:
    """Measure the store on one machine and on a cluster.

    Example: script/bench store --quick
    """
    procs.adopt_orphans()
    if directory:
        _measure_directory(1 if quick else runs, people, None if quick else docs)
    else:
        _measure_store(
            1 if quick else runs, 1 if quick else rounds, 300 if quick else MESSAGES, None if quick else docs
        )


def _measure_directory(runs: int, people: int, docs: Path | None) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="mssante-bench-", ignore_cleanup_errors=True) as name:
            measuring = store_directory.measured(
                Path(name), people=people, runs=runs, questions=store_directory.QUESTIONS, told=click.echo
            )
            found, entries = asyncio.run(measuring)
            about = machine.describe(Path(name))
    except (MeasureError, MssError, OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    date = datetime.now(UTC).date().isoformat()
    said = f"Measured on {date}: {about}."
    text, figures = store_directory.part_of(found, entries, people=people, runs=runs, said=said)
    publish(docs, "store directory", text, figures, command=f"{COMMAND} --directory", date=date)


def _measure_store(runs: int, rounds: int, messages: int, docs: Path | None) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix="mssante-bench-", ignore_cleanup_errors=True) as name:
            found = asyncio.run(measured(Path(name), runs=runs, messages=messages))
            about = machine.describe(Path(name))
        outages = asyncio.run(measure_failover(Plan(), rounds, click.echo))
    except (MeasureError, MssError, OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    if any(one.lost for one in outages):
        msg = "acknowledged rows were lost at a fail-over"
        raise click.ClickException(msg)
    rates = {name: statistics.median(one.rate for one in samples) for name, samples in found.items()}
    one, first, second = rates.values()
    outage = statistics.median(each.outage_seconds for each in outages)
    figures = [
        Figure("cluster_visible_4k_1node", first, "messages/s", "SQLite", one, 1),
        Figure("cluster_visible_4k_2nodes", second, "messages/s", "SQLite", one, 1),
        Figure("cluster_failover_outage", outage, "s", "target 10 s", OUTAGE_TARGET, 1, smaller_is_better=True),
    ]
    date = datetime.now(UTC).date().isoformat()
    text = f"Measured on {date}: {about}.\n\n{figure_table(figures)}\n\n{_table(found)}"
    publish(docs, "store", text, figures, command=COMMAND, date=date)


def _table(found: dict[str, list[Sample]]) -> str:
    lines = ["| store | messages/s (each run) | to acceptance, p50 / p99 ms |", "|---|---:|---:|"]
    for name, samples in found.items():
        rates = ", ".join(f"{one.rate:.0f}" for one in samples)
        p50, p99 = (statistics.median(getattr(one, part) for one in samples) for part in ("p50_ms", "p99_ms"))
        lines.append(f"| {name} | {rates} | {p50:.1f} / {p99:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
