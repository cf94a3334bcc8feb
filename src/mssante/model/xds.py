"""The words of a document exchange (XDS metadata): what METADATA.XML of an archive says about each document.

Values only; `mssante.wire.xdm` reads and writes them, `mssante.rules.documents` compares them with the documents.

Source: clients.md 5.5; IHE ITI TF-3 section 4.2 (general knowledge of it).
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.document import Coded, Finding, Identifier

HAS_MEMBER: Final = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
REPLACES: Final = "urn:ihe:iti:2007:AssociationType:RPLC"
APPROVED: Final = "urn:oasis:names:tc:ebxml-regrep:StatusType:Approved"

_NO_CODE: Final = Coded("")


@dataclass(frozen=True, slots=True)
class XdsAuthor:
    """An author as metadata write him, each text as written.

    Attributes:
        person: HL7 XCN, ``id^family^given^^^^^^&OID&ISO^D^^^IDNPS``.
        institutions: HL7 XON, ``name^^^^^&OID&ISO^IDNST^^^id``.
        roles: towards the patient.
        specialties: ``code^label^OID``.
    """

    person: str = ""
    institutions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """What is said of one document; "" or None where nothing is said.

    Attributes:
        id: of the entry in this file, a name or a ``urn:uuid:``.
        uri: file name, relative to METADATA.XML.
        hash: SHA-1, hexadecimal digits in lower case.
        size: bytes.
        creation_time, service_start, service_stop: HL7 DTM, in UTC.
        unique_id: of the document, ``root`` or ``root^extension``.
        patient_id: HL7 CX as written; `patient` is what it says.
        source_patient_info: field and value, like ("PID-7", "19790328").
        legal_authenticator: HL7 XCN.
        version: version number of the document.
    """

    id: str
    uri: str = ""
    mime: str = ""
    hash: str = ""
    size: int | None = None
    creation_time: str = ""
    title: str = ""
    comments: str = ""
    language: str = ""
    service_start: str = ""
    service_stop: str = ""
    unique_id: str = ""
    patient_id: str = ""
    patient: Identifier | None = None
    source_patient_id: str = ""
    source_patient_info: tuple[tuple[str, str], ...] = ()
    authors: tuple[XdsAuthor, ...] = ()
    class_code: Coded = _NO_CODE
    type_code: Coded = _NO_CODE
    format_code: Coded = _NO_CODE
    facility: Coded = _NO_CODE
    setting: Coded = _NO_CODE
    confidentiality: tuple[Coded, ...] = ()
    events: tuple[Coded, ...] = ()
    legal_authenticator: str = ""
    repository_unique_id: str = ""
    version: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class SubmissionSet:
    """What is said of the documents that were put together.

    Attributes:
        unique_id: OID of this set; `source_id`: OID of the system that made it.
        patient_id: HL7 CX as written; `patient` is what it says.
        submission_time: HL7 DTM, in UTC.
        content_type: kind of care that led to it.
        recipients: each ``XON|XCN|XTN``.
    """

    id: str
    unique_id: str = ""
    source_id: str = ""
    patient_id: str = ""
    patient: Identifier | None = None
    submission_time: str = ""
    content_type: Coded = _NO_CODE
    authors: tuple[XdsAuthor, ...] = ()
    recipients: tuple[str, ...] = ()
    title: str = ""
    comments: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class Association:
    """A link between two objects.

    Attributes:
        kind: its URN, like `HAS_MEMBER` or `REPLACES`; older short names are read as these.
        source, target: ids of entries or sets.
        member_status: "Original" or "Reference", "" when it is not said.
    """

    id: str
    kind: str
    source: str
    target: str
    member_status: str = ""


@dataclass(frozen=True, slots=True)
class Metadata:
    """One METADATA.XML.

    Attributes:
        findings: what is missing or odd in the file itself.
    """

    entries: tuple[DocumentEntry, ...]
    sets: tuple[SubmissionSet, ...] = ()
    associations: tuple[Association, ...] = ()
    findings: tuple[Finding, ...] = ()

    def replaced_by(self, entry_id: str) -> tuple[str, ...]:
        """Return the ids of what an entry replaces."""
        return tuple(link.target for link in self.associations if link.kind == REPLACES and link.source == entry_id)
