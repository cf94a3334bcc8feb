"""Housekeeping: everything that is over is forgotten, however much came in one hour."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standins import KeptLog

from mssante.app.house import keep_house_once
from mssante.model.settings import StoreSettings
from mssante.store import messages
from mssante.store.engine import Store
from mssante.store.tx import Tx

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
