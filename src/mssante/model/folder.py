"""Pictures of a folder as readers hold them: values only.

Source: RFC 9051 section 2.3; RFC 7162 section 3; RFC 4314.
"""

from array import array
from dataclasses import dataclass

from mssante.model.mailbox import FolderId, MailboxId


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that message lists need of one folder at one moment; never changed, a change makes another one.

    Attributes:
        uids: ascending.
        flags: as stored, sorted and separated by spaces; in the order of `uids`.
        modseqs: in the order of `uids`.
        messages: identifiers of the messages, in the order of `uids`.
        recent_from: UIDs from this one on are recent for the session.
    """

    folder_id: FolderId
    mailbox_id: MailboxId
    uid_validity: int
    uid_next: int
    highest_modseq: int
    uids: "array[int]"
    flags: tuple[str, ...]
    modseqs: "array[int]"
    messages: "array[int]"
    recent_from: int = 0


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """The counters of one folder (RFC 9051 section 6.3.11)."""

    messages: int
    unseen: int
    uid_next: int
    uid_validity: int
    highest_modseq: int
    deleted: int
    size_bytes: int
    recent: int = 0


@dataclass(frozen=True, slots=True)
class AclEntry:
    """Rights that a folder gives to one login; a leading "-" takes them away (RFC 4314 section 2)."""

    identifier: str
    rights: str
