"""Step S10: which notices are due to a sender when the outcome of one copy is known, and the notices themselves.

Pure: nothing is stored here. The caller puts what is returned through the same submission as any message (S4), in the
transaction that records the outcome.
"""

from dataclasses import dataclass
from datetime import datetime

from mssante.model.address import Address
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import Envelope, MailOptions, Notify, Recipient, Return
from mssante.model.message import Copy, Deferred, Delivered, Failed, Outcome, Relayed
from mssante.rules.outcome import advice, classify_reply, read_reply, status_of
from mssante.wire.mime.dsn import Notice, NoticeKind, NoticeRecipient, build_notice


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What a notice needs beside the copy and its outcome.

    Attributes:
        hostname: ours.
        postmaster: address that the notices come from.
        limit_bytes: most bytes of the original given back.
        now: UTC.
        message_id: for the notice, without brackets, unique.
        original_id: Message-ID of the original, without brackets, or "".
        original: the message's bytes as sent, prefix of headers included; its first bytes suffice unless `wants_body`.
        retry_until: end of the attempts.
        late: it is time for a notice of delay (see `mssante.rules.retry.wants_warning`).
    """

    hostname: str
    postmaster: Address
    limit_bytes: int
    now: datetime
    message_id: str
    original_id: str
    original: bytes
    retry_until: datetime
    late: bool


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A notice that is to be queued: null sender, no notice about itself, bytes with CRLF lines.

    Attributes:
        kind: DELAYED means that the copy is to be marked as warned.
        envelope: where it goes.
        data: the whole message.
    """

    kind: NoticeKind
    envelope: Envelope
    data: bytes


def notice_due(copy: Copy, outcome: Outcome, *, late: bool) -> NoticeKind | None:
    """Return which notice the sender is owed for this outcome, or None.

    Nobody answers the null sender, nor a notice, so that no loop and no backscatter can begin.

    Source: RFC 3461 sections 4.1, 5.2.2 to 5.2.7 and 6.1 to 6.3; RFC 5321 section 6.1; reliability.md B08, B09, H22.
    """
    if copy.sender is None or copy.dsn:
        return None
    wanted = copy.recipient.notify
    due: tuple[NoticeKind, Notify]
    match outcome:
        case Failed():
            due = (NoticeKind.FAILED, Notify.FAILURE)
        case Deferred():
            due = (NoticeKind.DELAYED, Notify.DELAY if late and not copy.warned else Notify.NEVER)
        case Delivered():
            due = (NoticeKind.DELIVERED, Notify.SUCCESS)
        case Relayed():
            # A peer that knows DSN got the request and answers it itself.
            due = (NoticeKind.RELAYED, Notify.NEVER if outcome.dsn_supported else Notify.SUCCESS)
    kind, needed = due
    return kind if wanted & needed else None


def wants_body(copy: Copy, kind: NoticeKind, limit_bytes: int) -> bool:
    """Return whether the notice gives the whole original back: only when asked, after a failure, and when it fits.

    Source: RFC 3461 section 4.3 (RET applies to failures only); reliability.md B10.
    """
    size = len(copy.prefix) + copy.body.size_bytes
    return kind is NoticeKind.FAILED and copy.options.ret is Return.FULL and size <= limit_bytes


def notices_for(copy: Copy, outcome: Outcome, facts: ReportFacts) -> tuple[Outgoing, ...]:
    """Return the notices to queue for this outcome: none, or one to the sender.

    Source: RFC 3461 section 6; RFC 3464 section 2 (null reverse path, NOTIFY=NEVER); design S10.
    """
    kind = notice_due(copy, outcome, late=facts.late)
    if kind is None or copy.sender is None:
        return ()
    notice = Notice(
        kind=kind,
        reporting_mta=facts.hostname,
        postmaster=facts.postmaster,
        to=copy.sender,
        recipients=(_told(copy, outcome, facts),),
        envelope_id=copy.options.envelope_id,
        arrived_at=copy.queued_at,
        now=facts.now,
        message_id=facts.message_id,
        original_id=facts.original_id,
        reference=copy.reference,
        original=facts.original,
        full=wants_body(copy, kind, facts.limit_bytes),
        limit_bytes=facts.limit_bytes,
    )
    envelope = Envelope(
        sender=None,
        recipients=(Recipient(copy.sender, Notify.NEVER),),
        options=MailOptions(eight_bit=True, smtputf8=not _is_ascii(copy)),
    )
    return (Outgoing(kind, envelope, build_notice(notice)),)


def _is_ascii(copy: Copy) -> bool:
    return copy.sender is None or copy.sender.is_ascii


def _told(copy: Copy, outcome: Outcome, facts: ReportFacts) -> NoticeRecipient:
    """Return what the notice says of the recipient."""
    address, original = copy.recipient.address, copy.recipient.original
    match outcome:
        case Delivered():
            return NoticeRecipient(address, original, "2.0.0", attempted_at=facts.now)
        case Relayed():
            enhanced = read_reply(outcome.reply).enhanced or "2.0.0"
            return NoticeRecipient(
                address, original, enhanced, outcome.reply, _host(outcome.peer), attempted_at=facts.now
            )
        case Deferred() | Failed():
            final = isinstance(outcome, Failed)
            return NoticeRecipient(
                address,
                original,
                _status(outcome.refusal, outcome.reply, final=final),
                outcome.reply or outcome.refusal.public,
                _host(outcome.peer) if outcome.reply else "",
                attempted_at=facts.now,
                retry_until=None if final else facts.retry_until,
                french=outcome.refusal.french or advice(_reason(outcome.refusal, outcome.reply)),
                english=outcome.refusal.public,
            )


def _reason(refusal: Refusal, reply: str) -> Kind:
    """Return the kind that says most: the peer's own reason when it only "refused"."""
    if refusal.kind in {Kind.PEER_REFUSED, Kind.PEER_DEFERRED} and reply:
        parts = read_reply(reply)
        return classify_reply(parts.code, parts.enhanced, parts.text) if parts.code >= 400 else refusal.kind
    return refusal.kind


def _status(refusal: Refusal, reply: str, *, final: bool) -> str:
    enhanced = read_reply(reply).enhanced
    # The end of our patience is our own verdict; else the peer's own code says more than ours.
    if enhanced and refusal.kind is not Kind.EXPIRED and enhanced[0] in ("5" if final else "4"):
        return enhanced
    return status_of(_reason(refusal, reply), final=final)


def _host(peer: str) -> str:
    """Return the host name of "name address"."""
    return peer.partition(" ")[0]
