"""The parts of a CDA header as elements, in the order that the schema wants; what must be there is for `write`.

Source: HL7 CDA R2; CI-SIS (header of documents).
"""

import re
from typing import Final

from lxml import etree

from mssante.model.document import Act, Actor, Coded, DocumentHeader, Identifier, Organization, Patient, PersonName, Sex
from mssante.model.errors import WireError
from mssante.wire.cda.hl7 import HL7

_GENDER: Final = "2.16.840.1.113883.5.1"
_SEXES: Final = {Sex.FEMALE: ("F", "Féminin"), Sex.MALE: ("M", "Masculin"), Sex.UNDETERMINED: ("UN", "Inconnu")}
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def child(parent: etree._Element, names: str, **attributes: str) -> etree._Element:
    """Add an element, with those that hold it (``a/b/c``), and return it; empty attributes are left out.

    Raises:
        WireError: a text that XML cannot hold.
    """
    for name in names.split("/"):
        parent = etree.SubElement(parent, HL7 + name)
    for name, value in attributes.items():
        if value:
            parent.set(name, _checked(value, names))
    return parent


def text(parent: etree._Element, name: str, value: str) -> etree._Element:
    """Add an element with a text."""
    element = child(parent, name)
    element.text = _checked(value, name)
    return element


def identifier(parent: etree._Element, name: str, value: Identifier) -> None:
    """Add an identifier (II)."""
    child(parent, name, root=value.root, extension=value.extension)


def coded(parent: etree._Element, name: str, value: Coded) -> None:
    """Add a code (CD, CE), nothing when there is none."""
    if value.code:
        child(parent, name, code=value.code, displayName=value.label, codeSystem=value.system)


def record_target(root: etree._Element, patient: Patient) -> None:
    """Add the patient: identifiers, names of birth and used, sex, date and place of birth."""
    role = child(root, "recordTarget/patientRole")
    for item in (*((patient.ins,) if patient.ins else ()), *patient.local_ids):
        identifier(role, "id", item)
    child(role, "addr", nullFlavor="NASK")
    child(role, "telecom", nullFlavor="NASK")
    person = child(role, "patient")
    name = child(person, "name")
    text(name, "family", patient.birth_name).set("qualifier", "BR")
    if patient.birth_given:
        text(name, "given", patient.birth_given)
    text(name, "given", patient.first_given).set("qualifier", "BR")
    if patient.used_name:
        text(name, "family", patient.used_name).set("qualifier", "CL")
    if patient.used_given:
        text(name, "given", patient.used_given).set("qualifier", "CL")
    if patient.sex:
        code, label = _SEXES[patient.sex]
        coded(person, "administrativeGenderCode", Coded(code, _GENDER, label))
    if patient.birth_date:
        child(person, "birthTime", value=f"{patient.birth_date:%Y%m%d}".zfill(8))
    if patient.birth_place:
        text(child(person, "birthplace/place/addr"), "county", patient.birth_place)


def author(root: etree._Element, actor: Actor) -> None:
    """Add an author: a professional or a device."""
    element = child(root, "author")
    coded(element, "functionCode", actor.function)
    child(element, "time", value=actor.at)
    role = child(element, "assignedAuthor")
    _role(role, actor)
    if actor.device:
        device = child(role, "assignedAuthoringDevice")
        text(device, "manufacturerModelName", actor.device)
        text(device, "softwareName", actor.device)
    else:
        _person(role, "assignedPerson", actor.name)
    if actor.organization:
        _organization(role, "representedOrganization", actor.organization, actor.organization.activity)


def custodian(root: etree._Element, place: Organization) -> None:
    """Add the organisation that keeps the document."""
    holder = child(root, "custodian/assignedCustodian")
    _organization(holder, "representedCustodianOrganization", place, Coded(""))


def recipient(root: etree._Element, actor: Actor) -> None:
    """Add somebody for whom the document is meant."""
    role = child(root, "informationRecipient/intendedRecipient")
    for item in actor.ids:
        identifier(role, "id", item)
    _mail(role, actor.mail)
    _person(role, "informationRecipient", actor.name)
    if actor.organization:
        _organization(role, "receivedOrganization", actor.organization, actor.organization.activity)


def legal_authenticator(root: etree._Element, actor: Actor) -> None:
    """Add who answers for the document."""
    element = child(root, "legalAuthenticator")
    child(element, "time", value=actor.at)
    child(element, "signatureCode", code="S")
    _entity(element, actor, Coded(""))


def order(root: etree._Element, value: Identifier) -> None:
    """Add an order that the document answers."""
    identifier(child(root, "inFulfillmentOf/order"), "id", value)


def act(root: etree._Element, value: Act, setting: Coded) -> None:
    """Add an act; `setting` is the modality of care, said of who did the main act."""
    event = child(root, "documentationOf/serviceEvent")
    if value.id:
        identifier(event, "id", value.id)
    coded(event, "code", value.code)
    if value.start or value.stop:
        span = child(event, "effectiveTime")
        _limits(span, value.start, value.stop)
    if value.performer:
        performer = child(event, "performer", typeCode="PRF")
        coded(performer, "functionCode", value.performer.function)
        if value.performer.at:
            child(performer, "time", value=value.performer.at)
        _entity(performer, value.performer, setting)


def replaced(root: etree._Element, value: Identifier) -> None:
    """Add the document that this one replaces."""
    identifier(child(root, "relatedDocument", typeCode="RPLC"), "parentDocument/id", value)


def encounter(root: etree._Element, header: DocumentHeader) -> None:
    """Add the stay or the visit, and the kind of establishment."""
    element = child(root, "componentOf/encompassingEncounter")
    span = child(element, "effectiveTime", nullFlavor="" if header.encounter_start or header.encounter_stop else "UNK")
    _limits(span, header.encounter_start, header.encounter_stop)
    coded(child(element, "location/healthCareFacility"), "code", header.facility)


def _limits(span: etree._Element, start: str, stop: str) -> None:
    if start:
        child(span, "low", value=start)
    if stop:
        child(span, "high", value=stop)


def _entity(parent: etree._Element, actor: Actor, setting: Coded) -> None:
    role = child(parent, "assignedEntity")
    _role(role, actor)
    _person(role, "assignedPerson", actor.name)
    place = actor.organization or (Organization() if setting.code else None)
    if place:
        _organization(role, "representedOrganization", place, place.activity if place.activity.code else setting)


def _role(role: etree._Element, actor: Actor) -> None:
    for item in actor.ids:
        identifier(role, "id", item)
    if not actor.ids:
        child(role, "id", nullFlavor="UNK")
    coded(role, "code", actor.profession)
    _mail(role, actor.mail)


def _mail(role: etree._Element, mail: str) -> None:
    if mail:
        child(role, "telecom", value=f"mailto:{mail}")


def _person(role: etree._Element, name: str, value: PersonName) -> None:
    if value == PersonName():
        return
    element = child(role, f"{name}/name")
    for tag in ("prefix", "given", "family", "suffix"):
        if said := getattr(value, tag):
            text(element, tag, said)


def _organization(role: etree._Element, name: str, place: Organization, activity: Coded) -> None:
    element = child(role, name)
    for item in place.ids:
        identifier(element, "id", item)
    if place.name:
        text(element, "name", place.name)
    if place.phone:
        child(element, "telecom", value=f"tel:{place.phone}")
    if place.address:
        text(child(element, "addr"), "streetAddressLine", place.address)
    coded(element, "standardIndustryClassCode", activity)


def _checked(value: str, where: str) -> str:
    """Refuse a text rather than change it: a document says what its author wrote."""
    if found := _FORBIDDEN.search(value):
        msg = f"le texte de {where} contient le caractère U+{ord(found[0]):04X}, interdit en XML : retirez-le"
        raise WireError(msg)
    return value
