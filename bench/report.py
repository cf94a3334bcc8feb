"""Figures to documents: ratios, the JSON file that all benchmarks share, and the tables of ``docs/performance.md``.

Pure: texts in, texts out. Each benchmark owns its figures and its part of the page; those of others stay as they are.
"""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one server in one cell: the figure that is quoted is the median.

    Attributes:
        rates: one per run, messages a second or whatever the cell counts.
        cpu_ms: processor time of the server for one message, one per run.
        p50_ms: median time for one message, one per run.
        p99_ms: the same, 99 of 100.
    """

    rates: tuple[float, ...]
    cpu_ms: tuple[float, ...] = ()
    p50_ms: tuple[float, ...] = ()
    p99_ms: tuple[float, ...] = ()

    @property
    def value(self) -> float:
        """Return the median of the runs."""
        return statistics.median(self.rates)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: ours beside a peer, measured in turn."""

    label: str
    ours: Series
    peer: Series

    @property
    def ratio(self) -> float:
        """Return how many times better we are."""
        return ratio(self.ours.value, self.peer.value)


@dataclass(frozen=True, slots=True)
class Figure:
    """One entry of ``docs/performance.json``.

    Attributes:
        name: key of the entry.
        value: ours.
        peer_value: the peer's, in the same unit.
        target: ratio that we want; shown in the page only.
        smaller_is_better: for memory and times.
    """

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float
    target: float
    smaller_is_better: bool = False

    @property
    def ratio(self) -> float:
        """Return how many times better we are: above 1 we are."""
        return ratio(self.value, self.peer_value, smaller_is_better=self.smaller_is_better)

    @property
    def is_reached(self) -> bool:
        """Tell whether the target is reached."""
        return self.ratio >= self.target


def ratio(value: float, peer_value: float, *, smaller_is_better: bool = False) -> float:
    """Return how many times better the value is than the peer's, 2 decimals.

    Raises:
        ValueError: one of them is not above zero: the measure failed, and a ratio would hide it.
    """
    if value <= 0 or peer_value <= 0:
        msg = f"no ratio of {value} and {peer_value}: both must be above zero"
        raise ValueError(msg)
    return round(peer_value / value if smaller_is_better else value / peer_value, 2)


def merged(existing: str, figures: Iterable[Figure], *, command: str, date: str) -> str:
    """Return the JSON text with these figures put in; entries of other names are kept.

    Args:
        existing: the file as it is, or "" when there is none.
        figures: the new ones.
        command: what makes them again.
        date: day of the measure, ISO.
    """
    entries: dict[str, Any] = json.loads(existing) if existing.strip() else {}
    for figure in figures:
        entries[figure.name] = {
            "value": _rounded(figure.value),
            "unit": figure.unit,
            "peer": figure.peer,
            "peer_value": _rounded(figure.peer_value),
            "ratio": figure.ratio,
            "command": command,
            "date": date,
        }
    return json.dumps(dict(sorted(entries.items())), indent=2, ensure_ascii=False) + "\n"


def spliced(page: str, part: str, text: str) -> str:
    """Return the page with the part between its two marker lines replaced, or added at the end with its markers.

    Args:
        page: Markdown, or "".
        part: name in the markers ``<!-- NAME: measured -->`` and ``<!-- NAME: end -->``.
        text: Markdown without the markers.
    """
    first, last = f"<!-- {part}: measured -->", f"<!-- {part}: end -->"
    block = f"{first}\n\n{text.strip()}\n\n{last}"
    before, found, rest = page.partition(first)
    if not found:
        return f"{page.rstrip()}\n\n{block}\n".lstrip()
    _, closed, after = rest.partition(last)
    if not closed:
        msg = f"the page has the marker {first!r} but not {last!r}"
        raise ValueError(msg)
    return before + block + after


def figure_table(figures: Sequence[Figure]) -> str:
    """Return the table of the named figures with their targets."""
    lines = [
        "| figure | ours | peer | peer's | ratio | target | reached |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    lines += [
        f"| `{f.name}` | {_shown(f.value)} {f.unit} | {f.peer} | {_shown(f.peer_value)} | **{f.ratio}** | {f.target} "
        f"| {'yes' if f.is_reached else 'no'} |"
        for f in figures
    ]
    return "\n".join(lines)


def row_table(title: str, peer: str, rows: Sequence[Row]) -> str:
    """Return the table of all cells: medians, spread and processor time."""
    lines = [
        f"| {title} | ours /s (spread) | {peer} /s | ratio | CPU ms each, ours | {peer} | p50/p99 ms, ours | {peer} |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.label} | {_spread(row.ours.rates)} | {_spread(row.peer.rates)} | **{row.ratio}** | {_cpu(row.ours)} "
        f"| {_cpu(row.peer)} | {_times(row.ours)} | {_times(row.peer)} |"
        for row in rows
    ]
    return "\n".join(lines)


def memory_table(memories: Mapping[str, tuple[int, int, int]]) -> str:
    """Return the table of idle memory: name -> processes, resident bytes, proportional bytes."""
    lines = ["| idle | processes | RSS, summed | PSS, summed |", "|---|---:|---:|---:|"]
    lines += [
        f"| {name} | {processes} | {rss / 1e6:.1f} MB | {pss / 1e6:.1f} MB |"
        for name, (processes, rss, pss) in memories.items()
    ]
    return "\n".join(lines)


def _rounded(value: float) -> float:
    return round(value, 1) if value < 1000 else round(value)


def _shown(value: float) -> str:
    return f"{_rounded(value):,}"


def _spread(rates: Sequence[float]) -> str:
    return f"{_shown(statistics.median(rates))} ({_shown(min(rates))} - {_shown(max(rates))})"


def _cpu(series: Series) -> str:
    return f"{statistics.median(series.cpu_ms):.2f}" if series.cpu_ms else "-"


def _times(series: Series) -> str:
    if not series.p50_ms:
        return "-"
    return f"{statistics.median(series.p50_ms):.1f} / {statistics.median(series.p99_ms):.1f}"
