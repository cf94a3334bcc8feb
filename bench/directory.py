"""``script/bench directory``: our directory against a private OpenLDAP with the same entries, on this machine, in turn.

A nation is invented, loaded into ours, written as LDIF out of ours and loaded into slapd; then both get the same LDAP
questions over TLS from one client. Prints the ratios, writes ``docs/performance.json`` and its part of
``docs/performance.md``.
"""

import asyncio
import contextlib
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench import machine, procs
from bench.campaign import SETTLE_SECONDS
from bench.credentials import make_credentials
from bench.directory_alone import SEED, Searches, draw, invent, measure_searches
from bench.directory_entries import SUFFIX, Drawn, folder_bytes, write_ldif
from bench.directory_ldap import LdapError
from bench.directory_load import Loaded, measure, ours, own_memory
from bench.directory_measure import Compared, compare, measure_inside
from bench.directory_operator import DirectoryOperator
from bench.directory_queries import FILTERS
from bench.directory_report import Held, Measured, figures_of, page_of, search_figures, search_page
from bench.peers.slapd import Slapd
from bench.publish import publish
from bench.sending import ROOT, MeasureError
from mssante.app.sandbox.ports import free_ports
from mssante.model.errors import MssError
from mssante.store.directory.file import DirectoryFolder

COMMAND: Final = "script/bench directory"
PEOPLE: Final = 1_200_000
QUICK_PEOPLE: Final = 20_000
QUESTIONS: Final = 300
ALONE_QUESTIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure.

    Attributes:
        people: professionals of the invented nation.
        loads: of each server, each into nothing.
        runs: of the questions.
        questions: of each kind in a run.
    """

    people: int = PEOPLE
    loads: int = 1
    runs: int = 3
    questions: int = QUESTIONS


class Campaign:
    """The servers in one folder, and what was measured so far."""

    def __init__(self, place: Path, plan: Plan, progress: Progress) -> None:
        """Make the certificates and name the servers; nothing runs yet."""
        documents, port, peer_port = free_ports(3)
        self._files = make_credentials(place / "pki", crl_url=f"https://localhost:{documents}/ca.crl")
        self._place = place
        self._plan = plan
        self._progress = progress
        self._folder = DirectoryFolder(place / "annuaire")
        self._slapd = Slapd(place / "slapd", self._files, port=peer_port, suffix=SUFFIX)
        self._operator = DirectoryOperator(
            place / "ours", self._files, documents=documents, directory=self._folder.path, port=port
        )

    def run(self) -> Measured:
        """Measure everything."""
        nation = self._nation()
        drawn, loads, entries = self._load(nation)
        sizes = (folder_bytes(self._folder), self._slapd.bytes())
        compared, held = self._ask(drawn)
        with self._step("our use cases, without a door", 1):
            inside = measure_inside(self._folder, drawn, runs=self._plan.runs, count=self._plan.questions)
        return Measured(self._plan.people, entries, self._plan.runs, loads, sizes, compared, held, inside)

    def run_alone(self) -> tuple[Searches, int]:
        """Measure our own search, in this process, with no peer; return it and the number of entries."""
        nation = self._nation()
        with self._step("loading", 1):
            measure(ours(self._folder.path, nation), self._place / "load.log")
        with self._step("drawing questions", None) as task:
            drawn, entries = draw(self._folder, partial(self._told, task))
        with self._step("asking", self._plan.runs + 1) as task:
            found = measure_searches(
                {"mssante": self._folder},
                drawn,
                runs=self._plan.runs,
                count=self._plan.questions,
                advance=lambda: self._progress.advance(task),
            )
        return found["mssante"], entries

    def _nation(self) -> list[Path]:
        with self._step("inventing a nation", self._plan.people) as task:
            told = partial(self._told, task)
            return invent(self._place / "nation", self._plan.people, told)

    def _load(self, nation: Sequence[Path]) -> tuple[list[Drawn], tuple[list[Loaded], list[Loaded]], int]:
        mine: list[Loaded] = []
        theirs: list[Loaded] = []
        drawn: list[Drawn] = []
        entries = 0
        ldif = self._place / "entries.ldif"
        with self._step("loading", 2 * self._plan.loads) as task:
            for turn in range(self._plan.loads):
                folder = self._folder.path if not turn else self._place / f"annuaire-{turn}"
                os.sync()
                mine.append(measure(ours(folder, nation), self._place / "load.log"))
                self._progress.advance(task)
                if not turn:
                    drawn, entries = self._ldif(ldif)
                self._slapd.empty()
                os.sync()
                theirs.append(measure(self._slapd.loading(ldif), self._place / "slapadd.log"))
                self._progress.advance(task)
        return drawn, (mine, theirs), entries

    def _ldif(self, path: Path) -> tuple[list[Drawn], int]:
        store = self._folder.store()
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: asyncio.run(store.close()))
            task = stack.enter_context(self._step("writing LDIF", None))
            drawn, entries = write_ldif(store, path, SEED, lambda done: self._progress.update(task, completed=done))
        if not drawn:
            msg = "none of the entries can be asked for: more people are needed"
            raise RuntimeError(msg)
        return drawn, entries

    def _ask(self, drawn: Sequence[Drawn]) -> tuple[dict[str, Compared], dict[str, Held]]:
        context = ssl.create_default_context(cafile=str(self._files.authority))
        context.check_hostname = False
        steps = len(FILTERS) * (self._plan.runs + 1)
        with self._operator.running(), self._slapd.running(), self._step("asking both", steps) as task:
            found = compare(
                self._operator,
                self._slapd,
                context,
                drawn,
                runs=self._plan.runs,
                count=self._plan.questions,
                advance=lambda: self._progress.advance(task),
            )
            time.sleep(SETTLE_SECONDS)
            held = {peer.name: _held(peer.roots()) for peer in (self._operator, self._slapd)}
        return found, held

    def _told(self, task: TaskID, done: int) -> None:
        self._progress.update(task, completed=done)

    @contextlib.contextmanager
    def _step(self, description: str, total: int | None) -> Iterator[TaskID]:
        task = self._progress.add_task(description, total=total)
        yield task
        self._progress.update(task, total=total or 1, completed=total or 1)


def _held(roots: Sequence[int]) -> Held:
    parts = [procs.memory(root) for root in roots]
    own = sum(own_memory(pid) for root in roots for pid in procs.tree(root))
    return Held(sum(part.rss_bytes for part in parts), sum(part.pss_bytes for part in parts), own)


@click.command()
@click.option("--quick", is_flag=True, help=f"{QUICK_PEOPLE:,} people and one short run; writes nothing.")
@click.option("--alone", is_flag=True, help="Our own search only, without slapd: directory_search_p99.")
@click.option("--people", type=click.IntRange(1000), help=f"Professionals of the nation.  [default: {PEOPLE:,}]")
@click.option("--write", is_flag=True, help="Write the pages for another number of people too; they say the number.")
@click.option("--loads", default=1, show_default=True, help="Times that each server is loaded.")
@click.option("--runs", default=3, show_default=True, help="Runs of the questions.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Where the servers keep their files (10 GB).")
@click.option("--docs", default=ROOT / "docs", type=click.Path(path_type=Path), help="Where the results go.")
def main(
    *, quick: bool, alone: bool, people: int | None, write: bool, loads: int, runs: int, folder: Path | None, docs: Path
) -> None:
    """Measure the directory against OpenLDAP.

    Example: script/bench directory --quick
    """
    signal.signal(signal.SIGTERM, _interrupted)
    procs.adopt_orphans()
    plan = Plan(people or PEOPLE, loads=loads, runs=runs, questions=ALONE_QUESTIONS if alone else QUESTIONS)
    if quick:
        plan = Plan(people or QUICK_PEOPLE, runs=1, questions=100)
    to = None if quick or (people and not write) else docs
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with tempfile.TemporaryDirectory(prefix="mssante-bench-", dir=folder, ignore_cleanup_errors=True) as name:
            with Progress(*columns, console=Console(stderr=True)) as progress:
                campaign = Campaign(Path(name), plan, progress)
                measured = None if alone else campaign.run()
                searches = campaign.run_alone() if alone else None
            about = machine.describe(Path(name))
    except (LdapError, MeasureError, MssError, OSError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        procs.end(procs.tree(os.getpid())[1:])
    date = datetime.now(UTC).date().isoformat()
    if measured is not None:
        figures = figures_of(measured)
        text = page_of(measured, figures, about=f"{about}, OpenLDAP {_slapd_version()}", date=date)
        publish(to, "directory", text, figures, command=COMMAND, date=date)
    if searches is not None:
        found, entries = searches
        figures = search_figures(found)
        asked = f"{found.asked:,} questions in {plan.runs} run(s) after one to get warm, in the process that asks"
        said = f"Measured on {date}: {about}.\n\n{plan.people:,} professionals, {entries:,} entries; {asked}."
        text = search_page(found, figures, said=said)
        publish(to, "directory search", text, figures, command=f"{COMMAND} --alone", date=date)


def _slapd_version() -> str:
    said = subprocess.run(("/usr/sbin/slapd", "-VV"), capture_output=True, text=True, check=False, timeout=10).stderr
    return said.partition("slapd ")[2].split(" ")[0] or "unknown"


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    sys.exit(143)


if __name__ == "__main__":
    main()
