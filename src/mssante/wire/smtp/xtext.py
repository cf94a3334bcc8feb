"""The xtext of delivery notices: how ENVID and ORCPT carry any sign through a command line."""

import re
from typing import Final

ORIGINAL_MAX_BYTES: Final = 500

_XTEXT: Final = re.compile(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HEXCHAR: Final = re.compile(rb"\+([0-9A-F]{2})")
_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{0,39}")
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-F]{1,6})\}")


def decode_xtext(value: bytes) -> str | None:
    """Return the ASCII text that xtext stands for, or None when it is malformed or not ASCII.

    Source: RFC 3461 section 4; reliability.md B10 (strictly decoded).
    """
    if not _XTEXT.fullmatch(value):
        return None
    decoded = _HEXCHAR.sub(lambda found: bytes((int(found[1], 16),)), value) if b"+" in value else value
    return decoded.decode("ascii") if decoded.isascii() else None


def encode_xtext(text: str) -> str:
    """Return ASCII text as xtext; signs that are not ASCII become question marks.

    Source: RFC 3461 section 4.
    """
    return "".join(char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in _ascii(text))


def decode_original(value: bytes) -> str | None:
    """Return ORCPT decoded as ``type;address``, or None when it is malformed or has signs that do not print.

    Source: RFC 3461 section 4.2; RFC 6533 section 3 (type utf-8).
    """
    kind, semicolon, address = value.partition(b";")
    if (
        len(value) > ORIGINAL_MAX_BYTES
        or not semicolon
        or not kind.isascii()
        or not _TYPE.fullmatch(kind.decode("ascii"))
    ):
        return None
    name = kind.decode("ascii").lower()
    decoded = _decode_utf8(address) if name == "utf-8" else decode_xtext(address)
    if not decoded or not decoded.isprintable():
        return None
    return f"{name};{decoded}"


def encode_original(original: str) -> str:
    """Return ``type;address`` as ORCPT writes it, ASCII only.

    Source: RFC 3461 section 4.2; RFC 6533 section 3 (``utf-8-addr-xtext``).
    """
    kind, _, address = original.partition(";")
    if kind == "utf-8":
        return f"{kind};" + "".join(
            char if "!" <= char <= "~" and char not in "+=\\" else f"\\x{{{ord(char):X}}}" for char in address
        )
    return f"{kind};{encode_xtext(address)}"


def _decode_utf8(address: bytes) -> str | None:
    try:
        text = address.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if any(char in "+=" or char <= " " for char in text) or "\\" in _EMBEDDED.sub("", text):
        return None
    if any(_not_a_sign(int(found, 16)) for found in _EMBEDDED.findall(text)):
        return None
    return _EMBEDDED.sub(lambda found: chr(int(found[1], 16)), text)


def _not_a_sign(number: int) -> bool:
    return number > 0x10FFFF or 0xD800 <= number <= 0xDFFF


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
