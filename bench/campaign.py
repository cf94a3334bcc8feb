"""A campaign: cells measured on two servers in turn, each run from empty queues and stores.

Not for the command line nor the documents (see `bench.smtp`).
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import procs
from bench.credentials import make_credentials
from bench.load import Load, LoadResult
from bench.peers.operator import Operator
from bench.peers.ports import Peer
from bench.peers.postfix import Postfix
from bench.report import Series
from bench.sending import MeasureError, await_visible, send
from mssante.app.sandbox.ports import free_ports

MAILBOXES: Final = 100
SETTLE_SECONDS: Final = 2
SIZES: Final = {"4k": 4096, "64k": 65536, "1m": 1048576}


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure on two servers.

    Attributes:
        size: key of `SIZES`.
        connections: at the same time.
        per_message: a new connection for each message.
        visible: until a reader sees the messages, rather than until they are accepted.
        figure: name in the JSON file, or "" for a line of the tables only.
        target: ratio that we want of the figure.
    """

    size: str
    connections: int
    per_message: bool = False
    visible: bool = False
    figure: str = ""
    target: float = 0

    @property
    def label(self) -> str:
        """Return what the tables show."""
        how = "a connection per message" if self.per_message else "kept open"
        size = {"4k": "4 KiB", "64k": "64 KiB", "1m": "1 MiB"}[self.size]
        return f"{size}, {self.connections} at a time, {how}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to measure.

    Attributes:
        runs: of each server in each cell.
        seconds: window of a run that counts acceptances.
        warm_seconds: before it.
        messages: of a run that waits until they are visible.
    """

    runs: int = 3
    seconds: float = 4
    warm_seconds: float = 1
    messages: int = 2000


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one server: messages a second, processor time and latency."""

    rate: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float


class Campaign:
    """The servers and the figures gathered so far."""

    def __init__(self, folder: Path, plan: Plan, *, warn: Callable[[str], None]) -> None:
        """Make the certificates and name the servers; nothing runs yet."""
        keep, deliver, documents = free_ports(3)
        files = make_credentials(folder / "pki", crl_url=f"https://localhost:{documents}/ca.crl")
        self._files = files
        self._plan = plan
        self._warn = warn
        self._first = 0
        self.ours = Operator(folder / "ours", files, documents=documents, mailboxes=MAILBOXES)
        self.keeping = Postfix(folder / "keeping", keep, files, mailboxes=MAILBOXES, delivering=False)
        self.delivering = Postfix(folder / "delivering", deliver, files, mailboxes=MAILBOXES, delivering=True)

    def servers(self, cell: Cell) -> tuple[Peer, ...]:
        """Return ours and the one it is compared with."""
        return self.ours, self.delivering if cell.visible else self.keeping

    def measure(self, cell: Cell, servers: Sequence[Peer], *, advance: Callable[[], None]) -> dict[str, Series]:
        """Return the series of each of the servers by name, run in turn; call `advance` after each run."""
        samples: dict[str, list[Sample]] = {peer.name: [] for peer in servers}
        for _ in range(self._plan.runs):
            for peer in servers:
                samples[peer.name].append(self._sample(cell, peer))
                advance()
        return {
            name: Series(
                tuple(each.rate for each in found),
                tuple(each.cpu_ms for each in found),
                tuple(each.p50_ms for each in found),
                tuple(each.p99_ms for each in found),
            )
            for name, found in samples.items()
        }

    def idle(self) -> dict[str, procs.Memory]:
        """Return what one operator, and the usual pair, hold after their start, before any message."""
        found: dict[str, procs.Memory] = {}
        for peer in (self.ours, self.delivering):
            with peer.running():
                time.sleep(SETTLE_SECONDS)
                parts = [procs.memory(root) for root in peer.roots()]
                found[peer.name] = procs.Memory(
                    sum(part.processes for part in parts),
                    sum(part.rss_bytes for part in parts),
                    sum(part.pss_bytes for part in parts),
                )
        return found

    def _sample(self, cell: Cell, peer: Peer) -> Sample:
        os.sync()
        with peer.running():
            if cell.visible:
                return self._until_visible(cell, peer)
            load = self._load(cell, peer, seconds=self._plan.seconds, warm_seconds=self._plan.warm_seconds)
            before = _cpu(peer)
            result = self._run(load)
            return _sample(result, result.counted / result.seconds, _cpu(peer) - before)

    def _until_visible(self, cell: Cell, peer: Peer) -> Sample:
        warm = self._plan.messages // 10
        first = self._run(self._load(cell, peer, messages=warm))
        if first.total < warm:
            msg = f"{peer.name} took {first.total} of {warm} messages: {first.errors}"
            raise MeasureError(msg)
        await_visible(peer, warm)
        before = _cpu(peer)
        # Looking costs processor time too, so it begins when the last message is accepted: none is visible earlier.
        result = self._run(self._load(cell, peer, messages=self._plan.messages))
        seen_at = await_visible(peer, warm + self._plan.messages)
        return _sample(result, self._plan.messages / (seen_at - result.started_at), _cpu(peer) - before)

    def _load(self, cell: Cell, peer: Peer, *, messages: int = 0, seconds: float = 0, warm_seconds: float = 0) -> Load:
        self._first += 1_000_000
        return Load(
            port=peer.port,
            authority=str(self._files.authority),
            certificate=str(self._files.client),
            key=str(self._files.client_key),
            size_bytes=SIZES[cell.size],
            connections=cell.connections,
            per_message=cell.per_message,
            messages=messages,
            seconds=seconds,
            warm_seconds=warm_seconds,
            mailboxes=MAILBOXES,
            first=self._first,
        )

    def _run(self, load: Load) -> LoadResult:
        (result,) = send([load], self._files)
        if result.errors:
            self._warn(f"refused or failed: {result.errors}")
        return result


def _sample(result: LoadResult, rate: float, cpu_seconds: float) -> Sample:
    if not result.counted:
        msg = f"no message was accepted: {result.errors}"
        raise MeasureError(msg)
    return Sample(rate, 1000 * cpu_seconds / result.total, result.p50_ms, result.p99_ms)


def _cpu(peer: Peer) -> float:
    return sum(procs.cpu_seconds(root) for root in peer.roots())
