"""Words of the publication of our own mailboxes: what the directory is told, how far that has come, what it answers.

Source: operators.md 4.2 (data model of a BAL), 4.6 (answers), 11 U8 (states).
"""

import enum
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mssante.model.decision import Kind
from mssante.model.directory import ListedMailbox, Target
from mssante.model.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class PublicationSettings:
    """How the directory is told of our mailboxes (source: operators.md U8 and U11, delays unknown, our choice).

    Attributes:
        workers: changes on their way at the same time.
        lease_seconds: how long a worker may hold a mailbox before another takes it.
        poll_seconds: slow look at what is to be published.
        first_retry_seconds: wait after the first failure to reach the directory; each next one doubles.
        longest_retry_seconds: longest wait between two attempts; they never end.
        directory_url: address of the FHIR resources of the directory that is told, https://.../fhir/v2; empty: none is.
        api_key: file of the key that it gave us; empty: no key.
        anchors: PEM file of the roots of its certificate; empty: those of [tls].
        unknown_situation: what becomes of a personal mailbox whose holder the directory does not know in its structure:
            "person" publishes it with the professional alone, "refuse" refuses it (source: operators.md 4.4, the
            structure of a PER is optional; what is to be done then is not said: our choice). Somebody without a
            national number is refused in both: only the structure answers for who it is.
        publish_paperless: whether the directory is told who wishes no paper (part "digitization"; source: users.md 7.4
            GP-5; it leaves the national model, so that it may stay a local attribute, our choice).
    """

    workers: int = 4
    lease_seconds: float = 300
    poll_seconds: float = 10
    first_retry_seconds: float = 30
    longest_retry_seconds: float = 3600
    directory_url: str = ""
    api_key: Path | None = None
    anchors: Path | None = None
    unknown_situation: str = "person"
    publish_paperless: bool = True


class PublicationState(enum.Enum):
    """Where the publication of a mailbox is; always in exactly one of these, whatever the mailbox's own state.

    Of a mailbox that is suspended or closed, TO_PUBLISH and SENT mean its withdrawal.
    """

    TO_PUBLISH = "to-publish"
    SENT = "sent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Listing:
    """What the directory is to know of a mailbox beside its address, type, holder and identifier.

    Attributes:
        structure: IdNat_Struct where a personal mailbox is held, or ""; ORG and APP have theirs as identifier.
        service: rattachement. description: functional. responsible: free text.
        is_red: red list: nobody may find it.
        is_paperless: the holder wishes no paper double; None when not said.
        rank: 1 is the preferred mailbox; None when not said.
        local_id: number of the holder in the hospital's own register; never published.
    """

    structure: str = ""
    service: str = ""
    description: str = ""
    responsible: str = ""
    phone: str = ""
    is_red: bool = False
    is_paperless: bool | None = None
    rank: int | None = None
    local_id: str = ""


@dataclass(frozen=True, slots=True)
class Publication:
    """One mailbox as the directory has it, or is to have it: attached to whom, and what is said.

    Attributes:
        unknown_structure: IdNat_Struct that was left out, because the directory does not know the holder there, or "".
    """

    target: Target
    mailbox: ListedMailbox
    unknown_structure: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """How far the publication of one mailbox has come.

    Attributes:
        published: what the directory accepted last, or None.
        version: rises with each change of the mailbox.
        tries: attempts made for this version.
        due_at: when to do the next thing, or None: nothing is to be done. While SENT: the end of the lease.
        lease: token of the worker that holds it, or "".
        code: why it was refused, not reached, or accepted with less than was asked: value of a `Kind` or a word of
            `mssante.rules.publication`, or "".
        reason: in the directory's own words, one line, or "".
    """

    mailbox: Mailbox
    listing: Listing
    state: PublicationState
    published: Publication | None
    version: int
    tries: int
    due_at: datetime | None
    lease: str
    code: str
    reason: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The directory did every change that it was asked for, in order."""


@dataclass(frozen=True, slots=True)
class RefusedByDirectory:
    """The directory did nothing of what it was asked for.

    Attributes:
        code: ENTRY_UNKNOWN (404), ENTRY_AMBIGUOUS (412), ADDRESS_TAKEN (422, address already known), ADDRESS_FIXED,
            NOT_YOURS (403), QUERY_UNCLEAR (400), SIGN_IN_FAILED (401).
        reason: in its own words, one line.
    """

    code: Kind
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer, or one that says to come back (429, 5xx); whether anything was done is unknown."""

    reason: str = ""


DirectoryAnswer = Accepted | RefusedByDirectory | Unreachable
