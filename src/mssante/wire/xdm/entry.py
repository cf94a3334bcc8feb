"""Derive the metadata of a document from its CDA header, as the national table of correspondence says.

The header comes as a value: reading it is `mssante.wire.cda`.

Source: clients.md 5.5 (CI-SIS, "Lien entre l'en-tête CDA et les métadonnées XDS", volet "Partage de documents").
"""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Final

from mssante.model.document import Actor, Coded, DocumentHeader, Identifier, Patient
from mssante.model.errors import TheirProtocolError
from mssante.model.hl7_time import utc_time
from mssante.model.xds import APPROVED, DocumentEntry, XdsAuthor
from mssante.wire.xdm.hl7 import is_oid, plain, read_cx, write_coded, write_cx, write_xcn, write_xon
from mssante.wire.xdm.national import CLASS_SYSTEM, NATIONAL_FORMATS, class_of, format_of

CONFIDENTIALITY: Final = "2.16.840.1.113883.5.25"

_REPORT: Final = Coded("10", CLASS_SYSTEM, "Compte rendu")
_NO_MODEL: Final = Coded(
    "urn:asipSante:modelesHorsProfils:2011", NATIONAL_FORMATS, "Document non référencé IHE ou CI-SIS"
)
_NORMAL: Final = Coded("N", CONFIDENTIALITY, "Normal")


@dataclass(frozen=True, slots=True)
class XdmDocument:
    """A document to put into an archive.

    Attributes:
        data: its bytes, kept as they are.
        header: what its CDA header says.
        hidden: national codes beside confidentiality (MASQUE_PS, INVISIBLE_PATIENT...).
        comments: free text of the sender.
    """

    data: bytes
    header: DocumentHeader
    media_type: str = "text/xml"
    hidden: tuple[Coded, ...] = ()
    comments: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the national tables do not say: our defaults, each a setting.

    Attributes:
        class_code: class of a type that ASS_X04 does not have.
        format_code: format of a model that ASS_A11 does not have (a national code of "none of these").
        repository_id: OID of the place where the documents are kept; "" takes the `source_id` of the set.
        language: of documents that do not say it.
    """

    class_code: Coded = _REPORT
    format_code: Coded = _NO_MODEL
    repository_id: str = ""
    language: str = "fr-FR"


def unique_id(identifier: Identifier) -> str:
    """Return a document's identifier as metadata write it: ``root``, or ``root^extension``."""
    return f"{identifier.root}^{identifier.extension}" if identifier.extension else identifier.root


def entry_id(identifier: Identifier) -> str:
    """Return the id of the entry of a document: a UUID made of the document's identifier.

    The same document has the same one in every archive of ours, so that a replacement can name what it replaces
    (our choice: nothing says how a sender knows the entry of an older mail).
    """
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, unique_id(identifier))}"


def entry_of(document: XdmDocument, uri: str, choices: Choices) -> DocumentEntry:
    """Return the metadata of a document.

    Args:
        uri: its file name beside METADATA.XML.

    Raises:
        TheirProtocolError: no patient identifier, no type, or a creation time that is none; French.

    Source: clients.md 5.5.
    """
    header = document.header
    patient_id = patient_cx(header)
    main = next((act for act in header.acts if act.start), None)
    return DocumentEntry(
        id=entry_id(header.id),
        uri=uri,
        mime=document.media_type,
        hash=hashlib.sha1(document.data, usedforsecurity=False).hexdigest(),
        size=len(document.data),
        creation_time=_needed(utc_time(header.created_at), header, "date de création (effectiveTime)"),
        title=header.title.strip() or header.code.label,
        comments=document.comments,
        language=header.language or choices.language,
        service_start=utc_time(main.start if main else header.encounter_start),
        service_stop=utc_time(main.stop if main else header.encounter_stop),
        unique_id=_needed(unique_id(header.id), header, "identifiant (id)"),
        patient_id=write_cx(patient_id),
        patient=read_cx(write_cx(patient_id)),
        source_patient_id=write_cx(next(iter(header.patient.local_ids), patient_id)),
        source_patient_info=_patient_info(header.patient),
        authors=tuple(author_of(actor) for actor in header.authors),
        class_code=class_of(_needed(header.code.code, header, "type (code)")) or choices.class_code,
        type_code=header.code,
        format_code=format_of(header) or choices.format_code,
        facility=header.facility,
        setting=header.setting,
        confidentiality=(header.confidentiality if header.confidentiality.code else _NORMAL, *document.hidden),
        events=tuple(act.code for act in header.acts if act.code.code),
        legal_authenticator=write_xcn(header.legal_authenticator) if header.legal_authenticator else "",
        repository_unique_id=choices.repository_id,
        version=str(header.version) if header.version else "",
        status=APPROVED,
    )


def _needed(value: str, header: DocumentHeader, what: str) -> str:
    if not value:
        msg = f"document « {header.title[:60]} » : {what} absente ou illisible ; complétez l'en-tête du document"
        raise TheirProtocolError(msg)
    return value


def patient_cx(header: DocumentHeader) -> Identifier:
    """Return the identifier under which a receiver files the document: the INS, else the first local one.

    Raises:
        TheirProtocolError: the header has none.

    Source: clients.md 5.5 (ECO.2.1.2).
    """
    known = [one for one in (header.patient.ins, *header.patient.local_ids) if one is not None]
    found = next((one for one in known if is_oid(one.root) and plain(one.extension)), None)
    if found is None:
        msg = f"document « {header.title[:60]} » : le patient n'a pas d'identifiant avec un OID ; complétez son dossier"
        raise TheirProtocolError(msg)
    return found


def author_of(actor: Actor) -> XdsAuthor:
    """Return an author of the header as metadata write him."""
    return XdsAuthor(
        write_xcn(actor),
        (write_xon(actor.organization),) if actor.organization and actor.organization.name else (),
        (actor.function.label,) if actor.function.label else (),
        (write_coded(actor.profession),) if actor.profession.code else (),
    )


def _patient_info(patient: Patient) -> tuple[tuple[str, str], ...]:
    """Return the traits: PID-5 with L for the name of birth and D for the name used, PID-7, PID-8, further PID-3."""
    given = patient.first_given or patient.birth_given
    found: list[tuple[str, str]] = []
    if patient.birth_name:
        found.append(("PID-5", f"{plain(patient.birth_name)}^{plain(given)}^^^^^L"))
    if patient.used_name:
        found.append(("PID-5", f"{plain(patient.used_name)}^{plain(patient.used_given or given)}^^^^^D"))
    found.extend(("PID-3", write_cx(one)) for one in patient.local_ids[1:] if one.extension)
    born = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else plain(patient.birth_text)
    if born:
        found.append(("PID-7", born))
    if patient.sex:
        found.append(("PID-8", patient.sex.value))
    return tuple(found)
