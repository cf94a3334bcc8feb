"""Words of the directory: professionals, structures, where they work, their mailboxes, and what is asked of it.

Source: operators.md 4.2 (data model of a BAL), 4.3 (identifiers), 4.4 (public extraction).
"""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from mssante.model.mailbox import MailboxType

ProfessionalId = NewType("ProfessionalId", int)
StructureId = NewType("StructureId", int)
EntryId = NewType("EntryId", int)


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of a national value set with its label; both "" when there is none."""

    code: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a structure stands; every part may be "" (columns 21 to 31 of the extraction, in their order).

    Attributes:
        street: number, complement, type and name of the way, joined.
        town: without the postcode and without CEDEX.
        department: code of the département: "44", "2A", "974".
    """

    complement: str = ""
    distribution: str = ""
    street: str = ""
    locality: str = ""
    postcode: str = ""
    town: str = ""
    department: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Professional:
    """Somebody who may hold a mailbox.

    Attributes:
        identifier: IdNat_PS: its kind (one or two digits) and the number, "810001234567" for an RPPS.
        civility: as exercised ("DR", "M", "MME", "PR") or "".
        family, given: names of exercise, as published (family in capitals as a rule).
        category: civil, student, military.
        specialities: savoir-faire, the main one first.
    """

    identifier: str
    civility: str
    family: str
    given: str
    profession: Coded = Coded()
    category: Coded = Coded()
    specialities: tuple[Coded, ...] = ()
    professional_id: ProfessionalId = ProfessionalId(0)


@dataclass(frozen=True, slots=True)
class Structure:
    """A legal person (entité juridique) or a place of it (entité géographique).

    Attributes:
        identifier: IdNat_Struct: its kind (one digit) and the number, "1" and a FINESS number, "3" and a SIRET.
        name: raison sociale.
        sign: enseigne commerciale, or "".
        kind: "EJ", "EG", or "" when the source does not say.
        parent: IdNat_Struct of the legal person of a place, or "".
        siret: or "".
        category: kind of establishment.
        latitude, longitude: degrees (WGS 84), None when not known.
    """

    identifier: str
    name: str
    sign: str = ""
    address: PostalAddress = PostalAddress()
    kind: str = ""
    parent: str = ""
    siret: str = ""
    phone: str = ""
    category: Coded = Coded()
    latitude: float | None = None
    longitude: float | None = None
    structure_id: StructureId = StructureId(0)


@dataclass(frozen=True, slots=True)
class Situation:
    """A professional at work in a structure (exercise situation).

    Attributes:
        identifier: of the situation in its source, or one made of both identifiers.
        mode: of exercise: liberal, employee, volunteer.
        role: function there, or "".
    """

    professional: str
    structure: str
    identifier: str
    profession: Coded = Coded()
    mode: Coded = Coded()
    role: Coded = Coded()


@dataclass(frozen=True, slots=True)
class ListedMailbox:
    """A mailbox as the directory knows it.

    Attributes:
        address: as published; compared without case.
        professional: IdNat_PS of its holder, or "" (ORG, APP).
        structure: IdNat_Struct, or "" (a PER box outside a structure).
        service: rattachement; up to 90 characters.
        description: functional; responsible: free text, never in open access.
        is_red: red list: must not be published nor found.
        is_paperless: the holder wishes no paper double; None when not known.
        rank: 1 is the preferred mailbox; None when not said.
        operator: who publishes it, or "".
    """

    address: str
    kind: MailboxType
    professional: str = ""
    structure: str = ""
    service: str = ""
    description: str = ""
    responsible: str = ""
    phone: str = ""
    is_red: bool = False
    is_paperless: bool | None = None
    rank: int | None = None
    operator: str = ""


class Health(enum.Enum):
    """What deliveries have told of an address."""

    UNKNOWN = "unknown"
    ALIVE = "alive"
    AWAY = "away"
    BOUNCING = "bouncing"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the directory: a mailbox with its holder and place, or a holder or place without mailbox.

    Attributes:
        updated_at: when the directory last saw a change of it; None: not kept.
    """

    entry_id: EntryId
    mailbox: ListedMailbox | None
    professional: Professional | None
    structure: Structure | None
    updated_at: datetime | None = None

    @property
    def address(self) -> str:
        """Return the address, or "" for somebody without mailbox."""
        return "" if self.mailbox is None else self.mailbox.address

    @property
    def name(self) -> str:
        """Return what the entry is called: the person, else the box's own words, else the structure."""
        if self.professional is not None:
            return f"{self.professional.given} {self.professional.family}".strip()
        if self.mailbox is not None and (self.mailbox.description or self.mailbox.service):
            return self.mailbox.description or self.mailbox.service
        return "" if self.structure is None else self.structure.sign or self.structure.name


class Field(enum.Enum):
    """What a condition may look at; compared without case and without accents, codes and identifiers as they are."""

    NAME = "name"  # given and family name, in any order; of a structure: its name and sign
    FAMILY = "family"
    GIVEN = "given"
    ADDRESS = "address"
    KIND = "kind"
    PERSON = "person"  # IdNat_PS; an RPPS number without its kind is meant too
    STRUCTURE = "structure"  # IdNat_Struct; a FINESS or SIRET number without its kind is meant too
    STRUCTURE_NAME = "structure-name"
    PROFESSION = "profession"  # code
    PROFESSION_LABEL = "profession-label"
    SPECIALITY = "speciality"  # code
    SPECIALITY_LABEL = "speciality-label"
    SERVICE = "service"
    DESCRIPTION = "description"
    STREET = "street"
    TOWN = "town"
    POSTCODE = "postcode"
    DEPARTMENT = "department"
    PHONE = "phone"
    CIVILITY = "civility"


class How(enum.Enum):
    """How a value is compared."""

    EQUALS = "equals"
    STARTS = "starts"
    CONTAINS = "contains"
    ENDS = "ends"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Match:
    """One comparison; `value` is "" with PRESENT."""

    field: Field
    how: How
    value: str = ""


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; true when there is none."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds; false when there is none."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = Match | All | Any | Not


class Subject(enum.Enum):
    """What a selection returns."""

    MAILBOXES = "mailboxes"  # one entry a mailbox
    PROFESSIONALS = "professionals"  # one entry a professional; mailbox and structure None
    STRUCTURES = "structures"  # one entry a structure
    EVERYTHING = "everything"  # mailboxes, and professionals and structures without one


@dataclass(frozen=True, slots=True)
class Selected:
    """One page of a selection, in the order of `Entry.entry_id`.

    Attributes:
        after: give it back to get the next page; None at the end.
        was_cut: the search stopped at its bound of looked-at entries: there may be more than `entries` and no page
            will find them. Narrow the condition.
    """

    entries: tuple[Entry, ...]
    after: EntryId | None = None
    was_cut: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks the directory; budgets are kept for each name.

    Attributes:
        name: stable: the login of an account, the subject of a certificate, the name of a key.
        operator: operator whose mailboxes it may write, or "".
        near: postcode or département of the asker, or "": ranks what is near first.
        address: of the mailbox that asks, or "".
        sees_red: it may find what is on the red list (the holder's own operator only).
    """

    name: str
    operator: str = ""
    near: str = ""
    address: str = ""
    sees_red: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """A professional with the mailboxes that are theirs outside any structure (PER, CAB), and where they work."""

    professional: Professional
    mailboxes: tuple[ListedMailbox, ...]
    situations: tuple[Situation, ...] = ()
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """A professional at work in a structure, with the PER mailboxes of that situation."""

    situation: Situation
    professional: Professional
    structure: Structure
    mailboxes: tuple[ListedMailbox, ...]
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A structure with its own mailboxes (ORG, APP)."""

    structure: Structure
    mailboxes: tuple[ListedMailbox, ...]
    updated_at: datetime | None = None


class Holder(enum.Enum):
    """What a mailbox is attached to, and what a change names."""

    PERSON = "person"
    ROLE = "role"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Target:
    """Whose mailboxes change: identifier of a professional, a situation or a structure."""

    holder: Holder
    identifier: str


@dataclass(frozen=True, slots=True)
class AddMailbox:
    """Attach a mailbox; `mailbox` carries what was said, its professional and structure are the target's."""

    mailbox: ListedMailbox


@dataclass(frozen=True, slots=True)
class ChangeMailbox:
    """Change what may change; None leaves a part as it is, "" (0 for the rank) takes it away.

    Source: operators.md 4.6 (modifiable: listeRouge, description, service, responsible, rank).
    """

    address: str
    is_red: bool | None = None
    description: str | None = None
    service: str | None = None
    responsible: str | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class RemoveMailbox:
    """Take a mailbox out of the directory."""

    address: str


MailboxChange = AddMailbox | ChangeMailbox | RemoveMailbox
