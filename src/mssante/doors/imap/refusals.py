"""What each reason of refusal is in IMAP: NO with a response code, the one table of this door.

Source: RFC 9051 section 7.1; RFC 5530; RFC 9208 section 4.3.1; RFC 7889 section 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.decision import Kind, Refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """What ends a command.

    Attributes:
        status: OK, NO or BAD.
        code: response code without brackets, or "".
    """

    status: str
    text: str
    code: str = ""


_NO_ACCESS: Final = "NOPERM"
_LATER: Final = "UNAVAILABLE"

CODES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.TLS_REQUIRED: "PRIVACYREQUIRED",
        Kind.TLS_UNAVAILABLE: _LATER,
        Kind.CERTIFICATE_MISSING: "AUTHENTICATIONFAILED",
        Kind.CERTIFICATE_UNTRUSTED: "AUTHENTICATIONFAILED",
        Kind.CERTIFICATE_EXPIRED: "AUTHENTICATIONFAILED",
        Kind.CERTIFICATE_REVOKED: "AUTHENTICATIONFAILED",
        Kind.CERTIFICATE_USAGE: "AUTHENTICATIONFAILED",
        Kind.DN_NOT_LISTED: "AUTHENTICATIONFAILED",
        Kind.REVOCATION_UNKNOWN: _LATER,
        Kind.LIST_UNAVAILABLE: _LATER,
        Kind.MAILBOX_UNKNOWN: "NONEXISTENT",
        Kind.MAILBOX_SUSPENDED: "CONTACTADMIN",
        Kind.MAILBOX_FULL: "OVERQUOTA",
        Kind.SIGN_IN_REQUIRED: "AUTHORIZATIONFAILED",
        Kind.SIGN_IN_FAILED: "AUTHENTICATIONFAILED",
        Kind.SIGN_IN_THROTTLED: _LATER,
        Kind.IDENTITY_UNAVAILABLE: _LATER,
        Kind.SENDER_NOT_ALLOWED: _NO_ACCESS,
        Kind.SYNTAX: "CLIENTBUG",
        Kind.SEQUENCE: "CLIENTBUG",
        Kind.COMMAND_UNKNOWN: "CLIENTBUG",
        Kind.LINE_TOO_LONG: "TOOBIG",
        Kind.MESSAGE_TOO_BIG: "TOOBIG",
        Kind.TOO_MANY_RECIPIENTS: "LIMIT",
        Kind.TOO_MANY_ERRORS: "LIMIT",
        Kind.TOO_MANY_CONNECTIONS: "LIMIT",
        Kind.TOO_MANY_UNKNOWN_RECIPIENTS: "LIMIT",
        Kind.TOO_SLOW: _LATER,
        Kind.STORE_FULL: _LATER,
        Kind.STORE_UNAVAILABLE: _LATER,
        Kind.SHUTTING_DOWN: _LATER,
        Kind.FOLDER_UNKNOWN: "NONEXISTENT",
        Kind.FOLDER_EXISTS: "ALREADYEXISTS",
        Kind.FOLDER_FIXED: "CANNOT",
        Kind.SPECIAL_USE: "USEATTR",
        Kind.FOLDER_NAME: "CANNOT",
        Kind.FOLDER_READ_ONLY: "READ-ONLY",
        Kind.TOO_MANY_FOLDERS: "LIMIT",
        Kind.TOO_COSTLY: "LIMIT",
        Kind.RIGHTS_MISSING: _NO_ACCESS,
        # Reasons that come up elsewhere, named all the same: a new one must be thought of here too.
        Kind.ENTRY_UNKNOWN: "CANNOT",
        Kind.ENTRY_AMBIGUOUS: "CANNOT",
        Kind.ADDRESS_TAKEN: "CANNOT",
        Kind.ADDRESS_FIXED: "CANNOT",
        Kind.NOT_YOURS: "CANNOT",
        Kind.BUDGET_SPENT: "CANNOT",
        Kind.QUERY_UNCLEAR: "CANNOT",
        Kind.DIRECTORY_UNAVAILABLE: "CANNOT",
        Kind.SENDER_DOMAIN_UNLISTED: "CANNOT",
        Kind.RECIPIENT_DOMAIN_UNLISTED: "CANNOT",
        Kind.HOST_MISMATCH: "CANNOT",
        Kind.RELAY: "CANNOT",
        Kind.SENDER_DOMAIN_OURS: "CANNOT",
        Kind.HEADER_FROM: "CANNOT",
        Kind.PARAMETER_UNKNOWN: "CANNOT",
        Kind.ADDRESS_SYNTAX: "CANNOT",
        Kind.UTF8_REQUIRED: "CANNOT",
        Kind.BARE_LINE_END: "CANNOT",
        Kind.MESSAGE_MALFORMED: "CANNOT",
        Kind.LOOP: "CANNOT",
        Kind.HOST_UNKNOWN: "CANNOT",
        Kind.HOST_UNREACHABLE: "CANNOT",
        Kind.PEER_PROTOCOL: "CANNOT",
        Kind.PEER_REFUSED: "CANNOT",
        Kind.PEER_DEFERRED: "CANNOT",
        Kind.EXPIRED: "CANNOT",
    }
)
"""Reason -> response code; a reason that cannot come up here is CANNOT."""


def refused(refusal: Refusal, *, code: str = "") -> Answer:
    """Return the answer to a command that was refused; `code` stands in for the one of the table."""
    return Answer("NO", refusal.public, code or CODES[refusal.kind])
