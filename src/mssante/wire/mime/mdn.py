"""Receipts of readers and of programs (MDN): whether one is asked for, and how one is written.

Reading them is `mssante.wire.mime.mdn_read`; whom to believe, and when to answer, is decided in flows and rules.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.model.address import Address
from mssante.model.receipt import error_label
from mssante.wire.mime.addresses import parse_addresses
from mssante.wire.mime.complete import mail_date
from mssante.wire.mime.encode import crlf, file_part, multipart, text_part
from mssante.wire.mime.headers import iter_fields, split_header
from mssante.wire.mime.words import encode_words, field_line, one_line

FAILED_MARK: Final = "[KO Intégration système !]"
REPORT: Final = "report; report-type=disposition-notification"
_VALUE_MAX_BYTES: Final = 16 * 1024
_SUBJECT_MAX_CHARS: Final = 900

Attachment = tuple[str, str, bytes]
"""File name, media type, bytes."""


class Disposition(enum.Enum):
    """What became of a message; RFC 8098 section 3.2.6.2, with ``dispatched`` of RFC 2298 that guides still name."""

    DISPLAYED = "displayed"
    DELETED = "deleted"
    DISPATCHED = "dispatched"
    PROCESSED = "processed"


@dataclass(frozen=True, slots=True)
class Mdn:
    """A receipt.

    Attributes:
        disposition: what became of the message.
        is_automatic: a program did it (action mode).
        is_sent_automatically: nobody was asked (sending mode).
        modifiers: in lower case: ``error``, ``failure``, ``warning`` and others.
        code: of an integration error, digits, or "".
        label: of that code as told, or the text of the Error, Failure or Warning field; or "".
        final_recipient: whose mailbox it was, or None.
        original_recipient: as the sender wrote it, or None.
        original_message_id: without brackets, or "".
        reporting_ua: the program, or "".
    """

    disposition: Disposition
    is_automatic: bool = False
    is_sent_automatically: bool = False
    modifiers: tuple[str, ...] = ()
    code: str = ""
    label: str = ""
    final_recipient: Address | None = None
    original_recipient: Address | None = None
    original_message_id: str = ""
    reporting_ua: str = ""

    @property
    def is_error(self) -> bool:
        """Tell whether the message was not filed."""
        return bool(self.code not in {"", "0"} or {"error", "failure"} & set(self.modifiers))


@dataclass(frozen=True, slots=True)
class ReceiptLetter:
    """What every receipt needs beside what it tells.

    Attributes:
        sender: the mailbox that got the message.
        to: where the receipt goes.
        subject: of the message that it is about.
        now: UTC.
        message_id: of the receipt, without brackets.
        original: the message, whole; only its header is given back in an MDN.
        attachments: its archive and its PDF, given back once more.
    """

    sender: Address
    to: Address
    subject: str
    now: datetime
    message_id: str
    original: bytes
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a receipt.

    Attributes:
        to: where it goes.
        may_be_automatic: nobody need be asked first.
        why: not to answer by itself, for people, in French; "" when it may.
    """

    to: Address
    may_be_automatic: bool
    why: str = ""


def asks_for_receipt(head: bytes, return_path: Address | None) -> Asked | None:
    """Return who asks for a receipt; None when nobody does, or when no answer may be given at all. Never raises.

    Args:
        head: the header of the message as it was received.
        return_path: of its envelope; None is the null reverse path.

    Source: RFC 8098 section 2.1 (one address that is the return path, else ask the user; never for the null path nor
        for an MDN); RFC 3834 section 2 (automatic and bulk messages); clients.md 5.7.
    """
    values = _fields(head)
    wanted = [address for _, address in parse_addresses(values.get("disposition-notification-to", b""))]
    if not wanted or return_path is None or _automatic(values):
        return None
    if len({address.key for address in wanted}) > 1:
        return Asked(wanted[0], may_be_automatic=False, why="le message demande l'accusé à plusieurs adresses")
    if wanted[0].key != return_path.key:
        why = f"l'accusé irait à {wanted[0]}, qui n'est pas l'expéditeur {return_path}"
        return Asked(wanted[0], may_be_automatic=False, why=why)
    return Asked(wanted[0], may_be_automatic=True)


def is_automatic(head: bytes) -> bool:
    """Tell whether no person wrote this message for its reader: an automatic answer, a list, a report.

    Source: RFC 3834 sections 2 and 5.
    """
    return _automatic(_fields(head))


def _automatic(values: Mapping[str, bytes]) -> bool:
    submitted = values.get("auto-submitted", b"no").split(b";")[0].strip().lower()
    kind = values.get("content-type", b"").partition(b";")[0].strip().lower()
    bulk = values.get("precedence", b"").strip().lower() in {b"bulk", b"list", b"junk"} or "list-id" in values
    return submitted != b"no" or bulk or kind == b"multipart/report"


def _fields(head: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    end = split_header(head, len(head))
    for name, value in iter_fields(head if end < 0 else head[:end]):
        found.setdefault(name.decode("ascii", "replace").lower(), value[:_VALUE_MAX_BYTES])
    return found


def receipt_subject(mdn: Mdn, subject: str) -> str:
    """Return the subject of a receipt: that of the message, marked with the code after an error.

    Source: clients.md 5.7 (``[KO Intégration système !][902] XDM/1.0/DDM+...``).
    """
    subject = one_line(subject)[:_SUBJECT_MAX_CHARS]
    return f"{FAILED_MARK}[{mdn.code or '906'}] {subject}".rstrip() if mdn.is_error else subject


def write_mdn(mdn: Mdn, letter: ReceiptLetter, text: str = "") -> bytes:
    """Return a receipt as a whole message with CRLF lines, for the null reverse path.

    Args:
        text: for people; a sentence is made when there is none.

    Source: RFC 8098 sections 3 and 3.1; RFC 6522; RFC 3834 section 5; clients.md 5.7.
    """
    files = tuple(file_part(*one) for one in letter.attachments)
    parts = (text_part(text or _sentence(mdn, letter)), _machine_part(mdn), _header_part(letter.original), *files)
    return _head(mdn, letter) + multipart(REPORT, parts, seed=letter.message_id)


def write_integration_error(mdn: Mdn, letter: ReceiptLetter, text: str = "") -> bytes:
    """Return the ordinary message that tells of an error when no receipt was asked for.

    Args:
        mdn: with its code; its recipients are not told again, the text does.
        text: for people; a sentence is made when there is none.

    Source: clients.md 5.7 (multipart/mixed, the original as ``message_original.eml``, its files attached again).
    """
    original = (
        field_line("Content-Type", "message/rfc822")
        + field_line("Content-Disposition", 'attachment; filename="message_original.eml"')
        + (b"" if letter.original.isascii() else field_line("Content-Transfer-Encoding", "8bit"))
        + b"\r\n"
        + crlf(letter.original)
    )
    files = tuple(file_part(*one) for one in letter.attachments)
    parts = (text_part(text or _sentence(mdn, letter)), original, *files)
    return _head(mdn, letter) + multipart("mixed", parts, seed=letter.message_id)


def _head(mdn: Mdn, letter: ReceiptLetter) -> bytes:
    head = field_line("From", str(letter.sender))
    head += field_line("To", str(letter.to))
    head += field_line("Subject", encode_words(receipt_subject(mdn, letter.subject)))
    head += field_line("Date", mail_date(letter.now))
    head += field_line("Message-ID", f"<{_identifier(letter.message_id)}>")
    if original := _identifier(mdn.original_message_id):
        head += field_line("In-Reply-To", f"<{original}>")
        head += field_line("References", f"<{original}>")
    head += field_line("Auto-Submitted", "auto-replied")
    return head + field_line("MIME-Version", "1.0")


def _sentence(mdn: Mdn, letter: ReceiptLetter) -> str:
    """Return what the receipt says to people.

    Source: RFC 8098 section 3 item b (understandable by the recipient of the notification).
    """
    to, code = letter.sender, mdn.code or "906"
    if mdn.is_error:
        said = f"Votre message n'a pas pu être intégré par le logiciel de {to}.\nErreur {code} : {_label(mdn)}."
    else:
        done = {
            Disposition.DISPLAYED: f"Votre message a été ouvert dans la boîte {to}.",
            Disposition.DELETED: f"Votre message a été supprimé de la boîte {to}, peut-être sans avoir été lu.",
            Disposition.DISPATCHED: f"Votre message a été transmis depuis la boîte {to}.",
            Disposition.PROCESSED: f"Votre message a été intégré par le logiciel de {to}.",
        }
        said = done[mdn.disposition]
    return f"{said}\nCe n'est pas une preuve que son contenu a été compris.\n"


def _label(mdn: Mdn) -> str:
    return one_line(mdn.label) or error_label(mdn.code)


def _machine_part(mdn: Mdn) -> bytes:
    """Return the part for programs.

    Source: RFC 8098 section 3.1 and 3.2; RFC 6533 section 3 (utf-8 addresses).
    """
    part = field_line("Content-Type", "message/disposition-notification") + b"\r\n"
    if agent := _ascii(mdn.reporting_ua):
        part += field_line("Reporting-UA", agent)
    if mdn.original_recipient is not None:
        part += field_line("Original-Recipient", typed_address(mdn.original_recipient))
    if mdn.final_recipient is not None:
        part += field_line("Final-Recipient", typed_address(mdn.final_recipient))
    if original := _identifier(mdn.original_message_id):
        part += field_line("Original-Message-ID", f"<{original}>")
    return part + b"Disposition: " + _disposition(mdn).encode() + b"\r\n"


def _disposition(mdn: Mdn) -> str:
    """Return the value of the field, on one line: readers of the guide split it at its blanks.

    Source: RFC 8098 section 3.2.6; clients.md 5.7 (``processed/Error: 902^patient inconnu``).
    """
    action = "automatic-action" if mdn.is_automatic else "manual-action"
    sent = "MDN-sent-automatically" if mdn.is_sent_automatically else "MDN-sent-manually"
    value = f"{action}/{sent}; {mdn.disposition.value}"
    if mdn.is_error:
        return f"{value}/Error: {_ascii(mdn.code) or '906'}^{_plain(_label(mdn))}"
    return value + (f"/{','.join(_ascii(one) for one in mdn.modifiers)}" if mdn.modifiers else "")


def _header_part(original: bytes) -> bytes:
    end = split_header(original, len(original))
    head = crlf(original if end < 0 else original[:end])
    eight = b"" if head.isascii() else field_line("Content-Transfer-Encoding", "8bit")
    return field_line("Content-Type", "text/rfc822-headers") + eight + b"\r\n" + head


def typed_address(address: Address) -> str:
    """Return the typed address in ASCII.

    Source: RFC 6533 section 3 (utf-8 address type, code points escaped where only ASCII may stand).
    """
    if address.is_ascii:
        return f"rfc822; {address}"
    escaped = "".join(
        char if char.isascii() and char not in "\\+=" else f"\\x{{{ord(char):02X}}}" for char in str(address)
    )
    return f"utf-8; {escaped}"


_ACCENTS: Final = str.maketrans("àâäçéèêëîïôöùûüÀÂÄÇÉÈÊËÎÏÔÖÙÛÜ’", "aaaceeeeiioouuuAAACEEEEIIOOUUU'")


def _plain(text: str) -> str:
    """Return a French label in ASCII: accents are dropped rather than replaced by question marks."""
    return _ascii(text.translate(_ACCENTS))


def _ascii(text: str) -> str:
    return one_line(text)[:200].encode("ascii", "replace").decode()


def _identifier(text: str) -> str:
    plain = one_line(text).strip("<> ")
    return "" if " " in plain or len(plain) > _SUBJECT_MAX_CHARS else plain
