"""Automatic answers while a holder is away, through the same submission as any message.

Looks at what came into the inboxes of those who are away, whichever way it came: reception and local delivery know
nothing of it. After a crash the same answer is made again, byte for byte, and the submission knows it (law 10).

Source: RFC 3834 sections 2 to 5; users.md 7.3 DOC-5.
"""

import asyncio
import hashlib
from datetime import datetime
from functools import partial
from typing import Final

from mssante.flows.ports import Clock
from mssante.flows.submit import Submitting
from mssante.model.address import Address, for_trace, parse_address
from mssante.model.audit import AuditEvent
from mssante.model.decision import Refusal
from mssante.model.envelope import MailOptions, Notify, Recipient
from mssante.model.errors import MssError, StoreError
from mssante.model.life_cycle import Absence
from mssante.model.log import Log
from mssante.model.mailbox import Identity, Method, Role
from mssante.model.message import Body, StoredMessage
from mssante.model.peer import PeerFacts
from mssante.rules.absence import AGAIN_AFTER, AnswerFacts, why_silent
from mssante.store import absences, audit, messages
from mssante.store.engine import Store
from mssante.store.mailboxes import folder_by_role
from mssante.store.tx import Tx
from mssante.wire.mime.addresses import parse_addresses
from mssante.wire.mime.compose import compose
from mssante.wire.mime.headers import iter_fields
from mssante.wire.mime.words import one_line

POLL_SECONDS: Final = 10.0
_MESSAGES_MAX: Final = 100
_HEADER_BYTES: Final = 256 * 1024
_VALUE_CHARS: Final = 500
_READ: Final = frozenset({"auto-submitted", "precedence", "content-type", "x-auto-response-suppress"})


class Answering:
    """Answers for those who are away."""

    def __init__(self, *, store: Store, submitting: Submitting, clock: Clock, log: Log) -> None:
        """Keep the store, the way out and the clock."""
        self._store = store
        self._submitting = submitting
        self._clock = clock
        self._log = log

    async def run(self) -> None:
        """Look for ever; what fails is tried again at the next look."""
        while True:
            try:
                await self.answer_new()
            except StoreError as error:
                self._log.error("absences-not-answered", error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    async def answer_new(self) -> int:
        """Consider what came in since the last look; return how many answers were submitted."""
        now = self._clock()
        answered = 0
        for absence in await self._store.read(lambda tx: absences.absences(tx, now)):
            for message in await self._store.read(partial(_unseen, absence=absence)):
                done = await self._consider(absence, message, now)
                if done is None:
                    break
                answered += done
        return answered

    async def forget(self) -> None:
        """Forget who was answered so long ago that he would be answered again; once a day will do."""
        before = self._clock() - AGAIN_AFTER
        await self._store.write(lambda tx: absences.forget_answers(tx, before))

    async def _consider(self, absence: Absence, message: StoredMessage, now: datetime) -> bool | None:
        """Answer a message or not; None when there is no way out for now and it is to be considered again."""
        facts, subject = await self._facts(absence, message)
        silent = "early" if message.received_at < absence.starts_at else why_silent(facts, now)
        if not silent and facts.sender is not None:
            data = _answer(absence, message, facts.sender, subject, self._submitting.settings.hostname)
            refusal = await self._submit(absence.address, facts.sender, data)
            if refusal is not None and refusal.is_temporary:
                return None
            silent = "" if refusal is None else refusal.kind.value
        await self._store.write(lambda tx: self._note(tx, absence, message, facts.sender, silent, now))
        return not silent

    async def _facts(self, absence: Absence, message: StoredMessage) -> tuple[AnswerFacts, str]:
        async def work(tx: Tx) -> tuple[Body | None, datetime | None]:
            found = await messages.message_content(tx, message.mailbox_id, message.folder_id, message.uid)
            body = None if found is None else found[1]
            return body, None if sender is None else await absences.answered_at(tx, absence.mailbox_id, sender)

        sender = _parsed(message.sender)
        body, answered_at = await self._store.read(work)
        # While the object store is away the message is not judged by an empty header: it is considered again.
        head = b"" if body is None else await self._store.blobs.beginning(body, _HEADER_BYTES)
        values, named = _header(head)
        facts = AnswerFacts(
            box=absence.address,
            sender=sender,
            named=named,
            fields=message.summary.present,
            auto_submitted=values.get("auto-submitted", ""),
            precedence=values.get("precedence", ""),
            content_type=values.get("content-type", ""),
            suppress=values.get("x-auto-response-suppress", ""),
            answered_at=answered_at,
        )
        return facts, message.summary.subject

    async def _submit(self, box: Address, to: Address, data: bytes) -> Refusal | None:
        """Put the answer through the submission with the null sender; return its refusal, or None.

        Source: RFC 3834 section 3.3 (null return path).
        """
        identity = Identity(None, str(box), Method.AUTOMATIC, {box.key: box}, frozenset())
        sending = self._submitting.begin(identity, PeerFacts("local", 0), "")
        for decision in (
            await sending.sender(None, MailOptions(size_bytes=len(data))),
            await sending.recipient(Recipient(to, Notify.NEVER)),
            sending.start_data(),
        ):
            if isinstance(decision, Refusal):
                sending.abort()
                return decision
        waiting = sending.data(data)
        if waiting is not None:
            await waiting
        done = await sending.finish()
        return done if isinstance(done, Refusal) else None

    async def _note(
        self, tx: Tx, absence: Absence, message: StoredMessage, sender: Address | None, silent: str, now: datetime
    ) -> None:
        await absences.seen(tx, absence.mailbox_id, message.uid)
        if silent or sender is None:
            return
        await absences.note_answer(tx, absence.mailbox_id, sender, now)
        key = self._submitting.settings.trace_key
        facts = {"from": for_trace(absence.address, key), "to": for_trace(sender, key)}
        await audit.append(
            tx, AuditEvent("absence.answered", "system", message.reference, "ok", "RFC 3834", facts), now
        )


def _answer(absence: Absence, message: StoredMessage, to: Address, subject: str, hostname: str) -> bytes:
    """Return the answer; the same bytes for the same message, whenever it is made.

    Source: RFC 3834 sections 3.1.2 to 3.1.8 (Date, Subject, In-Reply-To, References, Auto-Submitted, body).
    """
    seed = f"{absence.mailbox_id} {message.reference}"
    headers = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    original = message.summary.message_id
    return compose(
        sender=absence.address,
        to=(to,),
        subject=f"Absence : {subject}"[:_VALUE_CHARS],
        text=_text(absence),
        message_id=f"absence-{hashlib.sha256(seed.encode()).hexdigest()[:24]}@{hostname}",
        now=message.received_at,
        in_reply_to=original,
        references=(original,) if original else (),
        headers=headers,
    )


def _text(absence: Absence) -> str:
    lines = [
        "Bonjour,",
        f"Le titulaire de la boîte {absence.address} est absent : pas de réponse avant le {absence.ends_at:%d/%m/%Y}.",
    ]
    if absence.substitute is not None:
        lines.append(f"En son absence, écrivez à {absence.substitute}.")
    if absence.text:
        lines.append(absence.text)
    lines.append(
        "Votre message est bien arrivé dans sa boîte. Cette réponse est automatique et ne vous sera pas envoyée de "
        "nouveau avant quelques jours. En cas d'urgence, ne comptez pas sur la messagerie : appelez le 15."
    )
    return "\n\n".join(lines) + "\n"


def _header(head: bytes) -> tuple[dict[str, str], frozenset[str]]:
    """Return the values that the rule reads, and the keys of the addresses in To and Cc."""
    values: dict[str, str] = {}
    named: set[str] = set()
    for name, value in iter_fields(head):
        field = name.decode("ascii", "replace").lower()
        if field in {"to", "cc"}:
            named |= {address.key for _, address in parse_addresses(value)}
        elif field in _READ:
            values.setdefault(field, one_line(value[:_VALUE_CHARS].decode("utf-8", "replace")))
    return values, frozenset(named)


async def _unseen(tx: Tx, absence: Absence) -> list[StoredMessage]:
    folder = await folder_by_role(tx, absence.mailbox_id, Role.INBOX)
    return await messages.list_messages(tx, folder.folder_id, after_uid=absence.seen_uid, limit=_MESSAGES_MAX)


def _parsed(text: str) -> Address | None:
    try:
        return parse_address(text)
    except MssError:
        return None
