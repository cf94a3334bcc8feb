"""What an administrator does with copies on the way, by hand: hold, release, try again; each with its audit row.

A running operator notices by its slow look at the queue (``[queue] poll_seconds``). Not for deliveries themselves
(see `mssante.flows.deliver`).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from mssante.model.address import for_trace
from mssante.model.audit import AuditEvent
from mssante.model.errors import MssError
from mssante.model.message import Copy, CopyId
from mssante.store import audit, queue
from mssante.store.engine import Store
from mssante.store.tx import Tx

_Act = Callable[[Tx], Awaitable[bool]]


async def hold(store: Store, copy_id: CopyId, reason: str, *, actor: str, trace_key: bytes, now: datetime) -> Copy:
    """Keep an open copy until it is released; return it as it was.

    Raises:
        MssError: there is no such copy, or it came to its end.
    """
    refusal = "est arrivée à son terme ou est déjà retenue"
    return await _act(
        store, copy_id, "queue.held", lambda tx: queue.hold(tx, copy_id, reason, now), refusal, actor, trace_key, now
    )


async def release(store: Store, copy_id: CopyId, *, actor: str, trace_key: bytes, now: datetime) -> Copy:
    """Let a held copy go on at once; return it as it was.

    Raises:
        MssError: there is no such copy, or it is not held.
    """
    return await _act(
        store,
        copy_id,
        "queue.released",
        lambda tx: queue.release(tx, copy_id, now),
        "n'est pas retenue",
        actor,
        trace_key,
        now,
    )


async def retry(store: Store, copy_id: CopyId, *, actor: str, trace_key: bytes, now: datetime) -> Copy:
    """Make a waiting copy due now; return it as it was.

    Raises:
        MssError: there is no such copy, or it is not waiting.
    """
    refusal = "n'attend pas de nouvelle tentative"
    return await _act(
        store, copy_id, "queue.retried", lambda tx: queue.retry_now(tx, copy_id, now), refusal, actor, trace_key, now
    )


async def hold_domain(store: Store, domain: str, reason: str, *, actor: str, now: datetime) -> int:
    """Keep every open copy for one domain until it is released; return how many."""

    async def work(tx: Tx) -> int:
        held = await queue.hold_domain(tx, domain, reason, now)
        event = AuditEvent("queue.held", actor, domain, "ok", "administrator", {"copies": held, "reason": reason})
        await audit.append(tx, event, now)
        return held

    return await store.write(work)


async def _act(
    store: Store,
    copy_id: CopyId,
    event: str,
    act: _Act,
    refusal: str,
    actor: str,
    trace_key: bytes,
    now: datetime,
) -> Copy:
    async def work(tx: Tx) -> Copy:
        copy = await queue.show_copy(tx, copy_id)
        if copy is None:
            msg = f"la copie {copy_id} n'existe pas ; `mssante queue list` donne celles qui existent"
            raise MssError(msg)
        if not await act(tx):
            msg = f"la copie {copy_id} {refusal} (état : {copy.state.value})"
            raise MssError(msg)
        facts: dict[str, str | int] = {"copy": copy_id, "to": for_trace(copy.recipient.address, trace_key)}
        await audit.append(tx, AuditEvent(event, actor, copy.reference, "ok", "administrator", facts), now)
        return copy

    return await store.write(work)
