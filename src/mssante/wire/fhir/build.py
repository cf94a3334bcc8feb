"""People, situations and structures of the directory as the resources of the national API.

What is on the red list was left out before; here nothing is filtered but what open access never shows.

Source: operators.md 4.2 (data model), 4.3 (identifiers), 4.5 (a BAL is a telecom element), 4.6 (TRE_R257, email-type).
"""

from datetime import UTC, datetime
from typing import Final

from mssante.model.directory import Coded, ListedMailbox, Person, Place, PostalAddress, Professional, Role, Structure
from mssante.model.mailbox import MailboxType
from mssante.model.national import FINESS_DIGITS, RPPS_DIGITS, SIRET_DIGITS
from mssante.wire.fhir import systems
from mssante.wire.fhir.ids import resource_id
from mssante.wire.fhir.resources import (
    Address,
    CodeableConcept,
    Coding,
    ContactPoint,
    Extension,
    HumanName,
    Identifier,
    Meta,
    Organization,
    Practitioner,
    PractitionerRole,
    Qualification,
    Reference,
)

_EMAIL: Final = Extension(
    url=systems.EMAIL_TYPE,
    value_coding=Coding(system=systems.MESSAGING, code=systems.MESSAGING_CODE, display=systems.MESSAGING_CODE),
)
_TYPES: Final = {
    kind: Extension(
        url="type", value_codeable_concept=CodeableConcept((Coding(system=systems.BOX_TYPE, code=kind.value),))
    )
    for kind in MailboxType
}
_RED: Final = {flag: Extension(url="listeRouge", value_boolean=flag) for flag in (False, True)}
_PAPERLESS: Final = {flag: Extension(url="digitization", value_boolean=flag) for flag in (False, True)}
_PLACE_TYPES: Final = {"EJ": "LEGAL-ENTITY", "EG": "GEOGRAPHICAL-ENTITY"}


def practitioner(person: Person) -> Practitioner:
    """Return a professional with the mailboxes that are theirs outside any structure (PER, CAB)."""
    who = person.professional
    return Practitioner(
        id=resource_id(who.identifier),
        meta=_meta(person.updated_at),
        language="fr",
        identifier=person_identifiers(who),
        active=True,
        name=(_name(who),) if who.family or who.given else (),
        telecom=tuple([contact_point(box) for box in person.mailboxes]),
        qualification=_qualifications(who),
    )


def practitioner_role(role: Role) -> PractitionerRole:
    """Return a situation with its PER mailboxes; mode and function are its codes, as in the national profile."""
    who, where, situation = role.professional, role.structure, role.situation
    codes = (
        (situation.profession, systems.PROFESSION),
        (situation.mode, systems.MODE),
        (situation.role, systems.FUNCTION),
    )
    return PractitionerRole(
        id=resource_id(situation.identifier),
        meta=_meta(role.updated_at),
        language="fr",
        identifier=(Identifier(system=systems.SITUATION, value=situation.identifier),),
        active=True,
        practitioner=Reference(f"Practitioner/{resource_id(who.identifier)}", f"{who.given} {who.family}".strip()),
        organization=Reference(f"Organization/{resource_id(where.identifier)}", where.sign or where.name),
        code=tuple([_concept(coded, system) for coded, system in codes if coded.code]),
        specialty=_specialities(who),
        telecom=tuple([contact_point(box) for box in role.mailboxes]),
    )


def organization(place: Place) -> Organization:
    """Return a structure with its own mailboxes (ORG, APP)."""
    where = place.structure
    phone = (ContactPoint(system="phone", value=where.phone),) if where.phone else ()
    return Organization(
        id=resource_id(where.identifier),
        meta=_meta(place.updated_at),
        language="fr",
        identifier=place_identifiers(where),
        active=True,
        type=_place_types(where),
        name=where.name,
        alias=(where.sign,) if where.sign else (),
        telecom=(*phone, *[contact_point(box) for box in place.mailboxes]),
        address=_addresses(where.address),
        part_of=Reference(f"Organization/{resource_id(where.parent)}") if where.parent else None,
    )


def contact_point(box: ListedMailbox) -> ContactPoint:
    """Return a mailbox as the national API shows it: TRE_R257, never who is responsible, nor the telephone.

    Source: operators.md 4.2, 4.5, 4.6.
    """
    parts = [_TYPES[box.kind]]
    if box.description and box.kind is not MailboxType.PER:  # a PER has none (operators.md 4.2)
        parts.append(Extension(url="description", value_string=box.description))
    if box.service:
        parts.append(Extension(url="service", value_string=box.service))
    if box.is_paperless is not None:
        parts.append(_PAPERLESS[box.is_paperless])
    parts.append(_RED[box.is_red])
    metadata = Extension(url=systems.METADATA, extension=tuple(parts))
    return ContactPoint(extension=(_EMAIL, metadata), system="email", value=box.address, rank=box.rank)


def person_identifiers(who: Professional) -> tuple[Identifier, ...]:
    """Return IdNat_PS under its OID, and the RPPS number when it is one (kind 8)."""
    found = [_identifier("IDNPS", systems.PERSON_OID, who.identifier)]
    if len(who.identifier) == 1 + RPPS_DIGITS and who.identifier[0] == "8":
        found.append(_identifier("RPPS", systems.RPPS, who.identifier[1:]))
    return tuple(found)


def place_identifiers(where: Structure) -> tuple[Identifier, ...]:
    """Return IdNat_Struct under its OID, then the FINESS, SIRET or RPPS-rang number that it holds, and the SIRET."""
    kind, number = where.identifier[:1], where.identifier[1:]
    found = [_identifier("IDNST", systems.PLACE_OID, where.identifier)]
    if kind == "1" and len(number) == FINESS_DIGITS:
        found.append(_identifier("FINEJ" if where.kind == "EJ" else "FINEG", systems.FINESS, number))
    if kind == "4":
        found.append(_identifier("INTRN", systems.RPPS_RANG, number))
    siret = number if kind == "3" and len(number) == SIRET_DIGITS else where.siret
    if siret:
        found.append(_identifier("SIRET", systems.SIRENE, siret))
    return tuple(found)


def _identifier(code: str, system: str, value: str) -> Identifier:
    return Identifier("official", CodeableConcept((Coding(system=systems.IDENTIFIER_TYPE, code=code),)), system, value)


def _meta(updated_at: datetime | None) -> Meta | None:
    if updated_at is None:
        return None
    return Meta(last_updated=updated_at.astimezone(UTC).isoformat(timespec="milliseconds"))


def _name(who: Professional) -> HumanName:
    given = (who.given,) if who.given else ()
    prefix = (who.civility,) if who.civility else ()
    return HumanName("official", f"{who.given} {who.family}".strip(), who.family, given, prefix)


def _concept(coded: Coded, system: str) -> CodeableConcept:
    return CodeableConcept((Coding(system=system, code=coded.code, display=coded.label),))


def _qualifications(who: Professional) -> tuple[Qualification, ...]:
    exercised = [(who.profession, systems.PROFESSION), (who.category, systems.CATEGORY)]
    codings = tuple(
        [Coding(system=system, code=coded.code, display=coded.label) for coded, system in exercised if coded.code]
    )
    found = [Qualification(CodeableConcept(codings))] if codings else []
    return (*found, *[Qualification(one) for one in _specialities(who)])


def _specialities(who: Professional) -> tuple[CodeableConcept, ...]:
    return tuple([_concept(one, systems.speciality_system(one.code)) for one in who.specialities if one.code])


def _place_types(where: Structure) -> tuple[CodeableConcept, ...]:
    code = _PLACE_TYPES.get(where.kind)
    kind = (_concept(Coded(code), systems.PLACE_TYPE),) if code else ()
    category = (_concept(where.category, systems.ESTABLISHMENT),) if where.category.code else ()
    return (*kind, *category)


def _addresses(where: PostalAddress) -> tuple[Address, ...]:
    lines = tuple(
        [line for line in (where.complement, where.distribution, where.street, where.locality) if line.strip()]
    )
    made = Address(
        line=lines,
        city=where.town,
        district=where.department,
        postal_code=where.postcode,
        country=where.country,
    )
    return () if made == Address() else (made,)
