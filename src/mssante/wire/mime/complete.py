"""Header lines that go in front of a message: trace fields, and what a submitted message lacks.

Nothing here changes the bytes of the message itself (law 9): the lines are kept beside it and sent before it.
"""

from datetime import UTC, datetime
from typing import Final

from mssante.model.address import Address
from mssante.model.envelope import Envelope
from mssante.model.message import Summary
from mssante.model.peer import TlsFacts
from mssante.wire.mime.words import field_line

NAME_MAX_CHARS: Final = 255

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NAME_CHARS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]_")


def mail_date(at: datetime) -> str:
    """Return the date as header fields write it, in UTC and in English whatever the locale.

    Source: RFC 5322 section 3.3.
    """
    at = at.astimezone(UTC)
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    return f"{day}, {at.day} {month} {at.year:04d} {at.hour:02d}:{at.minute:02d}:{at.second:02d} +0000"


def completed_head(
    summary: Summary, envelope: Envelope, *, message_id_domain: str, reference: str, now: datetime
) -> bytes:
    """Return the fields that a submitted message lacks among From, Date and Message-ID; b"" when it has them all.

    Args:
        summary: of the message as submitted.
        envelope: its sender becomes the From field when there is none.
        message_id_domain: right part of the identifier; ours.
        reference: ours, unique; left part of the identifier.
        now: when we accepted it.

    Source: RFC 6409 sections 8.1 and 8.3; RFC 5322 section 3.6.
    """
    lines = b""
    if "from" not in summary.present and envelope.sender is not None:
        lines += field_line("From", str(envelope.sender))
    if "date" not in summary.present:
        lines += field_line("Date", mail_date(now))
    if "message-id" not in summary.present:
        lines += field_line("Message-ID", f"<{_safe_name(reference)}@{message_id_domain}>")
    return lines


def received_field(
    *,
    by: str,
    from_name: str,
    peer_ip: str,
    protocol: str,
    tls: TlsFacts | None,
    reference: str,
    recipient: Address | None,
    now: datetime,
) -> bytes:
    """Return our Received field with its CRLF.

    Args:
        by: our host name.
        from_name: what the peer called itself; anything that is not a host name is made harmless.
        peer_ip: where it came from.
        protocol: ``ESMTPS``, ``ESMTPSA``, ``UTF8SMTPS`` or ``UTF8SMTPSA`` (RFC 3848, RFC 6531 section 4.3).
        tls: None when it came in clear (never between operators).
        reference: ours.
        recipient: named only when there is one alone, so that blind copies stay blind.
        now: when we accepted it.

    Source: RFC 5321 section 4.4; reliability.md A13.
    """
    ip = f"IPv6:{peer_ip}" if ":" in peer_ip else peer_ip
    lines = [f"Received: from {_safe_name(from_name)} ([{_safe_name(ip)}])"]
    if tls is not None:
        lines.append(f"(using {_safe_name(tls.protocol)} with cipher {_safe_name(tls.cipher)})")
    lines.append(f"by {by} with {protocol} id {_safe_name(reference)}")
    if recipient is not None and recipient.is_ascii:
        lines.append(f"for <{recipient}>")
    return ("\r\n\t".join(lines) + f";\r\n\t{mail_date(now)}\r\n").encode("ascii", "replace")


def return_path(sender: Address | None) -> bytes:
    """Return the Return-Path field that final delivery puts first.

    Source: RFC 5321 section 4.4 (the SMTP reverse path, ``<>`` for notices).
    """
    return f"Return-Path: <{'' if sender is None else sender}>\r\n".encode()


def _safe_name(text: str) -> str:
    """Return the text with everything that a host name or a token has no use for as a question mark."""
    if _NAME_CHARS.issuperset(text) and text:
        return text[:NAME_MAX_CHARS]
    return "".join(char if char in _NAME_CHARS else "?" for char in text[:NAME_MAX_CHARS]) or "unknown"
