"""A box of ours gives a receipt for a message that it got: opened, filed, or refused with a code; once, with audit.

For a program behind an APP box, or by hand. What comes back to our own senders is `mssante.flows.receipts`.
"""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from mssante.flows.intake import Accepted
from mssante.flows.submit import Submitting
from mssante.model.address import Address, for_trace, parse_address
from mssante.model.audit import AuditEvent
from mssante.model.decision import Refusal
from mssante.model.envelope import MailOptions, Notify, Recipient
from mssante.model.errors import MssError, TheirProtocolError
from mssante.model.mailbox import Identity, Mailbox, Method
from mssante.model.message import Body, StoredMessage
from mssante.model.peer import PeerFacts
from mssante.model.receipt import ERROR_LABELS, ReceiptKind
from mssante.store import audit, messages, receipts
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.mime.decode import decode_transfer
from mssante.wire.mime.headers import split_header
from mssante.wire.mime.mdn import (
    Asked,
    Attachment,
    Disposition,
    Mdn,
    ReceiptLetter,
    asks_for_receipt,
    is_automatic,
    write_integration_error,
    write_mdn,
)
from mssante.wire.mime.parameters import parameter
from mssante.wire.mime.parts import parse_parts, walk

ATTACHMENTS_MAX: Final = 10
_ENVELOPE: Final = frozenset({"rights", "R1"})
"""Rules that refuse whatever the content."""
_GIVEN_BACK: Final = (".zip", ".pdf")
_KINDS: Final = {
    Disposition.DISPLAYED: ReceiptKind.MDN_DISPLAYED,
    Disposition.PROCESSED: ReceiptKind.MDN_PROCESSED,
    Disposition.DELETED: ReceiptKind.MDN_DELETED,
    Disposition.DISPATCHED: ReceiptKind.MDN_DISPATCHED,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be told of a message.

    Attributes:
        disposition: what became of it.
        code: of an integration error, or "".
        is_automatic: a program decided, nobody was asked.
        confirmed: somebody agreed to send it elsewhere than to the return path.
    """

    disposition: Disposition
    code: str = ""
    is_automatic: bool = False
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A receipt that was given: where it went, our reference of it, whether the sender had asked for one."""

    to: Address
    reference: str
    was_asked: bool


class Acknowledging:
    """Gives receipts in the name of our boxes, through the same submission as any message."""

    def __init__(self, *, store: Store, submitting: Submitting) -> None:
        """Keep the store and the way out."""
        self._store = store
        self._submitting = submitting

    async def answer(
        self, box: Mailbox, reference: str, verdict: Verdict, *, actor: str, now: datetime
    ) -> Acknowledged:
        """Give a receipt for a message of a box; an error is told even when no receipt was asked for.

        Args:
            reference: ours, of the message that came in.

        Raises:
            MssError: no such message, no receipt was asked for, one was given, or it may not go there.

        Source: clients.md 5.7; RFC 8098 sections 2.1 and 3.
        """
        if verdict.code and verdict.code not in ERROR_LABELS.keys() - {"0"}:
            msg = f"le code {verdict.code} n'existe pas ; codes : {', '.join(sorted(ERROR_LABELS.keys() - {'0'}))}"
            raise MssError(msg)
        message, data = await self._message(box, reference)
        sender = _parsed(message.sender)
        wanted = asks_for_receipt(data, sender)
        if wanted is None and verdict.is_automatic and is_automatic(data):
            msg = "ce message vient d'un programme et ne demande pas d'accusé : aucun programme ne lui répond"
            raise MssError(msg)
        asked, was_asked = _judged(wanted, sender, verdict), wanted is not None
        hostname = self._submitting.settings.hostname
        letter = _letter(box.address, asked.to, message, data, now, hostname)
        mdn = _mdn(box.address, message, verdict, hostname)
        write = write_mdn if was_asked else write_integration_error
        answer = await self._submit(box.address, asked.to, write(mdn, letter), actor, is_receipt=was_asked)
        if isinstance(answer, Refusal) and letter.attachments and answer.rule not in _ENVELOPE:
            # What is wrong may be the very archive that is given back: then the header alone goes back.
            bare = replace(letter, attachments=(), original=data[: max(split_header(data, len(data)), 0)])
            answer = await self._submit(box.address, asked.to, write(mdn, bare), actor, is_receipt=was_asked)
        if isinstance(answer, Refusal):
            msg = f"refusé (règle {answer.rule}) : {answer.french or answer.public}"
            raise MssError(msg)
        kind = ReceiptKind.MDN_ERROR if mdn.is_error else _KINDS[verdict.disposition]
        await self._store.write(lambda tx: self._note(tx, message, box.address, asked.to, kind, mdn.code, actor, now))
        return Acknowledged(asked.to, answer.reference, was_asked)

    async def _message(self, box: Mailbox, reference: str) -> tuple[StoredMessage, bytes]:
        async def work(tx: Tx) -> tuple[StoredMessage, bytes, Body]:
            message = await messages.find_message(tx, box.mailbox_id, reference=reference)
            content = None
            if message is not None:
                content = await messages.message_content(tx, box.mailbox_id, message.folder_id, message.uid)
            if message is None or content is None:
                msg = f"la boîte {box.address} n'a pas de message {reference} ; `mssante mail list` les donne"
                raise MssError(msg)
            given = await receipts.given(tx, reference, box.address)
            if given is not None:
                msg = f"un accusé ({given.value}) a déjà été rendu pour ce message : un seul est permis"
                raise MssError(msg)
            return message, *content

        message, _prefix, body = await self._store.read(work)
        data = body.data if body.data is not None else await asyncio.to_thread(self._store.blobs.read, body)
        return message, data

    async def _submit(
        self, box: Address, to: Address, data: bytes, actor: str, *, is_receipt: bool
    ) -> Accepted | Refusal:
        """Put it through the submission; a receipt has no return path, so that nobody answers it (RFC 8098 3)."""
        identity = Identity(None, actor, Method.COMMAND_LINE, {box.key: box}, frozenset())
        sending = self._submitting.begin(identity, PeerFacts("local", 0), "")
        for decision in (
            await sending.sender(None if is_receipt else box, MailOptions(size_bytes=len(data), eight_bit=True)),
            await sending.recipient(Recipient(to, Notify.NEVER)),
            sending.start_data(),
        ):
            if isinstance(decision, Refusal):
                sending.abort()
                return decision
        waiting = sending.data(data)
        if waiting is not None:
            await waiting
        return await sending.finish()

    async def _note(
        self,
        tx: Tx,
        message: StoredMessage,
        box: Address,
        to: Address,
        kind: ReceiptKind,
        code: str,
        actor: str,
        now: datetime,
    ) -> None:
        await receipts.note_given(tx, message.reference, box, kind, now)
        key = self._submitting.settings.trace_key
        facts: dict[str, str | int] = {
            "from": for_trace(box, key),
            "to": for_trace(to, key),
            "receipt": kind.value,
        }
        if code:
            facts["code"] = code
        await audit.append(tx, AuditEvent("receipt.given", actor, message.reference, "ok", "RFC 8098", facts), now)


def _judged(asked: Asked | None, sender: Address | None, verdict: Verdict) -> Asked:
    """Return where the receipt goes.

    Raises:
        MssError: nobody may be answered, or not without being asked first.
    """
    if asked is None:
        if sender is None:
            msg = "ce message est un avis ou vient d'un programme : on ne lui répond pas"
            raise MssError(msg)
        if not verdict.code:
            msg = "l'expéditeur n'a pas demandé d'accusé ; seule une erreur (--error) peut lui être signalée"
            raise MssError(msg)
        return Asked(sender, may_be_automatic=True)
    if not asked.may_be_automatic and not verdict.confirmed:
        msg = f"{asked.why} ; demandez au titulaire, puis ajoutez --confirm"
        raise MssError(msg)
    return asked


def _letter(
    box: Address, to: Address, message: StoredMessage, data: bytes, now: datetime, hostname: str
) -> ReceiptLetter:
    # The same name whenever it is made: what a stop left half done is the same receipt again.
    seed = hashlib.sha256(f"{box.key} {message.reference}".encode()).hexdigest()[:24]
    name = f"accuse-{seed}@{hostname}"
    return ReceiptLetter(box, to, message.summary.subject, now, name, data, _attachments(data))


def _mdn(box: Address, message: StoredMessage, verdict: Verdict, hostname: str) -> Mdn:
    return Mdn(
        Disposition.PROCESSED if verdict.code else verdict.disposition,
        is_automatic=verdict.is_automatic or verdict.disposition is Disposition.PROCESSED,
        is_sent_automatically=verdict.is_automatic,
        modifiers=("error",) if verdict.code else (),
        code=verdict.code,
        label=ERROR_LABELS.get(verdict.code, ""),
        final_recipient=box,
        original_message_id=message.summary.message_id,
        reporting_ua=f"{hostname}; mssante",
    )


def _attachments(data: bytes) -> tuple[Attachment, ...]:
    """Return the archive and the PDF of a message, which are given back.

    Source: clients.md 5.7 (the original's zip and PDF are attached again).
    """
    found: list[Attachment] = []
    end = split_header(data, len(data))
    for part in walk(parse_parts(data)) if end >= 0 else []:
        name = parameter(part.disposition_params, "filename") or parameter(part.params, "name")
        if part.children or not name.lower().endswith(_GIVEN_BACK) or len(found) == ATTACHMENTS_MAX:
            continue
        content = decode_transfer(data[part.body : part.end], part.encoding)
        if content is not None:
            found.append((name, f"{part.type_}/{part.subtype}", content))
    return tuple(found)


def _parsed(text: str) -> Address | None:
    try:
        return parse_address(text) if text else None
    except TheirProtocolError:
        return None
