"""What each reason of refusal is in LDAP: a result code, the one table of this door.

Source: RFC 4511 appendix A.2.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mssante.model.decision import Kind, Refusal
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import ResultCode as R

RESULTS: Final[Mapping[Kind, R]] = MappingProxyType(
    {
        Kind.TLS_REQUIRED: R.CONFIDENTIALITY_REQUIRED,
        Kind.TLS_UNAVAILABLE: R.UNAVAILABLE,
        Kind.CERTIFICATE_MISSING: R.INAPPROPRIATE_AUTHENTICATION,
        Kind.CERTIFICATE_UNTRUSTED: R.INVALID_CREDENTIALS,
        Kind.CERTIFICATE_EXPIRED: R.INVALID_CREDENTIALS,
        Kind.CERTIFICATE_REVOKED: R.INVALID_CREDENTIALS,
        Kind.CERTIFICATE_USAGE: R.INVALID_CREDENTIALS,
        Kind.DN_NOT_LISTED: R.INVALID_CREDENTIALS,
        Kind.REVOCATION_UNKNOWN: R.UNAVAILABLE,
        Kind.LIST_UNAVAILABLE: R.UNAVAILABLE,
        Kind.SIGN_IN_REQUIRED: R.INSUFFICIENT_ACCESS_RIGHTS,
        Kind.SIGN_IN_FAILED: R.INVALID_CREDENTIALS,
        Kind.SIGN_IN_THROTTLED: R.BUSY,
        Kind.IDENTITY_UNAVAILABLE: R.UNAVAILABLE,
        Kind.RIGHTS_MISSING: R.INSUFFICIENT_ACCESS_RIGHTS,
        Kind.NOT_YOURS: R.INSUFFICIENT_ACCESS_RIGHTS,
        Kind.ENTRY_UNKNOWN: R.NO_SUCH_OBJECT,
        Kind.MAILBOX_UNKNOWN: R.NO_SUCH_OBJECT,
        Kind.BUDGET_SPENT: R.BUSY,
        Kind.QUERY_UNCLEAR: R.UNWILLING_TO_PERFORM,
        Kind.DIRECTORY_UNAVAILABLE: R.UNAVAILABLE,
        Kind.TOO_COSTLY: R.BUSY,
        Kind.SYNTAX: R.PROTOCOL_ERROR,
        Kind.SEQUENCE: R.OPERATIONS_ERROR,
        Kind.COMMAND_UNKNOWN: R.PROTOCOL_ERROR,
        Kind.PARAMETER_UNKNOWN: R.PROTOCOL_ERROR,
        Kind.TOO_MANY_ERRORS: R.BUSY,
        Kind.TOO_MANY_CONNECTIONS: R.BUSY,
        Kind.TOO_SLOW: R.BUSY,
        Kind.STORE_FULL: R.UNAVAILABLE,
        Kind.STORE_UNAVAILABLE: R.UNAVAILABLE,
        Kind.SHUTTING_DOWN: R.UNAVAILABLE,
        # Reasons that come up elsewhere, named all the same: a new one must be thought of here too.
        Kind.ENTRY_AMBIGUOUS: R.UNWILLING_TO_PERFORM,
        Kind.ADDRESS_TAKEN: R.UNWILLING_TO_PERFORM,
        Kind.ADDRESS_FIXED: R.UNWILLING_TO_PERFORM,
        Kind.SENDER_DOMAIN_UNLISTED: R.UNWILLING_TO_PERFORM,
        Kind.RECIPIENT_DOMAIN_UNLISTED: R.UNWILLING_TO_PERFORM,
        Kind.HOST_MISMATCH: R.UNWILLING_TO_PERFORM,
        Kind.RELAY: R.UNWILLING_TO_PERFORM,
        Kind.SENDER_DOMAIN_OURS: R.UNWILLING_TO_PERFORM,
        Kind.HEADER_FROM: R.UNWILLING_TO_PERFORM,
        Kind.MAILBOX_SUSPENDED: R.UNWILLING_TO_PERFORM,
        Kind.MAILBOX_FULL: R.BUSY,
        Kind.FOLDER_UNKNOWN: R.UNWILLING_TO_PERFORM,
        Kind.FOLDER_EXISTS: R.UNWILLING_TO_PERFORM,
        Kind.FOLDER_FIXED: R.UNWILLING_TO_PERFORM,
        Kind.SPECIAL_USE: R.UNWILLING_TO_PERFORM,
        Kind.FOLDER_NAME: R.UNWILLING_TO_PERFORM,
        Kind.FOLDER_READ_ONLY: R.UNWILLING_TO_PERFORM,
        Kind.TOO_MANY_FOLDERS: R.UNWILLING_TO_PERFORM,
        Kind.SENDER_NOT_ALLOWED: R.UNWILLING_TO_PERFORM,
        Kind.ADDRESS_SYNTAX: R.UNWILLING_TO_PERFORM,
        Kind.UTF8_REQUIRED: R.UNWILLING_TO_PERFORM,
        Kind.LINE_TOO_LONG: R.UNWILLING_TO_PERFORM,
        Kind.BARE_LINE_END: R.UNWILLING_TO_PERFORM,
        Kind.MESSAGE_TOO_BIG: R.UNWILLING_TO_PERFORM,
        Kind.MESSAGE_MALFORMED: R.UNWILLING_TO_PERFORM,
        Kind.TOO_MANY_RECIPIENTS: R.BUSY,
        Kind.TOO_MANY_UNKNOWN_RECIPIENTS: R.BUSY,
        Kind.LOOP: R.UNWILLING_TO_PERFORM,
        Kind.HOST_UNKNOWN: R.UNAVAILABLE,
        Kind.HOST_UNREACHABLE: R.UNAVAILABLE,
        Kind.PEER_PROTOCOL: R.UNAVAILABLE,
        Kind.PEER_REFUSED: R.UNWILLING_TO_PERFORM,
        Kind.PEER_DEFERRED: R.UNAVAILABLE,
        Kind.EXPIRED: R.UNWILLING_TO_PERFORM,
    }
)
"""Reason -> result code; BUSY and UNAVAILABLE say "later", so that only what is temporary has them."""


def refused(tag: int, refusal: Refusal) -> Done:
    """Return the end of an operation that was refused.

    The text is the one for our user, in French, where there is one: address books show it.
    """
    return Done(tag, RESULTS[refusal.kind], refusal.french or refusal.public)
