"""Words of the life of a mailbox: its settings, who stands in for its holder, when the holder is away.

Source: operators.md 5; users.md 7.3 DOC-5.
"""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from mssante.model.address import Address
from mssante.model.mailbox import MailboxId, MailboxState, MailboxType

DelegationId = NewType("DelegationId", int)


@dataclass(frozen=True, slots=True)
class LifeCycleSettings:
    """What happens to a mailbox that nobody opens (source: operators.md 5 and U11; delays before are our choice).

    Attributes:
        close_after_days: days without a sign-in after which a mailbox is closed; at most 365, which is the law.
        notice_days: days before the closing at which the holder is told, and least time that he has to object.
        reminder_days: days before the closing at which he is told again; 0: not again.
        suspend_days: days before the closing at which the mailbox is suspended and leaves the directory; 0: not before.
    """

    close_after_days: int = 365
    notice_days: int = 60
    reminder_days: int = 21
    suspend_days: int = 7


@dataclass(frozen=True, slots=True)
class BoxLife:
    """What is known of the life of one mailbox.

    Attributes:
        opened_at: when it was created.
        signed_in_at: last sign-in of its holder, or of a member; None: never, as far as is known.
        noticed_at, reminded_at: when the holder was told last, or None.
        objected_at: when the holder objected last, or None.
        contact: where else the holder wishes to be told, or "".
    """

    mailbox_id: MailboxId
    address: Address
    kind: MailboxType
    state: MailboxState
    opened_at: datetime
    signed_in_at: datetime | None = None
    noticed_at: datetime | None = None
    reminded_at: datetime | None = None
    objected_at: datetime | None = None
    contact: str = ""


class DelegationState(enum.Enum):
    """Where a delegation is; its right is in force while it is running."""

    PLANNED = "planned"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody who may read a personal mailbox, or send in its name, from a time to a time."""

    delegation_id: DelegationId
    mailbox_id: MailboxId
    address: Address
    login: str
    may_read: bool
    may_send: bool
    starts_at: datetime
    ends_at: datetime
    state: DelegationState


@dataclass(frozen=True, slots=True)
class Absence:
    """The holder is away: not before `ends_at`; `substitute` is whom to write to, or None.

    Attributes:
        text: what the holder wants to say, or "".
        seen_uid: last message of INBOX that was looked at for an automatic answer.
    """

    mailbox_id: MailboxId
    address: Address
    starts_at: datetime
    ends_at: datetime
    text: str = ""
    substitute: Address | None = None
    seen_uid: int = 0


@dataclass(frozen=True, slots=True)
class ContactNotice:
    """What is to be said to a holder on the way that he chose; nothing of a patient is in it."""

    notice_id: int
    address: Address
    contact: str
    what: str
    noted_at: datetime
