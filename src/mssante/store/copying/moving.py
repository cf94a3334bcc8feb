"""Moves a store: copies it while it works, as often as one likes, then once more while it stands still, and hands over.

What a stop does: an unfinished copy opens for nobody, and the next run goes on with it. The source is marked as moved
once both were found alike, then the target is opened: at no moment do both work.

Source: issue of the distributed engine (`mssante store copy`); reliability.md K18, H25.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mssante.model.audit import AuditEvent
from mssante.model.errors import StoreDamagedError, StoreError
from mssante.model.settings import BlobSettings, StoreSettings
from mssante.store import audit
from mssante.store.copying.bodies import copy_bodies
from mssante.store.copying.passes import differences, make_alike
from mssante.store.copying.side import Side
from mssante.store.copying.tally import Tally, Told
from mssante.store.in_service import ARRIVING, LEFT, Moving, check_in_service
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is."""

    data_dir: Path
    store: StoreSettings
    blobs: BlobSettings


async def copy_store(source: Place, target: Place, told: Told, *, keeps_damaged: bool = False) -> Tally:
    """Bring the target up to date while the source goes on; it opens for nobody yet.

    Args:
        told: hears of the progress.
        keeps_damaged: copy messages whose body is damaged; they are as damaged there.

    Raises:
        StoreDamagedError: a body is damaged at the source, or what was written does not come back.
        StoreError: one of both cannot be used, or the target has something else.
    """
    tally = Tally()
    async with _sides(source, target) as (ours, theirs):
        await copy_bodies(ours, theirs, tally, told, keeps_damaged=keeps_damaged)
        await ours.begin()
        await make_alike(ours, theirs, tally, told, keeps_damaged=keeps_damaged)
        await ours.end()
    return tally


async def move_store(
    source: Place,
    target: Place,
    told: Told,
    *,
    actor: str,
    clock: Callable[[], datetime],
    keeps_damaged: bool = False,
) -> Tally:
    """Finish a copy while no program runs: compare everything, mark the source as moved, open the target.

    Args:
        actor: who asks, for the audit.
        clock: the time now.

    Raises:
        StoreDamagedError: as `copy_store`.
        StoreError: as `copy_store`; or a program runs. The source stays in service.
    """
    tally = Tally()
    async with _sides(source, target, is_last=True) as (ours, theirs):
        await ours.freeze()
        await make_alike(ours, theirs, tally, told, keeps_damaged=keeps_damaged)
        wrong = await differences(ours, theirs, told)
        if wrong:
            named = ", ".join(f"{count} lignes de {name}" for name, count in wrong.items())
            msg = f"{theirs.name} ne rend pas ce qui y est écrit ({named}) ; {ours.name} reste en service"
            raise StoreDamagedError(msg)
        await theirs.continue_after(await ours.last_numbers())
        await ours.leave(theirs.name)
        event = AuditEvent("store.moved", actor, theirs.name, "ok", "", {"from": ours.name})

        async def last(tx: Tx) -> None:
            found = await audit.verify(tx)
            if found.broken_at is not None:
                tally.audit = f"ligne {found.broken_at} : {found.reason}"
            await audit.append(tx, event, clock())

        await theirs.finish(last)
    return tally


@asynccontextmanager
async def _sides(source: Place, target: Place, *, is_last: bool = False) -> AsyncIterator[tuple[Side, Side]]:
    ours, theirs = _side(source), _side(target)
    if ours.name == theirs.name:
        msg = f"{ours.name} : le départ et l'arrivée sont le même magasin ; donnez deux configurations"
        raise StoreError(msg)
    await ours.open(writes=False)
    try:
        await theirs.open(writes=True)
        try:
            before = await ours.moving()
            if not is_last or before != Moving(LEFT, theirs.name):
                # Else a stop came between both marks, and this is the end of that move.
                check_in_service(ours.name, before)
            await _may_arrive(ours, theirs)
            yield ours, theirs
        finally:
            await theirs.close()
    finally:
        await ours.close()


def _side(place: Place) -> Side:
    # Each engine is loaded when it is chosen.
    if place.store.engine == "postgresql":
        from mssante.store.copying.postgresql import PostgresSide

        return PostgresSide(place.data_dir, place.store, place.blobs)
    from mssante.store.copying.embedded import EmbeddedSide

    return EmbeddedSide(place.data_dir, place.blobs)


async def _may_arrive(source: Side, target: Side) -> None:
    """Have the target for this copy: an empty one, our own unfinished copy, or what once moved to where we are now."""
    there = await target.moving()
    if there is None and not await target.is_empty():
        msg = f"{target.name} contient déjà un opérateur : donnez une base ou un dossier vide"
        raise StoreError(msg)
    if there is not None and there.other != source.name:
        what = "une copie inachevée de" if there.state == ARRIVING else "ce qui a été déplacé vers"
        msg = f"{target.name} contient {what} {there.other}, pas {source.name} : donnez une base ou un dossier vide"
        raise StoreError(msg)
    await target.arrive(source.name)
