"""The open extraction of professionals (PS_LibreAcces): where each one works, and every savoir-faire.

Columns are found by their names, so that columns added by the agency disturb nothing.

Source: operators.md 4.4 (other extractions); header of the files of PS_LibreAcces, 56 and 13 columns.
"""

import enum
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Final

from mssante.model.directory import Coded, PostalAddress, Professional, Situation, Structure
from mssante.wire.annuaire.identifiers import (
    fault_of_person,
    is_rpps_id,
    is_structure_id,
    person_id,
    structure_id,
)
from mssante.wire.annuaire.lines import (
    Batch,
    Row,
    columns_of,
    fields_of,
    header_of,
    in_batches,
    read_lines,
    wrong_count,
)
from mssante.wire.annuaire.postal import department_of, joined, postcode_of, town_of

ACTIVITY_HEADER: Final = (
    "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|"
    "Libellé civilité d'exercice|Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession|"
    "Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|"
    "Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice|"
    "Numéro SIRET site|Numéro SIREN site|Numéro FINESS site|Numéro FINESS établissement juridique|"
    "Identifiant technique de la structure|Raison sociale site|Enseigne commerciale site|"
    "Complément destinataire (coord. structure)|Complément point géographique (coord. structure)|"
    "Numéro Voie (coord. structure)|Indice répétition voie (coord. structure)|"
    "Code type de voie (coord. structure)|Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|"
    "Mention distribution (coord. structure)|Bureau cedex (coord. structure)|Code postal (coord. structure)|"
    "Code commune (coord. structure)|Libellé commune (coord. structure)|Code pays (coord. structure)|"
    "Libellé pays (coord. structure)|Téléphone (coord. structure)|Téléphone 2 (coord. structure)|"
    "Télécopie (coord. structure)|Adresse e-mail (coord. structure)|Code Département (structure)|"
    "Libellé Département (structure)|Ancien identifiant de la structure|Autorité d'enregistrement|"
    "Code secteur d'activité|Libellé secteur d'activité|Code section tableau pharmaciens|"
    "Libellé section tableau pharmaciens|Code rôle|Libellé rôle|Code genre activité|Libellé genre activité\n"
).encode()
SPECIALITY_HEADER: Final = (
    "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|"
    "Code profession|Libellé profession|Code catégorie professionnelle|Libellé catégorie professionnelle|"
    "Code type savoir-faire|Libellé type savoir-faire|Code savoir-faire|Libellé savoir-faire\n"
).encode()


class Activity(enum.IntEnum):
    """Layout of a row of `read_activities`."""

    PERSON = 0
    CIVILITY = 1
    FAMILY = 2
    GIVEN = 3
    PROFESSION = 4
    PROFESSION_LABEL = 5
    CATEGORY = 6
    CATEGORY_LABEL = 7
    SPECIALITY = 8
    SPECIALITY_LABEL = 9
    MODE = 10
    MODE_LABEL = 11
    STRUCTURE = 12
    SIRET = 13
    FINESS = 14
    FINESS_EJ = 15
    NAME = 16
    SIGN = 17
    COMPLEMENT = 18
    DISTRIBUTION = 19
    STREET = 20
    POSTCODE = 21
    TOWN = 22
    DEPARTMENT = 23
    PHONE = 24
    ROLE = 25
    ROLE_LABEL = 26


class Speciality(enum.IntEnum):
    """Layout of a row of `read_specialities`."""

    PERSON = 0
    PROFESSION = 1
    KIND = 2
    KIND_LABEL = 3
    CODE = 4
    LABEL = 5


_ACTIVITIES: Final = "PS_LibreAcces_Personne_activite"
_SPECIALITIES: Final = "PS_LibreAcces_SavoirFaire"
# First what has to be put together, then what goes straight into the row, in the order of `Activity`.
_ACTIVITY_NEEDS: Final = (
    "Type d'identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Code civilité d'exercice",
    "Code civilité",
    "Numéro SIRET site",
    "Numéro FINESS site",
    "Numéro FINESS établissement juridique",
    "Identifiant technique de la structure",
    "Raison sociale site",
    "Enseigne commerciale site",
    "Complément point géographique (coord. structure)",
    "Numéro Voie (coord. structure)",
    "Indice répétition voie (coord. structure)",
    "Libellé type de voie (coord. structure)",
    "Libellé Voie (coord. structure)",
    "Mention distribution (coord. structure)",
    "Bureau cedex (coord. structure)",
    "Code postal (coord. structure)",
    "Libellé commune (coord. structure)",
    "Téléphone (coord. structure)",
    "Code Département (structure)",
    "Ancien identifiant de la structure",
    "Code rôle",
    "Libellé rôle",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Code profession",
    "Libellé profession",
    "Code catégorie professionnelle",
    "Libellé catégorie professionnelle",
    "Code savoir-faire",
    "Libellé savoir-faire",
    "Code mode exercice",
    "Libellé mode exercice",
)
_SPECIALITY_NEEDS: Final = (
    "Type d'identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Code profession",
    "Code type savoir-faire",
    "Libellé type savoir-faire",
    "Code savoir-faire",
    "Libellé savoir-faire",
)


def read_activities(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield who works where, one row an exercise situation; the layout of a row is `Activity`.

    `STRUCTURE` is the IdNat_Struct: the FINESS number of the site, else the older identifier that the file keeps, else
    the SIRET; else, so that a practice without any of them is not lost, the technical identifier, which begins with a
    letter; "" when the professional has no structure.

    Raises:
        TheirProtocolError: a column that is needed is missing (when the first batch is asked for).
    """
    lines = read_lines(chunks)
    header = fields_of(header_of(lines, _ACTIVITIES))
    needed = itemgetter(*columns_of(header, _ACTIVITY_NEEDS, _ACTIVITIES))
    yield from in_batches(lines, _activity_parser(_width(header), needed), 2)


def read_specialities(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield every savoir-faire of every professional; the layout of a row is `Speciality`.

    Raises:
        TheirProtocolError: a column that is needed is missing (when the first batch is asked for).
    """
    lines = read_lines(chunks)
    header = fields_of(header_of(lines, _SPECIALITIES))
    needed = itemgetter(*columns_of(header, _SPECIALITY_NEEDS, _SPECIALITIES))
    width = _width(header)

    def parse(line: str) -> Row | str:
        fields = line.split("|")
        if len(fields) != width and (len(fields) != width + 1 or fields[-1].strip()):
            return wrong_count(fields, width)
        kind, number, national, *rest = map(str.strip, needed(fields))
        person = _person(kind, number, national)
        if person is None:
            return fault_of_person(person_id(kind, number, national))
        return (person, *rest) if rest[3] else "savoir-faire sans code"

    yield from in_batches(lines, parse, 2)


def _width(header: list[str]) -> int:
    """Return how many columns the lines must have; a separator at the end of the header makes none."""
    return len(header) - (not header[-1])


def _person(kind: str, number: str, national: str) -> str | None:
    """Return the IdNat_PS, or None when it cannot stand."""
    if is_rpps_id(national):
        return national
    person = person_id(kind, number, national)
    return person if person and not fault_of_person(person) else None


def _activity_parser(width: int, needed: Callable[[list[str]], Row]) -> Callable[[str], Row | str]:
    """Return what makes a row of a line of as many columns; `needed` picks `_ACTIVITY_NEEDS`."""

    def parse(line: str) -> Row | str:
        fields = line.split("|")
        if len(fields) != width and (len(fields) != width + 1 or fields[-1].strip()):
            return wrong_count(fields, width)
        (
            kind, number, national, exercise_civility, civility, siret, finess, finess_ej, technical, name, sign,
            complement, way_number, way_index, way_kind, way, distribution, office, postcode, town, phone, department,
            older, role, role_label, *known,
        ) = map(str.strip, needed(fields))  # fmt: skip
        person = _person(kind, number, national)
        if person is None:
            return fault_of_person(person_id(kind, number, national))
        if not known[0]:
            return "professionnel sans nom"
        place = _structure(finess, older, siret, technical)
        if place is None:
            return "identifiant de structure de forme inconnue"
        postcode = postcode or postcode_of(office)
        return (
            person, exercise_civility or civility, *known, place, siret, finess, finess_ej, name, sign, complement,
            distribution, joined(way_number, way_index, way_kind, way) if way else "", postcode,
            town or town_of(office), department_of(postcode, department), phone, role, role_label,
        )  # fmt: skip

    return parse


def _structure(finess: str, older: str, siret: str, technical: str) -> str | None:
    """Return the identifier of a structure, "" when the line has none, None when what it has cannot be one."""
    if finess:
        return structure_id("1", finess)
    if older and is_structure_id(older):
        return older
    if siret:
        return structure_id("3", siret)
    if not technical or (technical.isascii() and technical.isalnum() and technical[0].isalpha()):
        return technical
    return None


def professional_of_activity(row: Row) -> Professional:
    """Return the professional of a row of `read_activities`."""
    speciality = Coded(row[Activity.SPECIALITY], row[Activity.SPECIALITY_LABEL])
    return Professional(
        identifier=row[Activity.PERSON],
        civility=row[Activity.CIVILITY],
        family=row[Activity.FAMILY],
        given=row[Activity.GIVEN],
        profession=Coded(row[Activity.PROFESSION], row[Activity.PROFESSION_LABEL]),
        category=Coded(row[Activity.CATEGORY], row[Activity.CATEGORY_LABEL]),
        specialities=(speciality,) if speciality.code else (),
    )


def structure_of_activity(row: Row) -> Structure | None:
    """Return the structure of a row of `read_activities`, or None."""
    if not row[Activity.STRUCTURE]:
        return None
    return Structure(
        identifier=row[Activity.STRUCTURE],
        name=row[Activity.NAME],
        sign=row[Activity.SIGN],
        address=PostalAddress(
            complement=row[Activity.COMPLEMENT],
            distribution=row[Activity.DISTRIBUTION],
            street=row[Activity.STREET],
            postcode=row[Activity.POSTCODE],
            town=row[Activity.TOWN],
            department=row[Activity.DEPARTMENT],
        ),
        parent=f"1{row[Activity.FINESS_EJ]}" if row[Activity.FINESS_EJ] else "",
        siret=row[Activity.SIRET],
        phone=row[Activity.PHONE],
    )


def situation_of_activity(row: Row) -> Situation | None:
    """Return the exercise situation of a row of `read_activities`, or None when it names no structure."""
    if not row[Activity.STRUCTURE]:
        return None
    return Situation(
        professional=row[Activity.PERSON],
        structure=row[Activity.STRUCTURE],
        identifier=f"{row[Activity.PERSON]}-{row[Activity.STRUCTURE]}",
        profession=Coded(row[Activity.PROFESSION], row[Activity.PROFESSION_LABEL]),
        mode=Coded(row[Activity.MODE], row[Activity.MODE_LABEL]),
        role=Coded(row[Activity.ROLE], row[Activity.ROLE_LABEL]),
    )
