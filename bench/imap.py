"""``script/bench imap``: our IMAP door against a private Dovecot with two kinds of storage, on this machine, in turn.

Every connection is TLS with the same certificate. Warm against warm: each figure is asked once before it is measured.
Prints the ratios, writes ``docs/performance.json`` and the measured part of ``docs/performance.md``.
"""

import contextlib
import math
import os
import random
import signal
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final, Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine, procs
from bench.credentials import Credentials, make_credentials
from bench.imap_idle import deliver, held_by_connections, wake_all, watchers_for
from bench.imap_session import ImapError, ImapSession
from bench.peers.dovecot_imap import STORAGES, DovecotImap
from bench.peers.operator import Operator
from bench.report import Figure, figure_table, merged, spliced
from bench.sending import ROOT
from mssante.app.sandbox.ports import free_ports

COMMAND: Final = "script/bench imap"
SMALL: Final = 10_000
LARGE: Final = 100_000
MESSAGE_BYTES: Final = 4096
BODIES: Final = 2000
FILL_GROUP: Final = 100
IDLE: Final = 500
WOKEN: Final = 2000
TEXT: Final = (
    "patient compte rendu biologie ordonnance lettre sortie imagerie dossier consultation hopital docteur "
    "traitement examen clinique tension glycemie allergie vaccin suivi"
)
WORDS: Final = TEXT.split()
MEMORY_LIMIT_KB: Final = 100
UNTOLD_SECONDS: Final = 5.0


class ImapPeer(Protocol):
    """A server under measure."""

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        ...

    @property
    def imap_port(self) -> int:
        """Return its port with TLS from the first byte."""
        ...

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Start it; stop it at the end."""
        ...

    def roots(self) -> tuple[int, ...]:
        """Return the process ids at the top of its trees."""
        ...

    def user(self, number: int) -> tuple[str, str]:
        """Return login and password of a mailbox."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    Attributes:
        runs: of each server in each cell.
        small: messages of the usual mailbox.
        large: messages of the large one, 0 leaves it out.
        idle: connections whose memory is taken.
        woken: idle connections that get one delivery each, 0 leaves them out.
    """

    runs: int = 3
    small: int = SMALL
    large: int = LARGE
    idle: int = IDLE
    woken: int = WOKEN


QUICK: Final = Plan(runs=1, small=2000, large=0, idle=100, woken=0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure.

    Attributes:
        figure: name in the JSON file, or "" for a line of the table only.
        label: what the table shows.
        measure: one run on one server; returns the rate or the time.
        target: ratio that we want of the figure.
        smaller_is_better: it is a time.
    """

    figure: str
    label: str
    unit: str
    measure: Callable[["Bench", ImapPeer], float]
    target: float
    smaller_is_better: bool = False


class Bench:
    """What the cells share: the connection's TLS, the plan, an open session of each server."""

    def __init__(self, plan: Plan, files: Credentials) -> None:
        """Make the client's TLS."""
        self.plan = plan
        self.files = files
        self.context = ssl.create_default_context(cafile=str(files.authority))
        self.context.check_hostname = False
        self.random = random.Random(7)

    def session(self, peer: ImapPeer, number: int = 0) -> ImapSession:
        """Return a new connection, signed in."""
        return ImapSession(peer.imap_port, self.context).login(*peer.user(number))

    @contextlib.contextmanager
    def selected(self, peer: ImapPeer, number: int = 0) -> Iterator[ImapSession]:
        """Yield a connection with its inbox open."""
        with self.session(peer, number) as session:
            session.command("SELECT INBOX")
            yield session

    def messages(self, count: int, first: int = 0) -> list[bytes]:
        """Return letters of 4 KiB that differ."""
        return [self._message(number) for number in range(first, first + count)]

    def _message(self, number: int) -> bytes:
        subject = " ".join(self.random.choices(WORDS, k=5))
        head = (
            f"From: Docteur {number % 97} <d{number % 97}@hop.bench.test>\r\n"
            f"To: Patient {number} <p{number}@bench.test>\r\nSubject: {subject} {number}\r\n"
            f"Date: Mon, 01 Jan 2024 00:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
            f"Message-ID: <{number}.{self.random.getrandbits(64)}@bench.test>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        )
        lines: list[str] = []
        left = MESSAGE_BYTES - len(head)
        while left > 0:
            line = " ".join(self.random.choices(WORDS, k=8))[:76] + "\r\n"
            lines.append(line)
            left -= len(line)
        return (head + "".join(lines))[: MESSAGE_BYTES - 2].encode() + b"\r\n"

    def fill(self, peer: ImapPeer, number: int, count: int) -> None:
        """Append that many messages to a mailbox, in groups."""
        with self.session(peer, number) as session:
            for first in range(0, count, FILL_GROUP):
                session.append(self.messages(min(FILL_GROUP, count - first), first))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _logins(bench: Bench, peer: ImapPeer) -> float:
    def once() -> None:
        with bench.session(peer):
            pass

    return 50 / _timed(lambda: [once() for _ in range(50)])


def _select(number: int) -> Callable[[Bench, ImapPeer], float]:
    def measure(bench: Bench, peer: ImapPeer) -> float:
        times = []
        for _ in range(5):
            with bench.session(peer, number) as session:
                times.append(_timed(lambda: session.command("SELECT INBOX")))
        return 1000 * statistics.median(times)

    return measure


def _fetch(items: str) -> Callable[[Bench, ImapPeer], float]:
    def measure(bench: Bench, peer: ImapPeer) -> float:
        with bench.selected(peer) as session:
            session.command(f"FETCH 1:* {items}")
            return bench.plan.small / _timed(lambda: session.command(f"FETCH 1:* {items}"))

    return measure


def _bodies(bench: Bench, peer: ImapPeer) -> float:
    count = min(BODIES, bench.plan.small)
    with bench.selected(peer) as session:
        session.command(f"FETCH 1:{count} BODY.PEEK[]")
        began = time.perf_counter()
        size = session.command(f"FETCH 1:{count} BODY.PEEK[]")
        return size / 1e6 / (time.perf_counter() - began)


def _single_bodies(bench: Bench, peer: ImapPeer) -> float:
    numbers = [bench.random.randint(1, bench.plan.small) for _ in range(200)]
    with bench.selected(peer) as session:
        return 200 / _timed(lambda: [session.command(f"FETCH {number} BODY.PEEK[]") for number in numbers])


def _appends(bench: Bench, peer: ImapPeer) -> float:
    messages = bench.messages(200)
    with bench.session(peer, 2) as session:
        session.append(messages[:1])
        return 200 / _timed(lambda: [session.append([message]) for message in messages])


def _stores(bench: Bench, peer: ImapPeer) -> float:
    numbers = [bench.random.randint(1, bench.plan.small) for _ in range(200)]
    with bench.selected(peer) as session:
        turn = _timed(lambda: [session.command(f"STORE {number} +FLAGS (\\Flagged)") for number in numbers])
        session.command("STORE 1:* -FLAGS (\\Flagged)")
        return 200 / turn


def _search(query: str) -> Callable[[Bench, ImapPeer], float]:
    def measure(bench: Bench, peer: ImapPeer) -> float:
        with bench.selected(peer) as session:
            session.command(f"SEARCH {query}")
            return 1000 * _timed(lambda: session.command(f"SEARCH {query}"))

    return measure


def _told(wait: Callable[[ImapSession], object]) -> Callable[[Bench, ImapPeer], float]:
    """Return the measure of how soon a session that waits is told; without end when it is not."""

    def measure(bench: Bench, peer: ImapPeer) -> float:
        times = []
        with bench.session(peer, 2) as writer, bench.selected(peer, 2) as waiting:
            wait(waiting)
            waiting.socket.settimeout(UNTOLD_SECONDS)
            for message in bench.messages(50):
                began = time.perf_counter()
                writer.append([message])
                try:
                    while b"EXISTS" not in waiting.line():
                        pass
                except TimeoutError:
                    return math.inf
                times.append(time.perf_counter() - began)
        return 1000 * statistics.median(times)

    return measure


def _notify(session: ImapSession) -> None:
    session.command("NOTIFY SET (SELECTED (MessageNew MessageExpunge))")


def _memory(bench: Bench, peer: ImapPeer) -> float:
    sessions = (bench.selected(peer, 3 + number % 200) for number in range(bench.plan.idle))
    return held_by_connections(peer, sessions) / 1000


def _woken(bench: Bench, peer: ImapPeer) -> float:
    def make(number: int) -> ImapSession:
        session = bench.session(peer, number)
        session.command("SELECT INBOX")
        return session

    count = bench.plan.woken
    with watchers_for(2 * count):
        return count / wake_all(count, make, lambda: deliver(peer, bench.files, count))


CELLS: Final = (
    Cell("imap_login", "log-in and log-out with a TLS handshake, one at a time", "/s", _logins, 1),
    Cell("imap_select", "SELECT, 10,000 messages", "ms", _select(0), 1, smaller_is_better=True),
    Cell("imap_select_large", "SELECT, 100,000 messages", "ms", _select(1), 1, smaller_is_better=True),
    Cell("imap_fetch_flags", "FETCH 1:* (FLAGS)", "messages/s", _fetch("(FLAGS)"), 0.5),
    Cell("imap_fetch_envelope", "FETCH 1:* (FLAGS ENVELOPE)", "messages/s", _fetch("(FLAGS ENVELOPE)"), 1),
    Cell("imap_fetch_bodystructure", "FETCH 1:* (BODYSTRUCTURE)", "messages/s", _fetch("(BODYSTRUCTURE)"), 1),
    Cell(
        "",
        "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
        "messages/s",
        _fetch("(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"),
        1,
    ),
    Cell("imap_body", "FETCH 1:2000 BODY.PEEK[], 4 KiB each", "MB/s", _bodies, 0.5),
    Cell("", "FETCH n BODY.PEEK[], one message at a time", "/s", _single_bodies, 0.5),
    Cell("imap_append", "APPEND, 4 KiB, flushed, one at a time", "/s", _appends, 2),
    Cell("", "STORE n +FLAGS, one message at a time", "/s", _stores, 1),
    Cell("", "SEARCH UNSEEN", "ms", _search("UNSEEN"), 1, smaller_is_better=True),
    Cell(
        "imap_search_text",
        "SEARCH TEXT, in most messages",
        "ms",
        _search("TEXT consultation"),
        50,
        smaller_is_better=True,
    ),
    Cell(
        "imap_search_text_miss", "SEARCH TEXT, in no message", "ms", _search("TEXT zebra"), 50, smaller_is_better=True
    ),
    Cell(
        "",
        "APPEND, flushed, until another session in IDLE is told",
        "ms",
        _told(ImapSession.idle),
        1,
        smaller_is_better=True,
    ),
    Cell(
        "",
        "APPEND, flushed, until another session is told by NOTIFY",
        "ms",
        _told(_notify),
        1,
        smaller_is_better=True,
    ),
    Cell("imap_idle_wake", "2,000 idle connections, one delivery each, until all are told", "/s", _woken, 1),
)


MEMORY: Final = Cell(
    "imap_idle_connection_memory",
    "one idle TLS connection with its inbox open, server just started",
    "KB",
    _memory,
    0,
    smaller_is_better=True,
)


@click.command()
@click.option("--quick", is_flag=True, help="One short run on a smaller mailbox; writes nothing.")
@click.option("--runs", default=3, show_default=True, help="Runs of each server in each cell.")
@click.option("--figure", "wanted", multiple=True, help="Measure this figure only; can be given several times.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Where the servers keep their files.")
@click.option("--docs", default=ROOT / "docs", type=click.Path(path_type=Path), help="Where the results go.")
@click.option("--only-ours", is_flag=True, help="Measure our side alone; writes nothing.")
def main(*, quick: bool, runs: int, wanted: tuple[str, ...], folder: Path | None, docs: Path, only_ours: bool) -> None:
    """Measure the IMAP door against Dovecot.

    Example: script/bench imap --quick
    """
    signal.signal(signal.SIGTERM, _interrupted)
    procs.adopt_orphans()
    console = Console(stderr=True)
    plan = QUICK if quick else Plan(runs=runs)
    cells = [cell for cell in (*CELLS, MEMORY) if _is_wanted(cell, plan, wanted)]
    if "imap_select_large" not in {cell.figure for cell in cells}:
        plan = replace(plan, large=0)
    try:
        with tempfile.TemporaryDirectory(prefix="mssante-bench-", dir=folder, ignore_cleanup_errors=True) as name:
            place = Path(name)
            place.chmod(0o755)  # Dovecot's accounts pass through it
            results = _measure(place, plan, cells, console, only_ours=only_ours)
            about = machine.describe(place)
    except (ImapError, OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        procs.end(procs.tree(os.getpid())[1:])
    if only_ours:
        for cell, series in results.items():
            print(f"{cell.label:75} {_shown(series[0][1])} {cell.unit}")
        return
    _publish(results, about=about, plan=plan, docs=None if quick or wanted else docs)


Results = dict[Cell, list[tuple[str, list[float]]]]


def _is_wanted(cell: Cell, plan: Plan, wanted: tuple[str, ...]) -> bool:
    if wanted:
        return cell.figure in wanted
    return not (cell.figure == "imap_select_large" and not plan.large) and not (
        cell.figure == "imap_idle_wake" and not plan.woken
    )


def _measure(place: Path, plan: Plan, cells: list[Cell], console: Console, *, only_ours: bool) -> Results:
    (documents,) = free_ports(1)
    files = make_credentials(place / "pki", crl_url=f"https://localhost:{documents}/ca.crl")
    bench = Bench(plan, files)
    ours = Operator(place / "ours", files, documents=documents, mailboxes=max(plan.woken, 210))
    peers: list[ImapPeer] = [ours]
    if not only_ours:
        peers += [DovecotImap(place / storage.lower(), files, storage) for storage in STORAGES]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results: Results = {}
    with contextlib.ExitStack() as stack, Progress(*columns, console=console) as progress:
        task = progress.add_task("filling", total=(len(cells) * plan.runs + 1) * len(peers))
        for peer in peers:
            stack.enter_context(peer.running())
            bench.fill(peer, 0, plan.small)
            if plan.large:
                bench.fill(peer, 1, plan.large)
            progress.advance(task)
        for cell in cells:
            if cell is MEMORY:
                continue
            progress.update(task, description=cell.label)
            found: list[tuple[str, list[float]]] = [(peer.name, []) for peer in peers]
            # Dovecot takes two minutes for those deliveries: once is enough to see the difference.
            for _ in range(1 if cell.figure == "imap_idle_wake" else plan.runs):
                for peer, (_name, values) in zip(peers, found, strict=True):
                    values.append(cell.measure(bench, peer))
                    progress.advance(task)
            results[cell] = found
    if MEMORY in cells:
        # Memory that was used and freed would be used again: only a server that has done nothing yet tells.
        results[MEMORY] = [(peer.name, [_after_a_start(bench, peer)]) for peer in peers]
    return results


def _after_a_start(bench: Bench, peer: ImapPeer) -> float:
    with peer.running():
        return MEMORY.measure(bench, peer)


def _publish(results: Results, *, about: str, plan: Plan, docs: Path | None) -> None:
    figures = [_figure(cell, found) for cell, found in results.items() if cell.figure]
    date = datetime.now(UTC).date().isoformat()
    text = "\n\n".join(
        (
            f"Measured on {date}: {about}.",
            (
                f"{plan.runs} runs of each server in turn, all connections with TLS and the same RSA-2048 certificate; "
                "medians (spread). The peer of a figure is the better one of the two Dovecots."
            ),
            figure_table(figures),
            _table(results),
        )
    )
    print(text)
    if docs is None:
        return
    page, data = docs / "performance.md", docs / "performance.json"
    page.write_text(spliced(page.read_text() if page.exists() else "", "imap", text))
    data.write_text(merged(data.read_text() if data.exists() else "", figures, command=COMMAND, date=date))
    print(f"\nwritten: {page}, {data}")


def _figure(cell: Cell, found: list[tuple[str, list[float]]]) -> Figure:
    (_, ours), *others = [(name, statistics.median(values)) for name, values in found]
    best = min if cell.smaller_is_better else max
    peer, value = best(others, key=lambda one: one[1])
    # The target for memory is not a ratio but a bound.
    target = cell.target or round(value / MEMORY_LIMIT_KB, 2)
    return Figure(cell.figure, ours, cell.unit, peer, value, target, cell.smaller_is_better)


def _table(results: Results) -> str:
    names = [name for name, _ in next(iter(results.values()))]
    lines = [f"| what | unit | {' | '.join(names)} |", f"|---|---|{'---:|' * len(names)}"]
    for cell, found in results.items():
        lines.append(f"| {cell.label} | {cell.unit} | {' | '.join(_shown(values) for _, values in found)} |")
    return "\n".join(lines)


def _shown(values: list[float]) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{_short(middle)} ({_short(low)} - {_short(high)})"


def _short(value: float) -> str:
    if math.isinf(value):
        return "never"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    sys.exit(143)


if __name__ == "__main__":
    main()
