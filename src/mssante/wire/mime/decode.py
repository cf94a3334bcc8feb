"""The content of parts: transfer encodings, text for search, the first lines for a preview.

Lenient and bounded; nothing here decides what a reader may see.

Source: RFC 2045 section 6; RFC 3516; RFC 8970 section 3.
"""

import binascii
import html
import re
from collections.abc import Iterator
from typing import Final

from mssante.wire.mime.parameters import parameter
from mssante.wire.mime.parts import Part, walk
from mssante.wire.mime.words import codec_of

PREVIEW_CHARS: Final = 200
TEXT_MAX_CHARS: Final = 256 * 1024
_PREVIEW_BYTES: Final = 16 * 1024
_NOT_BASE64: Final = bytes(
    code for code in range(256) if code not in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
)
_SPACES: Final = re.compile(r"\s+")
_SKIPPED: Final = ("script", "style", "head", "title")
_TAG_NAME: Final = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")


def decode_transfer(data: bytes, encoding: str) -> bytes | None:
    """Return the content of a body in that transfer encoding; None when the encoding is not known.

    Broken base64 gives what could be read before the fault.
    """
    name = encoding.strip().lower()
    if name in {"", "7bit", "8bit", "binary"}:
        return data
    if name == "base64":
        return _base64(data)
    if name == "quoted-printable":
        return binascii.a2b_qp(data)
    return None


def _base64(data: bytes) -> bytes:
    clean = data.translate(None, _NOT_BASE64)
    end = clean.find(b"=")
    if end >= 0:
        clean = clean[:end]
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def text_of(part: Part, data: bytes, limit_bytes: int) -> str:
    """Return the readable text of a text part, "" for others; HTML without its tags.

    Args:
        part: a leaf.
        data: the message.
        limit_bytes: of the encoded body that are looked at.
    """
    if part.type_ != "text" or part.subtype not in {"plain", "html", "enriched", "markdown", "calendar", "csv"}:
        return ""
    raw = decode_transfer(data[part.body : min(part.end, part.body + limit_bytes)], part.encoding)
    if raw is None:
        return ""
    text = raw.decode(codec_of(parameter(part.params, "charset")) or "utf-8", "replace")
    return strip_html(text) if part.subtype == "html" else text


def search_text(root: Part, data: bytes) -> str:
    """Return the words of every text part and the names of the files, at most 256 Ki characters."""
    pieces: list[str] = []
    left = TEXT_MAX_CHARS
    for piece in _texts(root, data):
        pieces.append(piece[:left])
        left -= len(piece)
        if left <= 0:
            break
    return "\n".join(pieces)


def _texts(root: Part, data: bytes) -> Iterator[str]:
    for part in walk(root):
        name = parameter(part.disposition_params, "filename") or parameter(part.params, "name")
        if name:
            yield name
        if not part.children and part.disposition != "attachment":
            text = text_of(part, data, 2 * TEXT_MAX_CHARS)
            if text:
                yield text


def preview_of(root: Part, data: bytes) -> str:
    """Return the first words of the first readable part, at most 200 characters on one line.

    Quoted lines are left out unless there is nothing else.
    """
    for part in walk(root):
        if part.children or part.disposition == "attachment":
            continue
        text = text_of(part, data, _PREVIEW_BYTES).replace("\0", "")
        if not text.strip():
            continue
        # A few times the length wanted is enough, unless most of it is quoted.
        text = text[: 20 * PREVIEW_CHARS]
        own = "\n".join([line for line in text.split("\n") if not line.lstrip().startswith(">")])
        return _SPACES.sub(" ", own if own.strip() else text).strip()[:PREVIEW_CHARS]
    return ""


def strip_html(text: str) -> str:
    """Return the words of HTML: tags, comments, scripts and styles left out, entities decoded. Linear."""
    pieces: list[str] = []
    at = 0
    while True:
        start = text.find("<", at)
        if start < 0:
            pieces.append(text[at:])
            break
        pieces.append(text[at:start])
        if text.startswith("<!--", start):
            end = text.find("-->", start + 4)
            at = len(text) if end < 0 else end + 3
            continue
        end = text.find(">", start)
        if end < 0:
            break
        at = end + 1
        named = _TAG_NAME.match(text, start + 1)
        name = named[1].lower() if named else ""
        if name in _SKIPPED and text[start + 1] != "/":
            close = text.find(f"</{name}", at)
            if close < 0:
                close = text.lower().find(f"</{name}", at)
            at = len(text) if close < 0 else close
        elif name not in {"b", "i", "em", "strong", "span", "a", "u", "font"}:
            pieces.append(" ")
    return html.unescape("".join(pieces))
