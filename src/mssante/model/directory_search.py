"""What a person asks of the directory, and what comes back: ranked, each with its reasons.

Source: clients.md 6.2 (SC.MSS/UX.41, criteria of the search).
"""

import enum
from dataclasses import dataclass
from datetime import datetime

from mssante.model.directory import Entry, Health


class Column(enum.Enum):
    """Where a word is looked for; the value is the name of the column of the index."""

    PERSON = "person"
    WORK = "work"
    HOUSE = "house"
    PLACE = "place"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Filters:
    """Criteria that narrow a search; "" asks nothing (SC.MSS/UX.41).

    Attributes:
        identifier: RPPS, ADELI, FINESS or SIRET number, with or without its kind.
        kind: PER, ORG, APP or CAB.
    """

    name: str = ""
    given: str = ""
    profession: str = ""
    speciality: str = ""
    structure: str = ""
    street: str = ""
    postcode: str = ""
    town: str = ""
    address: str = ""
    identifier: str = ""
    kind: str = ""


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class Term:
    """One word that is asked for.

    Attributes:
        words: the word as it is compared, then what else it may be called.
        columns: where it must stand; empty: anywhere.
        is_whole: it is meant as it stands (a number, a filled-in code): neither its beginnings nor its neighbours.
    """

    words: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was understood.

    Attributes:
        terms: every one must hold.
        address: an address, or its beginning, that was typed; "".
        identifiers: what the number that was typed may be, of a professional or of a structure.
        kind: PER, ORG, APP, CAB or "".
        street: words that the street must hold; looked at last.
    """

    terms: tuple[Term, ...] = ()
    address: str = ""
    identifiers: tuple[str, ...] = ()
    kind: str = ""
    street: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What happened between the asker and an address, and what its deliveries have told."""

    delivered_at: datetime | None = None
    health: Health = Health.UNKNOWN
    away_until: datetime | None = None
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the ranking looks at, all texts as they are compared.

    Attributes:
        number: of the entry.
        holder: number of the professional; 0 for none.
        address: "" for somebody without mailbox.
        own: words of the mailbox itself: service, description.
        has_left: the directory knows where the holder works, and it is not there.
    """

    number: int
    holder: int = 0
    address: str = ""
    kind: str = ""
    own: str = ""
    is_red: bool = False
    rank: int | None = None
    name: str = ""
    joined: str = ""
    work: str = ""
    house: str = ""
    spot: str = ""
    department: str = ""
    postcode: str = ""
    has_left: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its place in the list.

    Attributes:
        score: higher is better; comparable within one search only.
        reasons: in French, the strongest first.
        warning: in French, what to look at before one writes there; "".
    """

    number: int
    score: float
    reasons: tuple[str, ...]
    warning: str = ""


@dataclass(frozen=True, slots=True)
class RankedEntry:
    """One line of an answer."""

    entry: Entry
    score: float
    reasons: tuple[str, ...]
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """An answer, the best first.

    Attributes:
        interpreted: in French, how the words were read when that is not what was typed ("" otherwise).
        was_cut: there are more.
    """

    entries: tuple[RankedEntry, ...]
    interpreted: str = ""
    was_cut: bool = False
