"""When people signed in last, what they were told about the closing of their mailboxes, what they objected.

What is due is decided by `mssante.rules.life_cycle`.

Source: operators.md 5.
"""

from datetime import datetime

from mssante.model.address import parse_address
from mssante.model.life_cycle import BoxLife, ContactNotice
from mssante.model.mailbox import AccountId, MailboxId, MailboxState, MailboxType
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx


async def note_sign_in(tx: Tx, account_id: AccountId, now: datetime) -> None:
    """Note that an account signed in."""
    await tx.run("note_sign_in", account_id=account_id, now=to_micros(now))


async def lives(tx: Tx, *, after: int = 0, limit: int) -> list[BoxLife]:
    """Return the lives of mailboxes that are not closed and no citizen's, by number above `after`.

    A sign-in counts for the account's own mailbox, for those of the same person and for those that it is a member of;
    a delegate's does not count for the mailbox that he stands in for.
    """
    return [_life(row) for row in await tx.all("box_lives", after=after, limit=limit)]


async def life_of(tx: Tx, mailbox_id: MailboxId) -> BoxLife | None:
    """Return the life of one mailbox; None when it is closed, a citizen's or not there."""
    found = await lives(tx, after=mailbox_id - 1, limit=1)
    return next((life for life in found if life.mailbox_id == mailbox_id), None)


async def note_notice(tx: Tx, mailbox_id: MailboxId, now: datetime) -> None:
    """Note that the holder was told that the mailbox will be closed."""
    await tx.run("note_notice", mailbox_id=mailbox_id, now=to_micros(now))


async def note_reminder(tx: Tx, mailbox_id: MailboxId, now: datetime) -> None:
    """Note that the holder was told again."""
    await tx.run("note_reminder", mailbox_id=mailbox_id, now=to_micros(now))


async def note_objection(tx: Tx, mailbox_id: MailboxId, now: datetime) -> None:
    """Note that the holder objects to the closing."""
    await tx.run("note_objection", mailbox_id=mailbox_id, now=to_micros(now))


async def set_contact(tx: Tx, mailbox_id: MailboxId, contact: str) -> None:
    """Keep where else the holder wishes to be told; "" for nowhere."""
    await tx.run("set_contact", mailbox_id=mailbox_id, contact=contact)


async def add_contact_notice(tx: Tx, mailbox_id: MailboxId, contact: str, what: str, now: datetime) -> None:
    """Note what is to be said to a holder on the way that he chose."""
    await tx.run("add_contact_notice", mailbox_id=mailbox_id, contact=contact, what=what, now=to_micros(now))


async def contact_notices(tx: Tx, *, limit: int) -> list[ContactNotice]:
    """Return what is still to be said to holders, oldest first."""
    return [
        ContactNotice(number, parse_address(address), contact, what, from_micros(noted_at))
        for number, address, contact, what, noted_at in await tx.all("open_contact_notices", limit=limit)
    ]


async def close_contact_notice(tx: Tx, notice_id: int, now: datetime) -> bool:
    """Note that it was said; False when there is no such notice or it was said before."""
    return await tx.one("close_contact_notice", notice_id=notice_id, now=to_micros(now)) is not None


def _life(row: Row) -> BoxLife:
    mailbox_id, address, kind, state, opened_at, signed_in_at, noticed_at, reminded_at, objected_at, contact = row
    return BoxLife(
        MailboxId(mailbox_id),
        parse_address(address),
        MailboxType(kind),
        MailboxState(state),
        from_micros(opened_at),
        _moment(signed_in_at),
        _moment(noticed_at),
        _moment(reminded_at),
        _moment(objected_at),
        contact,
    )


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
