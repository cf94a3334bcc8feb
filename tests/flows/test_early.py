from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mssante.flows.early import EarlyRefusals
from mssante.model.decision import Kind, Refusal
from mssante.model.peer import PeerFacts
from mssante.model.settings import StoreSettings
from mssante.store import audit
from mssante.store.engine import Store

NO_TLS = Refusal(Kind.TLS_REQUIRED, "R2", "TLS first")
BAD = Refusal(Kind.ADDRESS_SYNTAX, "address", "No such form")
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "data", StoreSettings())
    yield store
    await store.close()


async def test_one_row_a_second_is_written_for_one_address_and_reason(store: Store) -> None:
    now = START
    early = EarlyRefusals("peer.refused", store=store, clock=lambda: now, log=None, list_version=lambda: "v1")
    for ip, refusal in (("10.0.0.1", NO_TLS), ("10.0.0.1", NO_TLS), ("10.0.0.1", BAD), ("10.0.0.2", NO_TLS)):
        await early.note(PeerFacts(ip, 1), "envelope", refusal)
    now = START + timedelta(seconds=1)
    await early.note(PeerFacts("10.0.0.1", 1), "envelope", NO_TLS, actor="dr.house")
    rows = await store.read(lambda tx: audit.rows(tx, limit=10))
    assert [(row.event.actor, row.event.outcome, row.event.rule) for row in rows] == [
        ("10.0.0.1", "tls-required", "R2"),
        ("10.0.0.1", "address-syntax", "address"),
        ("10.0.0.2", "tls-required", "R2"),
        ("dr.house", "tls-required", "R2"),
    ]
