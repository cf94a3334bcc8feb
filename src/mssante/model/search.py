"""What a reader looks for in a folder, whatever the door: a tree of conditions, sort keys, thread algorithms.

Values only; the doors make them from their own grammar, `mssante.flows.folders` evaluates them. Text is Unicode, days
are calendar days without a zone, as the protocols ask.

Source: RFC 9051 section 6.4.4; RFC 5256; RFC 5032; RFC 7162 section 3.1.5; RFC 8474; RFC 8514.
"""

import enum
from dataclasses import dataclass
from datetime import date

from mssante.model.numbers import NumberSet


class Where(enum.Enum):
    """Which text a condition looks at."""

    SUBJECT = "subject"
    FROM = "from"
    TO = "to"
    CC = "cc"
    BCC = "bcc"
    BODY = "body"
    TEXT = "text"


class When(enum.Enum):
    """Which day of a message a condition looks at."""

    INTERNAL = "internal"
    SENT = "sent"
    SAVED = "saved"


class Compare(enum.Enum):
    """How a day, an age or a size is compared."""

    BEFORE = "before"
    ON = "on"
    SINCE = "since"


@dataclass(frozen=True, slots=True)
class Everything:
    """Every message."""


@dataclass(frozen=True, slots=True)
class HasFlag:
    """The flag or keyword is set, or is not (with its backslash); the Recent flag is asked of the session."""

    flag: str
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class IsNew:
    """Recent and not seen, as one old word says."""


@dataclass(frozen=True, slots=True)
class HasText:
    """The text stands there; "" stands in every message."""

    where: Where
    text: str


@dataclass(frozen=True, slots=True)
class HasHeader:
    """A field of that name holds the text; "" asks for the field only."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class OnDay:
    """A day of the message compared with one given."""

    when: When
    compare: Compare
    day: date


@dataclass(frozen=True, slots=True)
class Age:
    """The internal date lies within the last seconds, or before (`younger` False)."""

    seconds: int
    younger: bool


@dataclass(frozen=True, slots=True)
class Size:
    """Strictly larger than that many bytes, or strictly smaller."""

    bytes_: int
    larger: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """Message numbers of the session, or UIDs; `saved` is the result that the session saved (``$``)."""

    numbers: NumberSet | None
    by_uid: bool
    saved: bool = False


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """The modification number is at least that."""

    modseq: int


@dataclass(frozen=True, slots=True)
class HasId:
    """Its EMAILID or THREADID is that one."""

    id_: str
    thread: bool


@dataclass(frozen=True, slots=True)
class SaveDateKnown:
    """The store keeps save dates: every message."""


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: "Condition"


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds; none given holds."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the two holds."""

    left: "Condition"
    right: "Condition"


Condition = (
    Everything
    | HasFlag
    | IsNew
    | HasText
    | HasHeader
    | OnDay
    | Age
    | Size
    | Numbers
    | ChangedSince
    | HasId
    | SaveDateKnown
    | Not
    | All
    | Either
)


class SortBy(enum.Enum):
    """What messages are sorted by; the message number breaks ties."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of a sort."""

    by: SortBy
    reverse: bool = False


class Threading(enum.Enum):
    """How messages are threaded."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"
    REFERENCES = "REFERENCES"


@dataclass(frozen=True, slots=True)
class Thread:
    """A message with what answers it; a missing parent has the number 0.

    Attributes:
        number: UID.
    """

    number: int
    answers: tuple["Thread", ...] = ()
