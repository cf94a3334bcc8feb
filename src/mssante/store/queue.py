"""The queue: one row per recipient copy, claimed with a lease, finished by whoever still holds it.

Says what is due and to whom it is given; when to try again is `mssante.rules.retry`.

Source: reliability.md K11, K13 to K16; reliability.md H14 (one dead destination must not starve the others).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from mssante.model.address import Address, parse_address
from mssante.model.decision import Kind
from mssante.model.envelope import MailOptions, Notify, Recipient
from mssante.model.message import Body, Copy, CopyId, CopyState, MessageId
from mssante.store.messages import free_if_unused
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx, joins

_encode_options = msgspec.json.encode
_decode_options = msgspec.json.Decoder(MailOptions).decode
_FORGET_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """What the last attempt of a copy said.

    Attributes:
        reply: the peer's line, or "".
        peer: host name and address, or "".
        rule: the rule that decided, or "".
        at: when the copy changed last.
    """

    state: CopyState
    kind: Kind | None
    detail: str
    reply: str
    peer: str
    rule: str
    at: datetime


async def add_copy(
    tx: Tx,
    *,
    message: MessageId,
    reference: str,
    sender: Address | None,
    recipient: Recipient,
    options: MailOptions,
    prefix: bytes,
    dsn: bool,
    due_at: datetime,
    now: datetime,
    state: CopyState = CopyState.WAITING,
) -> CopyId:
    """Queue a message for one recipient; return the copy's identifier.

    Args:
        prefix: header bytes that go in front of the body.
        dsn: the copy is itself a notice.
        due_at: when to try first.
    """
    copy_id = await tx.insert(
        "add_copy",
        message_id=message,
        reference=reference,
        state=state.value,
        sender=None if sender is None else str(sender),
        recipient=str(recipient.address),
        domain=recipient.address.domain,
        notify=recipient.notify.value,
        original=recipient.original,
        options=_encode_options(options).decode(),
        dsn=int(dsn),
        queued_at=to_micros(now),
        due_at=to_micros(due_at),
        prefix=prefix,
    )
    return CopyId(copy_id)


async def claim_due(
    tx: Tx,
    *,
    now: datetime,
    limit: int,
    lease: str,
    lease_until: datetime,
    busy: Mapping[str, int],
    per_destination: int,
    lanes: int = 0,
    gone: Collection[str] = (),
) -> list[Copy]:
    """Give due copies to a worker: SENDING, with its lease, one more try; return them with their bodies.

    The destination with the fewest copies under way comes first, then the oldest due; a copy whose lease has ended
    is due again.

    Args:
        limit: most copies.
        lease: token that `finish_copy` must show; on a shared store it begins with the run of its node and ``/``.
        busy: destination domain -> copies of it that are being sent by this worker.
        per_destination: most copies of one domain at the same time for this worker.
        lanes: most leases that run at the same time for one domain that is not ours, over all nodes; 0: any number.
        gone: runs of nodes that are no more; their leases count for no lane, but keep their copies until they end.
    """
    at = to_micros(now)
    destinations = sorted(
        (busy.get(domain, 0), first_due, domain)
        for domain, first_due in await tx.all("due_domains")
        if first_due <= at and busy.get(domain, 0) < per_destination
    )
    candidates: list[tuple[int, int, int]] = []
    found_domains, gone_text = 0, "".join(f"/{run}" for run in gone) + "/"
    for sending, _first_due, domain in destinations:
        if found_domains == limit:
            # A destination further down has nothing that comes before the first copies of these.
            break
        free = min(per_destination - sending, limit)
        due = await tx.all("due_copies", domain=domain, now=at, limit=free, lanes=lanes, gone=gone_text)
        candidates += [(sending + rank, due_at, copy_id) for rank, (copy_id, due_at) in enumerate(due)]
        found_domains += bool(due)
    candidates.sort()
    copies: list[Copy] = []
    for _rank, _due_at, copy_id in candidates[:limit]:
        await tx.run("claim_copy", copy_id=copy_id, lease=lease, lease_until=to_micros(lease_until), now=at)
        found = await tx.one("copy_by_id", copy_id=copy_id)
        if found is not None:
            copies.append(_copy(found))
    return copies


async def finish_copy(
    tx: Tx,
    *,
    copy_id: CopyId,
    lease: str,
    state: CopyState,
    due_at: datetime | None,
    kind: Kind | None,
    detail: str,
    reply: str,
    peer: str,
    rule: str,
    now: datetime,
) -> bool:
    """Record what became of a claimed copy, and under which Message-ID it went out (see `mssante.store.receipts`).

    Args:
        due_at: when to try next; None in a final state.

    Returns:
        False when the lease ended and the copy is another worker's: then nothing is recorded.
    """
    row = await tx.one(
        "finish_copy",
        copy_id=copy_id,
        lease=lease,
        state=state.value,
        due_at=to_micros(now if due_at is None else due_at),
        last_kind=None if kind is None else kind.value,
        last_detail=detail,
        reply=reply,
        peer=peer,
        rule=rule,
        now=to_micros(now),
    )
    if row is not None and state in {CopyState.RELAYED, CopyState.DELIVERED} and not joins(tx):
        await tx.run("note_sent", copy_id=copy_id, now=to_micros(now))
    return row is not None


async def give_back(tx: Tx, copies: Collection[Copy], now: datetime) -> None:
    """Let claimed copies go, so that nobody waits for the end of their lease; those that ended meanwhile stay so."""
    for copy in copies:
        await tx.run("give_back_copy", copy_id=copy.copy_id, lease=copy.lease, now=to_micros(now))


async def take_back_copy(
    tx: Tx, copy_id: CopyId, *, kind: Kind, detail: str, rule: str, now: datetime
) -> datetime | None:
    """Note that a copy which another operator had accepted did not arrive; return when it was accepted.

    None, and nothing is noted, when the copy is in any other state: a second notice about it tells nothing.
    """
    row = await tx.one("relayed_at", copy_id=copy_id)
    if row is None:
        return None
    taken = await tx.one(
        "take_back_copy", copy_id=copy_id, last_kind=kind.value, last_detail=detail, rule=rule, now=to_micros(now)
    )
    return None if taken is None else from_micros(row[0])


async def mark_warned(tx: Tx, copy_id: CopyId) -> bool:
    """Note that the sender was told of the delay; False when that was noted before (then send no other notice)."""
    return await tx.one("mark_warned", copy_id=copy_id) is not None


async def next_due(tx: Tx) -> datetime | None:
    """Return when the queue has something to do next, or None when nothing is open."""
    row = await tx.one("next_due")
    return None if row is None or row[0] is None else from_micros(row[0])


async def hold(tx: Tx, copy_id: CopyId, reason: str, now: datetime) -> bool:
    """Keep an open copy until it is released; False when there is none. A worker that has it loses its lease."""
    return await tx.one("hold_copy", copy_id=copy_id, detail=reason, now=to_micros(now)) is not None


async def hold_domain(tx: Tx, domain: str, reason: str, now: datetime) -> int:
    """Keep every open copy of one destination until it is released; return how many."""
    return len(await tx.all("hold_domain", domain=domain, detail=reason, now=to_micros(now)))


async def release(tx: Tx, copy_id: CopyId, now: datetime) -> bool:
    """Let a held copy go on at once; False when it was not held."""
    return await tx.one("release_copy", copy_id=copy_id, now=to_micros(now)) is not None


async def retry_now(tx: Tx, copy_id: CopyId, now: datetime) -> bool:
    """Make a waiting copy due now; False when it is not waiting."""
    return await tx.one("retry_now", copy_id=copy_id, now=to_micros(now)) is not None


async def list_copies(tx: Tx, *, state: CopyState | None = None, limit: int) -> list[Copy]:
    """Return copies without the bytes of their bodies, newest first."""
    rows = await tx.all("list_copies", state="" if state is None else state.value, limit=limit)
    return [_copy(row) for row in rows]


async def show_copy(tx: Tx, copy_id: CopyId) -> Copy | None:
    """Return one copy with its body, or None."""
    row = await tx.one("copy_by_id", copy_id=copy_id)
    return None if row is None else _copy(row)


async def last_attempt(tx: Tx, copy_id: CopyId) -> LastAttempt | None:
    """Return what the last attempt of a copy said, or None when there is no such copy."""
    row = await tx.one("copy_outcome", copy_id=copy_id)
    if row is None:
        return None
    state, kind, detail, reply, peer, rule, at = row
    known = None if kind is None else Kind(kind)
    return LastAttempt(CopyState(state), known, detail, reply, peer, rule, from_micros(at))


async def copies_of(tx: Tx, reference: str) -> list[Copy]:
    """Return the copies of one message, without the bytes of their bodies, in the order they were queued."""
    return [_copy(row) for row in await tx.all("copies_of", reference=reference)]


async def count_states(tx: Tx) -> dict[CopyState, int]:
    """Return how many copies are in each state."""
    found = {CopyState(state): int(count) for state, count in await tx.all("count_states")}
    return {state: found.get(state, 0) for state in CopyState}


async def forget_finished(tx: Tx, before: datetime) -> int:
    """Drop copies that came to their end before a time, at most 1,000 in one transaction; return how many.

    The bytes of their messages go with them when no folder has them.
    """
    rows = await tx.all("forget_finished", before=to_micros(before), limit=_FORGET_ROWS)
    for message in dict.fromkeys(row[0] for row in rows):
        await free_if_unused(tx, message)
    return len(rows)


def _copy(row: Row) -> Copy:
    (
        copy_id, message, reference, state, sender, recipient, notify, original, options, prefix,
        sha256, size_bytes, data, path, tries, queued_at, due_at, lease, warned, last_kind, last_detail, dsn,
    ) = row  # fmt: skip
    return Copy(
        copy_id=CopyId(copy_id),
        message=MessageId(message),
        reference=reference,
        state=CopyState(state),
        sender=None if sender is None else parse_address(sender),
        recipient=Recipient(parse_address(recipient), Notify(notify), original),
        options=_decode_options(options),
        prefix=prefix,
        body=Body(sha256, size_bytes, data, path),
        tries=tries,
        queued_at=from_micros(queued_at),
        due_at=from_micros(due_at),
        lease=lease,
        warned=bool(warned),
        last_kind=None if last_kind is None else Kind(last_kind),
        last_detail=last_detail,
        dsn=bool(dsn),
    )
