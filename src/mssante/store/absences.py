"""Who is away from when to when, and who was told so."""

import hashlib
from datetime import datetime

from mssante.model.address import Address, parse_address
from mssante.model.life_cycle import Absence
from mssante.model.mailbox import MailboxId
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx


async def set_absence(
    tx: Tx, mailbox_id: MailboxId, *, starts_at: datetime, ends_at: datetime, text: str, substitute: Address | None
) -> None:
    """Keep that the holder is away, in the place of what was kept before; only what comes from now on is answered."""
    await tx.run(
        "set_absence",
        mailbox_id=mailbox_id,
        starts_at=to_micros(starts_at),
        ends_at=to_micros(ends_at),
        text=text,
        substitute="" if substitute is None else str(substitute),
    )


async def clear_absence(tx: Tx, mailbox_id: MailboxId) -> bool:
    """Forget that the holder is away; False when nothing was kept."""
    return await tx.one("clear_absence", mailbox_id=mailbox_id) is not None


async def absence_of(tx: Tx, mailbox_id: MailboxId) -> Absence | None:
    """Return the absence of a mailbox, past or to come, or None."""
    row = await tx.one("absence_of", mailbox_id=mailbox_id)
    return None if row is None else _absence(row)


async def absences(tx: Tx, now: datetime) -> tuple[Absence, ...]:
    """Return the absences in force at a time, of mailboxes in service: the directory shows them."""
    return tuple(_absence(row) for row in await tx.all("absences_at", now=to_micros(now)))


async def seen(tx: Tx, mailbox_id: MailboxId, uid: int) -> None:
    """Note up to which message of INBOX an answer was considered."""
    await tx.run("see_for_absence", mailbox_id=mailbox_id, uid=uid)


async def answered_at(tx: Tx, mailbox_id: MailboxId, sender: Address) -> datetime | None:
    """Return when a sender was answered last, or None."""
    row = await tx.one("absence_answered", mailbox_id=mailbox_id, sender=_hashed(sender))
    return None if row is None else from_micros(row[0])


async def note_answer(tx: Tx, mailbox_id: MailboxId, sender: Address, now: datetime) -> None:
    """Note that a sender was answered."""
    await tx.run("note_absence_answer", mailbox_id=mailbox_id, sender=_hashed(sender), now=to_micros(now))


async def forget_answers(tx: Tx, before: datetime) -> int:
    """Forget who was answered before a time; return how many."""
    return await tx.run("forget_absence_answers", before=to_micros(before))


def _hashed(sender: Address) -> bytes:
    return hashlib.sha256(sender.key.encode()).digest()[:16]


def _absence(row: Row) -> Absence:
    mailbox_id, address, starts_at, ends_at, text, substitute, seen_uid = row
    return Absence(
        MailboxId(mailbox_id),
        parse_address(address),
        from_micros(starts_at),
        from_micros(ends_at),
        text,
        parse_address(substitute) if substitute else None,
        seen_uid,
    )
