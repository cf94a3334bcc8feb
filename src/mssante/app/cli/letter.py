"""A message as a terminal shows it: decoded headers, the text, the list of the attachments.

Any bytes may come in: what cannot be decoded is shown as it is, never run, never fatal. Not for export, which is
byte for byte.
"""

import email
import email.message
from dataclasses import dataclass
from typing import Final

from mssante.wire.mime.words import decode_words

SHOWN_HEADERS: Final = ("Date", "From", "To", "Cc", "Subject", "Message-ID", "In-Reply-To")
TEXT_MAX_CHARS: Final = 200_000
PARTS_MAX: Final = 200
# The parser compares each line with each open boundary: their number bounds its time.
BOUNDARIES_MAX: Final = 40
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attached file: its name, its media type, its size when decoded."""

    name: str
    media_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Letter:
    """What is shown of a message.

    Attributes:
        headers: (name, decoded value), in a fixed order; those that are absent are left out.
        text: the first plain text, or a word about what stands there instead.
    """

    headers: tuple[tuple[str, str], ...]
    text: str
    attachments: tuple[Attachment, ...]


_UNREADABLE: Final = Letter((), "(structure illisible ; `mssante mail export` donne le message tel quel)", ())


def read_letter(data: bytes) -> Letter:
    """Return what is shown of a message; never raises for what the message holds."""
    if data.lower().count(b"boundary") > BOUNDARIES_MAX:
        return _UNREADABLE
    try:
        parsed = email.message_from_bytes(data)
        parts = _leaves(parsed)
    except (RecursionError, ValueError, LookupError):
        return _UNREADABLE
    headers = tuple((name, one_line(str(value))) for name in SHOWN_HEADERS for value in parsed.get_all(name, [])[:1])
    text, attachments = "", []
    for part in parts:
        if not text and part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            text = _decoded(part)[:TEXT_MAX_CHARS]
        else:
            attachments.append(_attachment(part))
    return Letter(headers, text or "(pas de texte simple)", tuple(attachments))


def one_line(value: str) -> str:
    """Return the value of a header unfolded, with its encoded words decoded."""
    raw = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return decode_words(" ".join(raw.split()))


def _leaves(message: email.message.Message) -> list[email.message.Message]:
    """Return the parts that are not multipart, in order; a message inside the message is one part."""
    found: list[email.message.Message] = []
    waiting = [message]
    for _looked in range(PARTS_MAX):
        if not waiting:
            break
        part = waiting.pop()
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += [one for one in reversed(inner) if isinstance(one, email.message.Message)]
        else:
            found.append(part)
    return found


def _payload(part: email.message.Message) -> bytes:
    try:
        found = part.get_payload(decode=True)
        inner = part.get_payload()
        if found is None and isinstance(inner, list):
            return b"".join(one.as_bytes() for one in inner if isinstance(one, email.message.Message))
    except (ValueError, LookupError, RecursionError):
        return b""
    return found if isinstance(found, bytes) else b""


def _decoded(part: email.message.Message) -> str:
    charset = (part.get_content_charset() or "utf-8").lower()
    text = _payload(part).decode(charset if charset in _CHARSETS else "utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _attachment(part: email.message.Message) -> Attachment:
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError):
        name = ""
    return Attachment(one_line(name) or "(sans nom)", part.get_content_type(), len(_payload(part)))
