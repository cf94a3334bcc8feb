"""What is over is forgotten: counts of failed sign-ins, sources that nobody came from for a month, nodes."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from postgresql import settle
from standins import KeptLog, SteppingClock
from store_world import by_hand

from mssante.app.forgetting import forget_once, keep_forgetting
from mssante.flows.failures import KNOWN_FOR, WINDOW
from mssante.model.errors import StoreFullError
from mssante.model.mailbox import AccountKind
from mssante.model.node import Node
from mssante.model.settings import StoreSettings
from mssante.store import accounts, nodes, sign_ins
from mssante.store.engine import Store
from mssante.store.sign_ins import FORGOTTEN_AT_ONCE, Tried
from mssante.store.tx import Tx

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path, StoreSettings())
    yield opened
    await opened.close()


async def _left(store: Store, table: str) -> int:
    rows = await store.read(lambda tx: by_hand(tx, f"SELECT count(*) FROM {table}"))  # noqa: S608 - of this test
    return int(rows[0][0])


async def test_all_that_is_over_goes_however_much_it_is_and_the_rest_stays(store: Store) -> None:
    async def come(tx: Tx) -> None:
        login = await accounts.create_account(tx, "a", AccountKind.PERSON, certificate_name=None, now=NOW)
        for number in range(FORGOTTEN_AT_ONCE // 2 + 10):
            one = Tried(b"s%d" % number, b"l%d" % number, b"all")
            await sign_ins.count_failure(tx, one, NOW - 2 * WINDOW, NOW)
        await sign_ins.count_failure(tx, Tried(b"s", b"l", b"all"), NOW, NOW - WINDOW)
        await sign_ins.note_source(tx, b"old", login.account_id, NOW - KNOWN_FOR - timedelta(days=1))
        await sign_ins.note_source(tx, b"young", login.account_id, NOW)
        for run in ("old", "young"):
            await nodes.beat(tx, Node(run, run, run, "", 1, ""), None)
        await by_hand(tx, "UPDATE node SET beat_at = beat_at - ? WHERE run = 'old'", 8 * 86_400_000_000)

    await store.write_long(come)
    await forget_once(store, clock=SteppingClock(NOW))
    assert [await _left(store, table) for table in ("sign_in_failure", "sign_in_source", "node")] == [3, 1, 1]


async def test_a_store_that_fails_is_told_and_tried_again_later(store: Store) -> None:
    log = KeptLog()

    def fails(_work: object) -> None:
        msg = "no room"
        raise StoreFullError(msg)

    store.write_long = fails  # type: ignore[method-assign,assignment]
    running = asyncio.create_task(keep_forgetting(store, clock=SteppingClock(NOW), log=log))
    await settle(lambda: log.lines)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert log.lines == [("error", "not-forgotten", {"error": "no room"})]
