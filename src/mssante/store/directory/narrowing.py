"""Which entries a condition may hold for, by the indexes: never fewer than it holds for, when it can be told.

The rule `mssante.rules.directory_condition` then looks at each of them; what no index can narrow is read in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mssante.model.directory import All, Any, Condition, Field, How, Match
from mssante.model.directory_search import Column
from mssante.model.folding import fold
from mssante.store.directory import search
from mssante.store.directory.numbers import number_of
from mssante.store.tx import Tx

WORDS_MAX: Final = 400
FEW_WORDS: Final = 40
SHORT_PIECE: Final = 3
BEGUN_COST: Final = 20
_BOXES_MAX: Final = 2000
_COLUMNS: Final = {
    Field.NAME: (Column.PERSON, Column.HOUSE),
    Field.FAMILY: (Column.PERSON,),
    Field.GIVEN: (Column.PERSON,),
    Field.ADDRESS: (Column.ADDRESS,),
    Field.STRUCTURE_NAME: (Column.HOUSE,),
    Field.PROFESSION_LABEL: (Column.WORK,),
    Field.SPECIALITY_LABEL: (Column.WORK,),
    Field.SERVICE: (Column.HOUSE,),
    Field.DESCRIPTION: (Column.HOUSE,),
    Field.TOWN: (Column.PLACE,),
    Field.POSTCODE: (Column.PLACE,),
    Field.DEPARTMENT: (Column.PLACE,),
}
"""Fields that the full-text index holds; the others are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Where to look: an expression of the full-text engine, or numbers of professionals, structures or mailboxes.

    Attributes:
        cost: how many words or numbers it asks for; smaller is better.
        was_cut: a piece stands in more words than are looked at.
    """

    expression: str = ""
    professionals: tuple[int, ...] = ()
    structures: tuple[int, ...] = ()
    boxes: tuple[int, ...] = ()
    by_numbers: bool = False
    cost: int = 1
    was_cut: bool = False


async def narrowed(tx: Tx, condition: Condition) -> Narrowed | None:
    """Return where to look, or None when everything must be looked at."""
    match condition:
        case Match():
            return await _of_match(tx, condition)
        case All(parts):
            found = [one for part in parts if (one := await narrowed(tx, part)) is not None]
            return _both(found)
        case Any(parts) if parts:
            leaves = [part for part in parts if isinstance(part, Match) and _is_of_words(part)]
            alternatives = [await narrowed(tx, part) for part in parts if part not in leaves]
            for asked in dict.fromkeys(_asked(leaf) for leaf in leaves):
                fields = [leaf.field for leaf in leaves if _asked(leaf) == asked]
                alternatives.append(await _of_words(tx, asked[0], asked[1], fields))
            return _one_of([one for one in alternatives if one is not None]) if all(alternatives) else None
    return None


def _both(found: Sequence[Narrowed]) -> Narrowed | None:
    """Return where all of some hold: numbers when there are some, else the words of every part that has few."""
    numbers = [one for one in found if one.by_numbers]
    if numbers or len(found) < 2:
        return min(numbers or found, key=lambda one: one.cost, default=None)
    least = min(one.cost for one in found)
    kept = [one for one in found if one.cost <= max(FEW_WORDS, least)]
    expression = search.every(one.expression for one in kept)
    return Narrowed(expression, cost=least, was_cut=any(one.was_cut for one in kept))


def _one_of(found: Sequence[Narrowed]) -> Narrowed:
    expressions = [one.expression for one in found if one.expression]
    return Narrowed(
        search.either(expressions),
        tuple(number for one in found for number in one.professionals),
        tuple(number for one in found for number in one.structures),
        tuple(number for one in found for number in one.boxes),
        by_numbers=any(one.by_numbers for one in found),
        cost=sum(one.cost for one in found),
        was_cut=any(one.was_cut for one in found),
    )


async def _of_match(tx: Tx, match: Match) -> Narrowed | None:
    if match.how is How.PRESENT:
        return None
    if match.field is Field.PERSON and match.how is How.EQUALS:
        numbers = (number_of(match.value), number_of(f"8{match.value}"), number_of(f"0{match.value}"))
        return Narrowed(professionals=numbers, by_numbers=True, cost=2)
    if match.field is Field.STRUCTURE and match.how is How.EQUALS:
        kinds: tuple[int, ...] = (number_of(match.value), *[number_of(f"{kind}{match.value}") for kind in "134"])
        by_siret = await tx.all("structures_by_siret", siret=match.value, limit=20)
        return Narrowed(structures=(*kinds, *[row[0] for row in by_siret]), by_numbers=True, cost=100)
    if match.field is Field.ADDRESS and match.how in {How.EQUALS, How.STARTS}:
        begins = match.how is How.STARTS
        boxes = await search.by_address(tx, match.value.lower(), _BOXES_MAX, begins=begins)
        return Narrowed(boxes=tuple(boxes), by_numbers=True, cost=len(boxes), was_cut=len(boxes) == _BOXES_MAX)
    return await _of_words(tx, match.how, match.value, [match.field]) if _is_of_words(match) else None


def _asked(match: Match) -> tuple[How, str, bool]:
    """Return what a comparison asks of the words, whatever the field; a département is kept as a word of its own."""
    return match.how, match.value, match.field is Field.DEPARTMENT


def _is_of_words(match: Match) -> bool:
    """Tell whether the words of the index can narrow it."""
    if match.how is How.PRESENT or match.field not in _COLUMNS or not fold(match.value):
        return False
    if match.field is Field.DEPARTMENT:
        return match.how is How.EQUALS and match.value.isascii() and match.value.isalnum()
    return match.field is not Field.ADDRESS or match.how not in {How.EQUALS, How.STARTS}


async def _of_words(tx: Tx, how: How, value: str, fields: Sequence[Field]) -> Narrowed:
    """Narrow by the words of a value: all of them, the first and last ones perhaps parts of words only.

    Args:
        fields: the value is looked for in any of them: one question to the index, not one for each.
    """
    words = [f"dep{value.lower()}"] if Field.DEPARTMENT in fields else fold(value).split()
    columns = tuple(dict.fromkeys(column for field in fields for column in _COLUMNS[field]))
    was_cut, cost = False, 1
    expressions = []
    for place, word in enumerate(words):
        if len(word) < SHORT_PIECE < len(words[-1]) and how in {How.ENDS, How.CONTAINS} and place < len(words) - 1:
            continue  # "le" of "le roux" may end any word: the others tell enough
        may_go_on = how in {How.STARTS, How.CONTAINS} and place == len(words) - 1
        may_begin_before = how in {How.ENDS, How.CONTAINS} and place == 0
        if may_begin_before:
            held = await search.words_with(tx, word, WORDS_MAX)
            was_cut |= len(held) == WORDS_MAX
            cost = max(cost, len(held))
            expressions.append(search.any_word(held or [word], columns))
        elif may_go_on:
            begun = await search.words_from(tx, word, FEW_WORDS + 1)
            # A few whole words are read lazily; many are gathered faster as a beginning (45 ms against 20 for 400).
            is_all = len(begun) <= FEW_WORDS
            cost = max(cost, len(begun) if is_all else BEGUN_COST)
            expressions.append(search.any_word((begun or [word]) if is_all else [word], columns, begun=not is_all))
        else:
            expressions.append(search.any_word([word], columns))
    return Narrowed(search.every(expressions), cost=cost, was_cut=was_cut)
