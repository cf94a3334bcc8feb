"""Numbers of rows of the directory in their order, and how they hang together."""

import json
from collections.abc import Iterable, Sequence

from mssante.store.directory.numbers import BOX_LIMIT, PERSON_BASE
from mssante.store.tx import Tx


async def numbers_from(tx: Tx, query: str, after: int, limit: int) -> list[int]:
    """Return numbers from a number on, by one of the queries ``*_from``."""
    return [row[0] for row in await tx.all(query, after=after, limit=limit)]


async def links_of(tx: Tx, boxes: Sequence[int]) -> list[tuple[int, int]]:
    """Return the professional and the structure of mailboxes, 0 for none."""
    rows = await tx.all("links_of_boxes", ids=json.dumps(list(boxes))) if boxes else []
    return [(row[1], row[2]) for row in rows]


async def situations_of(tx: Tx, professionals: Sequence[int], structures: Sequence[int], limit: int) -> list[int]:
    """Return the situations of professionals and those in structures."""
    found: set[int] = set()
    for query, ids in (("situations_of_professionals", professionals), ("situations_of_structures", structures)):
        if ids:
            found |= {row[0] for row in await tx.all(query, ids=json.dumps(list(ids)), limit=limit)}
    return sorted(found)


async def entries_among(tx: Tx, numbers: Iterable[int]) -> list[int]:
    """Return those of the numbers that are entries: a professional with a mailbox is none of their own."""
    return [row[0] for row in await tx.all("entries_among", ids=json.dumps(list(numbers)))]


async def entries_named(
    tx: Tx, low: str, high: str, limit: int, *, after: int = 0, has_box: bool = False
) -> list[int] | None:
    """Return the entries of the professionals whose names stand from `low` on and before `high`, in their order.

    Args:
        after: the entry behind which they begin.
        has_box: mailboxes only, else professionals without one too.

    Returns:
        None when the entry behind which they begin is gone.
    """
    key, holder, box = low, -1, 0
    if after:
        box = after if after < BOX_LIMIT else 0
        row = await tx.one("named_holder", box=box, holder=after - PERSON_BASE)
        if row is None:
            return None
        key, holder = row
    rows = await tx.all("entries_named", key=key, high=high, holder=holder, box=box, has_box=has_box, limit=limit)
    return [row[0] for row in rows]
