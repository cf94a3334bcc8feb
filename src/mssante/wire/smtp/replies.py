"""Replies of SMTP: the value, its bytes, and the one table from reasons to codes.

Not for deciding (see `mssante.rules`) nor for reading the replies of others (see `mssante.wire.smtp.client`).
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.decision import Kind, Refusal

REPLY_LINE_MAX_BYTES: Final = 512
REPLY_MAX_LINES: Final = 50

# Signs of French that the decomposition of Unicode leaves whole.
_FRENCH_SIGNS: Final = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "’": "'", "«": '"', "»": '"', "–": "-", "—": "-", "…": "..."}
)


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a server.

    Attributes:
        code: three digits.
        enhanced: the code of RFC 2034 that each line starts with, or "" (220, 334, 354 and the 250 of EHLO).
        lines: at least one, without code; made harmless when they are encoded.
    """

    code: int
    enhanced: str
    lines: tuple[str, ...]

    def encode(self) -> bytes:
        """Return the bytes on the wire: well-formed ASCII lines of 512 bytes at most, whatever the texts hold.

        Source: RFC 5321 section 4.2.1 and 4.5.3.1.5; RFC 2034 section 4; reliability.md A13.
        """
        enhanced = f"{self.enhanced} " if self.enhanced else ""
        lines = self.lines[:REPLY_MAX_LINES] or ("",)
        if len(lines) == 1:
            return _encode_line(f"{self.code} {enhanced}{lines[0]}")
        head = b"".join(_encode_line(f"{self.code}-{enhanced}{line}") for line in lines[:-1])
        return head + _encode_line(f"{self.code} {enhanced}{lines[-1]}")

    @property
    def is_positive(self) -> bool:
        """Tell whether the command did what it was asked (2xx)."""
        return 200 <= self.code < 300

    def __str__(self) -> str:
        """Return the reply as one line, for logs, notices and the audit."""
        enhanced = f"{self.enhanced} " if self.enhanced else ""
        return f"{self.code} {enhanced}{' '.join(self.lines)}".rstrip()


def _encode_line(text: str) -> bytes:
    if not (text.isascii() and text.isprintable()):
        text = plain_text(text)
    return text[: REPLY_LINE_MAX_BYTES - 2].encode("ascii") + b"\r\n"


def plain_text(text: str) -> str:
    """Return the text with a question mark for each sign that is not printable ASCII.

    Source: reliability.md A13 (nothing that a peer sent can end a line of ours).
    """
    return "".join(char if " " <= char <= "~" else "?" for char in text)


def fold_french(text: str) -> str:
    """Return French text without accents, readable in a reply that may hold ASCII only."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_FRENCH_SIGNS))
    return plain_text("".join(char for char in decomposed if not unicodedata.combining(char)))


REPLIES: Final[Mapping[Kind, tuple[int, str]]] = MappingProxyType(
    {
        Kind.TLS_REQUIRED: (530, "5.7.0"),
        Kind.TLS_UNAVAILABLE: (454, "4.7.0"),
        Kind.CERTIFICATE_MISSING: (550, "5.7.1"),
        Kind.CERTIFICATE_UNTRUSTED: (550, "5.7.1"),
        Kind.CERTIFICATE_EXPIRED: (550, "5.7.1"),
        Kind.CERTIFICATE_REVOKED: (550, "5.7.1"),
        Kind.CERTIFICATE_USAGE: (550, "5.7.1"),
        Kind.REVOCATION_UNKNOWN: (454, "4.7.0"),
        Kind.LIST_UNAVAILABLE: (454, "4.7.0"),
        Kind.SENDER_DOMAIN_UNLISTED: (550, "5.7.1"),
        Kind.RECIPIENT_DOMAIN_UNLISTED: (550, "5.7.1"),
        Kind.DN_NOT_LISTED: (550, "5.7.1"),
        Kind.HOST_MISMATCH: (550, "5.7.1"),
        Kind.RELAY: (554, "5.7.1"),
        Kind.SENDER_DOMAIN_OURS: (550, "5.7.1"),
        Kind.HEADER_FROM: (550, "5.7.1"),
        Kind.MAILBOX_UNKNOWN: (550, "5.1.1"),
        Kind.MAILBOX_SUSPENDED: (550, "5.2.1"),
        Kind.MAILBOX_FULL: (452, "4.2.2"),
        Kind.SIGN_IN_REQUIRED: (530, "5.7.0"),
        Kind.SIGN_IN_FAILED: (535, "5.7.8"),
        Kind.SIGN_IN_THROTTLED: (454, "4.7.0"),
        Kind.IDENTITY_UNAVAILABLE: (454, "4.7.0"),
        Kind.SENDER_NOT_ALLOWED: (550, "5.7.1"),
        Kind.SYNTAX: (501, "5.5.4"),
        Kind.SEQUENCE: (503, "5.5.1"),
        Kind.COMMAND_UNKNOWN: (500, "5.5.1"),
        Kind.PARAMETER_UNKNOWN: (555, "5.5.4"),
        Kind.ADDRESS_SYNTAX: (501, "5.1.3"),
        Kind.UTF8_REQUIRED: (553, "5.6.7"),
        Kind.LINE_TOO_LONG: (500, "5.5.2"),
        Kind.BARE_LINE_END: (550, "5.6.0"),
        Kind.MESSAGE_TOO_BIG: (552, "5.3.4"),
        Kind.MESSAGE_MALFORMED: (554, "5.6.0"),
        Kind.TOO_MANY_RECIPIENTS: (452, "4.5.3"),
        Kind.TOO_MANY_ERRORS: (421, "4.7.0"),
        Kind.TOO_MANY_CONNECTIONS: (421, "4.7.0"),
        Kind.TOO_MANY_UNKNOWN_RECIPIENTS: (421, "4.7.0"),
        Kind.TOO_SLOW: (421, "4.4.2"),
        Kind.LOOP: (554, "5.4.6"),
        Kind.FOLDER_UNKNOWN: (550, "5.2.0"),
        Kind.FOLDER_EXISTS: (550, "5.2.0"),
        Kind.SPECIAL_USE: (550, "5.2.0"),
        Kind.ENTRY_UNKNOWN: (550, "5.1.1"),
        Kind.ENTRY_AMBIGUOUS: (550, "5.1.4"),
        Kind.ADDRESS_TAKEN: (550, "5.2.0"),
        Kind.ADDRESS_FIXED: (550, "5.2.0"),
        Kind.NOT_YOURS: (550, "5.7.1"),
        Kind.BUDGET_SPENT: (450, "4.7.1"),
        Kind.QUERY_UNCLEAR: (550, "5.5.4"),
        Kind.DIRECTORY_UNAVAILABLE: (450, "4.3.2"),
        Kind.FOLDER_FIXED: (550, "5.2.0"),
        Kind.FOLDER_NAME: (550, "5.2.0"),
        Kind.FOLDER_READ_ONLY: (550, "5.2.0"),
        Kind.TOO_MANY_FOLDERS: (550, "5.2.0"),
        Kind.TOO_COSTLY: (450, "4.3.2"),
        Kind.RIGHTS_MISSING: (550, "5.7.1"),
        Kind.STORE_FULL: (452, "4.3.1"),
        Kind.STORE_UNAVAILABLE: (451, "4.3.0"),
        Kind.SHUTTING_DOWN: (421, "4.3.2"),
        Kind.HOST_UNKNOWN: (450, "4.4.4"),
        Kind.HOST_UNREACHABLE: (450, "4.4.1"),
        Kind.PEER_PROTOCOL: (450, "4.5.0"),
        Kind.PEER_DEFERRED: (450, "4.0.0"),
        Kind.PEER_REFUSED: (550, "5.0.0"),
        Kind.EXPIRED: (554, "5.4.7"),
    }
)
"""Reason -> (code, enhanced code); temporary kinds are 4xx, all others 5xx.

Source: RFC 5321 section 4.2; RFC 3463; RFC 4954 section 6; operators.md 2.6 (proposed defaults, none is prescribed).
"""


def refusal_reply(refusal: Refusal) -> Reply:
    """Return the reply that tells a refusal: the public text, then the French text for our own users, if any."""
    code, enhanced = REPLIES[refusal.kind]
    text = f"{refusal.public} / {fold_french(refusal.french)}" if refusal.french else refusal.public
    return Reply(code, enhanced, (text,))
