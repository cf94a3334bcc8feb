"""The directory on PostgreSQL beside the one in a file: the same entries, the same questions, in turn."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.directory_alone import Searches, draw, invent, measure_searches
from bench.directory_load import fill
from bench.directory_report import engine_figures, engine_table
from bench.report import Figure, figure_table
from mssante.app.sandbox.cluster.cluster import open_cluster
from mssante.model.settings import StoreSettings
from mssante.store.directory.engine import DirectoryShelf
from mssante.store.directory.file import DirectoryFolder
from mssante.store.directory.postgres.shelf import PostgresShelf

PEOPLE: Final = 100_000
QUESTIONS: Final = 300
SQLITE: Final = "SQLite"
POSTGRESQL: Final = "PostgreSQL"


async def measured(
    folder: Path, *, people: int, runs: int, questions: int, told: Callable[[str], None]
) -> tuple[dict[str, Searches], int]:
    """Return what our search takes on each engine, and how many entries there are.

    Args:
        people: professionals of the invented nation.
        questions: of each kind in a run.
        told: each step.
    """
    async with open_cluster(progress=told) as cluster:
        settings = StoreSettings(engine="postgresql", dsn=cluster.store_dsn)
        shelves: dict[str, DirectoryShelf] = {SQLITE: DirectoryFolder(folder / "annuaire")}
        shelves[POSTGRESQL] = PostgresShelf(settings)
        return await asyncio.to_thread(_measured, folder, shelves, people, runs, questions, told)


def _measured(
    folder: Path,
    shelves: dict[str, DirectoryShelf],
    people: int,
    runs: int,
    questions: int,
    told: Callable[[str], None],
) -> tuple[dict[str, Searches], int]:
    told(f"inventing {people:,} professionals")
    files = invent(folder / "nation", people, lambda _done: None)
    for name, shelf in shelves.items():
        told(f"importing into {name}")
        fill(shelf, files)
    drawn, entries = draw(shelves[SQLITE], lambda _done: None)
    told("asking both")
    return measure_searches(shelves, drawn, runs=runs, count=questions), entries


def part_of(
    found: dict[str, Searches], entries: int, *, people: int, runs: int, said: str
) -> tuple[str, Sequence[Figure]]:
    """Return the part of the page and its figures.

    Args:
        said: when and where it was measured.
    """
    figures = engine_figures(found[SQLITE], found[POSTGRESQL])
    asked = f"{found[SQLITE].asked:,} questions to each in {runs} run(s), in turn, after one to get warm"
    size = f"{people:,} professionals, {entries:,} entries in both; {asked}."
    return "\n\n".join((said, size, figure_table(figures), engine_table(found))), figures
