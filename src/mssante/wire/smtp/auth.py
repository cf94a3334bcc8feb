"""The AUTH command of SMTP: its argument and its continuation lines; not the mechanisms (see `mssante.wire.sasl`)."""

import binascii
from typing import Final

from mssante.wire.smtp.events import AuthResponse, AuthStart
from mssante.wire.smtp.replies import Reply

AUTH_LINE_MAX_BYTES: Final = 24 * 1024

_USAGE: Final = Reply(501, "5.5.4", ("Syntax: AUTH mechanism [initial-response]",))
_NOT_BASE64: Final = Reply(501, "5.5.2", ("Sign-in data is not base64",))
_UNKNOWN: Final = Reply(504, "5.5.4", ("Mechanism is not offered",))


def parse_auth(argument: bytes, offered: tuple[bytes, ...]) -> AuthStart | Reply:
    """Return the start of a sign-in, or the reply that refuses it.

    Source: RFC 4954 section 4 (``=`` is an empty initial response).
    """
    words = argument.split()
    if not 1 <= len(words) <= 2:
        return _USAGE
    mechanism = words[0].upper()
    if mechanism not in offered:
        return _UNKNOWN
    initial: bytes | None = None
    if len(words) == 2:
        initial = b"" if words[1] == b"=" else _decode(words[1])
        if initial is None:
            return _NOT_BASE64
    return AuthStart(mechanism.decode("ascii"), initial)


def parse_response(line: bytes) -> AuthResponse | Reply:
    """Return the client's next step, or the reply that refuses it; ``*`` gives up.

    Source: RFC 4954 section 4.
    """
    if line == b"*":
        return AuthResponse(None)
    data = _decode(line)
    return _NOT_BASE64 if data is None else AuthResponse(data)


def challenge_reply(challenge: bytes) -> Reply:
    """Return the 334 that carries a challenge.

    Source: RFC 4954 section 4.
    """
    return Reply(334, "", (binascii.b2a_base64(challenge, newline=False).decode("ascii"),))


def _decode(text: bytes) -> bytes | None:
    if not text:
        return b""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None
