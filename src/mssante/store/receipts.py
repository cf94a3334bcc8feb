"""Receipts that were believed, the names under which messages went out, and senders who wait for a sign.

Keeps what it is told: whom to believe is `mssante.flows.receipts`, what it means is `mssante.rules.passport`.
"""

from datetime import datetime
from typing import Final

import msgspec

from mssante.model.address import Address
from mssante.model.message import CopyId, MessageId, Summary
from mssante.model.receipt import Receipt, ReceiptKind, Wish
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx

IDENTIFIER_MAX_CHARS: Final = 255
"""Of a Message-ID that are compared."""
SAME_NAME_MAX: Final = 20
"""Messages of one Message-ID that are looked at: the last ones, a program that gives all the same name is no use."""
RECEIPTS_MAX: Final = 10_000
_FORGET_ROWS: Final = 1000
_decode_summary = msgspec.json.Decoder(Summary).decode


async def note_receipt(tx: Tx, receipt: Receipt) -> bool:
    """Keep a receipt; False when one of its kind and code was kept before: a second one tells nothing."""
    changed = await tx.run(
        "note_receipt",
        reference=receipt.reference,
        recipient=receipt.recipient,
        kind=receipt.kind.value,
        at=to_micros(receipt.at),
        code=receipt.code,
        detail=receipt.detail,
        proof=receipt.proof,
        source=receipt.source,
    )
    return changed > 0


async def receipts_of(tx: Tx, reference: str) -> list[Receipt]:
    """Return what was told of one message, in order."""
    return [_receipt(row) for row in await tx.all("receipts_of", reference=reference, limit=RECEIPTS_MAX)]


async def sent_as(tx: Tx, identifier: str) -> list[str]:
    """Return our references of the messages that went out under a Message-ID, the last ones first.

    It is noted when a copy is handed over (`mssante.store.queue.finish_copy`): before that nobody can tell of it.

    Args:
        identifier: without brackets, as anybody wrote it.
    """
    rows = await tx.all("sent_as", identifier=identifier[:IDENTIFIER_MAX_CHARS], limit=SAME_NAME_MAX)
    return [str(row[0]) for row in rows]


async def set_wish(tx: Tx, reference: str, sender: Address, due_at: datetime) -> None:
    """Keep that a sender wants to be told when nothing came by then; a new wish replaces the one before."""
    await tx.run("set_wish", reference=reference, sender=str(sender), due_at=to_micros(due_at))


async def wish_of(tx: Tx, reference: str) -> Wish | None:
    """Return the wish about one message, or None."""
    row = await tx.one("wish_of", reference=reference)
    return None if row is None else _wish(row)


async def wishes_due(tx: Tx, now: datetime, limit: int) -> list[Wish]:
    """Return the wishes whose time has come and that nobody looked at, the oldest first."""
    return [_wish(row) for row in await tx.all("wishes_due", now=to_micros(now), limit=limit)]


async def settle_wish(tx: Tx, reference: str, silent: int, now: datetime) -> bool:
    """Note that a wish was looked at; False when that was done before.

    Args:
        silent: recipients of whom nothing came.
    """
    return await tx.run("settle_wish", reference=reference, silent=silent, now=to_micros(now)) > 0


async def note_given(tx: Tx, reference: str, box: Address, kind: ReceiptKind, now: datetime) -> bool:
    """Note that a box of ours gives a receipt for a message; False when it had given one."""
    given = await tx.run("note_given", reference=reference, box=box.key, kind=kind.value, at=to_micros(now))
    return given > 0


async def given(tx: Tx, reference: str, box: Address) -> ReceiptKind | None:
    """Return which receipt a box of ours gave for a message, or None."""
    row = await tx.one("given_receipt", reference=reference, box=box.key)
    return None if row is None else ReceiptKind(row[0])


async def outcomes(tx: Tx, reference: str) -> dict[CopyId, tuple[str, datetime]]:
    """Return what the peer said last of each copy of a message, or "", and when the copy changed last."""
    rows = await tx.all("copy_outcomes", reference=reference, limit=RECEIPTS_MAX)
    return {CopyId(copy_id): (reply, from_micros(at)) for copy_id, reply, at in rows}


async def name_of(tx: Tx, reference: str) -> str:
    """Return the Message-ID, without brackets, that a message of ours came with; "" when it had none or is gone."""
    row = await tx.one("sent_name", reference=reference)
    return "" if row is None else str(row[0] or "")


async def summary_of(tx: Tx, message: MessageId) -> Summary | None:
    """Return what was read once of the header of a message, or None when it is gone."""
    row = await tx.one("summary_of", message_id=message)
    return None if row is None else _decode_summary(row[0])


async def forget(tx: Tx, before: datetime, names_before: datetime) -> int:
    """Forget what is old, at most 1,000 rows of each kind in one transaction; return how many.

    Args:
        before: receipts and wishes of before this time.
        names_before: names of messages that went out before it.
    """
    at, limit = to_micros(before), _FORGET_ROWS
    count = await tx.run("forget_receipts", before=at, limit=limit)
    count += await tx.run("forget_given", before=at, limit=limit)
    count += await tx.run("forget_wishes", before=at, limit=limit)
    return count + await tx.run("forget_sent", before=to_micros(names_before), limit=limit)


def _receipt(row: Row) -> Receipt:
    reference, recipient, kind, at, code, detail, proof, source = row
    return Receipt(reference, recipient, ReceiptKind(kind), from_micros(at), code, detail, proof, source)


def _wish(row: Row) -> Wish:
    reference, sender, due_at, alerted_at, silent = row
    alerted = None if alerted_at is None else from_micros(alerted_at)
    return Wish(reference, sender, from_micros(due_at), alerted, silent)
