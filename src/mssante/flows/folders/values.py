"""What a reader gets and gives, whatever the door."""

from dataclasses import dataclass

import msgspec

from mssante.flows.folders.names import split_name
from mssante.model.mailbox import Folder, FolderId, Role


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Where names begin (RFC 2342): the reader's own, and those of other boxes."""

    separator: str
    personal: str
    others: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One name of the list of folders.

    Attributes:
        name: as the reader sees it.
        folder: with its counters; None for a name that only has others under it, or that is gone.
        is_other: in another box than the one that was opened.
    """

    name: str
    folder: Folder | None
    rights: frozenset[str]
    is_subscribed: bool
    has_children: bool
    is_other: bool

    @property
    def folder_id(self) -> FolderId | None:
        """Return the folder's identifier, None when there is no folder of that name."""
        return None if self.folder is None else self.folder.folder_id

    @property
    def role(self) -> Role | None:
        """Return what the folder is for."""
        return None if self.folder is None else self.folder.role

    @property
    def is_gone(self) -> bool:
        """Tell whether there is nothing of that name or below: it was subscribed, or something below it was."""
        return self.folder is None and not self.has_children


def no_folder(name: str, *, is_subscribed: bool = False, has_children: bool = False) -> Listed:
    """Return a name that is no folder: above others, or gone."""
    is_other = split_name(name)[0] is not None
    return Listed(name, None, frozenset(), is_subscribed=is_subscribed, has_children=has_children, is_other=is_other)


@dataclass(frozen=True, slots=True)
class Updates:
    """What a session is to be told of its folder.

    Attributes:
        gone: (number, uid), the highest number first, so that each is right when it is said.
        exists: how many there are now, None when that is no news.
        changed: (number, uid, flags, modseq) with the numbers after `gone`; flags sorted, separated by spaces.
    """

    gone: tuple[tuple[int, int], ...] = ()
    exists: int | None = None
    changed: tuple[tuple[int, int, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a change of flags.

    Attributes:
        changed: (uid, flags, modseq).
        modified: UIDs left alone because they changed since (RFC 7162 section 3.1.3).
    """

    changed: tuple[tuple[int, str, int], ...]
    modified: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Transferred:
    """What a copy or a move did (RFC 4315, COPYUID); the pairs are (UID here, UID there)."""

    uid_validity: int
    pairs: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Appended:
    """Where messages that were added lie (RFC 4315, APPENDUID)."""

    uid_validity: int
    uids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: UIDs ascending, and the highest modification number among them (0 for none)."""

    uids: tuple[int, ...]
    highest_modseq: int


@dataclass(frozen=True, slots=True)
class Resynced:
    """What a client that comes back has missed (RFC 7162 section 3.2.5).

    Attributes:
        vanished: UIDs that are gone, ascending, of those that it may know.
        changed: (number, uid, flags, modseq).
    """

    vanished: tuple[int, ...]
    changed: tuple[tuple[int, int, str, int], ...]


@dataclass(frozen=True, slots=True)
class Quota:
    """How much a mailbox holds and may hold; `root` is its address."""

    root: str
    used_bytes: int
    limit_bytes: int


class Row(msgspec.Struct, frozen=True):
    """What lists show of a message, by the thousand; the columns of the index are empty unless asked for.

    Attributes:
        internal_at, saved_at: microseconds since 1970, UTC.
        envelope, bodystructure, body: as IMAP writes them.
        parts: for `decode_parts`; offsets count from the body, without the prefix.
        cached_header: None when it must be read from the message; never holds the fields of the prefix.
    """

    uid: int
    message_id: int
    size_bytes: int
    internal_at: int
    saved_at: int
    envelope: bytes = b""
    bodystructure: bytes = b""
    body: bytes = b""
    parts: bytes = b""
    preview: str = ""
    cached_header: bytes | None = None
    prefix: bytes = b""
