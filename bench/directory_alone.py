"""Our directory without a peer: an invented nation, loaded, and asked in this process what a person types.

Used by ``script/bench directory --alone`` and, on two engines, by ``script/bench store --directory``.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.directory_entries import Drawn, write_ldif
from bench.directory_measure import Times, given
from bench.directory_queries import TYPED, typed
from mssante.app.process import spare_collector
from mssante.app.sandbox.population.population import write_population
from mssante.flows.directory.reading import Directory
from mssante.model.directory import Caller
from mssante.store.directory.engine import DirectoryShelf, DirectoryStore

LIMIT: Final = 20
SEED: Final = 1
_ASKER: Final = Caller("bench")


@dataclass(slots=True)
class Searches:
    """What our own search took.

    Attributes:
        times: kind of what is typed -> times; all of them under "".
        without_answer: kind of what is typed -> questions that found nothing.
    """

    times: dict[str, Times] = field(default_factory=lambda: {kind: Times() for kind in ("", *TYPED)})
    without_answer: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TYPED, 0))

    @property
    def asked(self) -> int:
        """Return how many questions were asked."""
        return sum(len(run) for run in self.times[""].runs)


def invent(folder: Path, people: int, told: Callable[[int], None]) -> list[Path]:
    """Write the national files of an invented nation into a new folder; return those to import.

    Args:
        told: how many professionals are written.
    """
    folder.mkdir()
    report = write_population(folder, professionals=people, seed=SEED, progress=told)
    # The archive holds the same extraction once more.
    return [file for file in report.files if file.suffix != ".zip"]


def draw(shelf: DirectoryShelf, told: Callable[[int], None]) -> tuple[list[Drawn], int]:
    """Return entries that may be asked for, and how many there are in all.

    Args:
        told: how many entries were looked at.

    Raises:
        RuntimeError: there are none.
    """
    store = shelf.store()
    try:
        drawn, entries = write_ldif(store, Path(os.devnull), SEED, told)
    finally:
        asyncio.run(store.close())
    if not drawn:
        msg = "none of the entries can be asked for: more people are needed"
        raise RuntimeError(msg)
    return drawn, entries


def measure_searches(
    shelves: Mapping[str, DirectoryShelf],
    drawn: Sequence[Drawn],
    *,
    runs: int,
    count: int,
    advance: Callable[[], None] = lambda: None,
) -> dict[str, Searches]:
    """Ask each directory the same, in turn; every run has its own questions, after as many to get warm.

    Args:
        shelves: name -> directory.
        count: questions of each kind in a run.
        advance: called after each run of each directory.
    """

    async def work() -> dict[str, Searches]:
        found = {name: Searches() for name in shelves}
        # As `mssante serve` does.
        spare_collector()
        async with AsyncExitStack() as stack:
            directories: dict[str, Directory] = {}
            for name, shelf in shelves.items():
                store: DirectoryStore = shelf.store()
                stack.push_async_callback(store.close)
                directories[name] = Directory(store, lambda: datetime.now(UTC), daily_entries=0)
            for run in range(-1, runs):
                for name, directory in directories.items():
                    await _ask(directory, found[name] if run >= 0 else None, drawn, count, run)
                    advance()
        return found

    return asyncio.run(work())


async def _ask(directory: Directory, into: Searches | None, drawn: Sequence[Drawn], count: int, run: int) -> None:
    times: dict[str, list[float]] = {kind: [] for kind in TYPED}
    for one in typed(drawn, count, str(run)):
        began = time.perf_counter()
        found = given(await directory.search(_ASKER, one.text, limit=LIMIT))
        times[one.kind].append(1000 * (time.perf_counter() - began))
        if into is not None and not found.entries:
            into.without_answer[one.kind] += 1
    if into is not None:
        for kind, taken in _each(times):
            into.times[kind].runs.append(taken)


def _each(times: Mapping[str, list[float]]) -> Iterator[tuple[str, list[float]]]:
    yield "", [one for taken in times.values() for one in taken]
    yield from times.items()
