"""Decisions as values: what a rule says, kept with the message and told to the peer.

A refusal is a value, never an exception; `Kind` is the one list of reasons, and each door has one table from it to
its own replies.
"""

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """Why something is refused; the value is the stable name used in logs, audit, statistics and documentation."""

    # trust between operators (R1 to R8)
    TLS_REQUIRED = "tls-required"
    TLS_UNAVAILABLE = "tls-unavailable"
    CERTIFICATE_MISSING = "certificate-missing"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_REVOKED = "certificate-revoked"
    CERTIFICATE_USAGE = "certificate-usage"
    REVOCATION_UNKNOWN = "revocation-unknown"
    LIST_UNAVAILABLE = "list-unavailable"
    SENDER_DOMAIN_UNLISTED = "sender-domain-unlisted"
    RECIPIENT_DOMAIN_UNLISTED = "recipient-domain-unlisted"
    DN_NOT_LISTED = "dn-not-listed"
    HOST_MISMATCH = "host-mismatch"
    RELAY = "relay"
    SENDER_DOMAIN_OURS = "sender-domain-ours"
    HEADER_FROM = "header-from"
    # mailboxes
    MAILBOX_UNKNOWN = "mailbox-unknown"
    MAILBOX_SUSPENDED = "mailbox-suspended"
    MAILBOX_FULL = "mailbox-full"
    # folders
    FOLDER_UNKNOWN = "folder-unknown"
    FOLDER_EXISTS = "folder-exists"
    FOLDER_FIXED = "folder-fixed"
    SPECIAL_USE = "special-use"
    FOLDER_NAME = "folder-name"
    FOLDER_READ_ONLY = "folder-read-only"
    TOO_MANY_FOLDERS = "too-many-folders"
    TOO_COSTLY = "too-costly"
    # directory
    ENTRY_UNKNOWN = "entry-unknown"
    ENTRY_AMBIGUOUS = "entry-ambiguous"
    ADDRESS_TAKEN = "address-taken"
    ADDRESS_FIXED = "address-fixed"
    NOT_YOURS = "not-yours"
    BUDGET_SPENT = "budget-spent"
    QUERY_UNCLEAR = "query-unclear"
    DIRECTORY_UNAVAILABLE = "directory-unavailable"
    # sign-in and rights
    RIGHTS_MISSING = "rights-missing"
    SIGN_IN_REQUIRED = "sign-in-required"
    SIGN_IN_FAILED = "sign-in-failed"
    SIGN_IN_THROTTLED = "sign-in-throttled"
    IDENTITY_UNAVAILABLE = "identity-unavailable"
    SENDER_NOT_ALLOWED = "sender-not-allowed"
    # protocol and limits
    SYNTAX = "syntax"
    SEQUENCE = "sequence"
    COMMAND_UNKNOWN = "command-unknown"
    PARAMETER_UNKNOWN = "parameter-unknown"
    ADDRESS_SYNTAX = "address-syntax"
    UTF8_REQUIRED = "utf8-required"
    LINE_TOO_LONG = "line-too-long"
    BARE_LINE_END = "bare-line-end"
    MESSAGE_TOO_BIG = "message-too-big"
    MESSAGE_MALFORMED = "message-malformed"
    TOO_MANY_RECIPIENTS = "too-many-recipients"
    TOO_MANY_ERRORS = "too-many-errors"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    TOO_MANY_UNKNOWN_RECIPIENTS = "too-many-unknown-recipients"
    TOO_SLOW = "too-slow"
    LOOP = "loop"
    # ourselves
    STORE_FULL = "store-full"
    STORE_UNAVAILABLE = "store-unavailable"
    SHUTTING_DOWN = "shutting-down"
    # reaching others (outcomes of deliveries)
    HOST_UNKNOWN = "host-unknown"
    HOST_UNREACHABLE = "host-unreachable"
    PEER_PROTOCOL = "peer-protocol"
    PEER_REFUSED = "peer-refused"
    PEER_DEFERRED = "peer-deferred"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal with the rule that decided.

    Attributes:
        kind: the reason; says by itself whether it is permanent (see `TEMPORARY`).
        rule: the name of the rule, ``R5`` or a short name; stable, in audit and logs.
        public: English, one line, ASCII; what the peer may read.
        detail: for our own logs and administrators; may name certificates and list versions, never content.
        french: for our own users, in French with the fix; empty when only peers can see this refusal.
    """

    kind: Kind
    rule: str
    public: str
    detail: str = ""
    french: str = ""

    @property
    def is_temporary(self) -> bool:
        """Tell whether the same attempt may succeed later."""
        return self.kind in TEMPORARY


@dataclass(frozen=True, slots=True)
class Permit:
    """An acceptance with the rule that decided.

    Attributes:
        rule: the name of the rule, or of the last rule when all had to agree.
        detail: what it was based on, for the audit (list version, matched name).
    """

    rule: str
    detail: str = ""


Decision = Permit | Refusal

TEMPORARY = frozenset(
    {
        Kind.TLS_UNAVAILABLE,
        Kind.REVOCATION_UNKNOWN,
        Kind.LIST_UNAVAILABLE,
        Kind.MAILBOX_FULL,
        Kind.SIGN_IN_THROTTLED,
        Kind.IDENTITY_UNAVAILABLE,
        Kind.TOO_MANY_RECIPIENTS,
        Kind.TOO_MANY_ERRORS,
        Kind.TOO_MANY_CONNECTIONS,
        Kind.TOO_MANY_UNKNOWN_RECIPIENTS,
        Kind.TOO_SLOW,
        Kind.TOO_COSTLY,
        Kind.BUDGET_SPENT,
        Kind.DIRECTORY_UNAVAILABLE,
        Kind.STORE_FULL,
        Kind.STORE_UNAVAILABLE,
        Kind.SHUTTING_DOWN,
        Kind.HOST_UNKNOWN,
        Kind.HOST_UNREACHABLE,
        Kind.PEER_PROTOCOL,
        Kind.PEER_DEFERRED,
    }
)
