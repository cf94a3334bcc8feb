"""Encoded words of RFC 2047: read them leniently and within bounds, write them strictly.

Not for parameters of RFC 2231 (see `mssante.wire.mime.compose`).
"""

import binascii
import re
from typing import Final

TEXT_MAX_BYTES: Final = 16 * 1024
_FOLD_CHARS: Final = 76
_WORD_TEXT_BYTES: Final = 42

# Bounded names, and classes that cannot overlap: the search is linear.
_WORD: Final = re.compile(r"=\?([A-Za-z0-9_\-:.]{1,40})(?:\*[A-Za-z0-9\-]{0,40})?\?([bBqQ])\?([^?\s]*)\?=")
_CONTROLS: Final = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")
_CHARSETS: Final = {
    "us-ascii": "ascii",
    "ascii": "ascii",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
} | {
    name: name
    for name in (
        *(f"iso-8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 16)),
        *(f"windows-125{part}" for part in (0, 1, 3, 4, 5, 6, 7, 8)),
        "koi8-r",
        "koi8-u",
        "big5",
        "gb2312",
        "gbk",
        "gb18030",
        "euc-jp",
        "euc-kr",
        "iso-2022-jp",
        "shift_jis",
    )
}


def codec_of(charset: str) -> str | None:
    """Return the codec of a well-known charset, or None: strangers choose the names, and some codecs are slow."""
    return _CHARSETS.get(charset.strip().lower())


def one_line(text: str) -> str:
    """Return the text with every control character as a space and the ends trimmed: safe in a line of ours."""
    return (text if text.isprintable() else text.translate(_CONTROLS)).strip()


def decode_words(text: str) -> str:
    """Return the text with its encoded words decoded; what cannot be decoded stays as it is written.

    Words that touch are joined as bytes first, because some writers cut a character in two. Only well-known charsets
    are decoded: the names are chosen by strangers, and some codecs of the language are slow by nature.

    Source: RFC 2047 sections 4, 5 and 6.2; reliability.md C03.
    """
    if "=?" not in text:
        return text
    text = text[:TEXT_MAX_BYTES]
    out: list[str] = []
    pending = bytearray()
    pending_codec = ""
    position = 0
    for match in _WORD.finditer(text):
        between = text[position : match.start()]
        decoded = _decode_word(match[1], match[2], match[3])
        if decoded is None:
            continue
        raw, codec = decoded
        touching = position > 0 and not between.strip(" \t\r\n")
        if not touching or codec != pending_codec:
            out.append(pending.decode(pending_codec or "ascii", "replace"))
            pending.clear()
        if not touching:
            out.append(between)
        pending += raw
        pending_codec = codec
        position = match.end()
    out.append(pending.decode(pending_codec or "ascii", "replace"))
    out.append(text[position:])
    return "".join(out)


def _decode_word(charset: str, encoding: str, payload: str) -> tuple[bytes, str] | None:
    codec = codec_of(charset)
    if codec is None or not payload.isascii():
        return None
    if encoding in "qQ":
        return binascii.a2b_qp(payload.encode(), header=True), codec
    try:
        return binascii.a2b_base64(payload + "=" * (-len(payload) % 4)), codec
    except binascii.Error:
        return None


def encode_words(text: str) -> str:
    """Return the text as a header may hold it: itself when it is plain ASCII, else encoded words of UTF-8.

    Args:
        text: anything; control characters become spaces, so that no text can add a line (RFC 5322 section 2.2).

    Source: RFC 2047 section 2 (75 characters a word).
    """
    text = one_line(text)
    if text.isascii() and "=?" not in text:
        return text
    words: list[str] = []
    chunk = b""
    for char in text:
        piece = char.encode("utf-8", "replace")
        if len(chunk) + len(piece) > _WORD_TEXT_BYTES:
            words.append(_encode_word(chunk))
            chunk = b""
        chunk += piece
    words.append(_encode_word(chunk))
    return " ".join(words)


def _encode_word(chunk: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(chunk, newline=False).decode()}?="


def field_line(name: str, value: str) -> bytes:
    """Return one header field with its CRLF, folded at spaces where it is long.

    Args:
        name: a field name of ours.
        value: already fit for the field (see `encode_words`); control characters become spaces here too.

    Source: RFC 5322 section 2.1.1 (78 characters asked, 998 the limit); RFC 6532 section 3.2.
    """
    line = f"{name}:"
    lines: list[str] = []
    for word in one_line(value).split(" "):
        if len(line) + 1 + len(word) > _FOLD_CHARS and word and line.strip() and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"
