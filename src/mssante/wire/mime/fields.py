"""Header fields as a reader asks for them: some, or all but some; and those kept at hand for lists of messages.

Source: RFC 9051 section 6.4.5.1 (HEADER.FIELDS).
"""

from typing import Final

from mssante.wire.mime.headers import split_header

CACHED: Final = frozenset(
    {
        b"from",
        b"to",
        b"cc",
        b"bcc",
        b"reply-to",
        b"sender",
        b"subject",
        b"date",
        b"message-id",
        b"in-reply-to",
        b"references",
        b"newsgroups",
        b"content-type",
        b"content-transfer-encoding",
        b"content-disposition",
        b"mime-version",
        b"list-id",
        b"list-post",
        b"list-unsubscribe",
        b"priority",
        b"x-priority",
        b"importance",
        b"x-msmail-priority",
        b"disposition-notification-to",
        b"return-receipt-to",
        b"return-path",
        b"auto-submitted",
        b"x-mailer",
        b"user-agent",
        b"delivered-to",
        b"x-mss-nil",
        b"x-mss-codecda",
        b"x-mss-ins",
        b"x-mss-mes",
        b"followup-to",
        b"organization",
        b"envelope-to",
        b"resent-from",
        b"resent-to",
        b"resent-date",
        b"x-spam-flag",
        b"x-original-to",
    }
)
"""The fields that mail programs ask for when they list a folder; lower case."""
CACHED_MAX_BYTES: Final = 8 * 1024


def select_fields(head: bytes, names: frozenset[bytes], *, without: bool) -> bytes:
    """Return the raw lines of those fields, or of all the others, ended by the empty line.

    Args:
        head: a header block, with or without its empty line.
        names: in lower case.
        without: the others are wanted.
    """
    length = split_header(head, len(head))
    pieces: list[bytes] = []
    wanted = False
    # Split at LF only: a bare CR in a value begins no field.
    for text in (head if length < 0 else head[:length]).split(b"\n"):
        if text in {b"\r", b""}:
            break
        line = text + b"\n"
        if line[:1] not in {b" ", b"\t"}:
            name, colon, _ = line.partition(b":")
            wanted = bool(colon) and (name.rstrip(b" \t").lower() in names) != without
        if wanted:
            pieces.append(line)
    if pieces and length < 0 and not head.endswith(b"\n"):
        pieces[-1] = pieces[-1].removesuffix(b"\n").removesuffix(b"\r") + b"\r\n"
    return b"".join(pieces) + b"\r\n"


def cached_fields(head: bytes) -> bytes | None:
    """Return the lines of the `CACHED` fields, or None when they are over 8 KiB."""
    found = select_fields(head, CACHED, without=False)
    return found if len(found) <= CACHED_MAX_BYTES else None
