"""The order of a FHIR search whose results fit on one page; anything else is refused with what to do instead.

Pages come in the order of the directory's own numbers: a larger result in another order would have to be read whole
for its first page, which is how a directory is copied.

Source: FHIR R4 search, 3.1.1.5.1 (_sort); reliability.md D09, D10.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.doors.directory import asking
from mssante.doors.directory.gathering import Found, Gathered
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Holder, Person, Place
from mssante.model.folding import fold
from mssante.wire.fhir.ids import resource_id
from mssante.wire.fhir.search import COUNT_MAX, NAMES

SORT: Final = "_sort"
KEYS_MAX: Final = 3


def _family(found: Found) -> str:
    return fold(found.structure.name if isinstance(found, Place) else found.professional.family)


def _name(found: Found) -> str:
    return _family(found) if isinstance(found, Place) else f"{_family(found)} {fold(found.professional.given)}"


def _id(found: Found) -> str:
    if isinstance(found, Place):
        return resource_id(found.structure.identifier)
    return resource_id(found.professional.identifier if isinstance(found, Person) else found.situation.identifier)


_PEOPLE: Final = {"family": _family, "name": _name, "_id": _id}
KEYS: Final[Mapping[Holder, Mapping[str, Callable[[Found], str]]]] = MappingProxyType(
    {Holder.PERSON: _PEOPLE, Holder.ROLE: _PEOPLE, Holder.PLACE: {"name": _name, "_id": _id}}
)
"""What each type is sorted by."""


@dataclass(frozen=True, slots=True)
class Order:
    """Keys, the one that counts most first, each with whether it is turned."""

    keys: tuple[tuple[Callable[[Found], str], bool], ...]


def read_order(holders: Sequence[Holder], pairs: asking.Pairs) -> Order | Refusal | None:
    """Return the order that is asked for; None when none is."""
    wanted = [one.strip() for name, value in pairs if name == SORT for one in value.split(",")]
    if not any(name.partition(":")[0] == SORT for name, _value in pairs):
        return None
    if len(holders) > 1:
        return _wrong("one type at a time is sorted", "un seul type de ressource à la fois peut être trié")
    known = KEYS[holders[0]]
    if not 1 <= len(wanted) <= KEYS_MAX or any(one.removeprefix("-") not in known for one in wanted):
        served = ", ".join(known)
        return _wrong(
            f"{NAMES[holders[0]]} is sorted by {served}, at most {KEYS_MAX} of them",
            f"{NAMES[holders[0]]} se trie par {served}, avec « - » devant pour l'ordre inverse",
        )
    return Order(tuple((known[one.removeprefix("-")], one.startswith("-")) for one in wanted))


def put_in_order(gathered: Gathered, order: Order, *, is_first: bool) -> Refusal | None:
    """Put what was found in order, or return why that cannot be done.

    Args:
        is_first: the page is the first one.
    """
    if not is_first or gathered.next is not None or gathered.was_cut:
        return _wrong(
            f"more results than one page holds cannot be sorted: narrow the search, or ask for _count={COUNT_MAX}",
            f"un résultat de plus d'une page ne se trie pas : précisez la recherche, ou demandez _count={COUNT_MAX}",
        )
    both = list(zip(gathered.found, gathered.matches, strict=True))
    for key, is_turned in reversed(order.keys):
        both.sort(key=lambda pair: key(pair[0]), reverse=is_turned)
    gathered.found = [found for found, _match in both]
    gathered.matches = [match for _found, match in both]
    return None


def _wrong(public: str, french: str) -> Refusal:
    return Refusal(Kind.QUERY_UNCLEAR, "directory-door", f"{SORT}: {public}", "", f"Tri refusé : {french}.")
