"""The header of a CDA document as values; not for its body.

Only what the document says: a missing part is "", None or an empty tuple, and judging is for others.

Source: HL7 CDA R2; CI-SIS (header of documents); clients.md 5.5; clients.md 5.6.
"""

from typing import Final

from lxml import etree

from mssante.model.document import (
    INS_OIDS,
    Act,
    Actor,
    Coded,
    DocumentHeader,
    Identifier,
    Organization,
    Patient,
    Sex,
)
from mssante.model.errors import TheirProtocolError
from mssante.wire.cda import hl7

LISTED_MAX: Final = 200

_SEXES: Final = {"F": Sex.FEMALE, "M": Sex.MALE, "U": Sex.UNDETERMINED, "UN": Sex.UNDETERMINED}
_USED: Final = {"CL", "SP"}


def read_header(root: etree._Element) -> DocumentHeader:
    """Return the header of a ``ClinicalDocument``.

    Raises:
        TheirProtocolError: no identifier, no type, no patient, more than one, or a part is there too many times.
    """
    _check_counts(root)
    document_id, code = hl7.identifier(hl7.first(root, "id")), hl7.coded(hl7.first(root, "code"))
    roles = hl7.every(root, "recordTarget/patientRole")
    if document_id is None:
        _refuse("il n'a pas d'identifiant (élément id avec un attribut root)")
    if not code.code:
        _refuse("il ne dit pas de quel type il est (élément code)")
    if not roles:
        _refuse("il ne dit pas de quel patient il parle (élément recordTarget/patientRole)")
    if len(roles) > 1:
        _refuse(f"il parle de {len(roles)} patients, un document n'en a qu'un")
    acts = tuple(_act(event) for event in hl7.every(root, "documentationOf/serviceEvent"))
    authors = tuple(_author(element) for element in hl7.every(root, "author"))
    signer = _signer(hl7.first(root, "legalAuthenticator"))
    encounter = hl7.first(root, "componentOf/encompassingEncounter")
    start, stop = hl7.interval(hl7.first(encounter, "effectiveTime"))
    return DocumentHeader(
        id=document_id or Identifier(""),
        code=code,
        title=hl7.all_text(hl7.first(root, "title")),
        created_at=hl7.attribute(hl7.first(root, "effectiveTime"), "value"),
        patient=read_patient(roles[0]),
        authors=authors,
        custodian=_organization(hl7.first(root, "custodian/assignedCustodian/representedCustodianOrganization")),
        legal_authenticator=signer,
        recipients=tuple(_recipient(item) for item in hl7.every(root, "informationRecipient/intendedRecipient")),
        templates=hl7.identifiers(root, "templateId"),
        set_id=hl7.identifier(hl7.first(root, "setId")),
        version=_version(hl7.attribute(hl7.first(root, "versionNumber"), "value")),
        replaces=_replaced(root),
        confidentiality=hl7.coded(hl7.first(root, "confidentialityCode")),
        language=hl7.attribute(hl7.first(root, "languageCode"), "code"),
        acts=acts,
        setting=_setting(acts, authors, signer),
        facility=hl7.coded(hl7.first(encounter, "location/healthCareFacility/code")),
        order_ids=hl7.identifiers(root, "inFulfillmentOf/order/id"),
        encounter_start=start,
        encounter_stop=stop,
        has_structured_body=hl7.first(root, "component/structuredBody") is not None,
        attached_type=hl7.attribute(hl7.first(root, "component/nonXMLBody/text"), "mediaType"),
    )


def read_patient(role: etree._Element) -> Patient:
    """Return the patient of a ``patientRole``.

    The names of birth have the qualifier BR, those used CL or SP; given names without one are those of birth, a
    family name without one is taken for the used one, for nothing says that it is of birth.

    Source: CI-SIS (header of documents, INS identity); clients.md 5.4.
    """
    ids = hl7.identifiers(role, "id")
    ins = next((item for item in ids if item.root in INS_OIDS), None)
    patient = hl7.first(role, "patient")
    names: dict[str, str] = {}
    for name in hl7.every(patient, "name"):
        for key, text in _name_parts(name):
            # Several given names of birth may stand in one element or in several.
            if key == "birth_given" and key in names:
                names[key] += f" {text}"
            else:
                names.setdefault(key, text)
    born = hl7.attribute(hl7.first(patient, "birthTime"), "value")
    return Patient(
        ins=ins,
        local_ids=tuple(item for item in ids if item is not ins),
        birth_name=names.get("birth_name", ""),
        birth_given=names.get("birth_given", ""),
        first_given=names.get("first_given", ""),
        used_name=names.get("used_name", ""),
        used_given=names.get("used_given", ""),
        birth_date=hl7.whole_date(born),
        birth_text=born,
        sex=_SEXES.get(hl7.attribute(hl7.first(patient, "administrativeGenderCode"), "code").upper()),
        birth_place=hl7.all_text(hl7.first(patient, "birthplace/place/addr/county")),
    )


def _refuse(why: str) -> None:
    msg = f"le document CDA ne peut pas être utilisé : {why} ; demandez à son auteur de le renvoyer corrigé"
    raise TheirProtocolError(msg)


def _check_counts(root: etree._Element) -> None:
    counts: dict[str, int] = {}
    for name, _child in hl7.elements(root):
        counts[name] = counts.get(name, 0) + 1
    for name, count in counts.items():
        if count > LISTED_MAX:
            _refuse(f"l'élément {name or 'inconnu'} y est {count} fois, {LISTED_MAX} au plus sont acceptés")


def _name_parts(name: etree._Element) -> list[tuple[str, str]]:
    found = []
    for tag, part in hl7.elements(name):
        text = hl7.all_text(part)
        kinds = set(hl7.attribute(part, "qualifier").split())
        if not text or tag not in {"family", "given"}:
            continue
        if "BR" in kinds:
            found.append(("birth_name" if tag == "family" else "first_given", text))
        if kinds & _USED:
            found.append(("used_name" if tag == "family" else "used_given", text))
        if not kinds:
            found.append(("used_name" if tag == "family" else "birth_given", text))
    return found


def _author(element: etree._Element) -> Actor:
    person = hl7.first(element, "assignedAuthor")
    return _actor(element, person, "assignedPerson/name", "representedOrganization")


def _signer(element: etree._Element | None) -> Actor | None:
    if element is None:
        return None
    return _actor(element, hl7.first(element, "assignedEntity"), "assignedPerson/name", "representedOrganization")


def _recipient(element: etree._Element) -> Actor:
    return _actor(None, element, "informationRecipient/name", "receivedOrganization")


def _actor(timed: etree._Element | None, role: etree._Element | None, name: str, organization: str) -> Actor:
    device = hl7.first(role, "assignedAuthoringDevice")
    return Actor(
        ids=hl7.identifiers(role, "id"),
        name=hl7.person_name(hl7.first(role, name)),
        profession=hl7.coded(hl7.first(role, "code")),
        organization=_organization(hl7.first(role, organization)),
        at=hl7.attribute(hl7.first(timed, "time"), "value"),
        mail=hl7.telecom(role, "mailto:"),
        function=hl7.coded(hl7.first(timed, "functionCode")),
        device=hl7.all_text(hl7.first(device, "softwareName"))
        or hl7.all_text(hl7.first(device, "manufacturerModelName")),
    )


def _organization(element: etree._Element | None) -> Organization | None:
    if element is None:
        return None
    return Organization(
        ids=hl7.identifiers(element, "id"),
        name=hl7.all_text(hl7.first(element, "name")),
        phone=hl7.telecom(element, "tel:"),
        address=hl7.address(hl7.first(element, "addr")),
        activity=hl7.coded(hl7.first(element, "standardIndustryClassCode")),
    )


def _act(event: etree._Element) -> Act:
    start, stop = hl7.interval(hl7.first(event, "effectiveTime"))
    performer = hl7.first(event, "performer")
    return Act(
        id=hl7.identifier(hl7.first(event, "id")),
        code=hl7.coded(hl7.first(event, "code")),
        start=start,
        stop=stop,
        performer=None if performer is None else _signer(performer),
    )


def _setting(acts: tuple[Act, ...], authors: tuple[Actor, ...], signer: Actor | None) -> Coded:
    """Return the modality of care: of who did the act, else of the author, else of who answers for the document.

    Source: CI-SIS (practiceSettingCode: performer/assignedEntity/representedOrganization/standardIndustryClassCode).
    """
    people = [*(act.performer for act in acts), *authors, signer]
    places = (actor.organization for actor in people if actor is not None)
    return next((place.activity for place in places if place is not None and place.activity.code), Coded(""))


def _replaced(root: etree._Element) -> Identifier | None:
    for related in hl7.every(root, "relatedDocument"):
        if hl7.attribute(related, "typeCode") == "RPLC":
            return hl7.identifier(hl7.first(related, "parentDocument/id"))
    return None


def _version(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
