"""Who of ours wrote to whom, which addresses bounce, and the last comparison with the directory.

Addresses stand here by their look-up key. Not for the copies themselves (see `mssante.store.queue`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.model.address import Address
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx

FORGOTTEN_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Correspondent:
    """One of ours, and somebody it wrote to.

    Attributes:
        sender, recipient: address keys.
        wrote_at: of the last copy that came to its end, well or not.
        delivered_at: of the last one that arrived, or None.
        delivered: how many arrived.
    """

    sender: str
    recipient: str
    wrote_at: datetime
    delivered_at: datetime | None
    delivered: int


@dataclass(frozen=True, slots=True)
class Bounced:
    """An address that failed for good at least once.

    Attributes:
        delivered_at: last success of anybody of ours, or None.
        first_failed_at: first hard bounce since that success.
        failures: hard bounces since that success; 0: it came back.
        reason: value of a `Kind`.
    """

    recipient: str
    delivered_at: datetime | None
    first_failed_at: datetime
    failed_at: datetime
    failures: int
    reason: str


@dataclass(frozen=True, slots=True)
class KeptComparison:
    """The last comparison with the directory; `result` is JSON."""

    at: datetime
    found: int
    result: bytes


async def note_arrival(tx: Tx, sender: Address, recipient: Address, now: datetime) -> None:
    """Note that a copy arrived: it ends the failures of the address."""
    await tx.run("note_correspondent", sender=sender.key, recipient=recipient.key, now=to_micros(now), arrived=1)
    await tx.run("note_alive", recipient=recipient.key, now=to_micros(now))


async def note_failure(tx: Tx, sender: Address, recipient: Address, now: datetime, bounce: str = "") -> None:
    """Note that a copy failed; `bounce` is why when that was a hard bounce of the address, "" otherwise."""
    await tx.run("note_correspondent", sender=sender.key, recipient=recipient.key, now=to_micros(now), arrived=0)
    if bounce:
        await tx.run("note_bounce", recipient=recipient.key, now=to_micros(now), reason=bounce)


async def note_return(
    tx: Tx, sender: Address, recipient: Address, accepted_at: datetime, now: datetime, bounce: str = ""
) -> None:
    """Note that a copy which had been noted as arrived came back by mail; `bounce` as of `note_failure`.

    Args:
        accepted_at: when it had been noted; the failures of the address that it had ended go on.
    """
    await tx.run("note_not_arrived", sender=sender.key, recipient=recipient.key)
    await tx.run("note_not_alive", recipient=recipient.key, accepted_at=to_micros(accepted_at))
    if bounce:
        await tx.run("note_bounce", recipient=recipient.key, now=to_micros(now), reason=bounce)


async def bounced(tx: Tx, key: str) -> Bounced | None:
    """Return what is known of an address that failed once, or None."""
    row = await tx.one("recipient_told", recipient=key)
    return None if row is None else _bounced(row)


async def failing(tx: Tx, limit: int) -> list[Bounced]:
    """Return the addresses that fail now, the last failure first."""
    return [_bounced(row) for row in await tx.all("failing_recipients", limit=limit)]


async def written_by(tx: Tx, sender: str, limit: int) -> list[Correspondent]:
    """Return to whom a mailbox (by key) wrote with success, the last one first."""
    return [_correspondent(row) for row in await tx.all("correspondents_of", sender=sender, limit=limit)]


async def written_to(tx: Tx, recipient: str, since: datetime, limit: int) -> list[Correspondent]:
    """Return who of ours wrote to an address (by key) since a time, arrived or not, the last one first."""
    rows = await tx.all("correspondents_to", recipient=recipient, since=to_micros(since), limit=limit)
    return [_correspondent(row) for row in rows]


async def forget(tx: Tx, before: datetime, limit: int = FORGOTTEN_AT_ONCE) -> int:
    """Forget what was last heard of before a time, `limit` rows of each table at most; return how many rows."""
    forgotten = await tx.run("forget_correspondents", before=to_micros(before), limit=limit)
    return forgotten + await tx.run("forget_health", before=to_micros(before), limit=limit)


async def keep_comparison(tx: Tx, at: datetime, found: int, result: bytes) -> None:
    """Keep the last comparison with the directory, in the place of the one before."""
    await tx.run("keep_comparison", at=to_micros(at), found=found, result=result)


async def last_comparison(tx: Tx) -> KeptComparison | None:
    """Return the last comparison with the directory, or None."""
    row = await tx.one("last_comparison")
    return None if row is None else KeptComparison(from_micros(row[0]), row[1], bytes(row[2]))


def _bounced(row: Row) -> Bounced:
    recipient, delivered_at, first_failed_at, failed_at, failures, reason = row
    return Bounced(
        recipient, _moment(delivered_at), from_micros(first_failed_at), from_micros(failed_at), failures, reason
    )


def _correspondent(row: Row) -> Correspondent:
    return Correspondent(row[0], row[1], from_micros(row[2]), _moment(row[3]), row[4])


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
