"""Mailboxes (BAL), their folders, the accounts that use them: values only."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from mssante.model.address import Address
from mssante.model.dn import DistinguishedName

MailboxId = NewType("MailboxId", int)
FolderId = NewType("FolderId", int)
AccountId = NewType("AccountId", int)
CredentialId = NewType("CredentialId", int)


class MailboxType(enum.Enum):
    """Kinds of mailboxes; codes of TRE_R257, and ours for the citizen's.

    Source: operators.md 1.3.
    """

    PER = "PER"
    ORG = "ORG"
    APP = "APP"
    CAB = "CAB"
    CITIZEN = "USAGER"


class MailboxState(enum.Enum):
    """Where a mailbox is in its life; closed addresses are never given again."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Role(enum.Enum):
    """What a folder is for; the value is the special-use name of RFC 6154 without its backslash, or INBOX."""

    INBOX = "INBOX"
    SENT = "Sent"
    DRAFTS = "Drafts"
    TRASH = "Trash"
    JUNK = "Junk"
    ARCHIVE = "Archive"


# What users see; the order is the order shown. Each mailbox has these; an archive only once a program made one.
FOLDER_NAMES = {
    Role.INBOX: "INBOX",
    Role.SENT: "Envoyés",
    Role.DRAFTS: "Brouillons",
    Role.TRASH: "Corbeille",
    Role.JUNK: "Indésirables",
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox (BAL).

    Attributes:
        address: fixed for life, like the type.
        holder: name shown to others, as the directory would.
        identifier: national identifier of the holder (RPPS) or of the structure (FINESS, SIRET), or "".
        quota_bytes: most that all its folders may hold together.
        used_bytes: what they hold now.
    """

    mailbox_id: MailboxId
    address: Address
    kind: MailboxType
    state: MailboxState
    holder: str
    identifier: str
    quota_bytes: int
    used_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of a mailbox, with its IMAP counters (RFC 9051 section 2.3.1, RFC 7162).

    Attributes:
        role: None for folders that people made.
        uid_validity: set at creation, never changes.
        uid_next: above every UID ever given in this folder.
        highest_modseq: of the last change in this folder.
    """

    folder_id: FolderId
    mailbox_id: MailboxId
    name: str
    role: Role | None
    uid_validity: int
    uid_next: int
    highest_modseq: int
    messages: int
    unseen: int


class AccountKind(enum.Enum):
    """Who signs in: a person, or software with its own certificate."""

    PERSON = "person"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody or something that signs in.

    Attributes:
        login: what is typed; the address of the person's own mailbox as a rule.
        certificate_name: for EXTERNAL: the subject of the client certificate, or None.
    """

    account_id: AccountId
    login: str
    kind: AccountKind
    certificate_name: DistinguishedName | None
    active: bool


SCOPES = frozenset({"imap", "submission"})
"""What an application password may open: reading mailboxes, sending."""

DIRECTORY = "directory"
"""The directory, which every application password opens: it is the address book of a mail program."""


@dataclass(frozen=True, slots=True)
class Credential:
    """An application password as listed; the secret itself is shown once, at creation.

    Attributes:
        scopes: what it opens, of `SCOPES`.
        until: when it ends by itself, or None.
    """

    credential_id: CredentialId
    account_id: AccountId
    name: str
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    scopes: frozenset[str] = SCOPES
    until: datetime | None = None


class Method(enum.Enum):
    """How somebody signed in; the value is the SASL mechanism or the door's own name."""

    PLAIN = "PLAIN"
    EXTERNAL = "EXTERNAL"
    XOAUTH2 = "XOAUTH2"
    OAUTHBEARER = "OAUTHBEARER"
    COMMAND_LINE = "command-line"
    AUTOMATIC = "automatic"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is acting, after sign-in.

    Attributes:
        login: of the account; the operating system's user for the command line.
        method: how it was proved.
        may_send: address key (`Address.key`) -> address, of each mailbox it may send from.
        may_read: address keys of the mailboxes it may open.
        opened: the mailbox that was named at sign-in, or None for its own.
        expires_at: when the token ends that it signed in with, or None.
    """

    account_id: AccountId | None
    login: str
    method: Method
    may_send: dict[str, Address]
    may_read: frozenset[str]
    opened: Address | None = None
    expires_at: datetime | None = None
