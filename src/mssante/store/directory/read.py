"""Entries of the directory as values, from their numbers."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from mssante.model.directory import (
    Coded,
    Entry,
    EntryId,
    ListedMailbox,
    Person,
    Place,
    PostalAddress,
    Professional,
    ProfessionalId,
    Role,
    Situation,
    Structure,
    StructureId,
)
from mssante.model.mailbox import MailboxType
from mssante.store.directory.numbers import BOX_LIMIT, PERSON_BASE, PLACE_BASE
from mssante.store.tx import Row, Tx

BOXES_OF_ONE_MAX: Final = 2000
# Where in a row of the query boxes_whole these begin.
_CHANGED: Final = 11
_WHO: Final = 12
_WHERE: Final = 20


def coded(text: str) -> Coded:
    """Return a code and its label from how they are kept."""
    code, _, label = text.partition(" ")
    return Coded(code, label)


def kept(value: Coded) -> str:
    """Return how a code and its label are kept."""
    return f"{value.code} {value.label}".strip() if value.code else ""


async def entries(tx: Tx, ids: Sequence[int]) -> list[Entry]:
    """Return entries in the order of their numbers as given; those that are gone are left out."""
    found = await _box_entries(tx, [one for one in ids if one < BOX_LIMIT])
    people = [one - PERSON_BASE for one in ids if PERSON_BASE <= one < PLACE_BASE]
    for number, who in (await professionals_by_number(tx, people)).items():
        found[PERSON_BASE + number] = Entry(EntryId(PERSON_BASE + number), None, who, None)
    places = [one - PLACE_BASE for one in ids if one >= PLACE_BASE]
    for number, where in (await structures_by_number(tx, places)).items():
        found[PLACE_BASE + number] = Entry(EntryId(PLACE_BASE + number), None, None, where)
    return [found[one] for one in ids if one in found]


async def _box_entries(tx: Tx, ids: Sequence[int]) -> dict[int, Entry]:
    """Return mailboxes with who and where, by number; one question for all three."""
    found: dict[int, Entry] = {}
    structures: dict[int, Structure] = {}
    for row in await _rows(tx, "boxes_whole", ids):
        who = None if row[_WHO] is None else _professional(row[_WHO:_WHERE])
        where = None if row[_WHERE] is None else structures.get(row[_WHERE])
        if where is None and row[_WHERE] is not None:
            where = structures[row[_WHERE]] = _structure(row[_WHERE:])
        mailbox = _mailbox(row, "" if who is None else who.identifier, "" if where is None else where.identifier)
        found[row[0]] = Entry(EntryId(row[0]), mailbox, who, where, _moment(row[_CHANGED]))
    return found


async def people(tx: Tx, ids: Sequence[int]) -> list[Person]:
    """Return professionals with their mailboxes outside structures and their situations, in the order given."""
    professionals = await professionals_by_number(tx, ids)
    boxes = await _boxes(tx, "boxes_of_professionals", ids)
    situations = await situations_by_number(tx, await _ids(tx, "situations_of_professionals", ids))
    own: dict[str, list[Entry]] = {}
    for box in boxes:
        if box.structure is None and box.professional is not None:
            own.setdefault(box.professional.identifier, []).append(box)
    at: dict[str, list[Situation]] = {}
    for situation in situations.values():
        at.setdefault(situation.professional, []).append(situation)
    found = []
    for number in ids:
        who = professionals.get(number)
        if who is not None:
            mine = own.get(who.identifier, [])
            found.append(Person(who, _mailboxes(mine), tuple(at.get(who.identifier, ())), _latest(mine)))
    return found


async def roles(tx: Tx, ids: Sequence[int]) -> dict[int, Role]:
    """Return situations with the mailboxes of that professional in that structure, by number, in the order given."""
    rows = {row[0]: row for row in await _rows(tx, "situations", ids)}
    professionals = await professionals_by_number(tx, {row[2] for row in rows.values()})
    structures = await structures_by_number(tx, {row[3] for row in rows.values()})
    boxes = await _boxes(tx, "boxes_of_professionals", list(professionals))
    own: dict[tuple[str, str], list[Entry]] = {}
    for box in boxes:
        if box.professional is not None and box.structure is not None:
            own.setdefault((box.professional.identifier, box.structure.identifier), []).append(box)
    found: dict[int, Role] = {}
    for number in ids:
        row = rows.get(number)
        who, where = (None, None) if row is None else (professionals.get(row[2]), structures.get(row[3]))
        if row is not None and who is not None and where is not None:
            mine = own.get((who.identifier, where.identifier), [])
            situation = _situation(row, who.identifier, where.identifier)
            found[number] = Role(situation, who, where, _mailboxes(mine), _latest(mine))
    return found


async def places(tx: Tx, ids: Sequence[int]) -> list[Place]:
    """Return structures with their own mailboxes, in the order given."""
    structures = await structures_by_number(tx, ids)
    own: dict[str, list[Entry]] = {}
    for box in await _boxes(tx, "boxes_of_structures", ids):
        if box.professional is None and box.structure is not None:
            own.setdefault(box.structure.identifier, []).append(box)
    found = []
    for number in ids:
        where = structures.get(number)
        if where is not None:
            mine = own.get(where.identifier, [])
            found.append(Place(where, _mailboxes(mine), _latest(mine)))
    return found


async def professionals_by_number(tx: Tx, ids: Iterable[int]) -> dict[int, Professional]:
    """Return professionals by number."""
    return {row[0]: _professional(row) for row in await _rows(tx, "professionals", ids)}


async def structures_by_number(tx: Tx, ids: Iterable[int]) -> dict[int, Structure]:
    """Return structures by number."""
    return {row[0]: _structure(row) for row in await _rows(tx, "structures", ids)}


async def situations_by_number(tx: Tx, ids: Iterable[int]) -> dict[int, Situation]:
    """Return situations by number."""
    rows = await _rows(tx, "situations", ids)
    professionals = await professionals_by_number(tx, {row[2] for row in rows})
    structures = await structures_by_number(tx, {row[3] for row in rows})
    return {
        row[0]: _situation(row, professionals[row[2]].identifier, structures[row[3]].identifier)
        for row in rows
        if row[2] in professionals and row[3] in structures
    }


async def _boxes(tx: Tx, query: str, ids: Sequence[int]) -> list[Entry]:
    return await entries(tx, await _ids(tx, query, ids))


async def _ids(tx: Tx, query: str, ids: Sequence[int]) -> list[int]:
    rows = await tx.all(query, ids=json.dumps(list(ids)), limit=BOXES_OF_ONE_MAX) if ids else []
    return [row[0] for row in rows]


async def _rows(tx: Tx, query: str, ids: Iterable[int]) -> list[Row]:
    wanted = list(ids)
    return await tx.all(query, ids=json.dumps(wanted)) if wanted else []


def _mailboxes(found: Iterable[Entry]) -> tuple[ListedMailbox, ...]:
    return tuple(one.mailbox for one in found if one.mailbox is not None)


def _latest(found: Iterable[Entry]) -> datetime | None:
    return max((one.updated_at for one in found if one.updated_at is not None), default=None)


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _mailbox(row: Row, professional: str, structure: str) -> ListedMailbox:
    return ListedMailbox(
        address=row[1],
        kind=MailboxType(row[2]),
        professional=professional,
        structure=structure,
        service=row[3],
        description=row[4],
        responsible=row[5],
        phone=row[6],
        is_red=bool(row[7]),
        is_paperless=None if row[8] is None else bool(row[8]),
        rank=row[9],
        operator=row[10],
    )


def _professional(row: Row) -> Professional:
    return Professional(
        identifier=row[1],
        civility=row[2],
        family=row[3],
        given=row[4],
        profession=coded(row[5]),
        category=coded(row[6]),
        specialities=tuple([coded(one) for one in row[7].split("|") if one]),
        professional_id=ProfessionalId(row[0]),
    )


def _structure(row: Row) -> Structure:
    return Structure(
        identifier=row[1],
        name=row[2],
        sign=row[3],
        address=PostalAddress(*row[4:12]),
        kind=row[12],
        parent=row[13],
        siret=row[14],
        phone=row[15],
        category=coded(row[16]),
        latitude=row[17],
        longitude=row[18],
        structure_id=StructureId(row[0]),
    )


def _situation(row: Row, professional: str, structure: str) -> Situation:
    return Situation(professional, structure, row[1], coded(row[4]), coded(row[5]), coded(row[6]))
