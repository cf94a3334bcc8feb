"""Large and small bodies on their way to another store: none is shown there that was not read back and compared.

A body is copied once whatever refers to it; which ones are there is noted at the target, so that a copy that was broken
off goes on where it was.
"""

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from mssante.model.errors import StoreDamagedError
from mssante.model.message import Body
from mssante.store.blobs import BlobFolder, blob_error
from mssante.store.copying.side import Side
from mssante.store.copying.tables import Table, tables
from mssante.store.copying.tally import Tally, Told
from mssante.store.tx import Row

AT_ONCE: Final = 4
MESSAGES: Final = 500
_FIX: Final = "remettez leur dernière bonne copie, ou ajoutez --keep-damaged pour les copier tels quels"


async def copy_bodies(source: Side, target: Side, tally: Tally, told: Told, *, keeps_damaged: bool) -> None:
    """Copy every large body, before any picture of the source is held for the rows.

    Raises:
        StoreDamagedError: a body is not what was received, unless those are kept as they are.
        StoreError: one of both does not go on.
    """
    table = _message()
    total, done = await source.count(table), 0
    after: Row | None = None
    while rows := await source.rows(table, tuple(table.columns), after, MESSAGES):
        await copied_paths(source, target, rows, tally, keeps_damaged=keeps_damaged)
        after = rows[-1][:1]
        done += len(rows)
        told("corps des messages", done, total)


async def copied_paths(source: Side, target: Side, rows: list[Row], tally: Tally, *, keeps_damaged: bool) -> None:
    """Copy the large bodies of some messages that are not at the target yet."""
    names = list(_message().columns)
    digest, size, path = (names.index(name) for name in ("sha256", "size_bytes", "path"))
    wanted = {row[digest]: Body(row[digest], row[size], None, row[path]) for row in rows if row[path] is not None}
    there = await target.copied(list(wanted))
    found: dict[bytes, str | None] = {}
    turn = asyncio.Semaphore(AT_ONCE)

    async def copy(body: Body) -> None:
        async with turn:
            found[body.sha256] = await asyncio.to_thread(_copied, source.blobs, target.blobs, body)

    try:
        async with asyncio.TaskGroup() as group:
            for key in wanted.keys() - there.keys():
                group.create_task(copy(wanted[key]))
    except ExceptionGroup as failed:
        # One says it for all: the others were broken off.
        raise failed.exceptions[0] from None
    made = {key: name for key, name in found.items() if name is not None}
    await target.note_copied(made)
    tally.bodies += len(made)
    tally.body_bytes += sum(wanted[key].size_bytes for key in made)
    damaged = [key.hex() for key, name in found.items() if name is None]
    _judge(source, damaged, tally, keeps_damaged=keeps_damaged)


async def sound_bodies(target: Side, rows: list[Row], tally: Tally, *, keeps_damaged: bool) -> list[Row]:
    """Return rows of small bodies once their bytes were compared with the hash of their message."""
    known = await target.rows_of(_message(), ("message_id", "sha256"), [row[0] for row in rows])
    digests: dict[int, bytes] = dict(known)
    damaged = [f"du message {row[0]}" for row in rows if hashlib.sha256(row[1]).digest() != digests.get(row[0])]
    _judge(target, damaged, tally, keeps_damaged=keeps_damaged)
    return rows


def _judge(side: Side, damaged: list[str], tally: Tally, *, keeps_damaged: bool) -> None:
    tally.damaged.update(damaged)
    if damaged and not keeps_damaged:
        more = f" et {len(damaged) - 1} autres" if len(damaged) > 1 else ""
        msg = f"{side.name} : le corps {damaged[0]}{more} n'est plus ce qui a été reçu ; {_FIX}"
        raise StoreDamagedError(msg)


def _copied(source: BlobFolder, target: BlobFolder, body: Body) -> str | None:
    """Copy one body, read it back; return its path there, None when it is damaged at the source. Runs in a thread."""
    try:
        data = source.read(body)
    except StoreDamagedError:
        return None
    spooled = Path(target.spool_path)
    try:
        with tempfile.NamedTemporaryFile(dir=target.spool_path, delete=False) as file:
            spooled = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        path = target.keep(spooled, body.sha256)
    except OSError as error:
        raise blob_error(error, target.spool_path) from error
    target.read(Body(body.sha256, body.size_bytes, None, path))
    return path


def _message() -> Table:
    return next(table for table in tables() if table.name == "message")
