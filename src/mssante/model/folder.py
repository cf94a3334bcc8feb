"""Pictures of a folder as readers hold them: values only.

Source: RFC 9051 section 2.3; RFC 7162 section 3; RFC 4314.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.mailbox import FolderId, MailboxId

RIGHTS: Final = "lrswipkxtea"
"""The letters of rights in the order of the standard (RFC 4314 section 2.1)."""

OLD_RIGHTS: Final[Mapping[str, str]] = MappingProxyType({"c": "kx", "d": "te"})
"""Old letters, and what each stands for (RFC 4314 section 2.1.1)."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that message lists need of one folder at one moment; never changed, a change makes another one.

    Attributes:
        uids: ascending.
        flags: as stored, sorted and separated by spaces; in the order of `uids`.
        modseqs: in the order of `uids`.
        messages: identifiers of the messages, in the order of `uids`.
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


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """The counters of one folder (RFC 9051 section 6.3.11).

    Attributes:
        deleted, deleted_bytes: of the messages marked as deleted.
        size_bytes: of all its messages.
    """

    folder_id: FolderId
    messages: int
    unseen: int
    uid_next: int
    uid_validity: int
    highest_modseq: int
    deleted: int
    deleted_bytes: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class AclEntry:
    """Rights that a folder gives to one login; a leading "-" takes them away (RFC 4314 section 2)."""

    identifier: str
    rights: str


def rights_text(rights: Iterable[str]) -> str:
    """Return rights in the order of the standard."""
    found = frozenset(rights)
    return "".join(letter for letter in RIGHTS if letter in found)
