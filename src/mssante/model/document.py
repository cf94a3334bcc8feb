"""The words of clinical documents: about whom, by whom, what, when; the same for a CDA header and XDS metadata.

Values only; reading them is `mssante.wire.cda` and `mssante.wire.xdm`, judging them `mssante.rules.documents`.

Source: clients.md 5; CI-SIS (header of documents, volet "Partage de documents de santé").
"""

import enum
from dataclasses import dataclass
from datetime import date
from typing import Final

INS_NIR: Final = "1.2.250.1.213.1.4.8"
INS_NIA: Final = "1.2.250.1.213.1.4.9"
INS_TEST: Final = "1.2.250.1.213.1.4.10"
INS_DEMO: Final = "1.2.250.1.213.1.4.11"
INS_OIDS: Final = frozenset({INS_NIR, INS_NIA, INS_TEST, INS_DEMO})
LOINC: Final = "2.16.840.1.113883.6.1"


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier (HL7 II): an OID or UUID, and within it a text, "" when the root says all."""

    root: str
    extension: str = ""


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of a terminology; everything "" when it was not given."""

    code: str
    system: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class PersonName:
    """Name of a professional or a relative, as written."""

    family: str = ""
    given: str = ""
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Organization:
    """An establishment, a practice, a laboratory."""

    ids: tuple[Identifier, ...] = ()
    name: str = ""
    phone: str = ""
    address: str = ""
    activity: Coded = Coded("")


@dataclass(frozen=True, slots=True)
class Actor:
    """A professional, or a device, in a role, with where he works.

    Attributes:
        at: text of the HL7 time (TS), "" when none.
        mail: secure address, "" when none.
        profession: profession and speciality (code of the national value set).
        device: name of the software when it is one.
        function: role towards the patient (functionCode).
    """

    ids: tuple[Identifier, ...] = ()
    name: PersonName = PersonName()
    profession: Coded = Coded("")
    organization: Organization | None = None
    at: str = ""
    mail: str = ""
    device: str = ""
    function: Coded = Coded("")


class Sex(enum.Enum):
    """Administrative sex: HL7 administrativeGender codes used nationally."""

    FEMALE = "F"
    MALE = "M"
    UNDETERMINED = "U"


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient as a document names him; nothing is guessed: what is not there is "" or None.

    Attributes:
        ins: matricule with its OID, None when there is none.
        local_ids: of the establishment.
        birth_name: family name of birth.
        birth_given: all given names of birth, as written.
        first_given: the first given name of birth.
        used_name, used_given: those used.
        birth_date: None when it is unknown or no whole date (see birth_text).
        birth_text: as written, HL7 TS.
        birth_place: INSEE code.
    """

    ins: Identifier | None = None
    local_ids: tuple[Identifier, ...] = ()
    birth_name: str = ""
    birth_given: str = ""
    first_given: str = ""
    used_name: str = ""
    used_given: str = ""
    birth_date: date | None = None
    birth_text: str = ""
    sex: Sex | None = None
    birth_place: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """What was done (documentationOf/serviceEvent): code, times (HL7 TS), who did it; `setting` is the practice."""

    id: Identifier | None = None
    code: Coded = Coded("")
    start: str = ""
    stop: str = ""
    performer: Actor | None = None


@dataclass(frozen=True, slots=True)
class DocumentHeader:
    """The header of a CDA R2 document.

    Attributes:
        id: of this version.
        code: type (LOINC or national).
        created_at: HL7 TS as written.
        templates: (root, extension) of the conformance declarations.
        set_id, version: family of versions; 0 when it is not said.
        replaces: the document that this one replaces, None when none.
        confidentiality: "N", "R", "V"; national codes for hidden ones beside.
        language: "fr-FR".
        act: the main act; `acts`: the others too.
        setting: modality of care (practiceSettingCode), facility: kind of establishment (healthcareFacilityTypeCode).
        events: codes of the acts for eventCodeList.
        order_ids: orders that it answers (inFulfillmentOf).
        has_structured_body: level 3; `attached_type`: media type of the body at level 1, "".
    """

    id: Identifier
    code: Coded
    title: str
    created_at: str
    patient: Patient
    authors: tuple[Actor, ...] = ()
    custodian: Organization | None = None
    legal_authenticator: Actor | None = None
    recipients: tuple[Actor, ...] = ()
    templates: tuple[Identifier, ...] = ()
    set_id: Identifier | None = None
    version: int = 0
    replaces: Identifier | None = None
    confidentiality: Coded = Coded("")
    language: str = ""
    acts: tuple[Act, ...] = ()
    setting: Coded = Coded("")
    facility: Coded = Coded("")
    order_ids: tuple[Identifier, ...] = ()
    encounter_start: str = ""
    encounter_stop: str = ""
    has_structured_body: bool = False
    attached_type: str = ""


class Severity(enum.Enum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        code: stable name for programs, like ``hash-differs``.
        where: the file, the element or the header field.
        text: French, what is wrong.
        fix: French, what to do.
    """

    severity: Severity
    code: str
    where: str
    text: str
    fix: str
