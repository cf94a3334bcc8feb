"""Bodies of messages that we write: text and files in transfer encodings that cross any server.

Lines are CRLF and at most 76 characters; nothing of the content can look like a boundary.
"""

import base64
import binascii
import hashlib
from typing import Final

from mssante.wire.mime.words import field_line, one_line

FILE_NAME_MAX_CHARS: Final = 200

_TYPE_CHARS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+")
_PLAIN_NAME: Final = frozenset(" ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.,+()")
_ATTRIBUTE_CHARS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+")


def crlf(data: bytes) -> bytes:
    """Return the text with every line end as CRLF, lone CR and lone LF too.

    Source: RFC 5321 section 2.3.8; reliability.md A02.
    """
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def text_part(text: str) -> bytes:
    """Return a text part: its fields, an empty line, its body in quoted-printable.

    Source: RFC 2045 section 6.7.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    encoded = binascii.b2a_qp(lines.encode("utf-8", "replace"), istext=True)
    return (
        field_line("Content-Type", "text/plain; charset=utf-8")
        + field_line("Content-Transfer-Encoding", "quoted-printable")
        + b"\r\n"
        + crlf(encoded)
    )


def file_part(name: str, media_type: str, data: bytes) -> bytes:
    """Return an attachment: its fields, an empty line, its body in base64.

    Args:
        name: shown to the reader; folders and control characters are dropped.
        media_type: ``application/pdf``; anything that is not of that form becomes ``application/octet-stream``.
        data: the file.

    Source: RFC 2183; RFC 2231 section 4 (one name only, so that all readers see the same: reliability.md C04).
    """
    return (
        field_line("Content-Type", _media_type(media_type))
        + b"Content-Disposition: attachment;\r\n "
        + _file_name(name)
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(data).replace(b"\n", b"\r\n")
    )


def _media_type(text: str) -> str:
    main, _, sub = text.strip().partition("/")
    # A composite type may not be sent in base64 (RFC 2046 section 5.1).
    whole = main and sub and _TYPE_CHARS.issuperset(main + sub) and main.lower() not in {"multipart", "message"}
    return f"{main}/{sub}" if whole and len(text) < 100 else "application/octet-stream"


def _file_name(name: str) -> bytes:
    name = one_line(name.replace("\\", "/").rpartition("/")[2])[:FILE_NAME_MAX_CHARS] or "document"
    if _PLAIN_NAME.issuperset(name):
        return f'filename="{name}"'.encode()
    escaped = "".join(
        chr(byte) if byte in _ATTRIBUTE_CHARS else f"%{byte:02X}" for byte in name.encode("utf-8", "replace")
    )
    return f"filename*=utf-8''{escaped}".encode()


def boundary_of(*contents: bytes) -> str:
    """Return a boundary that none of the contents can hold: it is made from a hash of them all.

    The same contents give the same boundary, so that a message can be made again and compared.

    Source: RFC 2046 section 5.1.1.
    """
    digest = hashlib.sha256()
    for content in contents:
        digest.update(len(content).to_bytes(8, "big"))
        digest.update(content)
    return f"=_{digest.hexdigest()[:40]}"


def multipart(kind: str, parts: tuple[bytes, ...], *, seed: str) -> bytes:
    """Return a multipart entity: its Content-Type field, an empty line, its parts.

    Args:
        kind: ``mixed``, or ``report; report-type=delivery-status``.
        parts: whole parts, each with its fields.
        seed: what makes this message another one, its Message-ID.

    Source: RFC 2046 section 5.1.1.
    """
    boundary = boundary_of(seed.encode(), *parts)
    line = b"--" + boundary.encode()
    subtype, _, parameters = kind.partition("; ")
    extra = f"; {parameters}" if parameters else ""
    head = field_line("Content-Type", f'multipart/{subtype}{extra}; boundary="{boundary}"')
    # The line end before a boundary belongs to the boundary: each part keeps its own last one.
    body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts)
    return head + b"\r\n" + body + line + b"--\r\n"
