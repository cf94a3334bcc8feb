"""What is computed once for each message and kept beside it, so that lists of messages never open one again.

Source: RFC 9051 section 7.5.2; RFC 5256; RFC 8970.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.wire.mime.decode import preview_of, search_text
from mssante.wire.mime.envelope import (
    Head,
    base_subject,
    message_id_of,
    read_head,
    references_of,
    render_envelope,
    sent_at,
    sort_key,
    subject_of,
)
from mssante.wire.mime.fields import cached_fields
from mssante.wire.mime.parts import Part, parse_parts
from mssante.wire.mime.structure import render_structure
from mssante.wire.mime.words import decode_words, one_line

HEADER_TEXT_MAX_CHARS: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class MessageIndex:
    """What is kept of one message; offsets and header are those of the bytes given.

    Attributes:
        envelope, bodystructure, body: as IMAP writes them.
        parts: the tree.
        sent_at: of the Date field, in the zone it names; None without one.
        base_subject: for sorting and threading.
        is_answer: the subject had the mark of an answer or a forward.
        from_key, to_key, cc_key: for sorting.
        message_id: without brackets.
        references: ids of the messages that it answers, oldest first.
        cached_header: lines of the fields that lists show, None when they are too long.
        preview: the first words.
        header_text: addresses and subject, for search.
        text: the words of its parts, for search.
    """

    envelope: bytes
    bodystructure: bytes
    body: bytes
    parts: Part
    sent_at: datetime | None
    base_subject: str
    is_answer: bool
    from_key: str
    to_key: str
    cc_key: str
    message_id: str
    references: tuple[str, ...]
    cached_header: bytes | None
    preview: str
    header_text: str
    text: str


def index_message(data: bytes) -> MessageIndex:
    """Return the index of a whole message, header and body. Never raises on any bytes."""
    parts = parse_parts(data)
    block = data[: parts.body]
    head = read_head(block)
    base, is_answer = base_subject(subject_of(head))
    return MessageIndex(
        envelope=render_envelope(head),
        bodystructure=render_structure(parts, data, extended=True),
        body=render_structure(parts, data, extended=False),
        parts=parts,
        sent_at=sent_at(head),
        base_subject=base,
        is_answer=is_answer,
        from_key=sort_key(head, b"from"),
        to_key=sort_key(head, b"to"),
        cc_key=sort_key(head, b"cc"),
        message_id=message_id_of(head),
        references=references_of(head),
        cached_header=cached_fields(block),
        preview=preview_of(parts, data),
        header_text=_header_text(head),
        text=search_text(parts, data),
    )


def _header_text(head: Head) -> str:
    pieces = [subject_of(head)]
    for name in (b"from", b"to", b"cc", b"bcc", b"reply-to"):
        raw = head.values.get(name, b"").decode("utf-8", "replace")
        if raw:
            pieces.append(one_line(decode_words(raw)))
    return "\n".join(pieces)[:HEADER_TEXT_MAX_CHARS]
