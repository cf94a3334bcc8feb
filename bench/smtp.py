"""``script/bench smtp``: our operator against a private Postfix, alone and with Dovecot, on this machine, in turn.

Prints the ratios, writes ``docs/performance.json`` and the measured part of ``docs/performance.md``.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine, procs
from bench.campaign import MAILBOXES, Campaign, Cell, Plan
from bench.report import Figure, Row, Series, figure_table, memory_table, merged, row_table, spliced
from bench.sending import ROOT, MeasureError

COMMAND: Final = "script/bench smtp"
CELLS: Final = (
    Cell("4k", 10, visible=True, figure="smtp_visible_4k_c10", target=6),
    Cell("4k", 50, visible=True),
    Cell("4k", 1),
    Cell("4k", 10, figure="smtp_accepted_4k_c10", target=2),
    Cell("4k", 50),
    Cell("64k", 1),
    Cell("64k", 10, figure="smtp_accepted_64k_c10", target=1.5),
    Cell("64k", 50),
    Cell("1m", 1),
    Cell("1m", 10, figure="smtp_accepted_1m_c10", target=1.3),
    Cell("1m", 50),
    Cell("4k", 10, per_message=True),
    Cell("4k", 50, per_message=True, figure="smtp_accepted_4k_single", target=1.3),
)


QUICK: Final = Plan(runs=1, seconds=1, warm_seconds=0.5, messages=300)
MEMORY_FIGURE: Final = "operator_idle_memory"
MEMORY_LIMIT_MB: Final = 100
ENDLESS_FILE_SYSTEMS: Final = frozenset({"tmpfs", "ramfs"})


@click.command()
@click.option("--quick", is_flag=True, help="One short run of the named figures; writes nothing.")
@click.option("--runs", default=3, show_default=True, help="Runs of each server in each cell.")
@click.option("--seconds", default=4.0, show_default=True, help="Length of a run.")
@click.option(
    "--messages", default=2000, show_default=True, help="Messages of a run that waits until they are visible."
)
@click.option("--only", type=click.Choice(("ours", "peer")), help="Measure one side; writes nothing.")
@click.option("--figure", "wanted", multiple=True, help="Measure this figure only; can be given several times.")
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="Where the servers keep their files.")
@click.option("--docs", default=ROOT / "docs", type=click.Path(path_type=Path), help="Where the results go.")
def main(
    *,
    quick: bool,
    runs: int,
    seconds: float,
    messages: int,
    only: str | None,
    wanted: tuple[str, ...],
    folder: Path | None,
    docs: Path,
) -> None:
    """Measure the SMTP door against Postfix and Dovecot.

    Example: script/bench smtp --quick
    """
    signal.signal(signal.SIGTERM, _interrupted)
    procs.adopt_orphans()
    console = Console(stderr=True)
    plan = QUICK if quick else Plan(runs=runs, seconds=seconds, messages=messages)
    cells = [c for c in CELLS if (c.figure in wanted if wanted else c.figure or not quick)]
    try:
        with tempfile.TemporaryDirectory(prefix="mssante-bench-", dir=folder, ignore_cleanup_errors=True) as name:
            place = Path(name)
            place.chmod(0o755)  # the accounts of Postfix and Dovecot pass through it
            system = machine.file_system(place)
            if system in ENDLESS_FILE_SYSTEMS:
                console.print(f"[yellow]{place} is on {system}: nothing is flushed there, give --dir on a disk")
            campaign = Campaign(place, plan, warn=lambda text: console.print(text, style="yellow"))
            results = _measure(campaign, cells, only, plan, console)
            memories = campaign.idle() if not only and (not wanted or MEMORY_FIGURE in wanted) else {}
            about = machine.describe(place)
    except (MeasureError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        procs.end(procs.tree(os.getpid())[1:])
    if only:
        _print_one_side(results)
        return
    _publish(cells, results, memories, about=about, plan=plan, docs=None if quick else docs)


Results = dict[Cell, dict[str, Series]]


def _measure(campaign: Campaign, cells: Sequence[Cell], only: str | None, plan: Plan, console: Console) -> Results:
    sides = {None: slice(0, 2), "ours": slice(0, 1), "peer": slice(1, 2)}[only]
    results: Results = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        per_cell = plan.runs * len(range(2)[sides])
        task = progress.add_task("starting", total=per_cell * len(cells))
        for cell in cells:
            progress.update(task, description=cell.label + (", visible" if cell.visible else ""))
            servers = campaign.servers(cell)[sides]
            results[cell] = campaign.measure(cell, servers, advance=lambda: progress.advance(task))
    return results


def _publish(
    cells: Sequence[Cell],
    results: Results,
    memories: dict[str, procs.Memory],
    *,
    about: str,
    plan: Plan,
    docs: Path | None,
) -> None:
    """Print the tables; write them when there is a folder for them."""
    date = datetime.now(UTC).date().isoformat()
    figures = _figures(cells, results, memories)
    text = _measured(cells, results, memories, figures, about=about, plan=plan, date=date)
    print(text)
    if docs is None:
        return
    docs.mkdir(parents=True, exist_ok=True)
    page, data = docs / "performance.md", docs / "performance.json"
    page.write_text(spliced(_read(page), "smtp", text))
    data.write_text(merged(_read(data), figures, command=COMMAND, date=date))
    print(f"\nwritten: {page}, {data}")


def _figures(cells: Sequence[Cell], results: Results, memories: dict[str, procs.Memory]) -> list[Figure]:
    found: list[Figure] = []
    for cell in cells:
        (_, ours), (name, peer) = results[cell].items()
        if cell.figure:
            found.append(Figure(cell.figure, ours.value, "messages/s", name, peer.value, cell.target))
    if memories:
        (_, ours_held), (name, peer_held) = memories.items()
        mine = ours_held.pss_bytes / 1e6
        theirs = peer_held.pss_bytes / 1e6
        wanted = round(theirs / MEMORY_LIMIT_MB, 2)
        found.append(Figure(MEMORY_FIGURE, mine, "MB", name, theirs, wanted, smaller_is_better=True))
    return found


def _measured(
    cells: Sequence[Cell],
    results: Results,
    memories: dict[str, procs.Memory],
    figures: Sequence[Figure],
    *,
    about: str,
    plan: Plan,
    date: str,
) -> str:
    """Return the Markdown of the measured part."""
    parts = [
        f"Measured on {date}: {about}.",
        _described(plan),
        figure_table(figures),
    ]
    for title, visible in (("until a reader sees them", True), ("until they are accepted", False)):
        rows = [_row(cell, results[cell]) for cell in cells if cell.visible is visible]
        if rows:
            peer = "Postfix + Dovecot" if visible else "Postfix"
            parts.append(row_table(title, peer, rows))
    if memories:
        parts.append(memory_table({n: (m.processes, m.rss_bytes, m.pss_bytes) for n, m in memories.items()}))
    return "\n\n".join(parts)


def _described(plan: Plan) -> str:
    return (
        f"{plan.runs} runs of each server in turn, each from empty queues and stores, {plan.seconds:g} s after "
        f"{plan.warm_seconds:g} s of warming up, or {plan.messages:,} messages until they are visible; medians. "
        f"{MAILBOXES} mailboxes."
    )


def _row(cell: Cell, series: dict[str, Series]) -> Row:
    ours, peer = series.values()
    return Row(cell.label, ours, peer)


def _print_one_side(results: Results) -> None:
    for cell, series in results.items():
        for name, found in series.items():
            rates = ", ".join(f"{rate:.0f}" for rate in found.rates)
            print(
                f"{cell.label}: {name} {found.value:.0f} messages/s ({rates}), CPU {min(found.cpu_ms):.2f} ms/message"
            )


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
