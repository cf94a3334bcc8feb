"""Read METADATA.XML: documents, submission sets and links as values, with what is missing as findings.

Prefixes and order do not matter, older namespaces of ebXML are read too; elements outside ebXML are passed over.

Source: clients.md 5.5; ebRIM 3.0 (elements and attributes, general knowledge of it); reliability.md C07.
"""

from dataclasses import dataclass, replace
from typing import Final

from lxml import etree

from mssante.model.document import Finding, Severity
from mssante.model.errors import TheirProtocolError
from mssante.model.xds import HAS_MEMBER, REPLACES, Association, DocumentEntry, Metadata, SubmissionSet, XdsAuthor
from mssante.wire.xdm import schemes as uuids
from mssante.wire.xdm.hl7 import read_cx
from mssante.wire.xdm.registry import RegistryObject, attach, attribute, code_of, codes_of, name_of, opened
from mssante.wire.xml import parse_xml

WHAT: Final = "METADATA.XML"
ENTRIES_MAX: Final = 200

_REQUESTS: Final = frozenset({"SubmitObjectsRequest", "ProvideAndRegisterDocumentSetRequest"})
_LISTS: Final = frozenset({"RegistryObjectList", "LeafRegistryObjectList"})
_OLD_KINDS: Final = {"HasMember": HAS_MEMBER, "RPLC": REPLACES}
_OLD_MEMBER: Final = "urn:oasis:names:tc:ebxml-regrep:AssociationType:"
_FIX: Final = "Demandez à l'expéditeur une archive complète, ou classez le document à la main."


@dataclass(frozen=True, slots=True)
class MetadataLimits:
    """How big a METADATA.XML may be."""

    bytes: int = 5_000_000
    elements: int = 50_000


LIMITS: Final = MetadataLimits()


def read_metadata(data: bytes, limits: MetadataLimits = LIMITS) -> Metadata:
    """Return what a METADATA.XML says.

    Raises:
        TheirProtocolError: not XML that may be trusted, not a request of ebXML, or too many documents.

    Source: clients.md 5.5; reliability.md C07.
    """
    root = parse_xml(data, WHAT, max_bytes=limits.bytes, elements_max=limits.elements)
    if name_of(root) not in _REQUESTS:
        msg = f"{WHAT} : l'élément racine n'est pas SubmitObjectsRequest ; l'archive n'est pas conforme à IHE XDM"
        raise TheirProtocolError(msg)
    objects: dict[str, list[RegistryObject]] = {"ExtrinsicObject": [], "RegistryPackage": []}
    links: list[etree._Element] = []
    loose: list[etree._Element] = []
    for element in _registry_objects(root):
        name = name_of(element)
        if name in objects:
            objects[name].append(opened(element))
        elif name.startswith("Association"):
            links.append(element)
        elif name in {"Classification", "ExternalIdentifier"}:
            loose.append(element)
    documents, packages = objects["ExtrinsicObject"], objects["RegistryPackage"]
    if len(documents) > ENTRIES_MAX:
        msg = f"{WHAT} : {len(documents)} documents, plus que {ENTRIES_MAX}"
        raise TheirProtocolError(msg)
    attach(loose, [*documents, *packages])
    return _checked(
        Metadata(
            tuple(_entry(one) for one in documents),
            tuple(_set(one) for one in packages if _is_set(one, alone=len(packages) == 1)),
            tuple(_link(one) for one in links),
        )
    )


def _registry_objects(root: etree._Element) -> list[etree._Element]:
    """Return the objects of the lists of a request, which may stand in a request for a repository."""
    found: list[etree._Element] = []
    for child in root:
        if name_of(child) in _LISTS:
            found.extend(child)
        elif name_of(child) == "SubmitObjectsRequest":
            for inner in child:
                if name_of(inner) in _LISTS:
                    found.extend(inner)
    return found


def _is_set(package: RegistryObject, *, alone: bool) -> bool:
    if uuids.SET_NODE in package.nodes or uuids.SET_UNIQUE in package.identifiers:
        return True
    return alone and uuids.FOLDER_NODE not in package.nodes


def _entry(one: RegistryObject) -> DocumentEntry:
    size = one.slot("size")
    patient_id = one.identifiers.get(uuids.ENTRY_PATIENT, "")
    return DocumentEntry(
        id=one.id,
        uri=_uri(one.slots.get("uri", [])),
        mime=attribute(one.element, "mimeType"),
        hash=one.slot("hash").lower(),
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 13 else None,
        creation_time=one.slot("creationTime"),
        title=one.title,
        comments=one.comments,
        language=one.slot("languageCode"),
        service_start=one.slot("serviceStartTime"),
        service_stop=one.slot("serviceStopTime"),
        unique_id=one.identifiers.get(uuids.ENTRY_UNIQUE, ""),
        patient_id=patient_id,
        patient=read_cx(patient_id),
        source_patient_id=one.slot("sourcePatientId"),
        source_patient_info=tuple(_pid(text) for text in one.slots.get("sourcepatientinfo", ()) if "|" in text),
        authors=_authors(one, uuids.ENTRY_AUTHOR),
        class_code=code_of(one, uuids.ENTRY_CLASS),
        type_code=code_of(one, uuids.ENTRY_TYPE),
        format_code=code_of(one, uuids.ENTRY_FORMAT),
        facility=code_of(one, uuids.ENTRY_FACILITY),
        setting=code_of(one, uuids.ENTRY_SETTING),
        confidentiality=codes_of(one, uuids.ENTRY_CONFIDENTIALITY),
        events=codes_of(one, uuids.ENTRY_EVENT),
        legal_authenticator=one.slot("legalAuthenticator"),
        repository_unique_id=one.slot("repositoryUniqueId"),
        version=one.version,
        status=attribute(one.element, "status"),
    )


def _uri(values: list[str]) -> str:
    """Return the file name: long ones may be cut in numbered pieces, ``1|...``, ``2|...``."""
    if len(values) < 2 or not all("|" in value for value in values):
        return next(iter(values), "")
    return "".join(value.partition("|")[2] for value in sorted(values, key=lambda one: one.partition("|")[0].zfill(3)))


def _pid(text: str) -> tuple[str, str]:
    name, _, value = text.partition("|")
    return name.strip().upper(), value.strip()


def _authors(one: RegistryObject, scheme: str) -> tuple[XdsAuthor, ...]:
    return tuple(_author(opened(element)) for element in one.codes.get(scheme, ()))


def _author(one: RegistryObject) -> XdsAuthor:
    return XdsAuthor(
        one.slot("authorPerson"),
        tuple(one.slots.get("authorinstitution", ())),
        tuple(one.slots.get("authorrole", ())),
        tuple(one.slots.get("authorspecialty", ())),
    )


def _set(one: RegistryObject) -> SubmissionSet:
    patient_id = one.identifiers.get(uuids.SET_PATIENT, "")
    return SubmissionSet(
        id=one.id,
        unique_id=one.identifiers.get(uuids.SET_UNIQUE, ""),
        source_id=one.identifiers.get(uuids.SET_SOURCE, ""),
        patient_id=patient_id,
        patient=read_cx(patient_id),
        submission_time=one.slot("submissionTime"),
        content_type=code_of(one, uuids.SET_CONTENT),
        authors=_authors(one, uuids.SET_AUTHOR),
        recipients=tuple(one.slots.get("intendedrecipient", ())),
        title=one.title,
        comments=one.comments,
        status=attribute(one.element, "status"),
    )


def _link(element: etree._Element) -> Association:
    kind = attribute(element, "associationType")
    short = kind.removeprefix(_OLD_MEMBER)
    return Association(
        attribute(element, "id"),
        _OLD_KINDS.get(short, kind),
        attribute(element, "sourceObject"),
        attribute(element, "targetObject"),
        opened(element).slot("SubmissionSetStatus"),
    )


def _checked(found: Metadata) -> Metadata:
    """Return the metadata with findings on what any reader needs and does not find."""
    findings: list[Finding] = []
    if not found.entries:
        findings.append(Finding(Severity.ERROR, "metadata-empty", WHAT, "METADATA.XML ne décrit aucun document.", _FIX))
    if len(found.sets) != 1:
        text = f"METADATA.XML a {len(found.sets)} lots de soumission au lieu d'un."
        findings.append(Finding(Severity.WARNING, "metadata-sets", WHAT, text, _FIX))
    for entry in found.entries:
        findings.extend(_missing(entry))
    findings.extend(_twice(found))
    return replace(found, findings=tuple(findings))


def _missing(entry: DocumentEntry) -> list[Finding]:
    where = f"{WHAT} : {entry.uri or entry.id or 'document sans nom'}"
    needed = {
        "uri": (entry.uri, Severity.ERROR, "le nom du fichier (URI)"),
        "unique-id": (entry.unique_id, Severity.ERROR, "l'identifiant unique du document (uniqueId)"),
        "patient-id": (entry.patient, Severity.ERROR, "l'identifiant du patient (patientId)"),
        "type-code": (entry.type_code.code, Severity.ERROR, "le type du document (typeCode)"),
        "hash": (entry.hash, Severity.WARNING, "l'empreinte du fichier (hash)"),
        "size": (entry.size is not None, Severity.WARNING, "la taille du fichier (size)"),
        "creation-time": (entry.creation_time, Severity.WARNING, "la date de création (creationTime)"),
        "mime": (entry.mime, Severity.NOTE, "le type de contenu (mimeType)"),
    }
    return [
        Finding(severity, f"metadata-no-{name}", where, f"Il manque {what}.", _FIX)
        for name, (value, severity, what) in needed.items()
        if not value
    ]


def _twice(found: Metadata) -> list[Finding]:
    findings: list[Finding] = []
    seen: set[str] = set()
    for entry in found.entries:
        for kind, value in (("uri", entry.uri.lower()), ("unique-id", entry.unique_id)):
            if value and f"{kind} {value}" in seen:
                text = f"Deux documents de METADATA.XML ont la même valeur : {value}."
                findings.append(Finding(Severity.ERROR, f"metadata-twice-{kind}", WHAT, text, _FIX))
            seen.add(f"{kind} {value}")
    return findings
