"""What the directory remembers of itself: imports, lines left out, changes."""

from dataclasses import dataclass
from datetime import UTC, datetime

from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Import:
    """One import; `report` is JSON: how many mailboxes were created, changed, moved, removed."""

    number: int
    at: datetime
    sources: str
    lines: int
    bad: int
    report: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that the last import left out."""

    source: str
    line: int
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a mailbox; what: created, changed, moved, removed; detail: JSON."""

    seq: int
    at: datetime
    what: str
    address: str
    detail: str
    who: str


async def imports(tx: Tx, limit: int) -> list[Import]:
    """Return the last imports, the last one first."""
    return [
        Import(row[0], datetime.fromtimestamp(row[1], UTC), *row[2:]) for row in await tx.all("imports", limit=limit)
    ]


async def bad_lines(tx: Tx, limit: int) -> list[LeftOut]:
    """Return lines that the last import left out."""
    last = await imports(tx, 1)
    rows = await tx.all("bad_lines", import_id=last[0].number, limit=limit) if last else []
    return [LeftOut(*row) for row in rows]


async def feed(tx: Tx, after: int, limit: int) -> list[Change]:
    """Return changes after a number."""
    rows = await tx.all("feed_after", after=after, limit=limit)
    return [Change(row[0], datetime.fromtimestamp(row[1], UTC), *row[2:]) for row in rows]
