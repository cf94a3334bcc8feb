"""A FHIR search over the directory's pages: several types one after the other, what is included with what is found.

Source: FHIR R4 search; operators.md 4.5; reliability.md D09, D10 (allow-list and caps of what is included).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from mssante.doors.directory.ports import Directory, Page
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Any, Caller, Condition, Field, Holder, How, Match, Person, Place, Role, Target
from mssante.wire.fhir.build import organization, practitioner, practitioner_role
from mssante.wire.fhir.bundle import subsetted
from mssante.wire.fhir.resources import Resource
from mssante.wire.fhir.search import SearchRequest

REVERSE_MAX: Final = 200
# Three types, and some pages that a date leaves empty: then the client comes back with the token.
ROUNDS_MAX: Final = 8

Found = Person | Role | Place


@dataclass(slots=True)
class Gathered:
    """What a search has found.

    Attributes:
        next: where the next page begins: number of the request, and after which of its numbers; None at the end.
        was_cut: there are more that no page will show.
        was_cut_included: there are more to include.
    """

    found: list[Found] = field(default_factory=list)
    matches: list[Resource] = field(default_factory=list)
    included: list[Resource] = field(default_factory=list)
    next: tuple[int, int | None] | None = None
    was_cut: bool = False
    was_cut_included: bool = False


def resource_of(found: Found) -> Resource:
    """Return what was found as a resource."""
    match found:
        case Person():
            return practitioner(found)
        case Role():
            return practitioner_role(found)
        case Place():
            return organization(found)


async def gather(
    directory: Directory, caller: Caller, requests: Sequence[SearchRequest], place: tuple[int, int | None]
) -> Gathered | Refusal:
    """Return one page of the search, from that place on."""
    gathered, now = Gathered(), place
    count = requests[0].count
    for _ in range(ROUNDS_MAX):
        index, after = now
        request = requests[index]
        page = await _page(directory, caller, request, count - len(gathered.found), after)
        if isinstance(page, Refusal):
            return page
        items, following, was_cut = page
        kept = [one for one in items if request.changed.holds(one.updated_at)]
        gathered.found += kept
        gathered.matches += [subsetted(resource_of(one), request.elements) for one in kept]
        gathered.was_cut = gathered.was_cut or was_cut
        if following is not None:
            gathered.next = (index, following)
        else:
            gathered.next = (index + 1, None) if index + 1 < len(requests) else None
        if gathered.next is None or len(gathered.found) >= count:
            break
        now = gathered.next
    refusal = await _include(directory, caller, requests, gathered)
    return gathered if refusal is None else refusal


async def fetch(
    directory: Directory, caller: Caller, holder: Holder, condition: Condition, *, limit: int, after: int | None = None
) -> Page[Found] | Refusal:
    """Return one page of a type."""
    match holder:
        case Holder.PERSON:
            return await directory.people(caller, condition, limit=limit, after=after)
        case Holder.ROLE:
            return await directory.roles(caller, condition, limit=limit, after=after)
        case Holder.PLACE:
            return await directory.places(caller, condition, limit=limit, after=after)


async def by_ids(
    directory: Directory, caller: Caller, holder: Holder, ids: Sequence[str]
) -> tuple[Found, ...] | Refusal:
    """Return those that there are of some logical ids."""
    found: list[Found] = []
    for one in ids:
        answer = await directory.one(caller, Target(holder, one))
        if not isinstance(answer, Refusal):
            found.append(answer)
        elif answer.kind is not Kind.ENTRY_UNKNOWN:
            return answer
    return tuple(found)


async def _page(
    directory: Directory, caller: Caller, request: SearchRequest, limit: int, after: int | None
) -> tuple[Sequence[Found], int | None, bool] | Refusal:
    if request.ids is not None:
        found = await by_ids(directory, caller, request.holder, request.ids)
        return found if isinstance(found, Refusal) else (found, None, False)
    page = await fetch(directory, caller, request.holder, request.condition, limit=limit, after=after)
    return page if isinstance(page, Refusal) else (page.items, page.after, page.was_cut)


async def _include(
    directory: Directory, caller: Caller, requests: Sequence[SearchRequest], gathered: Gathered
) -> Refusal | None:
    """Add what was asked for with the matches: one question a link, each bounded."""
    for holder, condition, limit in _wanted(requests, gathered.found):
        page = await fetch(directory, caller, holder, condition, limit=limit)
        if isinstance(page, Refusal):
            return page
        gathered.included += [resource_of(one) for one in page.items]
        if page.was_cut or page.after is not None:
            gathered.was_cut_included = True
    return None


def _wanted(requests: Sequence[SearchRequest], found: Sequence[Found]) -> list[tuple[Holder, Condition, int]]:
    wanted: list[tuple[Holder, Condition, int]] = []
    includes = {name for request in requests for name in request.includes}
    reverse = {(request.holder, name) for request in requests for name in request.revincludes}
    roles = [one for one in found if isinstance(one, Role)]
    who = {one.professional.identifier: None for one in roles}
    where = {one.structure.identifier: None for one in roles}
    if "PractitionerRole:practitioner" in includes and who:
        wanted.append((Holder.PERSON, _each(Field.PERSON, who), len(who)))
    if "PractitionerRole:organization" in includes and where:
        wanted.append((Holder.PLACE, _each(Field.STRUCTURE, where), len(where)))
    people = {one.professional.identifier: None for one in found if isinstance(one, Person)}
    places = {one.structure.identifier: None for one in found if isinstance(one, Place)}
    if (Holder.PERSON, "PractitionerRole:practitioner") in reverse and people:
        wanted.append((Holder.ROLE, _each(Field.PERSON, people), REVERSE_MAX))
    if (Holder.PLACE, "PractitionerRole:organization") in reverse and places:
        wanted.append((Holder.ROLE, _each(Field.STRUCTURE, places), REVERSE_MAX))
    return wanted


def _each(wanted: Field, identifiers: dict[str, None]) -> Condition:
    return Any(tuple([Match(wanted, How.EQUALS, one) for one in identifiers]))
