"""The criteria of a search: each parameter of the three resources, as one condition on the directory.

A value stays whole in one leaf of the condition whatever it holds: nothing is parsed twice, so nothing can be injected.

Source: operators.md 4.5 (search parameters), 4.6 (conditional), 4.3 (identifiers); clients.md 10; reliability.md D10.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.directory import All, Any, Condition, Field, Holder, How, Match
from mssante.model.mailbox import MailboxType
from mssante.model.national import SIRET_DIGITS
from mssante.wire.fhir import systems
from mssante.wire.fhir.search_values import Asked, Token, read_token, unescape, wrong

NOTHING: Final = Any(())
EVERYTHING: Final = All(())
TYPES: Final = frozenset(kind.value for kind in MailboxType if kind is not MailboxType.CITIZEN)
_SIREN_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Criterion:
    """A parameter that narrows a search.

    Attributes:
        kind: string, token or reference: its FHIR type.
        told: what it is, in French, for the capability statement and the OpenAPI document.
        read: what it asks of the directory.
    """

    kind: str
    told: str
    read: Callable[[Asked], Condition]


def _texts(field: Field) -> Callable[[Asked], Condition]:
    def read(asked: Asked) -> Condition:
        how = asked.how()
        return _any([Match(field, how, unescape(one).strip()) for one in asked.alternatives()])

    return read


def _exactly(field: Field) -> Callable[[Asked], Condition]:
    """Return the reader of a text that has no beginnings worth asking for: a département."""

    def read(asked: Asked) -> Condition:
        asked.how()
        return _any([Match(field, How.EQUALS, unescape(one).strip()) for one in asked.alternatives()])

    return read


def _tokens(one: Callable[[Token], Condition]) -> Callable[[Asked], Condition]:
    def read(asked: Asked) -> Condition:
        return _any([one(read_token(text)) for text in asked.plain().alternatives()])

    return read


def _mailbox(asked: Asked) -> Condition:
    """Read `mailbox-mss`; ``:contains=@`` asks for whoever has a mailbox.

    Source: operators.md 4.5; clients.md 10 (``mailbox-mss:contains=%40``).
    """
    how = asked.how()
    found: list[Condition] = []
    for one in asked.alternatives():
        value = unescape(one).strip()
        has_any = how is How.CONTAINS and value == "@"
        found.append(Match(Field.ADDRESS, How.PRESENT) if has_any else Match(Field.ADDRESS, how, value))
    return _any(found)


def _mailbox_type(token: Token) -> Condition:
    """Read `mailbox-mss-type`; TRE_R257, and TRE_R256 as the draft's examples have it (operators.md 4.6)."""
    if token.system is not None and token.system not in systems.BOX_TYPES:
        return NOTHING
    if not token.value:
        return Match(Field.ADDRESS, How.PRESENT)
    code = token.value.upper()
    return Match(Field.KIND, How.EQUALS, code) if code in TYPES else NOTHING


def _person(token: Token) -> Condition:
    """Read the identifier of a professional (operators.md 4.3, IdNat_PS)."""
    if token.system is None or token.system == systems.PERSON_OID:
        return _number(Field.PERSON, "", token.value)
    if token.system in systems.RPPS_NAMES:
        return _number(Field.PERSON, "8", token.value)
    return NOTHING


def _place(token: Token) -> Condition:
    """Read the identifier of a structure; nine digits of Sirene are a SIREN number, whose every SIRET is meant.

    Source: operators.md 4.3 (IdNat_Struct); the draft (FINESS, SIREN, SIRET, IdNat_PM).
    """
    if token.system is None or token.system == systems.PLACE_OID:
        return _number(Field.STRUCTURE, "", token.value)
    if token.system in systems.FINESS_NAMES:
        return _number(Field.STRUCTURE, "1", token.value)
    if token.system == systems.RPPS_RANG:
        return _number(Field.STRUCTURE, "4", token.value)
    if token.system not in systems.SIRENE_NAMES:
        return NOTHING
    if len(token.value) == SIRET_DIGITS:
        return Match(Field.STRUCTURE, How.EQUALS, token.value)
    if len(token.value) == _SIREN_DIGITS:
        return Match(Field.STRUCTURE, How.STARTS, f"3{token.value}")
    return NOTHING if token.value else Match(Field.STRUCTURE, How.STARTS, "3")


def _number(field: Field, kind: str, value: str) -> Condition:
    """Return the comparison with a number of a kind; a system without number asks for all of its kind."""
    if value:
        return Match(field, How.EQUALS, f"{kind}{value}")
    return Match(field, How.STARTS, kind) if kind else Match(field, How.PRESENT)


def _profession(token: Token) -> Condition:
    if token.system not in {None, "", systems.PROFESSION}:
        return NOTHING
    return Match(Field.PROFESSION, How.EQUALS, token.value) if token.value else Match(Field.PROFESSION, How.PRESENT)


def _speciality(token: Token) -> Condition:
    if token.system not in {None, "", *systems.SPECIALITIES.values()}:
        return NOTHING
    return Match(Field.SPECIALITY, How.EQUALS, token.value) if token.value else Match(Field.SPECIALITY, How.PRESENT)


def _qualification(token: Token) -> Condition:
    """Read a profession or a savoir-faire: which of them, its system says; without system, either."""
    return _any([one for one in (_profession(token), _speciality(token)) if one != NOTHING])


def _reference(field: Field, resource: str) -> Callable[[Asked], Condition]:
    """Return the reader of a link to a resource: its id, alone or after its type, or with the type as modifier."""

    def read(asked: Asked) -> Condition:
        if asked.modifier not in {"", resource}:
            raise wrong(asked.name, f"only links to {resource} are served")
        found = [unescape(one).strip() for one in asked.alternatives()]
        return _any([Match(field, How.EQUALS, one.rpartition(f"{resource}/")[2]) for one in found])

    return read


def _active(token: Token) -> Condition:
    """Read `active`: everybody in the directory is."""
    if token.value not in {"true", "false"}:
        raise wrong("active", "is neither true nor false")
    return EVERYTHING if token.value == "true" else NOTHING


def _any(parts: list[Condition]) -> Condition:
    if EVERYTHING in parts:
        return EVERYTHING
    kept = [part for part in parts if part != NOTHING]
    return kept[0] if len(kept) == 1 else Any(tuple(kept))


_OF_ALL: Final[dict[str, Criterion]] = {
    "mailbox-mss": Criterion("string", "Adresse MSSanté (:contains, :exact ; :contains=@ : a une BAL)", _mailbox),
    "mailbox-mss-type": Criterion("token", "Type de BAL : PER, ORG, APP, CAB", _tokens(_mailbox_type)),
    "active": Criterion("token", "Toujours vrai dans cet annuaire", _tokens(_active)),
    "address-city": Criterion("string", "Commune du lieu d'exercice ou de la structure", _texts(Field.TOWN)),
    "address-postalcode": Criterion("string", "Code postal", _texts(Field.POSTCODE)),
    "address-state": Criterion("string", "Département : 44, 2A, 974", _exactly(Field.DEPARTMENT)),
    "department": Criterion("string", "Département : 44, 2A, 974", _exactly(Field.DEPARTMENT)),
}
CRITERIA: Final[Mapping[Holder, Mapping[str, Criterion]]] = MappingProxyType(
    {
        Holder.PERSON: {
            **_OF_ALL,
            "identifier": Criterion("token", "RPPS ou identifiant national (IdNat_PS)", _tokens(_person)),
            "name": Criterion("string", "Nom ou prénom", _texts(Field.NAME)),
            "family": Criterion("string", "Nom d'exercice", _texts(Field.FAMILY)),
            "given": Criterion("string", "Prénom d'exercice", _texts(Field.GIVEN)),
            "qualification-code": Criterion("token", "Profession ou savoir-faire", _tokens(_qualification)),
            "specialty": Criterion("token", "Savoir-faire", _tokens(_speciality)),
        },
        Holder.ROLE: {
            **_OF_ALL,
            "practitioner": Criterion("reference", "Professionnel", _reference(Field.PERSON, "Practitioner")),
            "practitioner.identifier": Criterion("token", "RPPS ou IdNat_PS du professionnel", _tokens(_person)),
            "organization": Criterion("reference", "Structure", _reference(Field.STRUCTURE, "Organization")),
            "organization.identifier": Criterion("token", "FINESS, SIREN, SIRET, IdNat_Struct", _tokens(_place)),
            "role": Criterion("token", "Profession", _tokens(_profession)),
            "specialty": Criterion("token", "Savoir-faire", _tokens(_speciality)),
        },
        Holder.PLACE: {
            **_OF_ALL,
            "identifier": Criterion("token", "FINESS, SIREN, SIRET, RPPS-rang ou IdNat_Struct", _tokens(_place)),
            "name": Criterion("string", "Raison sociale ou enseigne", _texts(Field.STRUCTURE_NAME)),
        },
    }
)
"""What each resource may be searched by; a chain (with a dot) is served only when it stands here."""
