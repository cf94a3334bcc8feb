"""Flow S, first half: one of our users or programs sends (design.md section 2, S1 to S5).

Every door makes the same `Submission`, so that no rule can be forgotten in one of them. What happens after the
acceptance is `mssante.flows.deliver`.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mssante.flows.documents.completing import Completion, complete
from mssante.flows.documents.opening import carries_archive
from mssante.flows.early import EarlyRefusals, write_down
from mssante.flows.find import find_mailbox
from mssante.flows.intake import Accepted, Intake, Taken, national_facts, store_refusal
from mssante.flows.notify import Notifier
from mssante.flows.ports import Clock, Probe, no_probe
from mssante.flows.room import Room
from mssante.flows.trust import TrustSpace
from mssante.model.address import Address, for_trace, login_for_trace
from mssante.model.audit import AuditEvent
from mssante.model.decision import Decision, Kind, Refusal
from mssante.model.document_settings import DocumentSettings
from mssante.model.envelope import Envelope, MailOptions, Recipient
from mssante.model.errors import StoreError
from mssante.model.mailbox import Identity, Mailbox, Role
from mssante.model.message import Change, MessageId, Submission
from mssante.model.peer import PeerFacts
from mssante.model.settings import LimitSettings, StoreSettings
from mssante.rules.content import SubmittedContentFacts, judge_submitted_content
from mssante.rules.conversation import judge_answer
from mssante.rules.recipient import RecipientFacts, judge_recipient
from mssante.rules.sender import (
    SubmissionRecipientFacts,
    SubmissionSenderFacts,
    judge_submission_recipient,
    judge_submission_sender,
)
from mssante.store import audit, conversations, messages, queue
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx
from mssante.wire.mime.complete import completed_head, received_field

# With and without SMTPUTF8 (RFC 3848, RFC 6531 section 4.3).
_PROTOCOLS: Final = {False: "ESMTPSA", True: "UTF8SMTPSA"}


_EXPIRED: Final = Refusal(
    Kind.SIGN_IN_REQUIRED,
    "token-expiry",
    "Your token has expired, sign in again",
    french="Votre session Pro Santé Connect est finie : identifiez-vous de nouveau.",
)


@dataclass(frozen=True, slots=True)
class SubmitSettings:
    """What the flow needs of the configuration (see `ReceiveSettings` for the shared ones)."""

    hostname: str
    postmaster: Address
    limits: LimitSettings
    store: StoreSettings
    trace_key: bytes
    documents: DocumentSettings = field(default_factory=DocumentSettings)


class Submitting:
    """Flow S of one operator: makes one `Sending` per message."""

    def __init__(
        self,
        *,
        settings: SubmitSettings,
        store: Store,
        trust: TrustSpace,
        notifier: Notifier,
        room: Room,
        clock: Clock,
        new_reference: Callable[[], str],
        probe: Probe = no_probe,
    ) -> None:
        """Keep what every submission shares."""
        self.settings = settings
        self.store = store
        self.trust = trust
        self.notifier = notifier
        self.room = room
        self.clock = clock
        self.new_reference = new_reference
        self.probe = probe
        self.early = EarlyRefusals(
            "submission.refused", store=store, clock=clock, log=trust.log, list_version=trust.list_version
        )

    def begin(self, identity: Identity, peer: PeerFacts, hello: str, *, is_over: bool = False) -> "Sending":
        """Return an empty submission for somebody who has signed in; `is_over`: he must sign in again."""
        return Sending(self, identity, peer, hello, is_over=is_over)

    def actor(self, identity: Identity) -> str:
        """Return the login as traces may hold it."""
        return login_for_trace(identity.login, self.settings.trace_key)

    async def submit(
        self, identity: Identity, sender: Address, recipients: tuple[Recipient, ...], data: bytes
    ) -> Accepted | Refusal:
        """Submit a whole message at once, for doors that have it in memory (command line, notices, interfaces)."""
        sending = self.begin(identity, PeerFacts("local", 0), "")
        decision = await sending.sender(sender, MailOptions(size_bytes=len(data)))
        for recipient in recipients:
            if isinstance(decision, Refusal):
                return decision
            decision = await sending.recipient(recipient)
        if isinstance(decision, Refusal):
            return decision
        refusal = sending.start_data()
        if refusal is not None:
            return refusal
        waiting = sending.data(data)
        if waiting is not None:
            await waiting
        return await sending.finish()


class Sending:
    """One message from a user, from MAIL FROM to the acceptance."""

    def __init__(self, flow: Submitting, identity: Identity, peer: PeerFacts, hello: str, *, is_over: bool) -> None:
        """Start with nothing known but who is acting."""
        self._is_over = is_over
        self._flow = flow
        self._identity = identity
        self._peer = peer
        self._hello = hello
        self._sender: Address | None = None
        self._options = MailOptions()
        self._recipients: dict[str, Recipient] = {}
        self._rules: set[str] = set()
        settings = flow.settings
        self._intake = Intake(flow.room, flow.store.blobs, settings.limits, settings.store.inline_bytes)

    async def sender(self, sender: Address | None, options: MailOptions) -> Decision:
        """Decide whether this identity may send from that mailbox (S2)."""
        decision = _EXPIRED if self._is_over else judge_submission_sender(SubmissionSenderFacts(self._identity, sender))
        if isinstance(decision, Refusal):
            await self._audit_refusal(decision, sender)
        else:
            self._sender, self._options = sender, options
            self._rules.add(decision.rule)
        return decision

    async def recipient(self, recipient: Recipient) -> Decision:
        """Decide whether mail may go there: a mailbox of ours, or a domain of the white list (S2; law 7)."""
        address = recipient.address

        decision = await self._judge_recipient(address)
        if isinstance(decision, Refusal):
            await self._audit_refusal(decision, self._sender, address)
        else:
            self._recipients.setdefault(address.key, recipient)
            self._rules.add(decision.rule)
        return decision

    async def _judge_recipient(self, address: Address) -> Decision:
        trust, sender = self._flow.trust, self._sender

        async def work(tx: Tx) -> tuple[bool, Mailbox | None, bool]:
            ours, mailbox = await find_mailbox(tx, address, self._flow.settings.postmaster)
            may = sender is None or not sender.is_citizen or await conversations.is_open(tx, sender, address)
            return ours, mailbox, may

        ours, mailbox, may = await self._flow.store.read(work)
        refusal = judge_answer(is_open=may)
        if refusal is not None:
            return refusal
        decision = judge_submission_recipient(
            SubmissionRecipientFacts(
                recipient=address,
                is_our_domain=ours,
                is_listed=trust.is_listed(address.domain),
                list_version=trust.list_version(),
                list_usable=trust.is_usable(),
            )
        )
        if ours and not isinstance(decision, Refusal):
            return judge_recipient(RecipientFacts(address, ours, mailbox, self._options.size_bytes or 0))
        return decision

    def start_data(self) -> Refusal | None:
        """Open the spool, or refuse while there is no room on the disk."""
        return self._intake.open(self._options.size_bytes or 0)

    def data(self, chunk: bytes) -> Awaitable[None] | None:
        """Take some bytes."""
        return self._intake.data(chunk)

    async def finish(self) -> Accepted | Refusal:
        """Judge the content, commit once, wake the delivery (S3 to S5); the door says accepted after it."""
        flow = self._flow
        taken = await self._intake.finish()
        if isinstance(taken, Refusal):
            return taken
        decision = judge_submitted_content(
            SubmittedContentFacts(
                summary=taken.summary,
                hops=flow.settings.limits.hops,
                sender=self._sender,
                may_send=frozenset(self._identity.may_send),
                size_bytes=taken.body.size_bytes,
                is_to_citizen=any(one.address.is_citizen for one in self._recipients.values()),
            )
        )
        if isinstance(decision, Refusal):
            await self._audit_refusal(decision, self._sender)
            return decision
        completion = await self._completed(taken)
        if completion.refusal is not None:
            if completion.refusal.is_temporary or flow.settings.documents.check_submitted == "refuse":
                await self._audit_refusal(completion.refusal, self._sender)
                return completion.refusal
            self._rules.add(f"{completion.refusal.rule} (logged)")
        submission = Submission(
            reference=flow.new_reference(),
            envelope=Envelope(self._sender, tuple(self._recipients.values()), self._options),
            body=taken.body,
            summary=taken.summary,
        )
        now = flow.clock()
        try:
            changes, reference = await flow.store.write(lambda tx: self._commit(tx, submission, completion.head, now))
        except StoreError as error:
            return store_refusal(error)
        flow.probe("K09-message")
        flow.notifier.publish(changes)
        flow.notifier.wake_queue()
        return Accepted(reference)

    def abort(self) -> None:
        """Drop what was taken in."""
        self._intake.discard()

    async def _completed(self, taken: Taken) -> Completion:
        """Look into the health documents of a message, beside the event loop; only one with parts can have any."""
        if "content-type" not in taken.summary.present:
            return Completion()
        if taken.body.data is not None and not carries_archive(taken.body.data):
            return Completion()
        blobs = self._flow.store.blobs
        try:
            data = taken.body.data if taken.body.data is not None else await blobs.aside(blobs.read, taken.body)
        except StoreError as error:
            return Completion(refusal=store_refusal(error))
        allow_test = self._flow.settings.documents.allow_test
        return await asyncio.to_thread(complete, data, taken.summary, allow_test=allow_test)

    async def _commit(self, tx: Tx, submission: Submission, fields: bytes, now: datetime) -> tuple[list[Change], str]:
        """Write body, copy in Sent, one queue row per recipient and the audit row in the transaction given (S4).

        Returns:
            The changes and the reference; that of the first time when the same message was accepted before.
        """
        flow = self._flow
        if submission.summary.message_id:
            key = self._message_key(submission)
            first = await messages.first_reference(tx, key, submission.reference, now)
            if first != submission.reference:
                await audit.append(tx, self._event(submission, {"same_as": first}), now)
                return [], first
        head = fields + completed_head(
            submission.summary,
            submission.envelope,
            message_id_domain=flow.settings.hostname,
            reference=submission.reference,
            now=now,
        )
        message = await messages.add_message(
            tx,
            reference=submission.reference,
            sender=submission.envelope.sender,
            summary=submission.summary,
            body=submission.body,
            decision=", ".join(sorted(self._rules)),
            now=now,
        )
        changes = await self._file_in_sent(tx, message, submission.envelope.sender, head, now)
        await self._queue_copies(tx, message, submission, self._received(submission, now) + head, now)
        await audit.append(tx, self._event(submission, {}), now)
        flow.probe("K08-message")
        return changes, submission.reference

    async def _queue_copies(
        self, tx: Tx, message: MessageId, submission: Submission, prefix: bytes, now: datetime
    ) -> None:
        for recipient in submission.envelope.recipients:
            await queue.add_copy(
                tx,
                message=message,
                reference=submission.reference,
                sender=submission.envelope.sender,
                recipient=recipient,
                options=submission.envelope.options,
                prefix=prefix,
                dsn=False,
                due_at=now,
                now=now,
            )

    def _message_key(self, submission: Submission) -> bytes:
        """Return what makes this message the same as an earlier one: who sends, the envelope and every byte (law 10).

        Asked only of messages with a Message-ID: without one, the same bytes may well be meant twice.
        """
        envelope = submission.envelope
        parts = (
            "submission",
            self._identity.login.casefold(),
            envelope.sender.key if envelope.sender else "",
            ",".join(sorted(recipient.address.key for recipient in envelope.recipients)),
            envelope.options.envelope_id or "",
            submission.body.sha256.hex(),
        )
        return hashlib.sha256("\0".join(parts).encode()).digest()[:16]

    async def _file_in_sent(
        self, tx: Tx, message: MessageId, sender: Address | None, head: bytes, now: datetime
    ) -> list[Change]:
        mailbox = await mailbox_by_key(tx, sender.key) if sender else None
        if mailbox is None:
            return []
        change, _uid = await messages.file_message(
            tx,
            message=message,
            mailbox_id=mailbox.mailbox_id,
            role=Role.SENT,
            prefix=head,
            flags=frozenset({"\\Seen"}),
            now=now,
        )
        return [change]

    def _received(self, submission: Submission, now: datetime) -> bytes:
        return received_field(
            by=self._flow.settings.hostname,
            from_name=self._hello or "localhost",
            peer_ip=self._peer.ip,
            protocol=_PROTOCOLS[self._options.smtputf8],
            tls=self._peer.tls,
            reference=submission.reference,
            recipient=None,
            now=now,
        )

    def _actor(self) -> str:
        return self._flow.actor(self._identity)

    def _event(self, submission: Submission, more: dict[str, str]) -> AuditEvent:
        key = self._flow.settings.trace_key
        recipients = submission.envelope.recipients
        facts: dict[str, str | int] = {
            "from": for_trace(submission.envelope.sender, key),
            "to": ",".join(for_trace(recipient.address, key) for recipient in recipients),
            "size_bytes": submission.body.size_bytes,
            "copies": len(recipients),
            "method": self._identity.method.value,
            "ip": self._peer.ip,
            "list": self._flow.trust.list_version(),
            **national_facts(submission.summary),
            **more,
        }
        rules = ", ".join(sorted(self._rules))
        return AuditEvent("message.submitted", self._actor(), submission.reference, "ok", rules, facts)

    async def _audit_refusal(self, refusal: Refusal, sender: Address | None, recipient: Address | None = None) -> None:
        flow = self._flow
        key = flow.settings.trace_key
        facts: dict[str, str | int] = {"from": for_trace(sender, key), "ip": self._peer.ip, "detail": refusal.detail}
        if recipient is not None:
            facts["to"] = for_trace(recipient, key)
        event = AuditEvent(
            "submission.refused", self._actor(), for_trace(sender, key), refusal.kind.value, refusal.rule, facts
        )
        await write_down(flow.store, flow.trust.log, event, flow.clock())
