"""Delivery notices (DSN): what became of a message, for its sender, readable by people and by programs.

Not for deciding whether a notice is due (see `mssante.flows.report`).
"""

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mssante.model.address import Address
from mssante.wire.mime.complete import mail_date
from mssante.wire.mime.encode import crlf, multipart, text_part
from mssante.wire.mime.headers import split_header
from mssante.wire.mime.words import encode_words, field_line, one_line

DIAGNOSTIC_MAX_CHARS: Final = 500


class NoticeKind(enum.Enum):
    """What a notice tells; the value is its Action field.

    Source: RFC 3464 section 2.3.3.
    """

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class NoticeRecipient:
    """What became of one recipient.

    Attributes:
        address: where it went.
        original: ORCPT decoded, ``type;address``, or None.
        status: enhanced code, ``5.1.1``.
        diagnostic: what the peer said, or "".
        remote_mta: host that said it, or "".
        attempted_at: last attempt, or None.
        retry_until: end of the attempts, for a delay.
        french: why and what to do, for the sender.
        english: the same, in one line.
    """

    address: Address
    original: str | None
    status: str
    diagnostic: str = ""
    remote_mta: str = ""
    attempted_at: datetime | None = None
    retry_until: datetime | None = None
    french: str = ""
    english: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice, before it is written.

    Attributes:
        kind: what it tells; the same for all its recipients.
        reporting_mta: our host name.
        postmaster: who writes.
        to: the sender of the original.
        recipients: at least one.
        envelope_id: ENVID decoded, or None.
        arrived_at: when we accepted the original.
        now: when the notice is written.
        message_id: of the notice, without brackets.
        original_id: Message-ID of the original, without brackets, or "".
        reference: ours, of the original.
        original: its bytes, the whole or at least its header; what is not needed is cut here.
        full: give the body back too, when it fits; `original` is the whole message then.
        limit_bytes: most bytes of the original given back.
    """

    kind: NoticeKind
    reporting_mta: str
    postmaster: Address
    to: Address
    recipients: tuple[NoticeRecipient, ...]
    envelope_id: str | None
    arrived_at: datetime
    now: datetime
    message_id: str
    original_id: str
    reference: str
    original: bytes
    full: bool
    limit_bytes: int


_SUBJECTS: Final = {
    NoticeKind.FAILED: "Message non distribué",
    NoticeKind.DELAYED: "Message retardé",
    NoticeKind.DELIVERED: "Message remis",
    NoticeKind.RELAYED: "Message transmis",
}
_FRENCH: Final = {
    NoticeKind.FAILED: "Votre message n'a pas pu être remis à :",
    NoticeKind.DELAYED: "Votre message attend encore, inutile de l'envoyer à nouveau : les essais continuent vers :",
    NoticeKind.DELIVERED: "Votre message a été déposé dans la boîte de :",
    NoticeKind.RELAYED: "Votre message a été accepté par l'opérateur suivant, qui n'enverra pas d'autre avis, pour :",
}
_ENGLISH: Final = {
    NoticeKind.FAILED: "Your message could not be delivered to:",
    NoticeKind.DELAYED: "Your message is not delivered yet; attempts go on, do not send it again. It is waiting for:",
    NoticeKind.DELIVERED: "Your message was put into the mailbox of:",
    NoticeKind.RELAYED: "Your message was accepted by the next operator, which will send no other notice, for:",
}


def build_notice(notice: Notice) -> bytes:
    """Return the notice as a whole message with CRLF lines, for the null reverse path.

    The original's subject is not repeated in ours: it stands only in the part that gives the original back.

    Source: RFC 3464 sections 2 and 2.1; RFC 6522; RFC 3834 section 5; reliability.md A13, B09, B10.
    """
    head = field_line("From", f"{encode_words('Service de messagerie')} <{notice.postmaster}>")
    head += field_line("To", str(notice.to))
    head += field_line("Subject", encode_words(_SUBJECTS[notice.kind]))
    head += field_line("Date", mail_date(notice.now))
    head += field_line("Message-ID", _identifier(notice.message_id))
    if notice.original_id and " " not in one_line(notice.original_id):
        head += field_line("In-Reply-To", _identifier(notice.original_id))
        head += field_line("References", _identifier(notice.original_id))
    head += field_line("Auto-Submitted", "auto-replied")
    head += field_line("MIME-Version", "1.0")
    parts = (text_part(_human_text(notice)), _status_part(notice), _original_part(notice))
    return head + multipart("report; report-type=delivery-status", parts, seed=notice.message_id)


def _human_text(notice: Notice) -> str:
    french = [_FRENCH[notice.kind], ""]
    english = [_ENGLISH[notice.kind], ""]
    for recipient in notice.recipients:
        french.append(f"  {recipient.address}")
        english.append(f"  {recipient.address}")
        if recipient.french:
            french.append(f"    {one_line(recipient.french)}")
        if recipient.english:
            english.append(f"    {one_line(recipient.english)}")
        if recipient.diagnostic:
            french.append(f"    Réponse reçue : {_cut(recipient.diagnostic)}")
        if recipient.retry_until is not None:
            french.append(f"    Dernier essai prévu : {_french_date(recipient.retry_until)}")
            english.append(f"    Last attempt planned: {mail_date(recipient.retry_until)}")
        french.append("")
        english.append("")
    french += [f"Référence à donner à votre opérateur : {one_line(notice.reference)}", "", "-- ", "English", ""]
    english += [f"Reference: {one_line(notice.reference)}"]
    return "\n".join(french + english)


def _status_part(notice: Notice) -> bytes:
    """Return the part for programs: fields of the message, then those of each recipient.

    Source: RFC 3464 sections 2.2 and 2.3.
    """
    part = field_line("Content-Type", "message/delivery-status") + b"\r\n"
    if notice.envelope_id is not None:
        part += field_line("Original-Envelope-Id", _ascii(notice.envelope_id))
    part += field_line("Reporting-MTA", f"dns; {_ascii(notice.reporting_mta)}")
    part += field_line("Arrival-Date", mail_date(notice.arrived_at))
    return part + b"".join(b"\r\n" + _recipient_fields(notice.kind, recipient) for recipient in notice.recipients)


def _recipient_fields(kind: NoticeKind, recipient: NoticeRecipient) -> bytes:
    fields = b""
    if recipient.original is not None:
        original_type, _, original = recipient.original.partition(";")
        fields += field_line("Original-Recipient", f"{_ascii(original_type)};{_ascii(original)}")
    fields += field_line("Final-Recipient", _final_recipient(recipient.address))
    fields += field_line("Action", kind.value)
    fields += field_line("Status", _ascii(recipient.status))
    if recipient.remote_mta:
        fields += field_line("Remote-MTA", f"dns; {_ascii(recipient.remote_mta)}")
    if recipient.diagnostic:
        fields += field_line("Diagnostic-Code", f"smtp; {_ascii(recipient.diagnostic)}")
    if recipient.attempted_at is not None:
        fields += field_line("Last-Attempt-Date", mail_date(recipient.attempted_at))
    if recipient.retry_until is not None and kind is NoticeKind.DELAYED:
        fields += field_line("Will-Retry-Until", mail_date(recipient.retry_until))
    return fields


def _final_recipient(address: Address) -> str:
    """Return the typed address in ASCII.

    Source: RFC 6533 section 3 (utf-8 address type, code points escaped where only ASCII may stand).
    """
    if address.is_ascii:
        return f"rfc822; {address}"
    escaped = "".join(
        char if char.isascii() and char not in "\\+=" else f"\\x{{{ord(char):02X}}}" for char in str(address)
    )
    return f"utf-8; {escaped}"


def _original_part(notice: Notice) -> bytes:
    """Return what is given back: everything when it was asked for and fits, else the header, cut at the limit.

    Source: RFC 3461 section 4.3; RFC 6522 section 3; reliability.md B09 (size capped), B10 (RET=FULL on 25 MB).
    """
    whole = notice.full and len(notice.original) <= notice.limit_bytes
    if whole:
        content, media_type = notice.original, "message/rfc822"
    else:
        end = split_header(notice.original, len(notice.original))
        head = notice.original if end < 0 else notice.original[:end]
        content, media_type = _cut_lines(head, notice.limit_bytes), "text/rfc822-headers"
    content = crlf(content)
    part = field_line("Content-Type", media_type)
    if not content.isascii():
        part += field_line("Content-Transfer-Encoding", "8bit")
    return part + b"\r\n" + content


def _cut_lines(head: bytes, limit_bytes: int) -> bytes:
    """Return the lines that fit whole."""
    if len(head) <= limit_bytes:
        return head
    return head[: head.rfind(b"\n", 0, limit_bytes) + 1]


def _french_date(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day:02d}/{at.month:02d}/{at.year} à {at.hour:02d} h {at.minute:02d} (UTC)"


def _cut(text: str) -> str:
    return one_line(text)[:DIAGNOSTIC_MAX_CHARS]


def _ascii(text: str) -> str:
    """Return the text of strangers as one bounded ASCII line."""
    return _cut(text).encode("ascii", "replace").decode()


def _identifier(text: str) -> str:
    return f"<{one_line(text).strip('<>')}>"
