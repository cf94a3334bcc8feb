"""A store moves to another engine and back: every row, number and body arrives; a broken copy goes on or opens nowhere."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from typing import Any

import pytest
from places import Stores
from s3 import FakeS3
from store_life import dump, first_week, second_week, third_week
from store_world import ALICE, NOW, by_hand

from mssante.flows.folders.indexing import Indexing
from mssante.model.errors import StoreAwayError, StoreDamagedError, StoreError
from mssante.model.mailbox import MailboxId
from mssante.store import audit, health, indexes, mailboxes, messages
from mssante.store.copying import passes
from mssante.store.copying.embedded import EmbeddedSide
from mssante.store.copying.moving import Place, copy_store, move_store
from mssante.store.copying.postgresql import PostgresSide
from mssante.store.copying.tables import LEFT_OUT, Table, tables
from mssante.store.copying.tally import Tally
from mssante.store.engine import Store
from mssante.store.tx import Row, Tx

WAYS = [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "sqlite"), ("postgresql", "postgresql")]


def _quiet(_step: str, _done: int, _total: int) -> None:
    """Hear nothing."""


async def _copy(source: Place, target: Place, *, keeps_damaged: bool = False) -> Tally:
    return await copy_store(source, target, _quiet, keeps_damaged=keeps_damaged)


async def _move(source: Place, target: Place, *, keeps_damaged: bool = False) -> Tally:
    return await move_store(source, target, _quiet, actor="cli:test", clock=lambda: NOW, keeps_damaged=keeps_damaged)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have several stretches of rows in a small store."""
    monkeypatch.setattr(passes, "ROWS", 7)
    monkeypatch.setattr(passes, "LARGE_ROWS", 3)


@pytest.mark.parametrize(("here", "there"), WAYS)
async def test_a_store_that_goes_on_working_is_copied_and_moves_whole(stores: Stores, here: str, there: str) -> None:
    source, target = await stores.place(here), await stores.place(there)
    async with stores.opened(source) as store:
        await first_week(store)
        tally = await _copy(source, target)
        assert tally.bodies == 2
        await second_week(store)
        tally = await _copy(source, target)
        assert tally.removed > 0
        assert tally.bodies == 1
        await third_week(store)
        expected = await dump(store)
    await _move(source, target)

    async with stores.opened(target) as store:
        arrived = await dump(store)
        added = arrived["audit"].pop()
        assert arrived == expected
        assert b'"store.moved"' in str(added).encode()
        found = await store.read(audit.verify)
        assert (found.broken_at, found.rows) == (None, len(expected["audit"]) + 1)
        seen = await health.check(store)
        assert (seen.bodies_checked, seen.damaged) == (len(expected["message"]), ())
        await _goes_on(store, expected)


async def _goes_on(store: Store, expected: dict[str, list[Any]]) -> None:
    """New numbers are above all that were ever given; what was searched for is found."""
    last = max(row["message_id"] for row in expected["message"])

    async def work(tx: Tx) -> tuple[int, int, int]:
        box = await mailboxes.mailbox_by_key(tx, ALICE.key)
        assert box is not None
        inbox = await mailboxes.folder_by_role(tx, box.mailbox_id, mailboxes.Role.INBOX)
        made = await messages.add_message(
            tx,
            reference="after",
            sender=None,
            summary=messages.Summary(),
            body=messages.Body(hashlib.sha256(b"x").digest(), 1, b"x", None),
            decision="",
            now=NOW,
        )
        change, uid = await messages.file_message(
            tx, message=made, mailbox_id=box.mailbox_id, role=mailboxes.Role.INBOX, prefix=b"", now=NOW
        )
        assert change.modseq > inbox.highest_modseq
        return made, uid, inbox.uid_next

    made, uid, awaited = await store.write(work)
    # One message of the highest number was removed before the move: its number stays given (RFC 8474).
    assert made > last + 1
    assert uid == awaited
    await Indexing(store).catch_up()
    found = await store.read(lambda tx: indexes.search_text(tx, MailboxId(1), "hépatique", body_only=False))
    assert len(found) == 3


async def test_a_store_that_moved_opens_no_more_and_comes_back(stores: Stores) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    async with stores.opened(source) as store:
        await first_week(store)
    await _move(source, target)

    with pytest.raises(StoreError, match=r"a été déplacé vers .* prenez la configuration de celui-ci"):
        await Store.open(source.data_dir, source.store, blobs=source.blobs)
    with pytest.raises(StoreError, match="a été déplacé vers"):
        await _copy(source, target)
    async with stores.opened(target) as store:
        await second_week(store)
        expected = await dump(store)
    await _move(target, source)

    with pytest.raises(StoreError, match="a été déplacé vers"):
        await Store.open(target.data_dir, target.store, blobs=target.blobs)
    async with stores.opened(source) as store:
        arrived = await dump(store)
        arrived["audit"].pop()
        assert arrived == expected


async def test_a_program_that_slept_while_its_store_moved_writes_no_more(stores: Stores) -> None:
    source, target = await stores.place("postgresql"), await stores.place("sqlite")
    async with stores.opened(source) as store:
        await first_week(store)
    async with stores.opened(source) as sleeper:
        # It has no connection at this moment.
        await _move(source, target)
        with pytest.raises(StoreError, match=r"a été déplacé vers .* prenez la configuration de celui-ci"):
            await second_week(sleeper)


@pytest.mark.parametrize("there", ["sqlite", "postgresql"])
async def test_an_unfinished_copy_opens_for_nobody_and_is_gone_on_with(stores: Stores, there: str) -> None:
    source, target = await stores.place("sqlite"), await stores.place(there)
    async with stores.opened(source) as store:
        await first_week(store)
        expected = await dump(store)

    def broken(step: str, done: int, _total: int) -> None:
        if step == "lignes de filed" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy_store(source, target, broken)
    with pytest.raises(StoreError, match=r"copie inachevée de .*--final"):
        await Store.open(target.data_dir, target.store, blobs=target.blobs)
    tally = await _move(source, target)
    # What was there was not copied again.
    assert tally.bodies == 0
    assert 0 < tally.written < tally.read
    async with stores.opened(target) as store:
        arrived = await dump(store)
        arrived["audit"].pop()
        assert arrived == expected


async def test_a_stop_between_both_marks_leaves_one_that_is_finished_later(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    async with stores.opened(source) as store:
        await first_week(store)

    async def stopped(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PostgresSide, "finish", stopped)
        with pytest.raises(KeyboardInterrupt):
            await _move(source, target)
    for place in (source, target):
        with pytest.raises(StoreError, match=r"déplacé|inachevée"):
            await Store.open(place.data_dir, place.store, blobs=place.blobs)
    await _move(source, target)
    async with stores.opened(target) as store:
        assert (await store.read(audit.verify)).broken_at is None


@pytest.mark.parametrize("here", ["sqlite", "postgresql"])
async def test_nothing_moves_while_a_program_has_the_store_open(stores: Stores, here: str) -> None:
    source, target = await stores.place(here), await stores.place("sqlite")
    async with stores.opened(source) as store:
        await first_week(store)
        with pytest.raises(StoreError, match=r"ouverte? par .*arrêtez"):
            await _move(source, target)
        # It goes on as before.
        await second_week(store)
    await _move(source, target)


@pytest.mark.parametrize("there", ["sqlite", "postgresql"])
async def test_refuses_a_target_in_use_or_with_something_else(stores: Stores, there: str) -> None:
    source, other, target = await stores.place("sqlite"), await stores.place("sqlite"), await stores.place(there)
    for place in (source, other):
        async with stores.opened(place) as store:
            await first_week(store)
    async with stores.opened(target) as store:
        await store.write(audit.head)
        with pytest.raises(StoreError, match=r"ouverte? par .*arrêtez"):
            await _copy(source, target)
    await _copy(source, target)
    with pytest.raises(StoreError, match=r"copie inachevée de .*base ou un dossier vide"):
        await _copy(other, target)
    await _move(source, target)
    with pytest.raises(StoreError, match="contient déjà un opérateur"):
        await _copy(other, target)
    with pytest.raises(StoreError, match="le même magasin"):
        await _copy(target, target)


async def test_refuses_a_source_that_is_not_there_or_of_another_schema(stores: Stores) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    with pytest.raises(StoreError, match="n'existe pas"):
        await _copy(source, target)
    async with stores.opened(source) as store:
        await store.write(lambda tx: by_hand(tx, "PRAGMA user_version = 3"))
    with pytest.raises(StoreError, match="n'a pas le schéma de ce programme"):
        await _copy(source, target)


async def test_a_damaged_body_stops_the_copy_unless_it_is_to_be_kept_so(stores: Stores) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    async with stores.opened(source) as store:
        await first_week(store)
        expected = await dump(store)
    file = next(file for file in (source.data_dir / "blobs").rglob("*") if file.is_file())
    file.write_bytes(b"other")
    with pytest.raises(StoreDamagedError, match=r"n'est plus ce qui a été reçu ; .*--keep-damaged"):
        await _copy(source, target)
    tally = await _copy(source, target, keeps_damaged=True)
    assert (len(tally.damaged), tally.bodies) == (1, 0)
    await _move(source, target, keeps_damaged=True)
    async with stores.opened(target) as store:
        arrived = await dump(store)
        arrived["audit"].pop()
        assert arrived == expected
        assert len((await health.check(store)).damaged) == 1


async def test_a_damaged_body_in_the_database_stops_the_copy(stores: Stores) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    async with stores.opened(source) as store:
        await first_week(store)
        await store.write(lambda tx: by_hand(tx, "UPDATE body SET data = ? WHERE message_id = 1", b"other"))
    with pytest.raises(StoreDamagedError, match="du message 1 "):
        await _copy(source, target)
    assert len((await _copy(source, target, keeps_damaged=True)).damaged) == 1


async def test_an_object_store_that_gives_other_bytes_or_is_away_shows_nothing(stores: Stores, s3: FakeS3) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    target = replace(target, blobs=s3.settings(stores.folder, prefix="x", retries=1, answer_seconds=1.0))
    async with stores.opened(source) as store:
        await first_week(store)
    s3.faults.other = True
    with pytest.raises(StoreDamagedError):
        await _copy(source, target)
    s3.faults.other = False
    s3.faults.refuse, s3.faults.status = 10_000, 503
    with pytest.raises(StoreAwayError):
        await _copy(source, target)
    s3.faults.refuse = 0
    assert (await _copy(source, target)).bodies == 2


async def test_rows_that_do_not_come_back_as_written_leave_the_source_in_service(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = await stores.place("sqlite"), await stores.place("sqlite")
    async with stores.opened(source) as store:
        await first_week(store)
    put = EmbeddedSide.put

    async def forgets_modseq(self: EmbeddedSide, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        if table.name == "filed":
            at = list(columns).index("modseq")
            rows = [(*row[:at], 1, *row[at + 1 :]) for row in rows]
        await put(self, table, columns, rows)

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedSide, "put", forgets_modseq)
        with pytest.raises(StoreDamagedError, match=r"ne rend pas ce qui y est écrit \(\d+ lignes de filed\)"):
            await _move(source, target)
    async with stores.opened(source) as store:
        await second_week(store)
    await _move(source, target)


def test_every_table_of_both_engines_is_copied_or_left_out_on_purpose() -> None:
    for package in ("mssante.store", "mssante.store.postgres"):
        texts = [
            file.read_text()
            for file in resources.files(package).joinpath("migrations").iterdir()
            if file.suffix == ".sql"
        ]
        named = {name for text in texts for name in re.findall(r"^CREATE TABLE (\w+)", text, re.MULTILINE)}
        own = {"store_writer", "store_change", "message_folded"}
        assert named - {table.name for table in tables()} - LEFT_OUT - own == set()


async def test_both_engines_have_the_columns_that_are_copied(stores: Stores) -> None:
    place = await stores.place("postgresql")
    async with stores.opened(place) as store:
        for table in tables():
            rows = await store.read(
                lambda tx, name=table.name: by_hand(
                    tx,
                    "SELECT column_name::text FROM information_schema.columns"
                    " WHERE table_schema = current_schema() AND table_name = ?",
                    name,
                )
            )
            assert {row[0] for row in rows} == set(table.columns), table.name


async def test_words_are_indexed_at_an_unfinished_copy(stores: Stores) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    async with stores.opened(source) as store:
        await first_week(store)
    await _copy(source, target)
    async with stores.opened(target, is_copy=True) as store:
        assert await Indexing(store).catch_up() > 0
    await _move(source, target)
    async with stores.opened(target) as store:
        assert await Indexing(store).catch_up() == 0


async def test_an_audit_chain_that_was_broken_before_is_said(stores: Stores) -> None:
    source, target = await stores.place("sqlite"), await stores.place("postgresql")
    async with stores.opened(source) as store:
        await first_week(store)
        await store.write(lambda tx: by_hand(tx, "UPDATE audit SET at = at + 1 WHERE seq = 3"))
    tally = await _move(source, target)
    assert tally.audit.startswith("ligne 3")
