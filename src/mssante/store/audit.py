"""The audit chain: rows that hold the hash of the row before, written in the transaction that they tell about.

Only one writer commits at a time, so the head that is read in the transaction is the head of all.

Source: design.md law 4; reliability.md G01, K17.
"""

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from mssante.model.audit import AuditCheck, AuditEvent, AuditRow
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Tx, joins

FIRST_PREVIOUS: Final = bytes(32)
_PAGE_ROWS: Final = 1000
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(AuditEvent).decode


async def append(tx: Tx, event: AuditEvent, now: datetime) -> AuditRow:
    """Add an event at the end of the chain; return it as written."""
    if joins(tx):
        text = _encode(event)
        # The server makes the same hash from the same bytes; `verify` makes it again here.
        ((seq, digest, previous),) = await tx.all("append_audit", at=to_micros(now), event=text.decode())
        return AuditRow(seq, now, event, previous, digest)
    head = await tx.one("audit_head")
    seq, previous = (1, FIRST_PREVIOUS) if head is None else (head[0] + 1, head[1])
    at, text = to_micros(now), _encode(event)
    digest = _chained(previous, seq, at, text)
    await tx.run("add_audit", seq=seq, at=at, event=text.decode(), digest=digest)
    return AuditRow(seq, now, event, previous, digest)


async def verify(tx: Tx, *, expected: tuple[int, bytes] | None = None) -> AuditCheck:
    """Return what a walk over the whole chain finds.

    Args:
        expected: number and hash of a row noted elsewhere; finds a chain whose end was cut off.
    """
    seq, digest = 0, FIRST_PREVIOUS
    awaits = expected
    while page := await tx.all("audit_page", after_seq=seq, limit=_PAGE_ROWS):
        for row_seq, at, text, row_digest in page:
            if row_seq != seq + 1:
                return AuditCheck(seq, seq, digest, seq + 1, "a row is missing")
            if _chained(digest, row_seq, at, text.encode()) != row_digest:
                return AuditCheck(seq, seq, digest, row_seq, "the row or the one before was changed")
            if expected is not None and row_seq == expected[0]:
                if row_digest != expected[1]:
                    return AuditCheck(seq, seq, digest, row_seq, "the row is not the one that was noted")
                awaits = None
            seq, digest = row_seq, row_digest
    if awaits is not None and awaits[0] > 0:
        return AuditCheck(seq, seq, digest, seq + 1, f"the chain ends before the noted row {awaits[0]}")
    return AuditCheck(seq, seq, digest, None)


async def rows(tx: Tx, *, after_seq: int = 0, limit: int, event_prefix: str = "", subject: str = "") -> list[AuditRow]:
    """Return rows in order; an empty filter means all.

    Args:
        after_seq: rows above this number.
        limit: most rows.
        event_prefix: ``message.`` gives all events of messages.
        subject: exactly.
    """
    found = await tx.all("audit_rows", after_seq=after_seq, limit=limit, event_prefix=event_prefix, subject=subject)
    return [
        AuditRow(seq, from_micros(at), _decode(text), FIRST_PREVIOUS if previous is None else previous, digest)
        for seq, at, text, digest, previous in found
    ]


async def head(tx: Tx) -> tuple[int, bytes]:
    """Return number and hash of the last row, to be noted elsewhere; 0 and zeros for an empty chain."""
    row = await tx.one("audit_head")
    return (0, FIRST_PREVIOUS) if row is None else (row[0], row[1])


async def seq_before(tx: Tx, moment: datetime) -> int:
    """Return the number of the last row that is older than a time, or 0: where a search for what came after begins.

    The chain is in order of time but for the clocks of several nodes; leave a margin. A step for each doubling of it.
    """
    low, high = 0, (await head(tx))[0]
    while low < high:
        middle = (low + high + 1) // 2
        page = await tx.all("audit_page", after_seq=middle - 1, limit=1)
        if page and from_micros(page[0][1]) < moment:
            low = middle
        else:
            high = middle - 1
    return low


def _chained(previous: bytes, seq: int, at: int, text: bytes) -> bytes:
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + at.to_bytes(8, "big", signed=True) + text).digest()
