"""Receipts, names of sent messages and wishes: kept once, found, forgotten; the same on every engine."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from store_world import ALICE, BOB, NOW, inline

from mssante.model.address import parse_address
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.message import CopyState, MessageId, Summary
from mssante.model.receipt import Receipt, ReceiptKind
from mssante.store import messages, queue, receipts
from mssante.store.engine import Store
from mssante.store.tx import Tx

OPENED = Receipt("ref-1", BOB.key, ReceiptKind.MDN_DISPLAYED, NOW, proof="sender", source="ref-9")
REFUSED = Receipt("ref-1", BOB.key, ReceiptKind.MDN_ERROR, NOW, "902", "patient inconnu", "sender", "ref-8")
LATER = NOW + timedelta(hours=1)


async def noted(store: Store, receipt: Receipt) -> bool:
    return await store.write(lambda tx: receipts.note_receipt(tx, receipt))


async def named(tx: Tx, reference: str, identifier: str) -> MessageId:
    return await messages.add_message(
        tx,
        reference=reference,
        sender=ALICE,
        summary=Summary(message_id=identifier),
        body=inline(b"x"),
        decision="",
        now=NOW,
    )


async def handed(
    tx: Tx,
    reference: str,
    identifier: str,
    hours: int = 0,
    *,
    state: CopyState = CopyState.RELAYED,
    dsn: bool = False,
    copies: int = 1,
) -> None:
    """Hand a message over to as many recipients."""
    message, at = await named(tx, reference, identifier), NOW + timedelta(hours=hours)
    for number in range(copies):
        copy_id = await queue.add_copy(
            tx,
            message=message,
            reference=reference,
            sender=None if dsn else ALICE,
            recipient=Recipient(parse_address(f"r{number}@{BOB.domain}")),
            options=MailOptions(),
            prefix=b"",
            dsn=dsn,
            due_at=at,
            now=at,
        )
        await queue.claim_due(
            tx, now=at, limit=9, lease="w", lease_until=at + timedelta(hours=1), busy={}, per_destination=9
        )
        assert await queue.finish_copy(
            tx,
            copy_id=copy_id,
            lease="w",
            state=state,
            due_at=None,
            kind=None,
            detail="",
            reply="250 ok",
            peer="mx",
            rule="R6",
            now=at,
        )


async def sent(store: Store, reference: str, identifier: str, hours: int = 0, **how: Any) -> None:  # noqa: ANN401
    await store.write(lambda tx: handed(tx, reference, identifier, hours, **how))


async def test_a_receipt_is_kept_once_and_again_only_with_another_code(store: Store) -> None:
    assert await noted(store, REFUSED)
    assert await noted(store, replace(OPENED, at=LATER))
    assert not await noted(store, replace(REFUSED, at=LATER, source="ref-10"))
    assert await store.read(lambda tx: receipts.receipts_of(tx, "ref-1")) == [REFUSED, replace(OPENED, at=LATER)]
    assert await noted(store, replace(REFUSED, code="904", at=LATER))
    found = await store.read(lambda tx: receipts.receipts_of(tx, "ref-1"))
    assert [(one.kind, one.code) for one in found] == [
        (ReceiptKind.MDN_DISPLAYED, ""),
        (ReceiptKind.MDN_ERROR, "904"),
    ]
    assert await store.read(lambda tx: receipts.receipts_of(tx, "ref-2")) == []


async def test_a_message_is_found_by_the_name_under_which_it_went_out(store: Store) -> None:
    await sent(store, "ref-1", "é'\"\\m1@poste")
    await sent(store, "ref-2", "same@poste")
    await sent(store, "ref-3", "same@poste", hours=1)
    await sent(store, "ref-4", "")
    await sent(store, "ref-5", "long@" + "x" * 900)

    async def work(tx: Tx) -> list[list[str]]:
        names = ("é'\"\\m1@poste", "same@poste", "", "long@" + "x" * 900, "M1@poste")
        return [await receipts.sent_as(tx, name) for name in names]

    assert await store.read(work) == [["ref-1"], ["ref-3", "ref-2"], [], ["ref-5"], []]


async def test_a_name_is_kept_once_however_many_recipients_there_are(store: Store) -> None:
    await sent(store, "ref-1", "m1@poste", copies=3)
    assert await store.read(lambda tx: receipts.sent_as(tx, "m1@poste")) == ["ref-1"]


async def test_nothing_is_kept_of_what_did_not_go_out_nor_of_notices(store: Store) -> None:
    await sent(store, "ref-1", "m1@poste", state=CopyState.FAILED)
    await sent(store, "ref-2", "m1@poste", dsn=True)
    assert await store.read(lambda tx: receipts.sent_as(tx, "m1@poste")) == []
    await sent(store, "ref-3", "m1@poste", state=CopyState.DELIVERED)
    assert await store.read(lambda tx: receipts.sent_as(tx, "m1@poste")) == ["ref-3"]


async def test_a_wish_is_due_at_its_time_and_settled_once(store: Store) -> None:
    await store.write(lambda tx: receipts.set_wish(tx, "ref-1", ALICE, LATER))
    await store.write(lambda tx: receipts.set_wish(tx, "ref-2", ALICE, LATER + timedelta(days=9)))
    assert await store.read(lambda tx: receipts.wishes_due(tx, NOW, 9)) == []
    (due,) = await store.read(lambda tx: receipts.wishes_due(tx, LATER, 9))
    assert (due.reference, due.sender, due.due_at, due.alerted_at) == ("ref-1", str(ALICE), LATER, None)
    assert await store.write(lambda tx: receipts.settle_wish(tx, "ref-1", 2, LATER))
    assert not await store.write(lambda tx: receipts.settle_wish(tx, "ref-1", 0, LATER))
    assert await store.read(lambda tx: receipts.wishes_due(tx, LATER, 9)) == []
    wish = await store.read(lambda tx: receipts.wish_of(tx, "ref-1"))
    assert wish is not None
    assert (wish.alerted_at, wish.silent) == (LATER, 2)
    assert await store.read(lambda tx: receipts.wish_of(tx, "ref-3")) is None


async def test_a_new_wish_replaces_the_one_before(store: Store) -> None:
    await store.write(lambda tx: receipts.set_wish(tx, "ref-1", ALICE, NOW))
    await store.write(lambda tx: receipts.settle_wish(tx, "ref-1", 1, NOW))
    await store.write(lambda tx: receipts.set_wish(tx, "ref-1", ALICE, LATER))
    wish = await store.read(lambda tx: receipts.wish_of(tx, "ref-1"))
    assert wish is not None
    assert (wish.due_at, wish.alerted_at, wish.silent) == (LATER, None, 0)


async def test_a_box_gives_one_receipt_for_a_message(store: Store) -> None:
    kind = ReceiptKind.MDN_PROCESSED
    assert await store.write(lambda tx: receipts.note_given(tx, "ref-1", ALICE, kind, NOW))
    assert not await store.write(lambda tx: receipts.note_given(tx, "ref-1", ALICE, ReceiptKind.MDN_ERROR, LATER))
    assert await store.write(lambda tx: receipts.note_given(tx, "ref-1", BOB, kind, NOW))


async def test_what_was_given_and_said_is_found_again(store: Store) -> None:
    await store.write(lambda tx: receipts.note_given(tx, "ref-1", ALICE, OPENED.kind, NOW))
    assert await store.read(lambda tx: receipts.given(tx, "ref-1", ALICE)) is OPENED.kind
    assert await store.read(lambda tx: receipts.given(tx, "ref-1", BOB)) is None
    await sent(store, "ref-1", "m1@poste")
    assert await store.read(lambda tx: receipts.name_of(tx, "ref-1")) == "m1@poste"
    assert await store.read(lambda tx: receipts.name_of(tx, "ref-2")) == ""
    (said,) = (await store.read(lambda tx: receipts.outcomes(tx, "ref-1"))).values()
    assert said == ("250 ok", NOW)


async def test_what_is_old_is_forgotten_and_open_wishes_stay(store: Store) -> None:
    await noted(store, OPENED)
    await noted(store, replace(OPENED, reference="ref-2", at=LATER))
    await sent(store, "ref-1", "m1@poste")
    await store.write(lambda tx: receipts.set_wish(tx, "ref-1", ALICE, NOW))
    await store.write(lambda tx: receipts.set_wish(tx, "ref-2", ALICE, NOW))
    await store.write(lambda tx: receipts.settle_wish(tx, "ref-1", 1, NOW))
    await store.write(lambda tx: receipts.note_given(tx, "ref-1", ALICE, OPENED.kind, NOW))
    assert await store.write(lambda tx: receipts.forget(tx, LATER, LATER)) == 4
    assert await store.write(lambda tx: receipts.forget(tx, LATER, LATER)) == 0
    assert len(await store.read(lambda tx: receipts.receipts_of(tx, "ref-2"))) == 1
    assert await store.read(lambda tx: receipts.wish_of(tx, "ref-2")) is not None
    assert await store.read(lambda tx: receipts.wish_of(tx, "ref-1")) is None
