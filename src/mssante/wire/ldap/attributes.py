"""The attributes of entries: one table of names, values, and what they are searched by.

Names of the standards where there is one, our own for what only the French directory has: the national LDAP schema is
not public. Not for the values themselves (see `values`), nor for the text of the schema (see `schema`).

Source: RFC 4519; RFC 2798; RFC 4524; clients.md 4.4 (values returned); decision 0018.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.directory import Entry, Field
from mssante.wire.ldap import values as v

OURS: Final = "2.25.130032050074816029512229922575775745812"
"""Arc of our own object identifiers, of a random UUID, which needs no registration (X.667 section 6); not national."""

SCHEMA_NAME: Final = "cn=subschema"

STRING: Final = "1.3.6.1.4.1.1466.115.121.1.15"
IA5: Final = "1.3.6.1.4.1.1466.115.121.1.26"
BOOLEAN: Final = "1.3.6.1.4.1.1466.115.121.1.7"
DN: Final = "1.3.6.1.4.1.1466.115.121.1.12"
TIME: Final = "1.3.6.1.4.1.1466.115.121.1.24"
INTEGER: Final = "1.3.6.1.4.1.1466.115.121.1.27"
OID: Final = "1.3.6.1.4.1.1466.115.121.1.38"
POSTAL: Final = "1.3.6.1.4.1.1466.115.121.1.41"
PHONE: Final = "1.3.6.1.4.1.1466.115.121.1.50"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of entries.

    Attributes:
        name: as it is returned.
        oid: its object identifier.
        values: what an entry has of it; empty: nothing.
        fields: what of the directory a filter on it looks at; empty: it is not searched by.
        aliases: further names that mean it.
        syntax: object identifier of its syntax.
        about: French, for the schema.
        is_single: an entry has one value at most.
        is_operational: returned only when it is asked for.
    """

    name: str
    oid: str
    values: v.Getter
    fields: tuple[Field, ...] = ()
    aliases: tuple[str, ...] = ()
    syntax: str = STRING
    about: str = ""
    is_single: bool = False
    is_operational: bool = False


def _ours(number: int, name: str, about: str, values: v.Getter, *fields: Field, syntax: str = STRING) -> Attribute:
    """Return an attribute of which an entry has one value, under our own arc."""
    return Attribute(name, f"{OURS}.1.{number}", values, fields, (), syntax, about, is_single=True)


def _operational(name: str, oid: str, values: v.Getter, syntax: str) -> Attribute:
    return Attribute(name, oid, values, syntax=syntax, is_single=True, is_operational=True)


def _no_children(_entry: Entry) -> tuple[str, ...]:
    return ("FALSE",)


def _schema(_entry: Entry) -> tuple[str, ...]:
    return (SCHEMA_NAME,)


_identifier: Final = v.of_person(lambda it: it.identifier)

STANDARD: Final = (
    Attribute("objectClass", "2.5.4.0", v.object_classes, syntax=OID),
    Attribute("cn", "2.5.4.3", v.common_names, (Field.NAME,), ("commonName",)),
    Attribute("sn", "2.5.4.4", v.surname, (Field.FAMILY,), ("surname",)),
    Attribute("givenName", "2.5.4.42", v.of_person(lambda it: it.given), (Field.GIVEN,), ("gn",)),
    Attribute("displayName", "2.16.840.1.113730.3.1.241", v.display_name, (Field.NAME,), is_single=True),
    Attribute("mail", "0.9.2342.19200300.100.1.3", v.address, (Field.ADDRESS,), ("rfc822Mailbox",), IA5),
    Attribute("uid", "0.9.2342.19200300.100.1.1", _identifier, (Field.PERSON,), ("userid",)),
    Attribute("title", "2.5.4.12", v.title, (Field.PROFESSION_LABEL, Field.SPECIALITY_LABEL)),
    Attribute("o", "2.5.4.10", v.structure_names, (Field.STRUCTURE_NAME,), ("organizationName",)),
    Attribute("ou", "2.5.4.11", v.of_box(lambda it: it.service), (Field.SERVICE,), ("organizationalUnitName",)),
    Attribute("description", "2.5.4.13", v.of_box(lambda it: it.description), (Field.DESCRIPTION,)),
    Attribute("telephoneNumber", "2.5.4.20", v.phone, (Field.PHONE,), syntax=PHONE),
    Attribute("street", "2.5.4.9", v.of_place(lambda it: it.address.street), (Field.STREET,), ("streetAddress",)),
    Attribute("postalCode", "2.5.4.17", v.of_place(lambda it: it.address.postcode), (Field.POSTCODE,)),
    Attribute("l", "2.5.4.7", v.of_place(lambda it: it.address.town), (Field.TOWN,), ("localityName",)),
    Attribute("st", "2.5.4.8", v.department, (Field.DEPARTMENT,), ("stateOrProvinceName",)),
    Attribute("co", "0.9.2342.19200300.100.1.43", v.country, (), ("friendlyCountryName",)),
    Attribute("postalAddress", "2.5.4.16", v.postal_address, syntax=POSTAL),
    Attribute("employeeNumber", "2.16.840.1.113730.3.1.3", _identifier, (Field.PERSON,), is_single=True),
    Attribute("businessCategory", "2.5.4.15", v.of_place(lambda it: it.category.label)),
)

NATIONAL: Final = (
    _ours(1, "idNat", "Identifiant national (RPPS, ADELI) avec son type", _identifier, Field.PERSON),
    _ours(2, "civiliteExercice", "Civilité d’exercice", v.of_person(lambda it: it.civility), Field.CIVILITY),
    _ours(3, "codeProfession", "Profession", v.of_person(lambda it: it.profession.code), Field.PROFESSION),
    _ours(4, "libelleProfession", "Profession", v.of_person(lambda it: it.profession.label), Field.PROFESSION_LABEL),
    _ours(5, "codeCategorie", "Catégorie professionnelle", v.of_person(lambda it: it.category.code)),
    _ours(6, "libelleCategorie", "Catégorie professionnelle", v.of_person(lambda it: it.category.label)),
    Attribute("codeSpecialite", f"{OURS}.1.7", v.speciality_codes, (Field.SPECIALITY,), about="Savoir-faire, codes"),
    Attribute("specialite", f"{OURS}.1.8", v.specialities, (Field.SPECIALITY_LABEL,), about="Savoir-faire, libellés"),
    _ours(9, "typeBAL", "Type de boîte : PER, ORG, APP, CAB", v.of_box(lambda it: it.kind.value), Field.KIND),
    _ours(10, "rangBAL", "Rang de préférence, 1 est la préférée", v.rank, syntax=INTEGER),
    _ours(11, "dematerialisation", "Le titulaire ne veut pas de double papier", v.paperless, syntax=BOOLEAN),
    _ours(
        12,
        "idStructure",
        "Identifiant de la structure (FINESS, SIRET) avec son type",
        v.of_place(lambda it: it.identifier),
        Field.STRUCTURE,
    ),
    _ours(13, "typeStructure", "EJ ou EG", v.of_place(lambda it: it.kind)),
    _ours(14, "siret", "Numéro SIRET", v.of_place(lambda it: it.siret), Field.STRUCTURE),
    _ours(15, "raisonSociale", "Raison sociale", v.of_place(lambda it: it.name), Field.STRUCTURE_NAME),
    _ours(16, "enseigneCommerciale", "Enseigne commerciale", v.of_place(lambda it: it.sign), Field.STRUCTURE_NAME),
)

OPERATIONAL: Final = (
    _operational("structuralObjectClass", "2.5.21.9", v.structural_class, OID),
    _operational("modifyTimestamp", "2.5.18.2", v.changed, TIME),
    _operational("hasSubordinates", "2.5.18.9", _no_children, BOOLEAN),
    _operational("subschemaSubentry", "2.5.18.10", _schema, DN),
)

ATTRIBUTES: Final = (*STANDARD, *NATIONAL, *OPERATIONAL)

BY_NAME: Final[Mapping[str, Attribute]] = MappingProxyType(
    {word.lower(): one for one in ATTRIBUTES for word in (one.name, one.oid, *one.aliases)}
)
"""Lower-case name, alias or object identifier -> attribute; options (``;lang-fr``) are part of no name."""
