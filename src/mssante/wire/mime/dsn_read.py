"""Read the delivery notice of another operator: what it says of each recipient, and the envelope it speaks of.

Anybody can write one: nothing of it is believed here (see `mssante.rules.returned`). Ours are made by
`mssante.wire.mime.dsn`.
"""

import re
from dataclasses import dataclass
from typing import Final

from mssante.model.address import Address, parse_address
from mssante.model.errors import TheirProtocolError
from mssante.wire.mime.decode import decode_transfer
from mssante.wire.mime.headers import iter_fields, split_header
from mssante.wire.mime.parameters import parameter
from mssante.wire.mime.parts import parse_parts

NOTICE_MAX_BYTES: Final = 256 * 1024
"""Of a notice that are looked at; what it gives back of the original stands behind, and is not read."""
RECIPIENTS_MAX: Final = 100
_STATUS_MAX_BYTES: Final = 64 * 1024
_VALUE_MAX_CHARS: Final = 1000
_STATUSES: Final = frozenset({"delivery-status", "global-delivery-status"})
_BLANK_LINES: Final = re.compile(rb"\r?\n(?:[ \t]*+\r?\n)++")
_STATUS: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_ESCAPED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


@dataclass(frozen=True, slots=True)
class NoticeTold:
    """What a notice says of one recipient.

    Attributes:
        original: as its sender wrote it, or None.
        final: as the reporting host knew it last, or None.
        action: in lower case: failed, delayed, delivered, relayed, expanded.
        status: enhanced code, ``5.1.1``, or "".
        reply: SMTP reply that it gives as the reason, or "".
    """

    original: Address | None
    final: Address | None
    action: str
    status: str
    reply: str


@dataclass(frozen=True, slots=True)
class NoticeRead:
    """A notice as read; `envelope_id` is the ENVID of the message it speaks of, or ""."""

    told: tuple[NoticeTold, ...]
    envelope_id: str = ""


def read_notice(data: bytes) -> NoticeRead | None:
    """Return what a message says as a delivery notice; None when it is none. Never raises; linear.

    Args:
        data: the message; its first `NOTICE_MAX_BYTES` are looked at.

    Source: RFC 6522 section 3 (report), RFC 3464 sections 2.1 to 2.3 (fields), RFC 6533 section 3 (addresses in UTF-8).
    """
    data = data[:NOTICE_MAX_BYTES]
    if b"delivery-status" not in data[: max(split_header(data, len(data)), 0)].lower():
        return None
    root = parse_parts(data)
    is_report = root.is_multipart and root.subtype == "report"
    if not is_report or parameter(root.params, "report-type").lower() != "delivery-status":
        return None
    status = next((one for one in root.children if one.type_ == "message" and one.subtype in _STATUSES), None)
    if status is None:
        return None
    raw = decode_transfer(data[status.body : min(status.end, status.body + _STATUS_MAX_BYTES)], status.encoding)
    about, *blocks = _BLANK_LINES.split((raw or b"").strip(b"\r\n"), RECIPIENTS_MAX + 1)
    told = tuple([_told(block) for block in blocks[:RECIPIENTS_MAX]])
    return NoticeRead(told, _fields(about).get("original-envelope-id", ""))


def _told(block: bytes) -> NoticeTold:
    fields = _fields(block)
    status = fields.get("status", "").partition(" ")[0]
    kind, _, reply = fields.get("diagnostic-code", "").partition(";")
    return NoticeTold(
        original=_typed_address(fields.get("original-recipient", "")),
        final=_typed_address(fields.get("final-recipient", "")),
        action=fields.get("action", "").partition(" ")[0].lower(),
        status=status if _STATUS.fullmatch(status) else "",
        reply=reply.strip() if kind.strip().lower() == "smtp" else "",
    )


def _fields(block: bytes) -> dict[str, str]:
    """Return the fields by name in lower case, the first of each; unfolded, one line, cut."""
    found: dict[str, str] = {}
    for name, value in iter_fields(block):
        text = " ".join(value[: 4 * _VALUE_MAX_CHARS].decode("utf-8", "replace").split())
        found.setdefault(name.decode("ascii", "replace").lower(), text[:_VALUE_MAX_CHARS])
    return found


def _typed_address(text: str) -> Address | None:
    """Return the address of ``rfc822; local@domain``, or None.

    Source: RFC 3464 section 2.3.1; RFC 6533 section 3 (utf-8-addr-xtext).
    """
    kind, separator, raw = text.partition(";")
    kind, raw = kind.strip().lower(), raw.strip().removeprefix("<").removesuffix(">")
    if not separator or kind not in {"rfc822", "utf-8"}:
        return None
    if kind == "utf-8":
        raw = _ESCAPED.sub(_unescaped, raw)
    try:
        return parse_address(raw)
    except TheirProtocolError:
        return None


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else "\N{REPLACEMENT CHARACTER}"
