"""Note that the holder of a mailbox is away, or back again; what is answered meanwhile is `mssante.flows.answering`.

Source: users.md 7.3 DOC-5.
"""

from datetime import datetime

from mssante.model.address import Address, for_trace
from mssante.model.audit import AuditEvent
from mssante.model.errors import MssError
from mssante.model.life_cycle import Absence
from mssante.model.mailbox import MailboxId
from mssante.rules.absence import absence_fault
from mssante.store import absences, audit
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx


async def set_absence(store: Store, absence: Absence, *, actor: str, trace_key: bytes, now: datetime) -> None:
    """Keep that a holder is away, with its audit row; what the text says stays out of the audit.

    Args:
        store: of this operator.
        absence: its mailbox is found by its address.
        actor, trace_key: for the audit.
        now: UTC.

    Raises:
        MssError: there is no such mailbox, or the absence is not sound.
    """
    fault = absence_fault(absence.address, absence.starts_at, absence.ends_at, absence.text, absence.substitute, now)
    if fault:
        msg = f"boîte {absence.address} : {fault}"
        raise MssError(msg)

    async def work(tx: Tx) -> None:
        mailbox_id = await _mailbox_id(tx, absence.address)
        await absences.set_absence(
            tx,
            mailbox_id,
            starts_at=absence.starts_at,
            ends_at=absence.ends_at,
            text=absence.text,
            substitute=absence.substitute,
        )
        facts = {
            "from": absence.starts_at.isoformat(timespec="seconds"),
            "until": absence.ends_at.isoformat(timespec="seconds"),
            "substitute": "" if absence.substitute is None else for_trace(absence.substitute, trace_key),
        }
        subject = for_trace(absence.address, trace_key)
        await audit.append(tx, AuditEvent("absence.set", actor, subject, "ok", "absence", facts), now)

    await store.write(work)


async def clear_absence(store: Store, address: Address, *, actor: str, trace_key: bytes, now: datetime) -> bool:
    """Forget that a holder is away; False when nothing was kept.

    Raises:
        MssError: there is no such mailbox.
    """

    async def work(tx: Tx) -> bool:
        cleared = await absences.clear_absence(tx, await _mailbox_id(tx, address))
        if cleared:
            event = AuditEvent("absence.cleared", actor, for_trace(address, trace_key), "ok", "absence")
            await audit.append(tx, event, now)
        return cleared

    return await store.write(work)


async def _mailbox_id(tx: Tx, address: Address) -> MailboxId:
    found = await mailbox_by_key(tx, address.key)
    if found is None:
        msg = f"la boîte {address} n'existe pas ici ; `mssante mailbox list` donne celles qui existent"
        raise MssError(msg)
    return found.mailbox_id
