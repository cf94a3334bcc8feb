"""Copies handled by hand, and messages opened by an administrator: what changes, what the audit keeps."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_world import ALICE, BOB, NOW, mailbox, message

from mssante.flows import copies, read
from mssante.model.address import parse_address
from mssante.model.audit import AuditEvent
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import MssError
from mssante.model.mailbox import Role
from mssante.model.message import CopyId, CopyState
from mssante.model.settings import StoreSettings
from mssante.store import audit, messages, queue
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx

KEY = b"k" * 32
CITIZEN = parse_address("185057800604830@patient.mssante.fr")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", StoreSettings())
    yield opened
    await opened.close()


async def queued(store: Store, address=BOB) -> CopyId:
    async def work(tx: Tx) -> CopyId:
        return await queue.add_copy(
            tx,
            message=await message(tx, f"ref-{address}"),
            reference=f"ref-{address}",
            sender=ALICE,
            recipient=Recipient(address),
            options=MailOptions(),
            prefix=b"",
            dsn=False,
            due_at=NOW,
            now=NOW,
        )

    return await store.write(work)


async def state(store: Store, copy_id: CopyId) -> CopyState:
    copy = await store.read(lambda tx: queue.show_copy(tx, copy_id))
    assert copy is not None
    return copy.state


async def last_event(store: Store) -> AuditEvent:
    return (await store.read(lambda tx: audit.rows(tx, limit=100)))[-1].event


async def test_a_held_copy_waits_for_its_release(store: Store) -> None:
    copy_id = await queued(store)
    await copies.hold(store, copy_id, "panne", actor="cli:root", trace_key=KEY, now=NOW)
    assert await state(store, copy_id) is CopyState.HELD
    with pytest.raises(MssError, match="n'attend pas"):
        await copies.retry(store, copy_id, actor="cli:root", trace_key=KEY, now=NOW)
    await copies.release(store, copy_id, actor="cli:root", trace_key=KEY, now=NOW)
    assert await state(store, copy_id) is CopyState.WAITING
    assert (await last_event(store)).event == "queue.released"
    with pytest.raises(MssError, match="n'est pas retenue"):
        await copies.release(store, copy_id, actor="cli:root", trace_key=KEY, now=NOW)


async def test_an_unknown_copy_is_named_and_nothing_is_audited(store: Store) -> None:
    await queued(store)
    with pytest.raises(MssError, match="la copie 99 n'existe pas"):
        await copies.retry(store, CopyId(99), actor="cli:root", trace_key=KEY, now=NOW)
    assert not await store.read(lambda tx: audit.rows(tx, limit=10))


async def test_a_whole_destination_is_held_in_one_row_of_the_audit(store: Store) -> None:
    first, second = await queued(store), await queued(store, CITIZEN)
    held = await copies.hold_domain(store, BOB.domain, "panne", actor="cli:root", now=NOW)
    assert (held, await state(store, first), await state(store, second)) == (1, CopyState.HELD, CopyState.WAITING)
    assert (await last_event(store)).facts == {"copies": 1, "reason": "panne"}


async def test_a_citizen_is_a_pseudonym_in_what_is_audited(store: Store) -> None:
    copy_id = await queued(store, CITIZEN)
    await copies.retry(store, copy_id, actor="cli:root", trace_key=KEY, now=NOW)
    assert str((await last_event(store)).facts["to"]).startswith("ins-")


async def test_opening_a_message_leaves_a_row_and_the_message_unread(store: Store) -> None:
    async def work(tx: Tx) -> None:
        box = await mailbox(tx)
        await messages.file_message(
            tx, message=await message(tx), mailbox_id=box.mailbox_id, role=Role.INBOX, prefix=b"X: y\r\n", now=NOW
        )

    await store.write(work)
    box = await store.read(lambda tx: mailbox_by_key(tx, ALICE.key))
    assert box is not None
    inbox = (await read.folders(store, box))[0]
    opened = await read.open_as_administrator(store, box, inbox, 1, actor="cli:root", trace_key=KEY, now=NOW)
    assert opened.prefix + store.blobs.read(opened.body) == b"X: y\r\nSubject: x\r\n\r\nBonjour\r\n"
    assert [one.flags for one in await read.page(store, inbox, after_uid=0, limit=10)] == [frozenset()]
    event = await last_event(store)
    assert (event.event, event.subject, event.actor) == ("message.opened", "ref-1", "cli:root")
    with pytest.raises(MssError, match="n'a pas de message 2"):
        await read.open_as_administrator(store, box, inbox, 2, actor="cli:root", trace_key=KEY, now=NOW)
