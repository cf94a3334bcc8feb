"""Housekeeping: everything that is over is forgotten, however much came in one hour."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from postgresql import Server, postgresql
from standins import KeptLog
from store_world import by_hand

from mssante.app.house import keep_house_once
from mssante.model.message import Body, Summary
from mssante.model.settings import StoreSettings
from mssante.store import messages
from mssante.store.engine import Store
from mssante.store.tx import Tx

__all__ = ["postgresql"]
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SETTINGS = StoreSettings()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path, SETTINGS)
    yield opened
    await opened.close()


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")


async def test_all_old_copy_keys_are_forgotten_at_once_and_young_ones_stay(store: Store) -> None:
    old, young = NOW - timedelta(seconds=SETTINGS.dedupe_seconds + 1), NOW - timedelta(days=1)

    async def come(tx: Tx) -> None:
        for number in range(12_000):
            await messages.first_reference(tx, _key(number), f"first-{number}", old)
        await messages.first_reference(tx, _key(12_000), "first-young", young)

    async def again(tx: Tx) -> list[str]:
        return [await messages.first_reference(tx, _key(number), "again", NOW) for number in (0, 11_999, 12_000)]

    await store.write_long(come)
    log = KeptLog()
    await keep_house_once(store, SETTINGS, now=NOW, log=log)
    assert log.lines[-1][2]["copies_forgotten"] == 12_000
    assert await store.write(again) == ["again", "again", "first-young"]


async def test_files_left_by_a_stop_are_removed_after_some_hours(store: Store) -> None:
    left = store.blobs.spool_path / "left-by-a-stop"
    left.write_bytes(b"half a letter")
    await keep_house_once(store, SETTINGS, now=datetime.now(UTC), log=KeptLog())
    assert left.exists()
    await keep_house_once(store, SETTINGS, now=datetime.now(UTC) + timedelta(hours=7), log=KeptLog())
    assert not left.exists()


async def test_a_folder_that_cannot_be_read_is_an_error_that_the_next_hour_may_mend(store: Store) -> None:
    shutil.rmtree(store.blobs.spool_path)
    with pytest.raises(OSError, match="spool"):
        await keep_house_once(store, SETTINGS, now=NOW, log=KeptLog())


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_bodies_are_swept_part_by_part_and_those_in_use_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgresql: Server, engine: str
) -> None:
    there = postgresql.settings(await postgresql.new_database())
    opened = await Store.open(tmp_path, SETTINGS if engine == "sqlite" else there)
    bodies = [await _kept(opened, bytes([number]) * 300_000) for number in range(20)]

    async def use(tx: Tx) -> None:
        for body in bodies[::2]:
            await messages.add_message(
                tx, reference=body.sha256.hex(), sender=None, summary=Summary(), body=body, decision="R5", now=NOW
            )

    await opened.write_long(use)
    seen: dict[str, set[str]] = {}
    sweep = opened.blobs.sweep

    def noted(referenced: frozenset[str], older_than: timedelta, now: datetime, *, part: str) -> int:
        seen[part] = set(referenced)
        return sweep(referenced, older_than, now, part=part)

    monkeypatch.setattr(opened.blobs, "sweep", noted)
    await keep_house_once(opened, SETTINGS, now=datetime.now(UTC), log=KeptLog())
    assert all(opened.blobs.read(body) for body in bodies)
    await keep_house_once(opened, SETTINGS, now=datetime.now(UTC) + timedelta(hours=7), log=KeptLog())
    assert all(opened.blobs.read(body) for body in bodies[::2])
    assert not any((opened.blobs.path / (body.path or "")).exists() for body in bodies[1::2])
    assert list(seen) == [f"{number:02x}" for number in range(256)]
    assert all(path.startswith(f"{part}/") for part, paths in seen.items() for path in paths)
    assert set().union(*seen.values()) == {body.path for body in bodies[::2]}
    await opened.close()


async def test_the_names_of_a_part_are_found_by_their_index(store: Store, postgresql: Server) -> None:
    asked = "SELECT path FROM message WHERE path >= ? AND path < ?"
    assert asked in Path(messages.__file__).with_name("queries").joinpath("messages.sql").read_text().replace(
        ":first_path", "?"
    ).replace(":end_path", "?")

    async def plan(tx: Tx, how: str) -> str:
        if how == "EXPLAIN":
            await by_hand(tx, "SET LOCAL enable_seqscan = off")
        return str(await by_hand(tx, f"{how} {asked}", "ab", "abg"))

    assert "message_path" in await store.read(lambda tx: plan(tx, "EXPLAIN QUERY PLAN"))
    other = await Store.open(store.folder / "other", postgresql.settings(await postgresql.new_database()))
    assert "message_path" in await other.write(lambda tx: plan(tx, "EXPLAIN"))
    await other.close()


async def _kept(store: Store, data: bytes) -> Body:
    spool = store.blobs.spool(0, 0)
    waiting = spool.write(data)
    if waiting is not None:
        await waiting
    return await spool.finish()
