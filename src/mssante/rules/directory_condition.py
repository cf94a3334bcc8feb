"""Whether an entry of the directory fulfils a condition, and what of it an index can answer.

Source: RFC 4511 section 4.5.1.7 (the conditions of LDAP); FHIR R4 search (string and token parameters).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from mssante.model.directory import All, Any, Condition, Entry, Field, How, Match, Not
from mssante.model.folding import fold

DEPTH_MAX: Final = 20
LEAVES_MAX: Final = 100
_CODES: Final = frozenset(
    {Field.KIND, Field.PERSON, Field.STRUCTURE, Field.PROFESSION, Field.SPECIALITY, Field.POSTCODE, Field.DEPARTMENT}
)


def leaves(condition: Condition, depth: int = 0) -> int:
    """Return how many comparisons a condition holds; more than `LEAVES_MAX` when it is too deep."""
    if depth > DEPTH_MAX:
        return LEAVES_MAX + 1
    match condition:
        case Match():
            return 1
        case Not(part):
            return leaves(part, depth + 1)
        case All(parts) | Any(parts):
            return sum(leaves(part, depth + 1) for part in parts)


def holds(condition: Condition, entry: Entry) -> bool:
    """Tell whether an entry fulfils a condition of at most `DEPTH_MAX` levels."""
    match condition:
        case All(parts):
            return all(holds(part, entry) for part in parts)
        case Any(parts):
            return any(holds(part, entry) for part in parts)
        case Not(part):
            return not holds(part, entry)
        case Match(field, how, value):
            return _matches(field, how, value, [one for one in _VALUES[field](entry) if one])


def _matches(field: Field, how: How, value: str, values: list[str]) -> bool:
    if how is How.PRESENT:
        return bool(values)
    if field is Field.ADDRESS:
        wanted, found = value.lower(), [one.lower() for one in values]
    elif field in _CODES:
        wanted, found = value.upper(), [one.upper() for one in values]
    else:
        wanted, found = fold(value), [fold(one) for one in values]
    match how:
        case How.EQUALS:
            return wanted in found
        case How.STARTS:
            return any(one.startswith(wanted) for one in found)
        case How.ENDS:
            return any(one.endswith(wanted) for one in found)
        case _:
            return any(wanted in one for one in found)


def _identifiers(identifier: str) -> list[str]:
    """Return an identifier with and without its kind."""
    return [identifier, identifier[1:]] if identifier else []


def _names(entry: Entry) -> list[str]:
    found = []
    if entry.professional is not None:
        given, family = entry.professional.given, entry.professional.family
        found += [f"{given} {family}", f"{family} {given}", family, given]
    elif entry.structure is not None:
        found += [entry.structure.name, entry.structure.sign]
    if entry.mailbox is not None:
        found += [entry.mailbox.description, entry.mailbox.service]
    return found


_VALUES: Final[Mapping[Field, Callable[[Entry], list[str]]]] = MappingProxyType(
    {
        Field.NAME: _names,
        Field.FAMILY: lambda one: [] if one.professional is None else [one.professional.family],
        Field.GIVEN: lambda one: [] if one.professional is None else [one.professional.given],
        Field.CIVILITY: lambda one: [] if one.professional is None else [one.professional.civility],
        Field.ADDRESS: lambda one: [one.address],
        Field.KIND: lambda one: [] if one.mailbox is None else [one.mailbox.kind.value],
        Field.PERSON: lambda one: [] if one.professional is None else _identifiers(one.professional.identifier),
        Field.STRUCTURE: lambda one: (
            [] if one.structure is None else [*_identifiers(one.structure.identifier), one.structure.siret]
        ),
        Field.STRUCTURE_NAME: lambda one: [] if one.structure is None else [one.structure.name, one.structure.sign],
        Field.PROFESSION: lambda one: [] if one.professional is None else [one.professional.profession.code],
        Field.PROFESSION_LABEL: lambda one: [] if one.professional is None else [one.professional.profession.label],
        Field.SPECIALITY: lambda one: (
            [] if one.professional is None else [found.code for found in one.professional.specialities]
        ),
        Field.SPECIALITY_LABEL: lambda one: (
            [] if one.professional is None else [found.label for found in one.professional.specialities]
        ),
        Field.SERVICE: lambda one: [] if one.mailbox is None else [one.mailbox.service],
        Field.DESCRIPTION: lambda one: [] if one.mailbox is None else [one.mailbox.description],
        Field.STREET: lambda one: [] if one.structure is None else [one.structure.address.street],
        Field.TOWN: lambda one: [] if one.structure is None else [one.structure.address.town],
        Field.POSTCODE: lambda one: [] if one.structure is None else [one.structure.address.postcode],
        Field.DEPARTMENT: lambda one: [] if one.structure is None else [one.structure.address.department],
        Field.PHONE: lambda one: [found for found in (_box_phone(one), _structure_phone(one)) if found],
    }
)
"""Field -> its values in an entry."""


def _box_phone(entry: Entry) -> str:
    return "" if entry.mailbox is None else entry.mailbox.phone


def _structure_phone(entry: Entry) -> str:
    return "" if entry.structure is None else entry.structure.phone
