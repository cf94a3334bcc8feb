"""The measures of the directory as named figures and as the part of the page. Pure: values in, texts out."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.directory_alone import Searches
from bench.directory_load import Loaded
from bench.directory_measure import Compared, Inside, Times
from bench.directory_queries import TYPED
from bench.report import Figure, figure_table

PEER: Final = "slapd"
P99_TARGET_MS: Final = 10.0
MEMORY_TARGET_BYTES: Final = 500_000_000
_ALL: Final = "all of them, mixed"
_SAID: Final[Mapping[str, str]] = {
    "exact": "`(mail=…)`, a whole address",
    "prefix": "`(sn=abcd*)`, the first 20",
    "words": "three words, each in cn, title or l",
}


@dataclass(frozen=True, slots=True)
class Held:
    """Memory of a server: resident, proportional, and what belongs to no mapped file."""

    rss_bytes: int
    pss_bytes: int
    own_bytes: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that one campaign found.

    Attributes:
        people: professionals of the nation.
        entries: of the directory.
        loads: of ours, of the peer.
        sizes: bytes on the disk, ours and the peer's.
        compared: kind of question -> both through LDAP.
        held: name of a server -> its memory after the questions.
    """

    people: int
    entries: int
    runs: int
    loads: tuple[list[Loaded], list[Loaded]]
    sizes: tuple[int, int]
    compared: Mapping[str, Compared]
    held: Mapping[str, Held]
    inside: Inside


def figures_of(measured: Measured) -> list[Figure]:
    """Return the named figures."""
    mine, theirs = (statistics.median(one.seconds for one in loads) for loads in measured.loads)
    found = [Figure("directory_load", mine, "s", PEER, theirs, 1, smaller_is_better=True)]
    found += [
        Figure(
            f"directory_{kind}",
            1000 * one.ours.value,
            "µs",
            PEER,
            1000 * one.peer.value,
            1,
            smaller_is_better=True,
        )
        for kind, one in measured.compared.items()
    ]
    return found


def search_figures(searches: Searches) -> list[Figure]:
    """Return the named figure of our search alone."""
    p99, target = searches.times[""].share(99), f"target {P99_TARGET_MS:.0f} ms"
    return [Figure("directory_search_p99", p99, "ms", target, P99_TARGET_MS, 1, smaller_is_better=True)]


def search_page(searches: Searches, figures: Sequence[Figure], *, said: str) -> str:
    """Return the part of the page about our search alone.

    Args:
        said: what was measured, when and where.
    """
    return "\n\n".join((said, figure_table(figures), search_table(searches)))


def engine_figures(sqlite: Searches, postgresql: Searches) -> list[Figure]:
    """Return the named figures of our search on PostgreSQL beside SQLite."""
    mine, theirs = postgresql.times[""], sqlite.times[""]
    pairs = {"p50": (mine.value, theirs.value), "p99": (mine.share(99), theirs.share(99))}
    return [
        Figure(f"directory_search_postgresql_{name}", one, "ms", "SQLite", other, 1, smaller_is_better=True)
        for name, (one, other) in pairs.items()
    ]


def engine_table(searches: Mapping[str, Searches]) -> str:
    """Return the table of what is typed on several engines."""
    names = list(searches)
    lines = [
        f"| what is typed; p50 / p99 / longest, ms | {' | '.join(names)} |",
        f"|---|{'---:|' * len(names)}",
    ]
    for kind in ("", *TYPED):
        cells = (f"{_shown(one.times[kind])} / {one.times[kind].share(100):.2f}" for one in searches.values())
        lines.append(f"| {kind or _ALL} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page_of(measured: Measured, figures: Sequence[Figure], *, about: str, date: str) -> str:
    """Return the part of the page."""
    peak = max(one.peak_bytes for one in measured.loads[0])
    reached = "under" if peak < MEMORY_TARGET_BYTES else "NOT under"
    return "\n\n".join(
        (
            f"Measured on {date}: {about}.",
            (
                f"{measured.people:,} professionals, {measured.entries:,} entries in both; {len(measured.loads[0])} "
                f"loading(s) and {measured.runs} run(s) of questions of each server in turn; medians. The peak memory "
                f"of our import is {peak / 1e6:.0f} MB, {reached} its bound of {MEMORY_TARGET_BYTES / 1e6:.0f} MB."
            ),
            figure_table(figures),
            _question_table(measured),
            _load_table(measured),
            _memory_table(measured.held),
        )
    )


def _question_table(measured: Measured) -> str:
    lines = [
        "| question | mssante, p50 / p99 ms | slapd, p50 / p99 ms | ratio | answers alike | ours cut |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for kind, one in measured.compared.items():
        alike, cut = f"{one.alike} of {one.asked}", f"{one.cut}"
        ratio = one.peer.value / one.ours.value
        lines.append(
            f"| {_SAID[kind]}, LDAPS | {_shown(one.ours)} | {_shown(one.peer)} | **{ratio:.2f}** | {alike} | {cut} |"
        )
    lines += [
        f"| {_SAID[kind]}, our use case without a door | {_shown(times)} | - | - | - | - |"
        for kind, times in measured.inside.selects.items()
    ]
    lines.append(
        f"| the same three words typed, our own search without a door | {_shown(measured.inside.words)} |{' - |' * 4}"
    )
    return "\n".join(lines)


def search_table(searches: Searches) -> str:
    """Return the table of what is typed on one engine."""
    lines = [
        "| what a person types into our search | p50 ms | p99 ms | longest ms | without answer |",
        "|---|---:|---:|---:|---:|",
    ]
    for kind, times in searches.times.items():
        asked = sum(len(run) for run in times.runs)
        without = searches.without_answer[kind] if kind else sum(searches.without_answer.values())
        lines.append(
            f"| {kind or _ALL} | {times.value:.2f} | {times.share(99):.2f} | {times.share(100):.2f} "
            f"| {without} of {asked} |"
        )
    return "\n".join(lines)


def _load_table(measured: Measured) -> str:
    lines = [
        "| loading | seconds (spread) | peak memory | of it in no file | on the disk |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, loads, size in zip(("mssante", PEER), measured.loads, measured.sizes, strict=True):
        seconds = [one.seconds for one in loads]
        spread = f"{statistics.median(seconds):.1f} ({min(seconds):.1f} - {max(seconds):.1f})"
        peak = max(one.peak_bytes for one in loads)
        own = max(one.own_bytes for one in loads)
        lines.append(f"| {name} | {spread} | {peak / 1e6:.0f} MB | {own / 1e6:.0f} MB | {size / 1e6:.0f} MB |")
    return "\n".join(lines)


def _memory_table(held: Mapping[str, Held]) -> str:
    lines = ["| server after the questions | RSS | PSS | of it in no file |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {one.rss_bytes / 1e6:.1f} MB | {one.pss_bytes / 1e6:.1f} MB | {one.own_bytes / 1e6:.1f} MB |"
        for name, one in held.items()
    ]
    return "\n".join(lines)


def _shown(times: Times) -> str:
    return f"{times.value:.2f} / {times.share(99):.2f}"
