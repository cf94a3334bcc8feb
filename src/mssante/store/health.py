"""A look at a whole store: is the database sound, are the bodies what was received, is there room.

Source: reliability.md H04, and 6.8 (integrity check in the drill).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mssante.model.errors import StoreDamagedError
from mssante.model.message import Body, CopyState
from mssante.store.blobs import BlobFolder
from mssante.store.engine import Store
from mssante.store.queue import count_states
from mssante.store.tx import Row, Tx, Value

_PAGE_ROWS = 100
_DAMAGED_NAMED = 20
_FAULTS_SHOWN = 2
_FIX = "remettez la dernière bonne copie du dossier des données"


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
    """
    findings = await store.read_long(lambda tx: _check_file(tx, store.name))
    walk = _Walk(store.blobs, body_limit)
    while page := await store.read_long(walk.page):
        await store.blobs.aside(walk.compare, page)
    findings += [
        Finding(reference, f"le corps manque ou n'est plus ce qui a été reçu : {_FIX}") for reference in walk.damaged
    ]
    free_bytes = store.blobs.free_bytes()
    if free_bytes < low_bytes:
        text = f"il ne reste que {free_bytes // 1024} Kio : libérez de la place sur ce disque"
        findings.append(Finding(str(store.folder), text))
    version, queue = await store.read_long(_read_state)
    return Health(tuple(findings), version, walk.checked, tuple(walk.damaged), queue, free_bytes)


class _Walk:
    """The walk over the bodies, a page of messages at a time, so that no snapshot is held for long."""

    def __init__(self, blobs: BlobFolder, limit: int) -> None:
        self.checked = 0
        self.damaged: list[str] = []
        self._blobs = blobs
        self._limit = limit
        self._before_id = 2**62

    async def page(self, tx: Tx) -> list[tuple[str, Body | None]]:
        """Return reference and body of the next messages, None for what cannot be read; none at the end."""
        if len(self.damaged) >= _DAMAGED_NAMED:
            return []
        limit = min(_PAGE_ROWS, self._limit - self.checked)
        rows = await _all(tx, "newest_messages", before_id=self._before_id, limit=limit)
        found: list[tuple[str, Body | None]] = []
        for message_id, reference, sha256, size_bytes, path in rows:
            self._before_id = message_id
            found.append((reference, await _body(tx, message_id, sha256, size_bytes, path)))
        return found

    def compare(self, page: list[tuple[str, Body | None]]) -> None:
        """Compare the bodies of one page with their hashes; blocks on the disk or the object store."""
        for reference, body in page:
            self.checked += 1
            if len(self.damaged) < _DAMAGED_NAMED and not self._is_sound(body):
                self.damaged.append(reference)

    def _is_sound(self, body: Body | None) -> bool:
        if body is None:
            return False
        try:
            self._blobs.read(body)
        except StoreDamagedError:
            return False
        return True


async def _body(tx: Tx, message_id: int, sha256: bytes, size_bytes: int, path: str | None) -> Body | None:
    try:
        row = None if path is not None else await tx.one("body_of", message_id=message_id)
    except StoreDamagedError:
        return None
    return Body(sha256, size_bytes, None if row is None else row[0], path)


async def _check_file(tx: Tx, name: str) -> list[Finding]:
    checked = await _all(tx, "quick_check") or [("la vérification elle-même ne peut pas le lire",)]
    found = [Finding(name, f"{_one_line(row[0])} : {_FIX}") for row in checked if row[0] != "ok"]
    lost = await _all(tx, "foreign_key_check")
    return found + [Finding(str(row[0]), f"la ligne {row[1]} ne mène à rien dans {row[2]} : {_FIX}") for row in lost]


def _one_line(text: Value) -> str:
    """Return the start of what the engine's check says: after the first faults the rest tells nothing more."""
    parts = str(text).replace("*** in database main ***", "").split("\n")
    faults = [part.strip() for part in parts if part.strip()]
    more = f" ; et {len(faults) - _FAULTS_SHOWN} autres défauts" if len(faults) > _FAULTS_SHOWN else ""
    return " ; ".join(faults[:_FAULTS_SHOWN]) + more


async def _read_state(tx: Tx) -> tuple[int, Mapping[CopyState, int]]:
    versions = await _all(tx, "schema_version")
    try:
        return (versions[0][0] if versions else 0), await count_states(tx)
    except StoreDamagedError:
        return 0, {}


async def _all(tx: Tx, name: str, **params: Value) -> list[Row]:
    """Return the rows, or none when a damaged page stands in the way: the check of the file tells of it."""
    try:
        return await tx.all(name, **params)
    except StoreDamagedError:
        return []
