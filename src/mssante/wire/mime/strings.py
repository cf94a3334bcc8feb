"""Strings as IMAP writes them, for what is rendered once at delivery and for the door alike.

Source: RFC 9051 sections 4.3 and 9 (quoted, literal); RFC 6855 section 3.
"""

import re
from typing import Final

QUOTED_MAX_BYTES: Final = 1000
_QUOTABLE: Final = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]{0,1000}")
_QUOTABLE_UTF8: Final = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f\x80-\xff]{0,1000}")


def imap_string(value: bytes, *, utf8: bool = False) -> bytes:
    """Return a value as a quoted string when it can be one, else as a literal; a NUL can stand in neither and goes.

    Args:
        value: any bytes.
        utf8: 8-bit bytes may stand in quotes.
    """
    if b"\0" in value:
        value = value.replace(b"\0", b"")
    if (_QUOTABLE_UTF8 if utf8 and _is_utf8(value) else _QUOTABLE).fullmatch(value):
        if b'"' in value or b"\\" in value:
            value = value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        return b'"' + value + b'"'
    return b"{%d}\r\n%b" % (len(value), value)


def imap_nstring(value: bytes | None, *, utf8: bool = False) -> bytes:
    """Return a value as a string, or NIL."""
    return b"NIL" if value is None else imap_string(value, utf8=utf8)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
