"""Read the receipts of readers and of other programs (MDN), leniently: the samples of the guides are loosely written.

Anybody can write one: nothing of it is believed here (see `mssante.flows.receipts`). Ours are made by
`mssante.wire.mime.mdn`.
"""

import re
from typing import Final

from mssante.model.address import Address, parse_address
from mssante.model.errors import TheirProtocolError
from mssante.wire.mime.decode import decode_transfer
from mssante.wire.mime.headers import iter_fields, split_header
from mssante.wire.mime.mdn import Disposition, Mdn
from mssante.wire.mime.parts import parse_parts
from mssante.wire.mime.words import decode_words, one_line

MDN_MAX_BYTES: Final = 256 * 1024
"""Of a receipt that are looked at; the original and its files stand behind, and are not read."""
_PART_MAX_BYTES: Final = 64 * 1024
_VALUE_MAX_CHARS: Final = 1000
_LABEL_MAX_CHARS: Final = 200
_CODE_MAX_CHARS: Final = 8
_MODIFIERS_MAX: Final = 10
_TYPE: Final = b"disposition-notification"
_ESCAPED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_FIELD: Final = re.compile(
    rb"^[ \t]*+(?:reporting-ua|mdn-gateway|original-recipient|final-recipient|original-message-id|disposition)[ \t]*+:",
    re.IGNORECASE | re.MULTILINE,
)
# Each class ends where the next begins: the search is linear.
_MARK: Final = re.compile(
    r"\[[ ]{0,3}(?:KO[ ]{1,3}Int[eé]gration[ ]{1,3}syst[eè]me|Erreur[ ]{1,3}d['’]int[eé]gration)[ ]{0,3}!?[ ]{0,3}\]"
    r"[ ]{0,3}\[[ ]{0,3}([0-9]{1,8})[ ]{0,3}\][ ]{0,3}",
    re.IGNORECASE,
)
_MARK_MAX_CHARS: Final = 300
_IDENTIFIER: Final = re.compile(r"<([^<>\s]{1,998})>")


def read_mdn(data: bytes) -> Mdn | None:
    """Return what a message says as a receipt; None when it is none. Never raises; linear.

    Its parts may be loose: a boundary with blanks before it, no third part, names of fields in any case, blanks in
    front of them or of their colon.

    Args:
        data: the message; its first `MDN_MAX_BYTES` are looked at.

    Source: RFC 8098 sections 3.1 and 3.2; RFC 6522 section 3; clients.md 5.7 (be tolerant when parsing).
    """
    data = data[:MDN_MAX_BYTES]
    end = split_header(data, len(data))
    head = data if end < 0 else data[:end]
    if not _says_report(head):
        return None
    fields = _machine_fields(data, len(head), is_report=_TYPE in head.lower())
    return None if fields is None else _mdn(fields)


def read_error_subject(subject: str) -> tuple[str, str] | None:
    """Return the code and the subject behind it when a subject tells of an integration error, else None.

    Source: clients.md 5.7 (``[KO Intégration système !][902] XDM/...``, also ``[Erreur d'intégration !][902]``).
    """
    found = _MARK.search(subject[:_MARK_MAX_CHARS])
    if found is None:
        return None
    return _code(found[1]), subject[found.end() :].strip()


def answered_ids(head: bytes) -> tuple[str, ...]:
    """Return the identifiers, without brackets, of the messages that this one says to answer; few, the nearest first.

    Source: RFC 5322 section 3.6.4 (In-Reply-To, References: the last one is the parent).
    """
    found: dict[str, None] = {}
    wanted = {b"in-reply-to": b"", b"references": b""}
    for name, value in iter_fields(head):
        if wanted.get(name.lower()) == b"":
            wanted[name.lower()] = value
    for value, most in ((wanted[b"in-reply-to"][:2000], 3), (wanted[b"references"][-2000:], 1)):
        for one in reversed(_IDENTIFIER.findall(value.decode("utf-8", "replace"))[-most:]):
            found.setdefault(one)
    return tuple(found)


def _says_report(head: bytes) -> bool:
    for name, value in iter_fields(head):
        if name.strip().lower() == b"content-type":
            kind = value[:_PART_MAX_BYTES].lower()
            return b"multipart" in kind and (_TYPE in kind or b"multipart/mixed" in kind)
    return False


def _machine_fields(data: bytes, body: int, *, is_report: bool) -> dict[str, str] | None:
    """Return the fields of the part for programs, found as a part or, when boundaries are broken, by their names."""
    # Not what stands in an attached message: somebody may forward the receipt of another one.
    for part in parse_parts(data).children:
        if part.type_ == "message" and part.subtype in {_TYPE.decode(), "global-disposition-notification"}:
            raw = decode_transfer(data[part.body : min(part.end, part.body + _PART_MAX_BYTES)], part.encoding) or b""
            fields = _fields(raw)
            if "disposition" in fields:
                return fields
    at = data.lower().find(b"message/" + _TYPE, body) if is_report else -1
    found = _FIELD.search(data, at) if at >= 0 else None
    if found is None:
        return None
    fields = _fields(data[found.start() : found.start() + _PART_MAX_BYTES])
    return fields if "disposition" in fields else None


def _fields(block: bytes) -> dict[str, str]:
    """Return the fields by name in lower case, the first of each, up to a boundary or the end of the fields."""
    found: dict[str, str] = {}
    name = ""
    for raw in block.lstrip(b"\r\n \t").split(b"\n", 200)[:200]:
        line = raw.rstrip(b"\r")
        if line.lstrip().startswith(b"--") or (not line.strip() and "disposition" in found):
            break
        text = line[: 4 * _VALUE_MAX_CHARS].decode("utf-8", "replace")
        key, colon, value = text.partition(":")
        if colon and _is_name(key.strip()):
            name = key.strip().lower()
            if name in found:
                name = ""
            else:
                found[name] = one_line(value)[:_VALUE_MAX_CHARS]
        elif name and text.strip() and text[:1] in " \t" and len(found[name]) < _VALUE_MAX_CHARS:
            found[name] = f"{found[name]} {one_line(text)}"[:_VALUE_MAX_CHARS]
    return found


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 60 and text.isascii() and text.replace("-", "").isalnum()


def _mdn(fields: dict[str, str]) -> Mdn | None:
    """Return the receipt of these fields.

    Source: RFC 8098 section 3.2.6: ``action-mode/sending-mode; type/modifier,modifier``.
    """
    modes, semicolon, rest = fields["disposition"].partition(";")
    if not semicolon:
        modes, rest = "", modes
    kind, _, more = rest.partition("/")
    try:
        disposition = Disposition(kind.strip().lower())
    except ValueError:
        return None
    action, _, sent = modes.lower().partition("/")
    modifiers, code, label = _modifiers(more)
    if not label:
        label = next((fields[name] for name in ("error", "failure", "warning") if fields.get(name)), "")
    return Mdn(
        disposition=disposition,
        is_automatic="automatic" in action,
        is_sent_automatically="automatic" in sent,
        modifiers=modifiers,
        code=code,
        label=one_line(decode_words(label))[:_LABEL_MAX_CHARS],
        final_recipient=_typed_address(fields.get("final-recipient", "")),
        original_recipient=_typed_address(fields.get("original-recipient", "")),
        original_message_id=fields.get("original-message-id", "").strip("<> ").partition(" ")[0],
        reporting_ua=fields.get("reporting-ua", "")[:_LABEL_MAX_CHARS],
    )


def _modifiers(text: str) -> tuple[tuple[str, ...], str, str]:
    """Return the modifiers, and the code and label that the guide puts behind ``Error:``.

    Source: clients.md 5.7 (``processed/Error: 903^INS absent``).
    """
    words, colon, told = text.partition(":")
    names = tuple(word for word in (one.strip().lower() for one in words.split(",", _MODIFIERS_MAX)) if word)
    if not colon:
        # ``processed/Error 903^INS absent``: without its colon too.
        first, _, behind = (names[0] if names else "").partition(" ")
        if first != "error" or not behind:
            return names[:_MODIFIERS_MAX], "", ""
        names, told = ("error",), words.strip()[len("error") :]
    number, caret, label = told.strip().partition("^")
    if not caret:
        number, _, label = told.strip().partition(" ")
    if not number.strip().isdigit():
        return names[:_MODIFIERS_MAX], "906" if "error" in names else "", told.strip()[:_LABEL_MAX_CHARS]
    return names[:_MODIFIERS_MAX], _code(number), label.strip()[:_LABEL_MAX_CHARS]


def _code(text: str) -> str:
    """Return a code without its leading zeros; one that nobody knows is kept, cut."""
    return "".join(char for char in text if char in "0123456789")[:_CODE_MAX_CHARS].lstrip("0") or "0"


def _typed_address(text: str) -> Address | None:
    """Return the address of ``rfc822; local@domain``, also without its type, or None.

    Source: RFC 8098 sections 3.2.3 and 3.2.4; RFC 6533 section 3.
    """
    kind, separator, raw = text.partition(";")
    if not separator:
        kind, raw = "rfc822", text
    raw = raw.strip().removeprefix("<").removesuffix(">").strip()
    if kind.strip().lower() == "utf-8":
        raw = _ESCAPED.sub(_unescaped, raw)
    try:
        return parse_address(raw)
    except TheirProtocolError:
        return None


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else "\N{REPLACEMENT CHARACTER}"
