"""A look at a whole store: is the file sound, are the bodies what was received, is there room.

Source: reliability.md H04, and 6.8 (integrity check in the drill).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mssante.model.errors import StoreDamagedError
from mssante.model.message import Body, CopyState
from mssante.store.engine import Store
from mssante.store.queue import count_states
from mssante.store.tx import Row, Tx

_PAGE_ROWS = 100
_DAMAGED_NAMED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: what it is about and what to do."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the look has found; nothing in `findings` means that all is well.

    Attributes:
        schema_version: number of the last migration.
        bodies_checked: bodies whose bytes were compared with their hash.
        damaged: references of the messages whose body is missing or changed, at most 20.
        queue: copies in each state.
        free_bytes: room on the disk.
    """

    findings: tuple[Finding, ...]
    schema_version: int
    bodies_checked: int
    damaged: tuple[str, ...]
    queue: Mapping[CopyState, int]
    free_bytes: int


async def check(store: Store, *, body_limit: int = 10_000, low_bytes: int = 0) -> Health:
    """Return the state of a store, read in the pool of long reads.

    Args:
        body_limit: most bodies to compare, from the newest on.
        low_bytes: less free room than this is a finding.

    Raises:
        StoreDamagedError: the file is so damaged that it cannot be walked at all.
    """
    findings = await store.read_long(_check_file)
    checked, damaged = await _check_bodies(store, body_limit)
    findings += [
        Finding(reference, "the body is missing or is not what was received: put back its last good copy")
        for reference in damaged
    ]
    free_bytes = store.blobs.free_bytes()
    if free_bytes < low_bytes:
        findings.append(Finding(str(store.path.parent), f"only {free_bytes} bytes are left: free some on that disk"))
    version = await store.read(_schema_version)
    return Health(tuple(findings), version, checked, damaged, await store.read_long(count_states), free_bytes)


async def _check_file(tx: Tx) -> list[Finding]:
    fix = "the database is damaged: put back its last good copy"
    found = [Finding("mssante.db", f"{row[0]}: {fix}") for row in await tx.all("quick_check") if row[0] != "ok"]
    lost = await tx.all("foreign_key_check")
    return found + [Finding(str(row[0]), f"row {row[1]} points to nothing in {row[2]}: {fix}") for row in lost]


async def _check_bodies(store: Store, limit: int) -> tuple[int, tuple[str, ...]]:
    checked, before_id = 0, 2**62
    damaged: list[str] = []

    async def page(tx: Tx) -> list[Row]:
        return await tx.all("some_bodies", before_id=before_id, limit=min(_PAGE_ROWS, limit - checked))

    async def look(tx: Tx) -> int:
        last = 0
        for message_id, reference, sha256, size_bytes, data, path in await page(tx):
            last = message_id
            if not _is_sound(store, Body(sha256, size_bytes, data, path)):
                damaged.append(reference)
            nonlocal checked
            checked += 1
        return last

    while checked < limit and len(damaged) < _DAMAGED_NAMED:
        before_id = await store.read_long(look)
        if not before_id:
            break
    return checked, tuple(damaged[:_DAMAGED_NAMED])


async def _schema_version(tx: Tx) -> int:
    row = await tx.one("schema_version")
    return 0 if row is None else int(row[0])


def _is_sound(store: Store, body: Body) -> bool:
    try:
        store.blobs.read(body)
    except StoreDamagedError:
        return False
    return True
