"""Our mailboxes as the directory is to know them, and how far telling it has come.

Says what is due and to whom it is given; what to send and when to try again is `mssante.rules.publication`.

Source: operators.md 11 U8 (states); reliability.md K11, K13, K14.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from mssante.model.errors import StoreError
from mssante.model.mailbox import MailboxId, MailboxType
from mssante.model.publication import Announced, Listing, Publication, PublicationState
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx

REASON_MAX_CHARS: Final = 300
_ATTRIBUTES: Final = 9
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Publication).decode


async def announced(tx: Tx, mailbox_id: MailboxId) -> Announced | None:
    """Return how far the publication of a mailbox has come; None for a citizen's, which is in no directory."""
    row = await tx.one("box_announced", mailbox_id=mailbox_id)
    return None if row is None else await _announced(tx, row)


async def list_announced(
    tx: Tx, *, after: int = 0, state: PublicationState | None = None, limit: int
) -> list[Announced]:
    """Return how far publications have come, by mailbox number above `after`; None means every state."""
    name = "" if state is None else state.value
    return [await _announced(tx, row) for row in await tx.all("boxes_announced", after=after, state=name, limit=limit)]


async def due(tx: Tx, now: datetime, limit: int) -> list[Announced]:
    """Return the publications that are due, oldest first, and give them to nobody."""
    found = [await announced(tx, row[0]) for row in await tx.all("boxes_due", now=to_micros(now), limit=limit)]
    return [one for one in found if one is not None]


async def claim_due(tx: Tx, *, now: datetime, limit: int, lease: str, until: datetime) -> list[Announced]:
    """Give what is due to a worker until the end of its lease; return it as claimed.

    What another worker was given and did not finish in time is due again.
    """
    claimed = await due(tx, now, limit)
    for one in claimed:
        await tx.run(
            "claim_box", mailbox_id=one.mailbox.mailbox_id, lease=lease, until=to_micros(until), now=to_micros(now)
        )
    return [
        replace(one, state=PublicationState.SENT, lease=lease, due_at=until, tries=one.tries + 1) for one in claimed
    ]


async def finish(
    tx: Tx,
    claimed: Announced,
    *,
    state: PublicationState,
    published: Publication | None,
    due_at: datetime | None,
    code: str = "",
    reason: str = "",
    now: datetime,
) -> PublicationState | None:
    """Record what became of a claimed publication; return the state that it has now.

    Args:
        claimed: as `claim_due` gave it; when the mailbox changed since, it is to be published again, at once.
        state: what it is in, unless the mailbox changed.
        published: what the directory has now.
        due_at: when to go on, or None.

    Returns:
        None when the lease has passed to another worker: nothing is written.
    """
    row = await tx.one(
        "finish_box",
        mailbox_id=claimed.mailbox.mailbox_id,
        lease=claimed.lease,
        version=claimed.version,
        state=state.value,
        published="" if published is None else _encode(published).decode(),
        due_at=None if due_at is None else to_micros(due_at),
        code=code,
        reason=" ".join(reason.split())[:REASON_MAX_CHARS],
        now=to_micros(now),
    )
    return None if row is None else PublicationState(row[0])


async def next_due(tx: Tx) -> datetime | None:
    """Return when there is something to publish next, or None."""
    row = await tx.one("next_box_due")
    return None if row is None or row[0] is None else from_micros(row[0])


async def change_listing(tx: Tx, mailbox_id: MailboxId, listing: Listing, now: datetime) -> None:
    """Change what the directory is to know of a mailbox; it is to be published from then on."""
    await tx.run(
        "change_listing",
        mailbox_id=mailbox_id,
        local_id=listing.local_id,
        structure=listing.structure,
        service=listing.service,
        description=listing.description,
        responsible=listing.responsible,
        phone=listing.phone,
        is_red=int(listing.is_red),
        is_paperless=None if listing.is_paperless is None else int(listing.is_paperless),
        rank=listing.rank,
        now=to_micros(now),
    )


async def publish_again(tx: Tx, now: datetime, mailbox_id: MailboxId | None = None) -> tuple[MailboxId, ...]:
    """Make what was refused or accepted with less due, or one mailbox whatever its state; return which.

    Those on their way are left alone. What was left out because the directory did not know it is asked for once more.
    """
    less = await tx.all("boxes_with_less", mailbox_id=mailbox_id or 0)
    rows = await tx.all("publish_again", mailbox_id=mailbox_id or 0, now=to_micros(now))
    for number, published in less:
        there = _decode(published)
        if there.unknown_structure:
            kept = replace(there, unknown_structure="")
            await tx.run("set_published", mailbox_id=number, published=_encode(kept).decode())
    return tuple(MailboxId(row[0]) for row in rows)


async def mark_dropped(tx: Tx, one: Announced, state: PublicationState, code: str, now: datetime) -> bool:
    """Record what the file in force says of a mailbox; False when the mailbox has changed since, and nothing is."""
    row = await tx.one(
        "mark_dropped",
        mailbox_id=one.mailbox.mailbox_id,
        version=one.version,
        state=state.value,
        code=code,
        now=to_micros(now),
    )
    return row is not None


async def count_publications(tx: Tx) -> dict[PublicationState, int]:
    """Return how many mailboxes are in each state, those that none is in too."""
    found = dict.fromkeys(PublicationState, 0)
    return found | {PublicationState(state): number for state, number in await tx.all("count_publications")}


async def address_of_person(tx: Tx, identifier: str, domain: str) -> str:
    """Return the address of the mailbox that a national number has in a domain and that is not closed, or ""."""
    row = await tx.one("box_of_person", identifier=identifier, domain=domain)
    return "" if row is None else str(row[0])


async def boxes_of_staff(tx: Tx, local_id: str, kind: MailboxType, domain: str) -> tuple[str, ...]:
    """Return the address keys of whom the hospital's register names so, oldest mailbox first; numbers are re-used."""
    rows = await tx.all("boxes_of_staff", local_id=local_id, kind=kind.value, domain=domain)
    return tuple(str(row[0]) for row in rows)


async def _announced(tx: Tx, row: Row) -> Announced:
    mailbox = await mailbox_by_key(tx, row[0])
    if mailbox is None:
        msg = f"la boîte {row[0]} n'est plus là : vérifiez le magasin avec `mssante check`"
        raise StoreError(msg)
    structure, service, description, responsible, phone, is_red, is_paperless, rank, local_id = row[1 : 1 + _ATTRIBUTES]
    state, published, version, tries, due_at, lease, code, reason, changed_at = row[1 + _ATTRIBUTES :]
    paperless = None if is_paperless is None else bool(is_paperless)
    return Announced(
        mailbox=mailbox,
        listing=Listing(structure, service, description, responsible, phone, bool(is_red), paperless, rank, local_id),
        state=PublicationState(state),
        published=_decode(published) if published else None,
        version=version,
        tries=tries,
        due_at=None if due_at is None else from_micros(due_at),
        lease=lease,
        code=code,
        reason=reason,
        changed_at=from_micros(changed_at),
    )
