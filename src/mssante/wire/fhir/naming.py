"""The criteria by which a client names whom a patch is for, in a directory that gave it no logical id.

Source: operators.md 4.6 (conditional by identifier); the draft (identifier, practitioner.identifier,
organization.identifier).
"""

import re
from typing import Final

from mssante.model.directory import AddMailbox, Holder, MailboxChange, Target
from mssante.model.national import FINESS_DIGITS, SIRET_DIGITS
from mssante.wire.fhir import systems

_SYNTAX: Final = re.compile(r"([,|$\\])")
# Our own name of a situation that has none: IdNat_PS, a hyphen, IdNat_Struct.
_BOTH: Final = re.compile(r"([0-9]{1,2}[^|]+)-([0-9][0-9AB]{8,14})")


def criteria(target: Target, changes: tuple[MailboxChange, ...]) -> tuple[tuple[str, str], ...]:
    """Return the search parameters that find the target alone."""
    match target.holder:
        case Holder.PERSON:
            return (("identifier", token(systems.PERSON_OID, target.identifier)),)
        case Holder.PLACE:
            return (("identifier", place_token(target.identifier)),)
        case Holder.ROLE:
            return _situation(target.identifier, changes)


def _situation(identifier: str, changes: tuple[MailboxChange, ...]) -> tuple[tuple[str, str], ...]:
    """Return professional and structure when they are known, as the draft wants them, else the situation itself."""
    said = [(one.mailbox.professional, one.mailbox.structure) for one in changes if isinstance(one, AddMailbox)]
    both = _BOTH.fullmatch(identifier)
    professional, structure = next((one for one in said if all(one)), (both[1], both[2]) if both else ("", ""))
    if not professional:
        return (("identifier", token(systems.SITUATION, identifier)),)
    return (
        ("practitioner.identifier", token(systems.PERSON_OID, professional)),
        ("organization.identifier", place_token(structure)),
    )


def place_token(identifier: str) -> str:
    """Return a structure as its FINESS or SIRET number when IdNat_Struct is one, else IdNat_Struct itself."""
    kind, number = identifier[:1], identifier[1:]
    if kind == "1" and len(number) == FINESS_DIGITS:
        return token(systems.FINESS, number)
    if kind == "3" and len(number) == SIRET_DIGITS:
        return token(systems.SIRENE, number)
    return token(systems.PLACE_OID, identifier)


def token(system: str, value: str) -> str:
    """Return ``system|value`` with what means something in a search escaped."""
    escaped = _SYNTAX.sub(r"\\\1", value)
    return f"{system}|{escaped}"
