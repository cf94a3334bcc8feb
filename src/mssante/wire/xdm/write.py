"""Write METADATA.XML from values, in the order that ebRIM 3.0 wants.

Source: clients.md 5.5; ebRIM 3.0 (order: Slot, Name, Description, VersionInfo, Classification, ExternalIdentifier).
"""

import re
from collections.abc import Iterator
from itertools import count
from typing import Final

from lxml import etree

from mssante.model.document import Coded
from mssante.model.xds import Association, DocumentEntry, Metadata, SubmissionSet, XdsAuthor
from mssante.wire.xdm import schemes as uuids

_RIM: Final = f"{{{uuids.RIM}}}"
_LCM: Final = f"{{{uuids.LCM}}}"
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
# What XML 1.0 cannot hold, not even as a character reference.
_IMPOSSIBLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONG_CHARS: Final = 128


def write_metadata(metadata: Metadata) -> bytes:
    """Return METADATA.XML; characters that XML forbids become spaces; the same values give the same bytes.

    Source: clients.md 5.5.
    """
    root = etree.Element(f"{_LCM}SubmitObjectsRequest", nsmap={"lcm": uuids.LCM, "rim": uuids.RIM})
    objects = etree.SubElement(root, f"{_RIM}RegistryObjectList")
    numbers = count(1)
    for entry in metadata.entries:
        _write_entry(objects, entry, numbers)
    for one in metadata.sets:
        _write_set(objects, one, numbers)
    for link in metadata.associations:
        _write_link(objects, link)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _write_entry(objects: etree._Element, entry: DocumentEntry, numbers: Iterator[int]) -> None:
    it = etree.SubElement(objects, f"{_RIM}ExtrinsicObject")
    _attributes(it, id=entry.id, objectType=uuids.STABLE_DOCUMENT, mimeType=entry.mime, status=entry.status)
    _slot(it, "URI", *_uri(entry.uri))
    _slot(it, "hash", entry.hash)
    _slot(it, "size", "" if entry.size is None else str(entry.size))
    _slot(it, "creationTime", entry.creation_time)
    _slot(it, "languageCode", entry.language)
    _slot(it, "serviceStartTime", entry.service_start)
    _slot(it, "serviceStopTime", entry.service_stop)
    _slot(it, "sourcePatientId", entry.source_patient_id)
    _slot(it, "sourcePatientInfo", *(f"{name}|{value}" for name, value in entry.source_patient_info))
    _slot(it, "legalAuthenticator", entry.legal_authenticator)
    _slot(it, "repositoryUniqueId", entry.repository_unique_id)
    _text(it, "Name", entry.title)
    _text(it, "Description", entry.comments)
    if entry.version:
        _attributes(etree.SubElement(it, f"{_RIM}VersionInfo"), versionName=entry.version)
    for author in entry.authors:
        _author(it, entry.id, uuids.ENTRY_AUTHOR, author, numbers)
    codes = (
        (uuids.ENTRY_CLASS, (entry.class_code,)),
        (uuids.ENTRY_CONFIDENTIALITY, entry.confidentiality),
        (uuids.ENTRY_EVENT, entry.events),
        (uuids.ENTRY_FORMAT, (entry.format_code,)),
        (uuids.ENTRY_FACILITY, (entry.facility,)),
        (uuids.ENTRY_SETTING, (entry.setting,)),
        (uuids.ENTRY_TYPE, (entry.type_code,)),
    )
    for scheme, given in codes:
        for code in given:
            _code(it, entry.id, scheme, code, numbers)
    _identifier(it, entry.id, uuids.ENTRY_PATIENT, entry.patient_id, numbers)
    _identifier(it, entry.id, uuids.ENTRY_UNIQUE, entry.unique_id, numbers)


def _write_set(objects: etree._Element, one: SubmissionSet, numbers: Iterator[int]) -> None:
    it = etree.SubElement(objects, f"{_RIM}RegistryPackage")
    _attributes(it, id=one.id, objectType=uuids.PACKAGE, status=one.status)
    _slot(it, "submissionTime", one.submission_time)
    _slot(it, "intendedRecipient", *one.recipients)
    _text(it, "Name", one.title)
    _text(it, "Description", one.comments)
    for author in one.authors:
        _author(it, one.id, uuids.SET_AUTHOR, author, numbers)
    _code(it, one.id, uuids.SET_CONTENT, one.content_type, numbers)
    node = etree.SubElement(it, f"{_RIM}Classification")
    _attributes(
        node,
        id=_next(numbers),
        objectType=uuids.CLASSIFICATION,
        classificationNode=uuids.SET_NODE,
        classifiedObject=one.id,
    )
    _identifier(it, one.id, uuids.SET_PATIENT, one.patient_id, numbers)
    _identifier(it, one.id, uuids.SET_SOURCE, one.source_id, numbers)
    _identifier(it, one.id, uuids.SET_UNIQUE, one.unique_id, numbers)


def _write_link(objects: etree._Element, link: Association) -> None:
    it = etree.SubElement(objects, f"{_RIM}Association")
    _attributes(
        it,
        id=link.id,
        objectType=uuids.ASSOCIATION,
        associationType=link.kind,
        sourceObject=link.source,
        targetObject=link.target,
    )
    _slot(it, "SubmissionSetStatus", link.member_status)


def _next(numbers: Iterator[int]) -> str:
    """Return an id of a part, which only this file knows."""
    return f"id{next(numbers)}"


def _clean(text: str) -> str:
    return _IMPOSSIBLE.sub(" ", text)


def _attributes(element: etree._Element, **values: str) -> None:
    for name, value in values.items():
        if value:
            element.set(name, _clean(value))


def _uri(uri: str) -> tuple[str, ...]:
    """Return the file name, cut in numbered pieces when it is longer than a value may be."""
    if len(uri) <= _LONG_CHARS:
        return (uri,)
    pieces = [uri[start : start + _LONG_CHARS - 4] for start in range(0, len(uri), _LONG_CHARS - 4)]
    return tuple(f"{number}|{piece}" for number, piece in enumerate(pieces, 1))


def _slot(parent: etree._Element, name: str, *values: str) -> None:
    given = [value for value in values if value]
    if not given:
        return
    slot = etree.SubElement(parent, f"{_RIM}Slot", name=name)
    values_of = etree.SubElement(slot, f"{_RIM}ValueList")
    for value in given:
        etree.SubElement(values_of, f"{_RIM}Value").text = _clean(value)


def _text(parent: etree._Element, name: str, text: str) -> None:
    if text:
        localized = etree.SubElement(etree.SubElement(parent, f"{_RIM}{name}"), f"{_RIM}LocalizedString")
        localized.set(_LANG, "fr-FR")
        _attributes(localized, charset="UTF-8", value=text)


def _classification(parent: etree._Element, owner: str, scheme: str, code: str, number: str) -> etree._Element:
    it = etree.SubElement(parent, f"{_RIM}Classification")
    _attributes(it, id=number, objectType=uuids.CLASSIFICATION, classificationScheme=scheme, classifiedObject=owner)
    it.set("nodeRepresentation", _clean(code))
    return it


def _code(parent: etree._Element, owner: str, scheme: str, code: Coded, numbers: Iterator[int]) -> None:
    if not code.code:
        return
    it = _classification(parent, owner, scheme, code.code, _next(numbers))
    _slot(it, "codingScheme", code.system)
    _text(it, "Name", code.label)


def _author(parent: etree._Element, owner: str, scheme: str, author: XdsAuthor, numbers: Iterator[int]) -> None:
    it = _classification(parent, owner, scheme, "", _next(numbers))
    _slot(it, "authorPerson", author.person)
    _slot(it, "authorInstitution", *author.institutions)
    _slot(it, "authorRole", *author.roles)
    _slot(it, "authorSpecialty", *author.specialties)


def _identifier(parent: etree._Element, owner: str, scheme: str, value: str, numbers: Iterator[int]) -> None:
    if not value:
        return
    it = etree.SubElement(parent, f"{_RIM}ExternalIdentifier")
    _attributes(
        it,
        id=_next(numbers),
        objectType=uuids.EXTERNAL_ID,
        identificationScheme=scheme,
        registryObject=owner,
        value=value,
    )
    _text(it, "Name", uuids.IDENTIFIER_NAMES[scheme])
