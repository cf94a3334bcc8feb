"""Which entries a condition may hold for, by the indexes: never fewer than it holds for, when it can be told.

The rule `mssante.rules.directory_condition` then looks at each of them; what no index can narrow is read in order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
ENOUGH: Final = 200
MANY: Final = 10**9
PIECES: Final = 3
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
        names: from which name on and before which one professionals stand, when that is all there is to know: they are
            read in the order of the names, as many as are wanted, however many there are.
        cost: how many words or numbers it asks for; smaller is better.
        was_cut: a piece stands in more words than are looked at.
        entries: how many entries have these words, at the most.
        pieces: words or parts of words that the entries hold besides, not asked of the index.
        asked: what it was made of.
    """

    expression: str = ""
    professionals: tuple[int, ...] = ()
    structures: tuple[int, ...] = ()
    boxes: tuple[int, ...] = ()
    by_numbers: bool = False
    cost: int = 1
    was_cut: bool = False
    names: tuple[str, str] | None = None
    entries: int = MANY
    pieces: tuple[str, ...] = ()
    asked: "_Asked | None" = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One value that is looked for in some fields, in the same way in each."""

    how: How
    value: str
    fields: tuple[Field, ...]

    @property
    def words(self) -> list[str]:
        """Return the words that an entry then holds, the first and last ones perhaps as parts of words."""
        return [f"dep{self.value.lower()}"] if Field.DEPARTMENT in self.fields else fold(self.value).split()


async def narrowed(tx: Tx, condition: Condition) -> Narrowed | None:
    """Return where to look, or None when everything must be looked at."""
    match condition:
        case Match():
            return await _of_match(tx, condition)
        case All(parts):
            return await _all(tx, parts)
        case Any(parts) if parts:
            leaves = [part for part in parts if isinstance(part, Match) and _is_of_words(part)]
            alternatives = [await narrowed(tx, part) for part in parts if part not in leaves]
            for asked in dict.fromkeys(_key(leaf) for leaf in leaves):
                fields = tuple([leaf.field for leaf in leaves if _key(leaf) == asked])
                alternatives.append(await _of_words(tx, _Asked(asked[0], asked[1], fields)))
            return _one_of([one for one in alternatives if one is not None]) if all(alternatives) else None
    return None


async def _all(tx: Tx, parts: Sequence[Condition]) -> Narrowed | None:
    """Narrow by several parts: by numbers when one has some, else by the words of as many as are worth it.

    The part with the rarest words comes first. Once few entries are left, the words of the others are not looked up in
    the index: whether an entry holds them is asked of the few. With three words of an address book the median stays at
    some 3 ms; the slowest, a common name with a large town, take 62 to 110 ms instead of 1,200 (1.2 million people).
    """
    asked = {part: made for part in parts if (made := _asked(part)) is not None}
    found = [one for part in parts if part not in asked and (one := await narrowed(tx, part)) is not None]
    numbers = [one for one in found if one.by_numbers]
    words = {one: [await search.word_count(tx, word) for word in one.words] for one in asked.values()}
    if numbers:
        return replace(min(numbers, key=lambda one: one.cost), pieces=_pieces(words))
    rarest_first = sorted(words, key=lambda one: min(words[one]))
    unread = list(rarest_first)
    while unread and min([one.entries for one in found], default=ENOUGH + 1) > ENOUGH:
        found.append(await _of_words(tx, unread.pop(0)))
    if len(found) < 2 and not unread:
        return found[0] if found else None
    best = min(found, key=lambda one: (one.was_cut, one.entries))
    kept = [one for one in found if one is best or (one.cost <= FEW_WORDS and not one.was_cut)]
    left = [one for one in rarest_first if one in unread or not any(one is part.asked for part in kept)]
    return Narrowed(
        search.every(one.expression for one in kept),
        cost=best.cost,
        entries=best.entries,
        was_cut=best.was_cut,
        pieces=_pieces(left),
    )


def _pieces(asked: Iterable[_Asked]) -> tuple[str, ...]:
    """Return words that entries must hold somewhere, the longest ones."""
    words = {word for one in asked for word in one.words}
    return tuple(sorted(words, key=lambda word: (-len(word), word))[:PIECES])


def _asked(condition: Condition) -> _Asked | None:
    """Return what a comparison, or several with the same value, ask of the words; None when it is anything else."""
    parts = condition.parts if isinstance(condition, Any) else (condition,)
    leaves = [part for part in parts if isinstance(part, Match) and _is_of_words(part)]
    if not leaves or len(leaves) < len(parts) or len({_key(leaf) for leaf in leaves}) > 1:
        return None
    return _Asked(leaves[0].how, leaves[0].value, tuple([leaf.field for leaf in leaves]))


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
        entries=sum(one.entries for one in found),
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
    if not _is_of_words(match):
        return None
    found = await _of_words(tx, _Asked(match.how, match.value, (match.field,)))
    if match.field is Field.FAMILY and match.how in {How.EQUALS, How.STARTS}:
        # The name that is compared is the family name, a space and the given name; "!" comes next to a space.
        key = fold(match.value)
        return replace(found, names=(key, key + search.LAST if match.how is How.STARTS else f"{key}!"))
    return found


def _key(match: Match) -> tuple[How, str, bool]:
    """Return what a comparison asks of the words, whatever the field; a département is kept as a word of its own."""
    return match.how, match.value, match.field is Field.DEPARTMENT


def _is_of_words(match: Match) -> bool:
    """Tell whether the words of the index can narrow it."""
    if match.how is How.PRESENT or match.field not in _COLUMNS or not fold(match.value):
        return False
    if match.field is Field.DEPARTMENT:
        return match.how is How.EQUALS and match.value.isascii() and match.value.isalnum()
    return match.field is not Field.ADDRESS or match.how not in {How.EQUALS, How.STARTS}


async def _of_words(tx: Tx, asked: _Asked) -> Narrowed:
    """Narrow by the words of a value: all of them, the first and last ones perhaps parts of words only."""
    words, how = asked.words, asked.how
    columns = tuple(dict.fromkeys(column for field in asked.fields for column in _COLUMNS[field]))
    was_cut, cost, entries = False, 1, MANY
    expressions = []
    for place, word in enumerate(words):
        if len(word) < SHORT_PIECE < len(words[-1]) and how in {How.ENDS, How.CONTAINS} and place < len(words) - 1:
            continue  # "le" of "le roux" may end any word: the others tell enough
        may_go_on = how in {How.STARTS, How.CONTAINS} and place == len(words) - 1
        may_begin_before = how in {How.ENDS, How.CONTAINS} and place == 0
        if may_begin_before:
            held = await search.words_with(tx, word, WORDS_MAX)
            was_cut |= len(held) == WORDS_MAX
            cost, entries = max(cost, len(held)), min(entries, sum(held.values()))
            expressions.append(search.any_word(held or [word], columns))
        elif may_go_on:
            begun = await search.words_from(tx, word, FEW_WORDS + 1)
            # A few whole words are read lazily; many are gathered faster as a beginning (45 ms against 20 for 400).
            is_all = len(begun) <= FEW_WORDS
            cost, entries = max(cost, len(begun) if is_all else BEGUN_COST), min(entries, sum(begun.values()))
            expressions.append(search.any_word((begun or [word]) if is_all else [word], columns, begun=not is_all))
        else:
            entries = min(entries, await search.word_count(tx, word))
            expressions.append(search.any_word([word], columns))
    return Narrowed(search.every(expressions), cost=cost, entries=entries, was_cut=was_cut, asked=asked)
