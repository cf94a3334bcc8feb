"""Flow R: a message comes in from another operator (design.md section 2).

Gathers facts, calls one rule per step, commits once. Not for our own users' messages (`mssante.flows.submit`).
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from mssante.flows.conversing import note_exchange
from mssante.flows.early import EarlyRefusals, write_down
from mssante.flows.find import find_mailbox
from mssante.flows.intake import Accepted, Intake, Taken, national_facts, store_refusal
from mssante.flows.notices import Notices
from mssante.flows.notify import Notifier
from mssante.flows.ports import Clock, Probe, no_probe
from mssante.flows.receipts import Receipts, Told
from mssante.flows.returned import ReturnedNotice, Returning
from mssante.flows.room import Room
from mssante.flows.trust import TrustSpace
from mssante.model.address import Address, for_trace
from mssante.model.audit import AuditEvent
from mssante.model.decision import Decision, Permit, Refusal
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import StoreError
from mssante.model.mailbox import Mailbox, Role
from mssante.model.message import Change, MessageId
from mssante.model.peer import PeerFacts
from mssante.model.settings import LimitSettings, StoreSettings
from mssante.rules.content import ContentFacts, judge_content
from mssante.rules.recipient import RecipientFacts, judge_recipient
from mssante.store import audit, messages
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.mime.complete import received_field, return_path


@dataclass(frozen=True, slots=True)
class ReceiveSettings:
    """What the flow needs of the configuration.

    Attributes:
        hostname: ours, in the Received field.
        postmaster: of this operator.
        header_from: "log" or "refuse" (see `SmtpSettings`).
        trace_key: keys the pseudonyms of citizens.
    """

    hostname: str
    postmaster: Address
    header_from: str
    limits: LimitSettings
    store: StoreSettings
    trace_key: bytes


class Receiving:
    """Flow R of one operator: makes one `Reception` per message."""

    def __init__(
        self,
        *,
        settings: ReceiveSettings,
        store: Store,
        trust: TrustSpace,
        notifier: Notifier,
        notices: Notices,
        room: Room,
        clock: Clock,
        new_reference: Callable[[], str],
        probe: Probe = no_probe,
    ) -> None:
        """Keep what every reception shares."""
        self.settings = settings
        self.store = store
        self.trust = trust
        self.notifier = notifier
        self.notices = notices
        self.room = room
        self.clock = clock
        self.new_reference = new_reference
        self.probe = probe
        self.returning = Returning(trust, store.blobs, settings.trace_key)
        self.receipts = Receipts(trust, store.blobs, settings.trace_key, settings.hostname)
        self.early = EarlyRefusals(
            "peer.refused", store=store, clock=clock, log=trust.log, list_version=trust.list_version
        )

    def begin(self, peer: PeerFacts, hello: str) -> "Reception":
        """Return an empty reception for the connection's next message."""
        return Reception(self, peer, hello)

    async def facts_about(self, address: Address, size_bytes: int) -> RecipientFacts:
        """Return what the recipient rule needs of one address: a short read of the store (step R4)."""

        async def work(tx: Tx) -> RecipientFacts:
            ours, mailbox = await find_mailbox(tx, address, self.settings.postmaster)
            return RecipientFacts(address=address, is_our_domain=ours, mailbox=mailbox, size_bytes=size_bytes)

        return await self.store.glance(work)


class Reception:
    """One message from a peer, from MAIL FROM to the acceptance."""

    def __init__(self, flow: Receiving, peer: PeerFacts, hello: str) -> None:
        """Start with nothing known but the peer."""
        self._flow = flow
        self._peer = peer
        self._hello = hello
        self._sender: Address | None = None
        self._options = MailOptions()
        self._permit = Permit("")
        # By address key: five hundred recipients are not compared with one another.
        self._boxes: dict[str, tuple[Recipient, Mailbox]] = {}
        settings = flow.settings
        self._intake = Intake(flow.room, flow.store.blobs, settings.limits, settings.store.inline_bytes)

    async def sender(self, sender: Address | None, options: MailOptions) -> Decision:
        """Decide whether this peer may send as that domain now (R3; law 6)."""
        decision = self._flow.trust.judge_sender(self._peer, sender)
        if isinstance(decision, Refusal):
            await self._audit_refusal(decision, sender)
            return decision
        self._sender, self._options, self._permit = sender, options, decision
        return decision

    async def recipient(self, recipient: Recipient) -> Decision:
        """Decide whether we take mail for that address (R4)."""
        facts = await self._flow.facts_about(recipient.address, self._options.size_bytes or 0)
        decision = judge_recipient(facts)
        if isinstance(decision, Refusal):
            await self._audit_refusal(decision, self._sender, recipient.address)
            return decision
        if facts.mailbox is not None:
            self._boxes.setdefault(recipient.address.key, (recipient, facts.mailbox))
        return decision

    def start_data(self) -> Refusal | None:
        """Open the spool, or refuse while there is no room on the disk (H01)."""
        return self._intake.open(self._options.size_bytes or 0)

    def data(self, chunk: bytes) -> Awaitable[None] | None:
        """Take some bytes (R5)."""
        return self._intake.data(chunk)

    async def finish(self) -> Accepted | Refusal:
        """Judge the content, commit once, tell who waits (R6 to R9); the door says 250 after it."""
        flow = self._flow
        taken = await self._intake.finish()
        if isinstance(taken, Refusal):
            return taken
        decision = judge_content(self._content_facts(taken))
        if isinstance(decision, Refusal):
            await self._audit_refusal(decision, self._sender)
            return decision
        reference = flow.new_reference()
        now = flow.clock()
        try:
            # What stands elsewhere is read before the transaction, which holds up all others that write.
            notice = await flow.returning.read(self._peer, self._sender, taken.body)
            told = await flow.receipts.read(self._peer, self._sender, taken.summary, taken.body)
            asking = [recipient for recipient, _mailbox in self._boxes.values()]
            beginning = await flow.notices.beginning_for(asking, taken.body)
            changes, reference = await flow.store.write(
                lambda tx: self._commit(tx, taken, decision, reference, now, notice, told, beginning)
            )
        except StoreError as error:
            return store_refusal(error)
        flow.probe("K09-message")
        flow.notifier.publish(changes)
        return Accepted(reference)

    def abort(self) -> None:
        """Drop what was taken in."""
        self._intake.discard()

    async def _commit(
        self,
        tx: Tx,
        taken: Taken,
        content: Permit,
        reference: str,
        now: datetime,
        notice: ReturnedNotice | None,
        told: Told | None,
        beginning: bytes | None,
    ) -> tuple[list[Change], str]:
        """Write body, one row per mailbox, notices and the audit row in the transaction given (R7)."""
        flow = self._flow
        fresh: list[tuple[Recipient, Mailbox]] = []
        for recipient, mailbox in self._boxes.values():
            key = self._copy_key(recipient.address, taken)
            first = await messages.first_reference(tx, key, reference, now)
            if first == reference:
                fresh.append((recipient, mailbox))
            elif len(self._boxes) == 1:
                reference = first
        changes: list[Change] = []
        if fresh:
            rule = f"{self._permit.rule}: {self._permit.detail}"
            message = await messages.add_message(
                tx,
                reference=reference,
                sender=self._sender,
                summary=taken.summary,
                body=taken.body,
                decision=rule,
                now=now,
            )
            changes = [await self._file(tx, message, reference, box, recipient, now) for recipient, box in fresh]
            for _recipient, box in fresh:
                await note_exchange(tx, box, self._sender, taken.summary, now)
            sender, options = self._sender, self._options
            await flow.notices.delivered(
                tx, message, reference, sender, options, fresh, taken, now, beginning=beginning
            )
            boxes = frozenset(recipient.address.key for recipient, _box in fresh)
            if notice is not None:
                await flow.returning.note(tx, notice, boxes, reference, self._actor(), now)
                await flow.receipts.note_notice(tx, notice, boxes, reference, self._actor(), now)
            if told is not None:
                await flow.receipts.note(tx, told, boxes, reference, self._actor(), now)
        await audit.append(tx, self._event(reference, taken, content, len(fresh)), now)
        flow.probe("K08-message")
        return changes, reference

    async def _file(
        self, tx: Tx, message: MessageId, reference: str, mailbox: Mailbox, recipient: Recipient, now: datetime
    ) -> Change:
        prefix = return_path(self._sender) + received_field(
            by=self._flow.settings.hostname,
            from_name=self._hello,
            peer_ip=self._peer.ip,
            protocol="UTF8SMTPS" if self._options.smtputf8 else "ESMTPS",
            tls=self._peer.tls,
            reference=reference,
            recipient=recipient.address,
            now=now,
        )
        change, _uid = await messages.file_message(
            tx, message=message, mailbox_id=mailbox.mailbox_id, role=Role.INBOX, prefix=prefix, now=now
        )
        return change

    def _copy_key(self, recipient: Address, taken: Taken) -> bytes:
        """Return what makes this copy the same as an earlier one: peer, envelope and content (law 10)."""
        certificate = self._peer.certificate
        parts = (
            str(certificate.subject).encode() if certificate else b"",
            (self._sender.key if self._sender else "").encode(),
            recipient.key.encode(),
            (self._options.envelope_id or "").encode(),
            taken.body.sha256,
        )
        return hashlib.sha256(b"\0".join(parts)).digest()[:16]

    def _content_facts(self, taken: Taken) -> ContentFacts:
        settings = self._flow.settings
        domains = frozenset({self._sender.domain}) if self._sender else None
        return ContentFacts(taken.summary, settings.limits.hops, domains, settings.header_from)

    def _event(self, reference: str, taken: Taken, content: Permit, fresh: int) -> AuditEvent:
        key = self._flow.settings.trace_key
        facts: dict[str, str | int] = {
            "from": for_trace(self._sender, key),
            "to": ",".join(for_trace(recipient.address, key) for recipient, _ in self._boxes.values()),
            "size_bytes": taken.body.size_bytes,
            "copies": fresh,
            "trust": self._permit.detail,
            "content": content.detail,
            **self._peer_facts(),
            **national_facts(taken.summary),
        }
        return AuditEvent("message.received", self._actor(), reference, "ok", self._permit.rule, facts)

    def _actor(self) -> str:
        return str(self._peer.certificate.subject) if self._peer.certificate else self._peer.ip

    def _peer_facts(self) -> dict[str, str | int]:
        tls = self._peer.tls
        return {"ip": self._peer.ip, "hello": self._hello, "tls": f"{tls.protocol} {tls.cipher}" if tls else ""}

    async def _audit_refusal(self, refusal: Refusal, sender: Address | None, recipient: Address | None = None) -> None:
        """Write the refusal down; the refusal stands even when that fails."""
        flow = self._flow
        key = flow.settings.trace_key
        facts: dict[str, str | int] = {
            "from": for_trace(sender, key),
            "detail": refusal.detail,
            "list": flow.trust.list_version(),
            **self._peer_facts(),
        }
        if recipient is not None:
            facts["to"] = for_trace(recipient, key)
        event = AuditEvent(
            "peer.refused", self._actor(), for_trace(sender, key), refusal.kind.value, refusal.rule, facts
        )
        await write_down(flow.store, flow.trust.log, event, flow.clock())
