"""Selections from the directory by a condition, a page at a time: what LDAP and FHIR ask.

Indexes narrow, the rule looks at each entry; how many are looked at is bounded, and an answer says when that was met.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

from mssante.flows.directory.values import Page
from mssante.model.directory import (
    Condition,
    Entry,
    EntryId,
    ListedMailbox,
    Person,
    Place,
    Role,
    Selected,
    Subject,
)
from mssante.rules.directory_condition import holds
from mssante.store.directory import read, search
from mssante.store.directory.listing import entries_among, entries_named, links_of, numbers_from, situations_of
from mssante.store.directory.narrowing import Narrowed, narrowed
from mssante.store.directory.numbers import BOX_LIMIT, PERSON_BASE, PLACE_BASE
from mssante.store.tx import Tx

T = TypeVar("T")

BLOCK: Final = 500
BLOCK_MIN: Final = 8
LOOKED_AT_MAX: Final = 5000
Visible = Callable[[ListedMailbox], bool]
_NO_ENTRY: Final = EntryId(0)


async def selected(
    tx: Tx, subject: Subject, condition: Condition, visible: Visible, *, limit: int, after: int | None
) -> Selected:
    """Return entries in the order of their numbers, or in that of names when the condition is how a name begins."""
    match subject:
        case Subject.PROFESSIONALS:
            people = await selected_people(tx, condition, visible, limit=limit, after=after)
            found = [
                Entry(EntryId(PERSON_BASE + one.professional.professional_id), None, one.professional, None)
                for one in people.items
            ]
            return Selected(tuple(found), _as_entry(people.after), people.was_cut)
        case Subject.STRUCTURES:
            places = await selected_places(tx, condition, visible, limit=limit, after=after)
            found = [
                Entry(EntryId(PLACE_BASE + one.structure.structure_id), None, None, one.structure)
                for one in places.items
            ]
            return Selected(tuple(found), _as_entry(places.after), places.was_cut)
    plan = await narrowed(tx, condition)
    below = BOX_LIMIT if subject is Subject.MAILBOXES else 0
    is_lost = False

    async def next_block(start: int, size: int) -> list[int]:
        nonlocal is_lost
        if plan is None:
            return await numbers_from(tx, "boxes_from" if below else "entries_from", start, size)
        if plan.names is not None:
            named = await entries_named(tx, *plan.names, size, after=start, has_box=bool(below))
            is_lost = named is None
            return named or []
        if not plan.by_numbers:
            return await search.matching(tx, plan.expression, size, after=start, below=below)
        return [one for one in await _numbered(tx, plan) if one > start and (not below or one < below)][:size]

    async def look(ids: Sequence[int]) -> list[tuple[int, Entry]]:
        held = await search.holding(tx, ids, () if plan is None else plan.pieces)
        shown = [one for one in await read.entries(tx, held) if one.mailbox is None or visible(one.mailbox)]
        return [(one.entry_id, one) for one in shown if holds(condition, one)]

    page = await _page(next_block, look, limit=limit, after=after)
    return Selected(page.items, _as_entry(page.after), page.was_cut or is_lost or (plan is not None and plan.was_cut))


async def selected_people(
    tx: Tx, condition: Condition, visible: Visible, *, limit: int, after: int | None
) -> Page[Person]:
    """Return professionals of whom one entry (themselves, or one of their mailboxes) fulfils the condition."""
    source = await _source(tx, condition, "professionals_from", lambda plan: _professionals(tx, plan))

    async def look(ids: Sequence[int]) -> list[tuple[int, Person]]:
        boxes = await _boxes_by_holder(tx, await search.boxes_of(tx, ids, (), BLOCK * 8), visible)
        return [
            (one.professional.professional_id, _seen_person(one, visible))
            for one in await read.people(tx, ids)
            if _any_holds(
                condition, [Entry(_NO_ENTRY, None, one.professional, None), *boxes.get(one.professional.identifier, [])]
            )
        ]

    return await _page(source.next_block, look, limit=limit, after=after, was_cut=source.was_cut)


async def selected_roles(
    tx: Tx, condition: Condition, visible: Visible, *, limit: int, after: int | None
) -> Page[Role]:
    """Return situations that fulfil the condition, with or without a mailbox."""

    async def of_plan(plan: Narrowed) -> list[int]:
        professionals, structures = await _professionals(tx, plan), await _structures(tx, plan)
        return await situations_of(tx, professionals, structures, LOOKED_AT_MAX)

    source = await _source(tx, condition, "situations_from", of_plan)

    async def look(ids: Sequence[int]) -> list[tuple[int, Role]]:
        return [
            (number, _seen_role(one, visible))
            for number, one in (await read.roles(tx, ids)).items()
            if _any_holds(
                condition,
                [
                    Entry(_NO_ENTRY, box, one.professional, one.structure)
                    for box in (None, *filter(visible, one.mailboxes))
                ],
            )
        ]

    return await _page(source.next_block, look, limit=limit, after=after, was_cut=source.was_cut)


async def selected_places(
    tx: Tx, condition: Condition, visible: Visible, *, limit: int, after: int | None
) -> Page[Place]:
    """Return structures of which one entry (itself, or one of its own mailboxes) fulfils the condition."""
    source = await _source(tx, condition, "structures_from", lambda plan: _structures(tx, plan))

    async def look(ids: Sequence[int]) -> list[tuple[int, Place]]:
        return [
            (one.structure.structure_id, _seen_place(one, visible))
            for one in await read.places(tx, ids)
            if _any_holds(
                condition,
                [Entry(_NO_ENTRY, box, None, one.structure) for box in (None, *filter(visible, one.mailboxes))],
            )
        ]

    return await _page(source.next_block, look, limit=limit, after=after, was_cut=source.was_cut)


class _Numbers:
    """Numbers to look at, a block at a time: known from the start, or read in order."""

    def __init__(self, tx: Tx, query: str, known: list[int] | None, *, was_cut: bool) -> None:
        self._tx = tx
        self._query = query
        self._known = known
        self.was_cut = was_cut

    async def next_block(self, start: int, size: int) -> list[int]:
        if self._known is None:
            return await numbers_from(self._tx, self._query, start, size)
        return [one for one in self._known if one > start][:size]


async def _source(
    tx: Tx, condition: Condition, query: str, of_plan: Callable[[Narrowed], Awaitable[list[int]]]
) -> _Numbers:
    plan = await narrowed(tx, condition)
    if plan is None:
        return _Numbers(tx, query, None, was_cut=False)
    known = sorted(set(await of_plan(plan)) - {0})
    return _Numbers(tx, query, known, was_cut=plan.was_cut or len(known) >= LOOKED_AT_MAX)


async def _page(
    next_block: Callable[[int, int], Awaitable[list[int]]],
    look: Callable[[Sequence[int]], Awaitable[list[tuple[int, T]]]],
    *,
    limit: int,
    after: int | None,
    was_cut: bool = False,
) -> Page[T]:
    """Look at blocks until the page is full, nothing is left, or enough was looked at (then the page may be short)."""
    found: list[T] = []
    start, looked_at = after or 0, 0
    while True:
        # An answer of twenty must not look at five hundred because one of the first did not fit.
        size = max(BLOCK_MIN, min(BLOCK, max(limit + 1, looked_at)))
        block = await next_block(start, size)
        for number, one in await look(block):
            if len(found) == limit:
                return Page(tuple(found), start, was_cut)
            found.append(one)
            start = number
        if len(block) < size:
            return Page(tuple(found), None, was_cut)
        start, looked_at = block[-1], looked_at + len(block)
        if looked_at >= LOOKED_AT_MAX:
            return Page(tuple(found), start, was_cut)


async def _numbered(tx: Tx, plan: Narrowed) -> list[int]:
    """Return the numbers of entries of a plan that names professionals, structures, mailboxes and perhaps words."""
    found = set(plan.boxes) | set(await search.boxes_of(tx, plan.professionals, plan.structures, LOOKED_AT_MAX))
    found |= {PERSON_BASE + one for one in await read.professionals_by_number(tx, plan.professionals)}
    found |= {PLACE_BASE + one for one in await read.structures_by_number(tx, plan.structures)}
    if plan.expression:
        found |= set(await search.matching(tx, plan.expression, LOOKED_AT_MAX))
    return await entries_among(tx, found)


async def _professionals(tx: Tx, plan: Narrowed) -> list[int]:
    entries = await _entries_of(tx, plan)
    links = await links_of(tx, [one for one in entries if one < BOX_LIMIT])
    people = [one - PERSON_BASE for one in entries if PERSON_BASE <= one < PLACE_BASE]
    return [*plan.professionals, *people, *[professional for professional, _structure in links if professional]]


async def _structures(tx: Tx, plan: Narrowed) -> list[int]:
    entries = await _entries_of(tx, plan)
    links = await links_of(tx, [one for one in entries if one < BOX_LIMIT])
    places = [one - PLACE_BASE for one in entries if one >= PLACE_BASE]
    return [*plan.structures, *places, *[structure for _professional, structure in links if structure]]


async def _entries_of(tx: Tx, plan: Narrowed) -> list[int]:
    found = list(plan.boxes)
    if plan.expression:
        found += await search.matching(tx, plan.expression, LOOKED_AT_MAX)
    if plan.professionals or plan.structures:
        found += await search.boxes_of(tx, plan.professionals, plan.structures, LOOKED_AT_MAX)
    return await search.holding(tx, found, plan.pieces)


async def _boxes_by_holder(tx: Tx, ids: Sequence[int], visible: Visible) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in await read.entries(tx, ids):
        if entry.mailbox is not None and visible(entry.mailbox):
            found.setdefault(entry.mailbox.professional, []).append(entry)
    return found


def _any_holds(condition: Condition, entries: Iterable[Entry]) -> bool:
    return any(holds(condition, one) for one in entries)


def _seen_person(one: Person, visible: Visible) -> Person:
    return Person(one.professional, tuple(filter(visible, one.mailboxes)), one.situations, one.updated_at)


def _seen_role(one: Role, visible: Visible) -> Role:
    return Role(one.situation, one.professional, one.structure, tuple(filter(visible, one.mailboxes)), one.updated_at)


def _seen_place(one: Place, visible: Visible) -> Place:
    return Place(one.structure, tuple(filter(visible, one.mailboxes)), one.updated_at)


def _as_entry(number: int | None) -> EntryId | None:
    return None if number is None else EntryId(number)
