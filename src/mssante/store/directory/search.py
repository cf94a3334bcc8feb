"""Words and candidates of a search: what the directory knows of a word, and which entries hold words.

Every question is bounded; the expressions of the full-text engine are made here from words in quotes, never from what
somebody typed.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from mssante.model.directory_search import Candidate, Column
from mssante.store.directory.numbers import BOX_LIMIT, PERSON_BASE, PLACE_BASE
from mssante.store.tx import Row, Tx

LAST: Final = "\U0010ffff"
# Compound names in one word are looked for with the names.
_COLUMNS: Final = {Column.PERSON: "person joined"}
_TRIGRAM: Final = 3
_SHORT: Final = {2: "words_from_two", 3: "words_from_three", 4: "words_from_four"}


async def word_count(tx: Tx, word: str) -> int:
    """Return how many entries have a word."""
    row = await tx.one("word_exact", word=word)
    return 0 if row is None else int(row[0])


async def words_from(tx: Tx, start: str, limit: int) -> dict[str, int]:
    """Return words that begin so, the most frequent ones first, and how many entries have each."""
    if len(start) in _SHORT:
        rows = await tx.all(_SHORT[len(start)], start=start, limit=limit)
    else:
        rows = await tx.all("words_from", low=start, high=start + LAST, limit=limit)
    return {row[0]: row[1] for row in rows}


async def shown_words_from(tx: Tx, start: str, limit: int) -> list[str]:
    """Return words that begin so and that people would type, the most frequent ones first."""
    return [row[0] for row in await tx.all("shown_words_from", low=start, high=start + LAST, limit=limit)]


async def is_place(tx: Tx, words: Iterable[str]) -> bool:
    """Tell whether one of the words is a place and nobody's name."""
    return await tx.one("places_among", words=json.dumps(list(words))) is not None


async def words_among(tx: Tx, words: Iterable[str], limit: int) -> list[str]:
    """Return those of the words that some entry has, the most frequent ones first."""
    return [row[0] for row in await tx.all("words_among", words=json.dumps(list(words)), limit=limit)]


async def words_with(tx: Tx, piece: str, limit: int) -> dict[str, int]:
    """Return words that hold a piece of a word, `limit` at most, and how many entries have each.

    A piece has no signs, which no word has.
    """
    query = "words_with" if len(piece) >= _TRIGRAM else "words_with_few"
    return {row[0]: row[1] for row in await tx.all(query, pattern=f"%{piece}%", limit=limit)}


def any_word(words: Iterable[str], columns: Sequence[Column] = (), *, begun: bool = False) -> str:
    """Return the expression that finds one of the words, somewhere or in some columns; `begun`: words that start so."""
    end = "*" if begun else ""
    found = " OR ".join([f"{_quoted(word)}{end}" for word in words])
    where = f"{{{' '.join(_COLUMNS.get(one, one.value) for one in columns)}}} : " if columns else ""
    return f"{where}({found})"


def every(expressions: Iterable[str]) -> str:
    """Return the expression that wants all of some."""
    return " AND ".join(f"({one})" for one in expressions)


def either(expressions: Iterable[str]) -> str:
    """Return the expression that wants one of some."""
    return " OR ".join(f"({one})" for one in expressions)


async def matching(tx: Tx, expression: str, limit: int, *, after: int = 0, below: int = 0) -> list[int]:
    """Return numbers of entries, ascending, from a number on and below another one when it is given."""
    if below:
        rows = await tx.all("matching_among", expression=expression, after=after, below=below, limit=limit)
    else:
        rows = await tx.all("matching", expression=expression, after=after, limit=limit)
    return [row[0] for row in rows]


async def holding(tx: Tx, ids: Sequence[int], pieces: Sequence[str]) -> list[int]:
    """Return those of some entries that hold all of up to three words or parts of words somewhere, in their order."""
    if not pieces or not ids:
        return list(ids)
    first, second, third = (*pieces, "", "")[:3]
    rows = await tx.all("entries_holding", ids=json.dumps(list(ids)), first=first, second=second, third=third)
    return [row[0] for row in rows]


async def by_address(tx: Tx, address: str, limit: int, *, begins: bool = False) -> list[int]:
    """Return numbers of mailboxes by address in lower case, or by its beginning."""
    if begins:
        rows = await tx.all("boxes_by_address_start", low=address, high=address + LAST, limit=limit)
    else:
        rows = await tx.all("boxes_by_address", address=address, limit=limit)
    return [row[0] for row in rows]


async def named(tx: Tx, keys: Iterable[str], limit: int) -> list[int]:
    """Return numbers of professionals whose names are one of the keys."""
    return [row[0] for row in await tx.all("professionals_named", keys=json.dumps(list(keys)), limit=limit)]


async def boxes_of(tx: Tx, professionals: Sequence[int], structures: Sequence[int], limit: int) -> list[int]:
    """Return numbers of the mailboxes of professionals and of structures."""
    found: list[Row] = []
    if professionals:
        found += await tx.all("boxes_of_professionals", ids=json.dumps(list(professionals)), limit=limit)
    if structures:
        found += await tx.all("boxes_of_structures", ids=json.dumps(list(structures)), limit=limit)
    return sorted({row[0] for row in found})


async def candidates(tx: Tx, ids: Iterable[int]) -> list[Candidate]:
    """Return what the ranking looks at of some entries."""
    boxes, people, places = [], [], []
    for one in ids:
        if one < BOX_LIMIT:
            boxes.append(one)
        elif one < PLACE_BASE:
            people.append(one - PERSON_BASE)
        else:
            places.append(one - PLACE_BASE)
    found = [_box(row) for row in (await tx.all("candidates", ids=json.dumps(boxes)) if boxes else [])]
    found += [_person(row) for row in (await tx.all("candidate_people", ids=json.dumps(people)) if people else [])]
    for row in await tx.all("candidate_places", ids=json.dumps(places)) if places else []:
        number, house, spot, department, postcode = row
        found.append(Candidate(PLACE_BASE + number, house=house, spot=spot, department=department, postcode=postcode))
    return found


def _box(row: Row) -> Candidate:
    return Candidate(
        number=row[0],
        holder=row[1],
        address=row[2],
        kind=row[3],
        own=row[4],
        is_red=bool(row[5]),
        rank=row[6],
        name=row[7],
        joined=row[8],
        work=row[9],
        house=row[10],
        spot=row[11],
        department=row[12],
        postcode=row[13],
        has_left=bool(row[14]),
    )


def _person(row: Row) -> Candidate:
    number, name, joined, work, house, spot, department, postcode = row
    return Candidate(
        PERSON_BASE + number,
        holder=number,
        name=name,
        joined=joined,
        work=work,
        house=house,
        spot=spot,
        department=department,
        postcode=postcode,
    )


def _quoted(word: str) -> str:
    escaped = word.replace('"', '""').replace("\0", "")
    return f'"{escaped}"'
