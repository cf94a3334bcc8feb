"""The commands of IMAP as values: what the grammar makes and the door carries out.

Names of folders are Unicode, decoded; texts to look for too. Nothing here knows a folder, a session or a limit.

Source: RFC 9051 section 6, RFC 3501 section 6, and the extensions named at each value.
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from mssante.model.numbers import NumberSet
from mssante.model.search import Condition, SortKey, Threading


@dataclass(frozen=True, slots=True)
class Simple:
    """A command without arguments.

    Attributes:
        name: CAPABILITY, NOOP, LOGOUT, STARTTLS, CHECK, CLOSE, UNSELECT, IDLE, NAMESPACE, UNAUTHENTICATE, EXPUNGE.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Login:
    """LOGIN; the texts as typed."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Return the name only: a password must never reach a log."""
        return f"Login(user={self.user!r})"


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE; `initial` is decoded, None when absent (RFC 4959)."""

    mechanism: str
    initial: bytes | None

    def __repr__(self) -> str:
        """Return the mechanism only: the response holds a secret."""
        return f"Authenticate(mechanism={self.mechanism!r})"


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE (RFC 5161), upper case."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Id:
    """ID (RFC 2971): what the client says of itself, lower-case names; None for NIL."""

    fields: tuple[tuple[str, str | None], ...] | None


@dataclass(frozen=True, slots=True)
class Compress:
    """COMPRESS (RFC 4978); DEFLATE is the only one."""

    mechanism: str


@dataclass(frozen=True, slots=True)
class QResync:
    """The QRESYNC parameter of SELECT (RFC 7162 section 3.2.5)."""

    uid_validity: int
    modseq: int
    known_uids: NumberSet | None = None
    match_numbers: NumberSet | None = None
    match_uids: NumberSet | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT, or EXAMINE when read-only."""

    folder: str
    read_only: bool
    condstore: bool = False
    qresync: QResync | None = None


@dataclass(frozen=True, slots=True)
class FolderCommand:
    """A command whose one argument is a folder.

    Attributes:
        name: DELETE, SUBSCRIBE, UNSUBSCRIBE, GETACL, MYRIGHTS, GETQUOTAROOT, GETQUOTA (the folder is the root).
    """

    name: str
    folder: str


@dataclass(frozen=True, slots=True)
class Create:
    """CREATE, with USE (RFC 6154): role names without backslash."""

    folder: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rename:
    """RENAME."""

    folder: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS; items in upper case."""

    folder: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class List:
    """LIST in all its forms (RFC 9051 section 6.3.9, RFC 5258, 5819, 6154, 8440), LSUB and RLIST-like old ones.

    Attributes:
        reference: prefix of the patterns.
        patterns: one in the old form; "" asks for the separator only.
        select: SUBSCRIBED, REMOTE, RECURSIVEMATCH, SPECIAL-USE.
        returns: SUBSCRIBED, CHILDREN, SPECIAL-USE, MYRIGHTS.
        status: items of RETURN (STATUS (...)), upper case; empty when not asked.
        lsub: the answer is LSUB's.
        extended: written in the extended form.
    """

    reference: str
    patterns: tuple[str, ...]
    select: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    lsub: bool = False
    extended: bool = False


@dataclass(frozen=True, slots=True)
class AppendItem:
    """What stands in front of one message of APPEND; the message itself comes as literal chunks.

    Attributes:
        size_bytes: of the literal.
        binary: a literal8 (``~{n}``), or UTF8 (...) of RFC 6855.
    """

    flags: tuple[str, ...]
    internal_date: datetime | None
    size_bytes: int
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Append:
    """The start of APPEND (MULTIAPPEND, RFC 3502) or of REPLACE / UID REPLACE (RFC 8508).

    Attributes:
        replaces: the message that REPLACE replaces, None for APPEND.
        by_uid: it is a UID.
    """

    folder: str
    replaces: int | None = None
    by_uid: bool = False


class SectionKind(enum.Enum):
    """What of a part is wanted (RFC 9051 section 6.4.5.1)."""

    ALL = ""
    HEADER = "HEADER"
    HEADER_FIELDS = "HEADER.FIELDS"
    HEADER_FIELDS_NOT = "HEADER.FIELDS.NOT"
    TEXT = "TEXT"
    MIME = "MIME"


@dataclass(frozen=True, slots=True)
class BodyItem:
    """BODY[...], BODY.PEEK[...], BINARY[...], BINARY.PEEK[...], BINARY.SIZE[...].

    Attributes:
        label: the item as the answer names it, without the partial: ``BODY[1.HEADER]``, ``BINARY.SIZE[2]``,
            ``RFC822.TEXT``.
        path: part numbers.
        fields: names as typed, for HEADER.FIELDS.
        peek: leaves the message unread.
        partial: (first byte, number of bytes), or None.
    """

    label: bytes
    kind: SectionKind
    path: tuple[int, ...] = ()
    fields: tuple[bytes, ...] = ()
    peek: bool = False
    binary: bool = False
    size_only: bool = False
    partial: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH or UID FETCH.

    Attributes:
        numbers: None for ``$`` (RFC 5182).
        items: simple items in upper case, once each: FLAGS, UID, INTERNALDATE, RFC822.SIZE, ENVELOPE, BODY,
            BODYSTRUCTURE, MODSEQ, EMAILID, THREADID, SAVEDATE, PREVIEW; macros are expanded.
        bodies: in the order asked.
        changed_since: CHANGEDSINCE modifier, or None.
        vanished: VANISHED modifier.
        lazy_preview: PREVIEW (LAZY).
    """

    numbers: NumberSet | None
    by_uid: bool
    items: tuple[str, ...]
    bodies: tuple[BodyItem, ...] = ()
    changed_since: int | None = None
    vanished: bool = False
    lazy_preview: bool = False


class StoreMode(enum.Enum):
    """What STORE does with the flags."""

    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class Store:
    """STORE or UID STORE; `unchanged_since` is the modifier of RFC 7162."""

    numbers: NumberSet | None
    by_uid: bool
    mode: StoreMode
    flags: tuple[str, ...]
    silent: bool = False
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """COPY, MOVE and their UID forms."""

    numbers: NumberSet | None
    by_uid: bool
    folder: str
    move: bool


@dataclass(frozen=True, slots=True)
class UidExpunge:
    """UID EXPUNGE (RFC 4315)."""

    numbers: NumberSet | None


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH or UID SEARCH.

    Attributes:
        returns: MIN, MAX, ALL, COUNT, SAVE; None in the old form, () for ``RETURN ()``.
    """

    condition: Condition
    by_uid: bool
    returns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """SORT or UID SORT (RFC 5256, with RETURN of RFC 5267 section 3.1 when given)."""

    keys: tuple[SortKey, ...]
    condition: Condition
    by_uid: bool


@dataclass(frozen=True, slots=True)
class ThreadCommand:
    """THREAD or UID THREAD (RFC 5256)."""

    threading: Threading
    condition: Condition
    by_uid: bool


@dataclass(frozen=True, slots=True)
class SetQuota:
    """SETQUOTA (RFC 9208): resource -> limit, as typed."""

    root: str
    limits: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SetAcl:
    """SETACL, DELETEACL (rights None), LISTRIGHTS (`listing`) of RFC 4314.

    Attributes:
        mode: how `rights` change what is there.
    """

    folder: str
    identifier: str
    mode: StoreMode = StoreMode.REPLACE
    rights: str | None = None
    listing: bool = False


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """GETMETADATA (RFC 5464); folder "" is the server.

    Attributes:
        depth: 0, 1, or -1 for infinity.
    """

    folder: str
    entries: tuple[str, ...]
    max_size_bytes: int | None = None
    depth: int = 0


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """SETMETADATA (RFC 5464): entry -> value, None removes."""

    folder: str
    values: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class NotifyEvents:
    """One group of NOTIFY SET (RFC 5465 section 6).

    Attributes:
        filter_: SELECTED, SELECTED-DELAYED, INBOXES, PERSONAL, SUBSCRIBED, SUBTREE, MAILBOXES.
        folders: for SUBTREE and MAILBOXES.
        events: MessageNew, MessageExpunge, FlagChange, MailboxName, SubscriptionChange..., as the RFC spells them.
        fetch: what MessageNew fetches by itself, or None.
    """

    filter_: str
    folders: tuple[str, ...]
    events: tuple[str, ...]
    fetch: Fetch | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """NOTIFY (RFC 5465); None for NOTIFY NONE."""

    status: bool
    groups: tuple[NotifyEvents, ...] | None


Command = (
    Simple
    | Login
    | Authenticate
    | Enable
    | Id
    | Compress
    | Select
    | FolderCommand
    | Create
    | Rename
    | Status
    | List
    | Append
    | Fetch
    | Store
    | Transfer
    | UidExpunge
    | Search
    | Sort
    | ThreadCommand
    | SetQuota
    | SetAcl
    | GetMetadata
    | SetMetadata
    | Notify
)
