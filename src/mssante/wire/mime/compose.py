"""A message written by us from its text and files: for the command line, the sandbox and tests.

Not for what users submit: that is stored as it comes.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from mssante.model.address import Address
from mssante.wire.mime.complete import mail_date
from mssante.wire.mime.encode import file_part, multipart, text_part
from mssante.wire.mime.words import encode_words, field_line, one_line

RESERVED: Final = frozenset(
    {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
    }
)
_NO_SIGNS: Final = str.maketrans(dict.fromkeys('<>"\\()'))
_NAME_CHARS: Final = frozenset(chr(code) for code in range(33, 127) if code != ord(":"))


def compose(
    *,
    sender: Address,
    to: Sequence[Address],
    subject: str,
    text: str,
    attachments: Sequence[tuple[str, str, bytes]] = (),
    message_id: str,
    now: datetime,
    in_reply_to: str = "",
    references: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    label: str = "",
) -> bytes:
    """Return a whole message with CRLF lines.

    Args:
        sender: of the From field.
        to: of the To field; at least one.
        subject: any text; control characters become spaces.
        text: any text, any line ends.
        attachments: (file name, media type, bytes) of each.
        message_id: without brackets.
        now: of the Date field.
        in_reply_to: identifier of the message answered, without brackets.
        references: identifiers of the thread, oldest first, without brackets.
        headers: more fields, ``X-MSS-NIL`` and so on; those that this function writes itself are not allowed.
        label: shown beside the sender's address, "" for none; signs that mean something in a header are left out.

    Raises:
        ValueError: no recipient, or a field name in `headers` that is not allowed (a bug in the caller).

    Source: RFC 5322 section 3.6; RFC 2045; clients.md 5.3 and 5.4; reliability.md A02.
    """
    if not to:
        msg = "a message needs at least one recipient"
        raise ValueError(msg)
    head = field_line("From", f"{_label(label)} <{sender}>" if _label(label) else str(sender))
    head += field_line("To", ", ".join(str(address) for address in to))
    head += field_line("Subject", encode_words(subject))
    head += field_line("Date", mail_date(now))
    head += field_line("Message-ID", _identifier(message_id))
    if in_reply_to:
        head += field_line("In-Reply-To", _identifier(in_reply_to))
    if references:
        head += field_line("References", " ".join(_identifier(reference) for reference in references))
    for name, value in (headers or {}).items():
        if name.lower() in RESERVED or not name or not _NAME_CHARS.issuperset(name):
            msg = f"header field {name!r} cannot be set here"
            raise ValueError(msg)
        head += field_line(name, encode_words(value))
    head += field_line("MIME-Version", "1.0")
    parts = (text_part(text), *(file_part(*attachment) for attachment in attachments))
    return head + (parts[0] if len(parts) == 1 else multipart("mixed", parts, seed=message_id))


def _label(text: str) -> str:
    """Return a display name: an atom, words in quotes, or an encoded word; never anything that ends the name."""
    plain = one_line(text).translate(_NO_SIGNS).strip()
    if not plain or not plain.isascii():
        return encode_words(plain)
    return f'"{plain}"'


def _identifier(text: str) -> str:
    plain = one_line(text).strip("<>").replace(" ", "")
    return f"<{plain}>"
