"""Names of folders on the wire: modified UTF-7 of the old protocol, UTF-8 of the new one.

Source: RFC 3501 section 5.1.3; RFC 9051 section 5.1; RFC 6855 section 3.
"""

import binascii
from typing import Final

from mssante.model.errors import TheirProtocolError

_PLAIN: Final = frozenset(chr(code) for code in range(0x20, 0x7F)) - {"&"}


def decode_name(raw: bytes, *, utf8: bool) -> str:
    """Return a name as typed; 8-bit bytes are UTF-8 in either mode, because programs send them so.

    Args:
        raw: from the wire.
        utf8: ``&`` is a plain character, as after ENABLE.

    Raises:
        TheirProtocolError: it is neither UTF-8 nor modified UTF-7, or holds a control character.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TheirProtocolError("the folder name is not UTF-8") from error
    if not utf8 and "&" in text and text.isascii():
        text = decode_mutf7(text)
    if any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text):
        raise TheirProtocolError("the folder name holds a control character")
    return text


def decode_mutf7(text: str) -> str:
    """Return the name of a modified UTF-7 text.

    Raises:
        TheirProtocolError: a shifted part is not closed or not base64 of UTF-16.
    """
    pieces: list[str] = []
    at = 0
    while (start := text.find("&", at)) >= 0:
        pieces.append(text[at:start])
        end = text.find("-", start)
        if end < 0:
            raise TheirProtocolError("the folder name is not modified UTF-7: '&' is not closed by '-'")
        pieces.append("&" if end == start + 1 else _unshift(text[start + 1 : end]))
        at = end + 1
    pieces.append(text[at:])
    return "".join(pieces)


def encode_mutf7(name: str) -> bytes:
    """Return the modified UTF-7 of a name."""
    pieces: list[str] = []
    shifted: list[str] = []
    for char in name:
        if char in _PLAIN or char == "&":
            if shifted:
                pieces.append(_shift("".join(shifted)))
                shifted.clear()
            pieces.append("&-" if char == "&" else char)
        else:
            shifted.append(char)
    if shifted:
        pieces.append(_shift("".join(shifted)))
    return "".join(pieces).encode("ascii")


def _unshift(base64: str) -> str:
    data = base64.replace(",", "/").encode("ascii")
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4)).decode("utf-16-be")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TheirProtocolError("the folder name is not modified UTF-7") from error


def _shift(text: str) -> str:
    data = binascii.b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=")
    return f"&{data.decode('ascii').replace('/', ',')}-"
