"""One pass of a copy: makes the rows of one store those of another, by comparing both in the order of their keys.

A pass may be broken off anywhere and begun again: what is there already is compared and left alone. Rows that are gone
at the source, or are tied to another row than before, go first, from the last table to the first, so that no row is
ever added beside one that contradicts it.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from mssante.model.errors import StoreDamagedError
from mssante.store.copying.bodies import copied_paths, sound_bodies
from mssante.store.copying.side import Side
from mssante.store.copying.tables import UNCHANGING, Table, tables
from mssante.store.copying.tally import Tally, Told
from mssante.store.tx import Row

ROWS: Final = 2000
LARGE_ROWS: Final = 200


async def make_alike(source: Side, target: Side, tally: Tally, told: Told, *, keeps_damaged: bool) -> None:
    """Make all rows of the target those of the source.

    Raises:
        StoreDamagedError: a body is not what was received, unless those are kept as they are.
        StoreError: one of both does not go on.
    """
    for table in reversed(tables()):
        tally.removed += await _loosen(source, target, table)
    for table in tables():
        await _fill(source, target, table, tally, told, keeps_damaged=keeps_damaged)


async def differences(source: Side, target: Side, told: Told) -> dict[str, int]:
    """Return in how many rows of each table both differ; tables that are alike are left out."""
    found: dict[str, int] = {}
    for table in tables():
        columns = _compared(table)
        total, done = await source.count(table), 0
        async for ours, theirs in _side_by_side(source, target, table, columns):
            expected = await _arrived(target, table, ours)
            known = dict(_by_key(table, theirs))
            wrong = sum(known.pop(key, None) != row for key, row in _by_key(table, expected)) + len(known)
            if wrong:
                found[table.name] = found.get(table.name, 0) + wrong
            done += len(ours)
            told(f"vérification de {table.name}", done, total)
    return found


async def _loosen(source: Side, target: Side, table: Table) -> int:
    """Remove what stands in the way; return how many rows."""
    removed = 0
    columns = (*table.key, *table.ties)
    if not await target.rows(table, table.key, None, 1):
        return 0
    async for ours, theirs in _side_by_side(source, target, table, columns):
        expected = dict(_by_key(table, ours))
        wrong = [(key, row) for key, row in _by_key(table, theirs) if expected.get(key) != row]
        gone = [key for key, _row in wrong if key not in expected or not table.parked]
        moved = [key for key, _row in wrong if key in expected and table.parked]
        if gone:
            await target.delete(table, gone)
        if moved:
            await target.park(table, moved)
        removed += len(gone)
    return removed


async def _fill(source: Side, target: Side, table: Table, tally: Tally, told: Told, *, keeps_damaged: bool) -> None:
    """Add the rows that are missing, change those that differ."""
    columns = _compared(table)
    total, done = await source.count(table), 0
    async for ours, theirs in _side_by_side(source, target, table, columns):
        if table.name == "message":
            await copied_paths(source, target, ours, tally, keeps_damaged=keeps_damaged)
        expected = await _arrived(target, table, ours)
        known = dict(_by_key(table, theirs))
        wrong = [row for key, row in _by_key(table, expected) if known.get(key) != row]
        if table.name in UNCHANGING:
            await _put_large(source, target, table, [row[0] for row in wrong], tally, keeps_damaged=keeps_damaged)
        elif wrong:
            await target.put(table, columns, wrong)
        tally.read += len(ours)
        tally.written += len(wrong)
        done += len(ours)
        told(f"lignes de {table.name}", done, total)


async def _put_large(
    source: Side, target: Side, table: Table, numbers: list[int], tally: Tally, *, keeps_damaged: bool
) -> None:
    columns = tuple(table.columns)
    for at in range(0, len(numbers), LARGE_ROWS):
        rows = await source.rows_of(table, columns, numbers[at : at + LARGE_ROWS])
        if table.name == "body":
            rows = await sound_bodies(target, rows, tally, keeps_damaged=keeps_damaged)
        await target.put(table, columns, rows)
        back = await target.rows_of(table, columns, [row[0] for row in rows])
        if sorted(back) != sorted(rows):
            msg = f"{target.name} ne rend pas ce qui y est écrit ({table.name}) : vérifiez cette base avant toute chose"
            raise StoreDamagedError(msg)


async def _arrived(target: Side, table: Table, rows: list[Row]) -> list[Row]:
    """Return rows of the source as they are at the target: there a large body has another path."""
    if table.name != "message":
        return rows
    path, digest = (list(table.columns).index(name) for name in ("path", "sha256"))
    paths = await target.copied([row[digest] for row in rows if row[path] is not None])
    return [
        row if row[path] is None else (*row[:path], paths.get(row[digest], row[path]), *row[path + 1 :]) for row in rows
    ]


def _compared(table: Table) -> tuple[str, ...]:
    return table.key if table.name in UNCHANGING else tuple(table.columns)


def _by_key(table: Table, rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    width = len(table.key)
    return [(row[:width], row) for row in rows]


async def _side_by_side(
    source: Side, target: Side, table: Table, columns: Sequence[str]
) -> AsyncIterator[tuple[list[Row], list[Row]]]:
    """Give the rows of both by stretches of the key that both were read to the end of."""
    width = len(table.key)
    after: Row | None = None
    while True:
        ours = await source.rows(table, columns, after, ROWS)
        theirs = await target.rows(table, columns, after, ROWS)
        full = [rows[-1][:width] for rows in (ours, theirs) if len(rows) == ROWS]
        if not full:
            yield ours, theirs
            return
        after = min(full)
        yield [row for row in ours if row[:width] <= after], [row for row in theirs if row[:width] <= after]
