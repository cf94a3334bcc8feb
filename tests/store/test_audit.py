"""The audit chain: whatever is changed, cut or put in is found."""

from dataclasses import replace
from datetime import timedelta

import pytest
from store_world import NOW, by_hand

from mssante.model.audit import AuditCheck, AuditEvent
from mssante.store import audit
from mssante.store.engine import Store
from mssante.store.tx import Tx, Value

EVENT = AuditEvent("message.received", "CN=é", "ref-1", "ok", "R5", {"size": 10, "list": "v1"})


async def _fill(tx: Tx) -> None:
    for number in range(5):
        await audit.append(tx, replace(EVENT, subject=f"ref-{number}"), NOW)


class UndoneError(Exception):
    """Rolls a change back."""


async def _tampered(store: Store, sql: str, *values: Value) -> AuditCheck:
    found: list[AuditCheck] = []

    async def work(tx: Tx) -> None:
        await by_hand(tx, sql, *values)
        found.append(await audit.verify(tx))
        raise UndoneError

    with pytest.raises(UndoneError):
        await store.write(work)
    return found[-1]


async def test_returns_rows_as_they_were_written(store: Store) -> None:
    row = await store.write(lambda tx: audit.append(tx, EVENT, NOW))
    assert (row.seq, row.at, row.previous) == (1, NOW, audit.FIRST_PREVIOUS)
    second = await store.write(lambda tx: audit.append(tx, replace(EVENT, event="peer.refused", subject="x"), NOW))
    assert second.previous == row.digest
    assert await store.read(lambda tx: audit.rows(tx, limit=9)) == [row, second]
    assert await store.read(lambda tx: audit.rows(tx, limit=9, event_prefix="peer.")) == [second]
    assert await store.read(lambda tx: audit.rows(tx, limit=9, subject="ref-1")) == [row]
    assert await store.read(lambda tx: audit.rows(tx, limit=9, after_seq=1)) == [second]
    assert await store.read(audit.head) == (2, second.digest)


async def test_finds_a_whole_chain_whole_also_when_it_is_empty(store: Store) -> None:
    assert (await store.read_long(audit.verify)).broken_at is None
    assert await store.read(audit.head) == (0, audit.FIRST_PREVIOUS)
    await store.write(_fill)
    found = await store.read_long(audit.verify)
    assert (found.broken_at, found.rows, found.last_seq) == (None, 5, 5)


async def test_finds_each_byte_that_is_flipped(store: Store) -> None:
    await store.write(_fill)
    for seq in (1, 3, 5):
        ((at, event, digest),) = await store.read(
            lambda tx, seq=seq: by_hand(tx, "SELECT at, event, digest FROM audit WHERE seq = ?", seq)
        )
        changes = [("UPDATE audit SET at = ? WHERE seq = ?", at + 1)]
        changes += [
            ("UPDATE audit SET event = ? WHERE seq = ?", f"{event[:place]}{chr(ord(char) ^ 1)}{event[place + 1 :]}")
            for place, char in enumerate(event)
        ]
        changes += [
            ("UPDATE audit SET digest = ? WHERE seq = ?", digest[:place] + bytes([byte ^ 1]) + digest[place + 1 :])
            for place, byte in enumerate(digest)
        ]
        for sql, value in changes:
            found = await _tampered(store, sql, value, seq)
            assert found.broken_at == seq, (sql, value)


@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3", 3),
        (
            "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 99",
            2,
        ),
        ("INSERT INTO audit SELECT seq + 1, at, event, digest FROM audit WHERE seq = 5", 6),
    ],
)
async def test_finds_rows_removed_exchanged_or_put_in(store: Store, sql: str, broken_at: int) -> None:
    await store.write(_fill)
    found = await _tampered(store, sql)
    assert found.broken_at == broken_at
    assert found.reason


async def test_finds_a_cut_end_with_a_row_that_was_noted_elsewhere(store: Store) -> None:
    await store.write(_fill)
    noted = await store.read(audit.head)
    assert (await store.read(lambda tx: audit.verify(tx, expected=noted))).broken_at is None
    await store.write(lambda tx: by_hand(tx, "DELETE FROM audit WHERE seq > 3"))
    assert (await store.read(audit.verify)).broken_at is None
    found = await store.read(lambda tx: audit.verify(tx, expected=noted))
    assert (found.broken_at, found.last_seq) == (4, 3)
    await store.write(_fill)
    found = await store.read(lambda tx: audit.verify(tx, expected=(noted[0], bytes(32))))
    assert (found.broken_at, found.reason) == (5, "the row is not the one that was noted")


@pytest.mark.parametrize(("minutes", "expected"), [(-1, 0), (0, 0), (1, 1), (3, 3), (4, 4), (99, 7)])
async def test_finds_where_a_time_begins(store: Store, minutes: int, expected: int) -> None:
    async def work(tx: Tx) -> int:
        for number in range(7):
            await audit.append(tx, EVENT, NOW + number * timedelta(minutes=1))
        return await audit.seq_before(tx, NOW + minutes * timedelta(minutes=1))

    assert await store.write(work) == expected


async def test_nothing_is_before_the_beginning(store: Store) -> None:
    assert await store.read(lambda tx: audit.seq_before(tx, NOW)) == 0
