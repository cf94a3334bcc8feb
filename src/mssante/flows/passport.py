"""The passport of a message, gathered from the queue, the audit and receipts; and the watch over who waits for a sign.

What the facts mean is `mssante.rules.passport`.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from mssante.flows.ports import Clock
from mssante.model.address import Address, for_trace, parse_address
from mssante.model.audit import AuditEvent, AuditRow
from mssante.model.envelope import MailOptions, Notify, Recipient
from mssante.model.errors import MssError, StoreError, TheirProtocolError
from mssante.model.log import Log
from mssante.model.message import Body, Copy
from mssante.model.receipt import Receipt, Wish
from mssante.rules.passport import Passport, PassportFacts, passport
from mssante.rules.timeline import CopyFacts
from mssante.store import audit, messages, queue, receipts
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.mime.compose import compose
from mssante.wire.mime.headers import summarize

POLL_SECONDS: Final = 30.0
WISHES_AT_ONCE: Final = 100
RECEIPT_AGE: Final = timedelta(days=400)
NAME_AGE: Final = timedelta(days=90)
"""As long as copies are kept: without its copy nothing proves a receipt."""
CLOCK_MARGIN: Final = timedelta(hours=1)
"""What clocks of nodes may differ by, generously."""
WAIT_MAX: Final = timedelta(days=30)
_PAGE_ROWS: Final = 2000
_ROWS_MAX: Final = 20_000


async def passport_of(store: Store, reference: str, *, trace_key: bytes, now: datetime) -> Passport | None:
    """Return the passport of a message that we sent; None when nothing is known of it, or when it only came in."""

    async def work(tx: Tx) -> Passport | None:
        return await _passport(tx, reference, await _rows(tx, reference), trace_key, now)

    return await store.read_long(work)


async def _passport(
    tx: Tx, reference: str, rows: Sequence[AuditRow], trace_key: bytes, now: datetime
) -> Passport | None:
    copies = await queue.copies_of(tx, reference)
    told, said = await receipts.receipts_of(tx, reference), await receipts.outcomes(tx, reference)
    known = [_copy_facts(copy, said.get(copy.copy_id, ("", copy.queued_at)), trace_key) for copy in copies]
    known += _gone(rows, {one.trace for one in known}, told, trace_key)
    if not known:
        return None
    wish = await receipts.wish_of(tx, reference)
    return passport(PassportFacts(reference, tuple(known), tuple(rows), tuple(told), wish, now))


async def _rows(tx: Tx, reference: str) -> list[AuditRow]:
    """Return the audit of a message; a round letter has many rows."""
    found: list[AuditRow] = []
    first = await audit.seq_before(tx, _not_before(reference))
    while len(found) < _ROWS_MAX:
        after = found[-1].seq if found else first
        page = await audit.rows(tx, after_seq=after, limit=_PAGE_ROWS, subject=reference)
        found += page
        if len(page) < _PAGE_ROWS:
            break
    return found


def _not_before(reference: str) -> datetime:
    """Return a time before which nothing can have been written of a message: its reference begins with its second.

    What does not look like a reference of ours gives the beginning of time: then the whole audit is looked through.
    """
    try:
        return datetime.fromtimestamp(int(reference[:8], 16), UTC) - CLOCK_MARGIN
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _copy_facts(copy: Copy, said: tuple[str, datetime], trace_key: bytes) -> CopyFacts:
    address = copy.recipient.address
    return CopyFacts(
        recipient=str(address),
        key=address.key,
        trace=for_trace(address, trace_key),
        state=copy.state,
        due_at=copy.due_at,
        kind=copy.last_kind,
        reply=said[0],
        changed_at=said[1],
    )


def _gone(rows: Sequence[AuditRow], known: set[str], told: Sequence[Receipt], trace_key: bytes) -> list[CopyFacts]:
    """Return the recipients of the submission whose copies are no longer in the queue; none may vanish silently."""
    keys = {for_trace(_address(one.recipient), trace_key): one.recipient for one in told}
    named: dict[str, None] = {}
    for row in rows:
        if row.event.event == "message.submitted" and "same_as" not in row.event.facts:
            named |= dict.fromkeys(str(row.event.facts.get("to", "")).split(","))
    return [
        CopyFacts(trace, keys.get(trace) or _key_of(trace), trace) for trace in named if trace and trace not in known
    ]


def _address(key: str) -> Address:
    local, _, domain = key.rpartition("@")
    return Address(local, domain)


def _key_of(trace: str) -> str:
    try:
        return parse_address(trace).key
    except TheirProtocolError:
        return ""


async def wait_for_sign(
    store: Store, reference: str, after: timedelta, *, actor: str, trace_key: bytes, now: datetime
) -> datetime:
    """Keep that the sender wants to be told when nothing came within a time of the acceptance; return the end of it.

    Raises:
        MssError: no such message is known, or the time is over 30 days.
    """
    if not timedelta(0) < after <= WAIT_MAX:
        msg = f"le délai doit aller d'une heure à {WAIT_MAX.days} jours"
        raise MssError(msg)

    async def work(tx: Tx) -> datetime:
        copies = [copy for copy in await queue.copies_of(tx, reference) if copy.sender is not None and not copy.dsn]
        if not copies or copies[0].sender is None:
            msg = f"aucun message envoyé d'ici n'a la référence {reference} ; `mssante mail trace` le cherche"
            raise MssError(msg)
        sender, due_at = copies[0].sender, copies[0].queued_at + after
        await receipts.set_wish(tx, reference, sender, due_at)
        facts: dict[str, str | int] = {
            "from": for_trace(sender, trace_key),
            "until": due_at.isoformat(timespec="seconds"),
        }
        await audit.append(tx, AuditEvent("message.watched", actor, reference, "ok", "sender", facts), now)
        return due_at

    return await store.write(work)


@dataclass(slots=True)
class SilenceWatch:
    """Tells senders, once, when nothing came of a message within the time that they chose.

    Attributes:
        hostname, postmaster: ours.
        wake_queue: called when a notice was queued.
    """

    store: Store
    hostname: str
    postmaster: Address
    trace_key: bytes
    new_reference: Callable[[], str]
    clock: Clock
    log: Log
    wake_queue: Callable[[], None]
    _forgot_at: datetime | None = None

    async def run(self) -> None:
        """Look for ever; what fails is tried again at the next look."""
        while True:
            try:
                await self.look()
                await self._forget()
            except StoreError as error:
                self.log.error("silence-not-watched", error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> int:
        """Settle the wishes whose time has come; return how many senders were told."""
        told = 0
        while True:
            now = self.clock()
            due = await self.store.read(partial(receipts.wishes_due, now=now, limit=WISHES_AT_ONCE))
            for wish in due:
                silent = await self.store.write(partial(self._settle, wish=wish, now=now))
                if silent:
                    told += 1
                    self.log.warning("message-silent", reference=wish.reference, silent=silent)
            if len(due) < WISHES_AT_ONCE:
                break
        if told:
            self.wake_queue()
        return told

    async def _settle(self, tx: Tx, wish: Wish, now: datetime) -> int:
        """Note the wish as looked at, with the notice that it owes; return how many recipients were silent."""
        # Without the audit, which is long to look through and holds nothing that the queue does not say meanwhile.
        found = await _passport(tx, wish.reference, (), self.trace_key, now)
        silent = 0 if found is None else found.silent
        if not await receipts.settle_wish(tx, wish.reference, silent, now) or found is None or not silent:
            return 0
        sender = parse_address(wish.sender)
        facts: dict[str, str | int] = {
            "from": for_trace(sender, self.trace_key),
            "silent": silent,
            "recipients": len(found.timelines),
        }
        await audit.append(tx, AuditEvent("message.silent", "system", wish.reference, "ok", "sender", facts), now)
        await self._queue(tx, sender, wish, found, now)
        return silent

    async def _queue(self, tx: Tx, sender: Address, wish: Wish, found: Passport, now: datetime) -> None:
        reference = self.new_reference()
        original = await receipts.name_of(tx, wish.reference) or f"{wish.reference}@{self.hostname}"
        data = compose(
            sender=self.postmaster,
            to=(sender,),
            subject="Sans nouvelles de votre message",
            text=silence_text(wish, found),
            message_id=f"{reference}@{self.hostname}",
            now=now,
            in_reply_to=original,
            references=(original,),
            headers={"Auto-Submitted": "auto-generated"},
        )
        body = Body(hashlib.sha256(data).digest(), len(data), data, None)
        message = await messages.add_message(
            tx, reference=reference, sender=None, summary=summarize(data), body=body, decision="notice: silent", now=now
        )
        await queue.add_copy(
            tx,
            message=message,
            reference=reference,
            sender=None,
            recipient=Recipient(sender, Notify.NEVER),
            options=MailOptions(eight_bit=True),
            prefix=b"",
            dsn=True,
            due_at=now,
            now=now,
        )

    async def _forget(self) -> None:
        now = self.clock()
        if self._forgot_at is not None and now < self._forgot_at + timedelta(days=1):
            return
        while await self.store.write_long(lambda tx: receipts.forget(tx, now - RECEIPT_AGE, now - NAME_AGE)):
            pass
        self._forgot_at = now


def silence_text(wish: Wish, found: Passport) -> str:
    """Return what the sender reads; the subject of the message is not repeated, its thread shows it."""
    lines = [
        "Bonjour,",
        "",
        f"Vous avez demandé à être prévenu si rien ne venait avant le {_day(wish.due_at)}.",
        "Aucun signe (ouverture, intégration ou réponse) de :",
        "",
    ]
    for one in found.timelines:
        if one.is_silent:
            lines += [f"  {one.recipient}", f"    {one.text}", f"    {one.advice}" if one.advice else "", ""]
    others = [one for one in found.timelines if not one.is_silent]
    if others:
        lines += ["Les autres destinataires :", ""]
        lines += [f"  {one.recipient} : {one.text}" for one in others] + [""]
    lines.append("Le silence ne dit pas que le message n'a pas été lu : tous les logiciels ne rendent pas d'accusé.")
    lines.append(f"Référence à donner à votre opérateur : {wish.reference}")
    return "\n".join(lines) + "\n"


def _day(at: datetime) -> str:
    return f"{at:%d/%m/%Y} à {at:%H} h {at:%M} (UTC)"
