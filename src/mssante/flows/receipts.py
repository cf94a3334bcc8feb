"""A receipt or an answer came by mail to a box that sent the message: what is believed of it is kept with the copy.

What it says is read before the transaction, as for `mssante.flows.returned`; a forged one changes nothing and is
written in the audit. Receipts that our own boxes give are `mssante.flows.acknowledging`.
"""

import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from mssante.flows.returned import ReturnedNotice, envelope_id_of
from mssante.flows.trust import TrustSpace
from mssante.model.address import Address, for_trace
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind, Permit
from mssante.model.errors import StoreError
from mssante.model.message import Body, Copy, Summary
from mssante.model.peer import PeerFacts
from mssante.model.receipt import Receipt, ReceiptKind
from mssante.rules.receipt import RULE, NoticeFacts, ReaderFacts, believes_reader, judge_notice
from mssante.store import audit, queue, receipts
from mssante.store.blobs import BlobFolder
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.mime.headers import split_header, summarize
from mssante.wire.mime.mdn import Disposition, Mdn, is_automatic
from mssante.wire.mime.mdn_read import MDN_MAX_BYTES, answered_ids, read_error_subject, read_mdn
from mssante.wire.mime.parts import parse_parts, walk

NAMES_MAX: Final = 4
"""Message-IDs of one message that are looked for."""
_ANSWER: Final = frozenset({"in-reply-to", "references"})
_HINTS: Final = (b"\nin-reply-to", b"\nreferences", b"disposition-notification", b"[ko ", b"[erreur")
_KINDS: Final = {
    Disposition.DISPLAYED: ReceiptKind.MDN_DISPLAYED,
    Disposition.DELETED: ReceiptKind.MDN_DELETED,
    Disposition.DISPATCHED: ReceiptKind.MDN_DISPATCHED,
    Disposition.PROCESSED: ReceiptKind.MDN_PROCESSED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a message says as a receipt or an answer, before the store is asked.

    Attributes:
        kind: what it would tell.
        author: the only address of its From field.
        speaks: whoever brought it may send as that address's domain.
        names: Message-IDs that it gives, the surest first.
        about: recipients that it says it speaks of; empty: it does not say.
        returned_id: Message-ID of the message that it gives back, or "".
        code, label: of an integration error.
    """

    kind: ReceiptKind
    author: Address
    speaks: bool
    names: tuple[str, ...]
    about: frozenset[str] = frozenset()
    returned_id: str = ""
    code: str = ""
    label: str = ""

    @property
    def is_receipt(self) -> bool:
        """Tell whether it pretends to be a receipt; anybody may answer anything."""
        return self.kind is not ReceiptKind.ANSWERED


@dataclass(frozen=True, slots=True)
class Receipts:
    """Notes what became of messages that were handed over.

    Attributes:
        trust: says which domains a peer speaks for.
        key: keys envelope identifiers, and the pseudonyms of citizens.
        hostname: ours, in the Message-IDs that we complete.
    """

    trust: TrustSpace
    blobs: BlobFolder
    key: bytes
    hostname: str

    async def read(self, peer: PeerFacts, sender: Address | None, summary: Summary, body: Body) -> Told | None:
        """Return what a message of another operator says, or None: it is neither a receipt nor an answer."""
        if body.data is None and sender is not None and not _may_be_read(summary):
            return None

        def speaks(author: Address) -> bool:
            # A return path says for whom the peer spoke, and was judged; receipts have none (RFC 8098 section 3).
            if sender is not None:
                return author.domain == sender.domain
            return isinstance(self.trust.judge_sender(peer, author), Permit)

        data = body.data if body.data is not None else await self.blobs.beginning(body, MDN_MAX_BYTES)
        return told_by(data, speaks)

    async def read_own(self, store: Store, copy: Copy) -> Told | None:
        """Return what a message between two boxes of ours says: its From field was judged when it was submitted."""
        data = copy.body.data
        try:
            if data is None and not copy.dsn:
                summary = await store.glance(lambda tx: receipts.summary_of(tx, copy.message))
                if summary is not None and (copy.sender is None or _may_be_read(summary)):
                    data = await self.blobs.beginning(copy.body, MDN_MAX_BYTES)
        except StoreError:
            # The message itself arrives; only what it tells of another one is lost.
            return None
        return None if copy.dsn or data is None else told_by(data, lambda _author: True)

    async def note_notice(
        self, tx: Tx, notice: ReturnedNotice, boxes: Collection[str], reference: str, actor: str, now: datetime
    ) -> None:
        """Keep what a notice of delivery tells of copies that these boxes (by key) sent.

        Args:
            reference: of the notice itself.
            actor: who brought it.
        """
        copies = {copy.recipient.address.key: copy for copy in await queue.copies_of(tx, notice.reference)}
        for told in notice.read.told:
            named = {one.key for one in (told.original, told.final) if one is not None}
            for key in named & copies.keys():
                copy = copies[key]
                kind = judge_notice(self._notice_facts(notice, copy, boxes, told.action, told.status))
                if kind is not None:
                    receipt = Receipt(copy.reference, key, kind, now, told.status, told.reply, "envelope-id", reference)
                    await self._keep(tx, receipt, copy, actor, now)

    def _notice_facts(
        self, notice: ReturnedNotice, copy: Copy, boxes: Collection[str], action: str, status: str
    ) -> NoticeFacts:
        domain = copy.recipient.address.domain
        expected = envelope_id_of(self.key, copy.reference, domain)
        return NoticeFacts(
            speaks_for_domain=domain in notice.domains,
            names_envelope=hmac.compare_digest(notice.read.envelope_id.encode(), expected.encode()),
            is_for_sender=copy.sender is not None and copy.sender.key in boxes,
            is_notice=copy.dsn,
            action=action,
            status=status,
        )

    async def note(self, tx: Tx, told: Told, boxes: Collection[str], reference: str, actor: str, now: datetime) -> bool:
        """Keep what a reader tells of a copy that these boxes (by key) sent; False: it is not believed.

        Args:
            reference: of the message that tells it.
            actor: who brought it.
        """
        copies = await self._copies(tx, told)
        for copy in copies:
            if believes_reader(_reader_facts(told, copy, boxes)):
                receipt = Receipt(
                    copy.reference,
                    copy.recipient.address.key,
                    told.kind,
                    now,
                    told.code,
                    told.label,
                    "sender and content" if told.returned_id else "sender",
                    reference,
                )
                await self._keep(tx, receipt, copy, actor, now)
                return True
        if told.is_receipt:
            facts: dict[str, str | int] = {
                "from": for_trace(told.author, self.key),
                "to": ",".join(sorted(_box_for_trace(box, self.key) for box in boxes)),
                "receipt": told.kind.value,
                "copies": len(copies),
            }
            refused = Kind.SENDER_NOT_ALLOWED.value
            await audit.append(tx, AuditEvent("receipt.refused", actor, reference, refused, RULE, facts), now)
        return False

    async def _copies(self, tx: Tx, told: Told) -> list[Copy]:
        """Return the copies, for whom it says it is, of the messages that it names; the last sent first."""
        found: dict[str, None] = {}
        for name in told.names[:NAMES_MAX]:
            found |= dict.fromkeys(await receipts.sent_as(tx, name))
            local, _, domain = name.rpartition("@")
            if domain == self.hostname:
                found.setdefault(local)
        copies = [copy for one in found for copy in await queue.copies_of(tx, one)]
        return [copy for copy in copies if copy.recipient.address.key == told.author.key]

    async def _keep(self, tx: Tx, receipt: Receipt, copy: Copy, actor: str, now: datetime) -> None:
        if not await receipts.note_receipt(tx, receipt):
            return
        facts: dict[str, str | int] = {
            "from": for_trace(copy.sender, self.key),
            "to": for_trace(copy.recipient.address, self.key),
            "receipt": receipt.kind.value,
            "proof": receipt.proof,
            "by": receipt.source,
        }
        if receipt.code:
            facts["code"] = receipt.code
        await audit.append(tx, AuditEvent("receipt.noted", actor, receipt.reference, "ok", RULE, facts), now)


def told_by(data: bytes, speaks: Callable[[Address], bool]) -> Told | None:
    """Return what a message says as a receipt or an answer, or None. Never raises; linear.

    Args:
        data: the message, its beginning suffices.
        speaks: tells whether whoever brought it may send as an address.
    """
    end = split_header(data, len(data))
    head = data if end < 0 else data[:end]
    if not _may_tell(head):
        return None
    summary = summarize(head)
    if summary.from_count != 1 or len(summary.from_addresses) != 1:
        return None
    author = summary.from_addresses[0]
    names = answered_ids(head)
    failed = read_error_subject(summary.subject)
    # Parts are looked for only where there is a reason: most letters with files have none.
    mdn = read_mdn(data) if names or failed or b"disposition-notification" in head.lower() else None
    if mdn is None and failed is None:
        if not names or is_automatic(head):
            return None
        return Told(ReceiptKind.ANSWERED, author, speaks(author), names)
    returned = _returned_id(data)
    told = _of_error(failed[0], author) if mdn is None and failed is not None else _of_mdn(mdn, author)
    first = (mdn.original_message_id,) if mdn is not None and mdn.original_message_id else ()
    given = tuple(dict.fromkeys([*first, *names, *([returned] if returned else [])]))
    return replace(told, speaks=speaks(author), names=given, returned_id=returned)


def _may_tell(head: bytes) -> bool:
    """Tell whether a header may be of interest: most are not, and are not taken apart."""
    lower = head.lower()
    if b"multipart/mixed" in lower and b"=?" in lower:
        return True
    return any(hint in lower for hint in _HINTS)


def _may_be_read(summary: Summary) -> bool:
    """Tell whether it is worth reading a message that stands elsewhere again; receipts with files are large."""
    return bool(_ANSWER & summary.present) or summary.subject.startswith(("[", "XDM/"))


def _of_error(code: str, author: Address) -> Told:
    return Told(ReceiptKind.MDN_ERROR, author, speaks=False, names=(), code=code)


def _of_mdn(mdn: Mdn | None, author: Address) -> Told:
    if mdn is None or mdn.is_error:
        code, label = ("906", "") if mdn is None else (mdn.code or "906", mdn.label)
        told = replace(_of_error(code, author), label=label)
    else:
        told = Told(_KINDS[mdn.disposition], author, speaks=False, names=())
    about = () if mdn is None else (mdn.final_recipient, mdn.original_recipient)
    return replace(told, about=frozenset([one.key for one in about if one is not None]))


def _returned_id(data: bytes) -> str:
    """Return the Message-ID of the message, or of its header, that is given back; "" when there is none."""
    for part in walk(parse_parts(data))[1:]:
        if part.type_ == "message" and part.subtype in {"rfc822", "global"}:
            return summarize(data[part.body : part.end]).message_id
        if part.type_ == "text" and part.subtype == "rfc822-headers":
            return summarize(data[part.body : part.end]).message_id
    return ""


def _reader_facts(told: Told, copy: Copy, boxes: Collection[str]) -> ReaderFacts:
    key = copy.recipient.address.key
    others = bool(told.about) and key not in told.about
    # What is given back must be one of the messages named first: a receipt for one message with another one's header.
    others = others or bool(told.returned_id and told.returned_id != told.names[0])
    return ReaderFacts(
        is_author=told.author.key == key,
        speaks_for_domain=told.speaks,
        # An answer goes where Reply-To says: an application writes, people are answered (clients.md 5.3).
        is_for_sender=not told.is_receipt or (copy.sender is not None and copy.sender.key in boxes),
        state=copy.state,
        is_notice=copy.dsn,
        names_others=others,
    )


def _box_for_trace(key: str, trace_key: bytes) -> str:
    local, _, domain = key.rpartition("@")
    return for_trace(Address(local, domain), trace_key)
