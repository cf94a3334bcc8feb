"""A search as it was asked: criteria, how much of what is wanted, and what is not served.

Source: FHIR R4 search; operators.md 4.5 (parameters of the national API); reliability.md D10 (allow-list, cap).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from mssante.model.directory import All, Condition, Holder
from mssante.wire.fhir import systems
from mssante.wire.fhir.criteria import CRITERIA, EVERYTHING
from mssante.wire.fhir.ids import RESOURCE_ID, resource_id
from mssante.wire.fhir.resources import Organization, Practitioner, PractitionerRole
from mssante.wire.fhir.search_values import ANY_TIME, Asked, Changed, read_changed, read_token, unescape, wrong

COUNT_DEFAULT: Final = 50
COUNT_MAX: Final = 100
PARAMETERS_MAX: Final = 40
IDS_MAX: Final = 20
TOKEN_MAX_CHARS: Final = 400
RESOURCES: Final[Mapping[str, Holder]] = MappingProxyType(
    {"Practitioner": Holder.PERSON, "PractitionerRole": Holder.ROLE, "Organization": Holder.PLACE}
)
NAMES: Final[Mapping[Holder, str]] = MappingProxyType({holder: name for name, holder in RESOURCES.items()})
INCLUDES: Final = MappingProxyType(
    {
        Holder.PERSON: frozenset[str](),
        Holder.ROLE: frozenset({"PractitionerRole:practitioner", "PractitionerRole:organization"}),
        Holder.PLACE: frozenset[str](),
    }
)
REVINCLUDES: Final = MappingProxyType(
    {
        Holder.PERSON: frozenset({"PractitionerRole:practitioner"}),
        Holder.ROLE: frozenset[str](),
        Holder.PLACE: frozenset({"PractitionerRole:organization"}),
    }
)
CONTROLS: Final = MappingProxyType(
    {
        "_id": "Identifiant logique ; ne se combine pas avec d'autres critères",
        "_lastUpdated": "Date de dernière modification : ge2026-01-31, lt2026-02-01T00:00:00Z",
        "_count": f"Résultats par page : {COUNT_DEFAULT} par défaut, {COUNT_MAX} au plus",
        "_elements": "Éléments voulus, séparés par des virgules",
        "_include": "PractitionerRole:practitioner, PractitionerRole:organization",
        "_revinclude": "PractitionerRole:practitioner, PractitionerRole:organization",
        "_total": "accurate, estimate ou none",
        "_page_token": "Jeton du lien « next »",
        "_format": "json",
        "_pretty": "Sans effet",
    }
)
"""Parameters that choose nothing by themselves but the first two, with what they are."""
_ELEMENTS: Final = MappingProxyType(
    {
        holder: frozenset(struct.__struct_encode_fields__)
        for holder, struct in (
            (Holder.PERSON, Practitioner),
            (Holder.ROLE, PractitionerRole),
            (Holder.PLACE, Organization),
        )
    }
)
# A situation has no register of its own: these are what others put before its number (clients.md 10).
_SITUATIONS: Final = frozenset(
    {None, "", systems.SITUATION, "https://annuaire.esante.gouv.fr", systems.RPPS, systems.RPPS_RANG}
)


@dataclass(slots=True)
class _Draft:
    """What was read so far."""

    parts: list[Condition] = field(default_factory=list)
    ids: list[str] | None = None
    changed: Changed = ANY_TIME
    count: int = COUNT_DEFAULT
    elements: set[str] = field(default_factory=set)
    includes: set[str] = field(default_factory=set)
    revincludes: set[str] = field(default_factory=set)
    total: str = ""
    page_token: str = ""
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search of one resource.

    Attributes:
        condition: what must hold.
        ids: logical ids that are asked for instead; None when they are not.
        changed: when the resources may have been changed last.
        count: most on a page; never above `COUNT_MAX`.
        elements: what is wanted of each resource; empty: all of it.
        total: accurate, estimate, none or "".
        ignored: parameters that nothing was done with.
    """

    holder: Holder
    condition: Condition = EVERYTHING
    ids: tuple[str, ...] | None = None
    changed: Changed = ANY_TIME
    count: int = COUNT_DEFAULT
    elements: frozenset[str] = frozenset()
    includes: frozenset[str] = frozenset()
    revincludes: frozenset[str] = frozenset()
    total: str = ""
    page_token: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def has_criteria(self) -> bool:
        """Tell whether anything narrows it."""
        return self.ids is not None or self.condition != EVERYTHING or self.changed != ANY_TIME


def read_search(holder: Holder, pairs: Sequence[tuple[str, str]], *, is_strict: bool = False) -> SearchRequest:
    """Return the search.

    Args:
        holder: which resource.
        pairs: parameters with their values, decoded, in the order given; a name may come back (all must hold).
        is_strict: an unknown parameter is refused instead of being named in `ignored`.

    Raises:
        SearchError: a value or modifier that cannot be understood, or too much of it.

    Source: FHIR R4 search, 3.1.1.3 (handling of unknown parameters), 3.1.1.5.
    """
    if len(pairs) > PARAMETERS_MAX:
        raise wrong("search", f"more than {PARAMETERS_MAX} parameters")
    draft = _Draft()
    for full, value in pairs:
        name, _, modifier = full.partition(":")
        asked = Asked(name, modifier, value)
        criterion = CRITERIA[holder].get(name)
        if criterion is not None:
            draft.parts.append(criterion.read(asked))
        elif not _control(holder, draft, asked):
            if is_strict:
                raise wrong(full[:60], f"is no search parameter of {NAMES[holder]} here")
            draft.ignored.append(full[:60])
    return _finished(holder, draft)


def _finished(holder: Holder, draft: _Draft) -> SearchRequest:
    parts = tuple(dict.fromkeys(part for part in draft.parts if part != EVERYTHING))
    if draft.ids is not None and parts:
        raise wrong("_id", "cannot be combined with other criteria")
    return SearchRequest(
        holder=holder,
        condition=parts[0] if len(parts) == 1 else All(parts),
        ids=None if draft.ids is None else tuple(dict.fromkeys(draft.ids)),
        changed=draft.changed,
        count=draft.count,
        elements=frozenset(draft.elements),
        includes=frozenset(draft.includes),
        revincludes=frozenset(draft.revincludes),
        total=draft.total,
        page_token=draft.page_token,
        ignored=tuple(draft.ignored),
    )


def _control(holder: Holder, draft: _Draft, asked: Asked) -> bool:  # noqa: C901, PLR0912 - one line a parameter
    """Take a parameter that is not a criterion; tell whether it is one of them."""
    if asked.modifier and asked.name in {"_include", "_revinclude"}:
        raise wrong(asked.name, f"modifier :{asked.modifier[:40]} is not supported")
    match asked.name:
        case "_id":
            _ids(draft, [unescape(one).strip() for one in asked.plain().alternatives()])
        case "identifier" if holder is Holder.ROLE:
            tokens = [read_token(one) for one in asked.plain().alternatives()]
            _ids(draft, [resource_id(one.value) for one in tokens if one.system in _SITUATIONS])
        case "_lastUpdated":
            draft.changed = read_changed(asked, draft.changed)
        case "_count":
            draft.count = _count(asked)
        case "_elements":
            _elements(holder, draft, asked)
        case "_include":
            draft.includes |= _links(asked, INCLUDES[holder])
        case "_revinclude":
            draft.revincludes |= _links(asked, REVINCLUDES[holder])
        case "_total":
            if asked.plain().value not in {"accurate", "estimate", "none"}:
                raise wrong("_total", "is none of accurate, estimate, none")
            draft.total = asked.value
        case "_page_token":
            if len(asked.value) > TOKEN_MAX_CHARS:
                raise wrong("_page_token", "is not one of ours")
            draft.page_token = asked.value
        case "_format" | "_pretty":
            pass
        case _:
            return False
    return True


def _ids(draft: _Draft, found: list[str]) -> None:
    """Keep ids that may be some; asked for twice, both must hold."""
    good = [one for one in found if RESOURCE_ID.fullmatch(one)]
    if len(good) > IDS_MAX:
        raise wrong("_id", f"more than {IDS_MAX} values")
    draft.ids = good if draft.ids is None else [one for one in draft.ids if one in good]


def _count(asked: Asked) -> int:
    value = asked.plain().value
    if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) > 0):
        raise wrong("_count", "is not a number from 1 on")
    return min(int(value), COUNT_MAX)


def _elements(holder: Holder, draft: _Draft, asked: Asked) -> None:
    for one in asked.plain().alternatives():
        name = one.strip()
        if name in _ELEMENTS[holder] or name == "resourceType":
            draft.elements.add(name)
        else:
            draft.ignored.append(f"_elements={name[:40]}")


def _links(asked: Asked, allowed: frozenset[str]) -> set[str]:
    """Return the inclusions that are asked for; the type of the target may stand behind (reliability.md D10)."""
    found = set()
    for one in asked.alternatives():
        name = ":".join(one.strip().split(":")[:2])
        if name not in allowed:
            raise wrong(asked.name, f"{one[:60]} is not served here")
        found.add(name)
    return found
