"""One search of a person: words understood, entries found and ranked.

Source: issue of the directory (search). Every step looks at a bounded number of words and entries.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import permutations
from typing import Final

from mssante.model.directory_search import Asked, Column, Past, Ranked, RankedEntry, Scored, Term
from mssante.model.folding import fold
from mssante.rules.directory_ranking import Wanted, rank
from mssante.rules.directory_words import IGNORED, neighbours
from mssante.store.directory import read, search
from mssante.store.directory.numbers import PERSON_BASE, PLACE_BASE, number_of
from mssante.store.tx import Tx

LOOKED_AT: Final = 80
ENOUGH: Final = 30
SEVERAL: Final = 3
COMMON: Final = 50_000
FEW: Final = 300
PIECE_CHARS: Final = 4
BEGUN_MAX: Final = 12
BEGUN_SHORT_MAX: Final = 24
NEAR_MAX: Final = 6
SHORT: Final = 3
_DEPARTMENT_WORD: Final = re.compile(r"dep[0-9][0-9ab][0-9]?")


@dataclass(frozen=True, slots=True)
class Asker:
    """What the ranking knows of who asks.

    Attributes:
        near: postcode or département, "".
        past: address in lower case -> what is known of it.
    """

    near: str
    past: Mapping[str, Past]
    now: datetime


async def searched(tx: Tx, asked: Asked, asker: Asker, limit: int) -> Ranked:
    """Return the best entries."""
    if asked.identifiers or asked.address:
        ids, said = await _by_number_or_address(tx, asked), ""
        wanted: list[Wanted] = []
    else:
        ids, wanted, said = await _by_words(tx, asked.terms, asker.near)
    looked = await search.candidates(tx, ids)
    if asked.kind:
        looked = [one for one in looked if one.kind == asked.kind]
    best = rank(looked, wanted, near=asker.near, past=asker.past, now=asker.now)
    return await _shown(tx, best, asked.street, said, limit)


async def completed(tx: Tx, text: str, limit: int) -> tuple[str, ...]:
    """Return what the last word of a text may become, each with the words before it; from two letters on."""
    before, _, last = text.rstrip().rpartition(" ")
    start = fold(last)
    if len(start) < 2 or " " in start:
        return ()
    words = [
        word
        for word in await search.shown_words_from(tx, start, 3 * limit)
        if not _DEPARTMENT_WORD.fullmatch(word) and word not in IGNORED
    ]
    return tuple(f"{before} {word}".strip() for word in words[:limit])


async def _shown(tx: Tx, best: Sequence[Scored], street: str, said: str, limit: int) -> Ranked:
    kept = best[: LOOKED_AT if street else limit]
    entries = {entry.entry_id: entry for entry in await read.entries(tx, [one.number for one in kept])}
    found = []
    for one in kept:
        entry = next((entry for number, entry in entries.items() if number == one.number), None)
        where = entry.structure.address.street if entry is not None and entry.structure is not None else ""
        if entry is not None and set(street.split()) <= set(fold(where).split()):
            found.append(RankedEntry(entry, one.score, one.reasons, one.warning))
    return Ranked(tuple(found[:limit]), said, was_cut=len(best) > limit)


async def _by_number_or_address(tx: Tx, asked: Asked) -> list[int]:
    found: list[int] = []
    if asked.address:
        found += await search.by_address(tx, asked.address, LOOKED_AT)
        if not found:
            found += await search.by_address(tx, asked.address, LOOKED_AT, begins=True)
    if asked.identifiers:
        numbers = [number_of(one) for one in asked.identifiers]
        found += await search.boxes_of(tx, numbers, numbers, LOOKED_AT)
        people = await read.professionals_by_number(tx, numbers)
        places = await read.structures_by_number(tx, numbers)
        if not found:
            found += [PERSON_BASE + number for number in people] + [PLACE_BASE + number for number in places]
    return found


async def _by_words(tx: Tx, terms: Sequence[Term], near: str) -> tuple[list[int], list[Wanted], str]:
    """Return candidates of all words, then of all but one when there are none; and what was done to the words."""
    if not terms:
        return [], [], ""
    wanted = [await _known(tx, term, is_last=term is terms[-1]) for term in terms]
    corrected = [
        f"« {term.words[-1]} » lu « {min(word.near)} »"
        for term, word in zip(terms, wanted, strict=True)
        if word.near and not word.exact and not word.begun
    ]
    ids = await _found(tx, terms, wanted, near)
    left_out = ""
    if not ids and len(terms) > 1:
        for place, term in sorted(enumerate(terms), key=lambda one: -one[0]):
            others = [one for at, one in enumerate(terms) if at != place]
            rest = [one for at, one in enumerate(wanted) if at != place]
            ids = await _found(tx, others, rest, near)
            if ids:
                wanted = rest
                left_out = f"sans « {term.words[-1].removeprefix('dep')} », que rien ne contient avec le reste"
                break
    return ids, wanted, " ; ".join([*corrected, left_out] if left_out else corrected)


async def _known(tx: Tx, term: Term, *, is_last: bool) -> Wanted:
    """Return which words of the directory a term means; a short word that exists goes on only when it is the last."""
    exact = frozenset(await search.words_among(tx, term.words, len(term.words)))
    if term.is_whole:
        return Wanted(exact or frozenset(term.words))
    typed = term.words[-1]
    most = BEGUN_SHORT_MAX if len(typed) <= SHORT else BEGUN_MAX
    may_go_on = len(typed) > 1 and (is_last or not exact or len(typed) > SHORT)
    begun = frozenset(await search.words_from(tx, typed, most)) - exact if may_go_on else frozenset()
    near: frozenset[str] = frozenset()
    if not exact and not begun:
        near = frozenset(await search.words_among(tx, neighbours(typed), NEAR_MAX))
    return Wanted(exact, begun, near)


async def _found(tx: Tx, terms: Sequence[Term], wanted: Sequence[Wanted], near: str) -> list[int]:
    """Return candidates: exact names, exact words near the asker and anywhere, then beginnings if those are few."""
    found = dict.fromkeys(await _exactly_named(tx, terms))
    exact = [word.exact for word in wanted]
    loose = [word.exact | word.begun | word.near for word in wanted]
    common = await _common(tx, terms, exact)
    here = search.any_word([f"dep{near[:3] if near[:2] in {'97', '98'} else near[:2]}".lower()], [Column.PLACE])
    says_where = await _says_where(tx, terms, wanted)
    for words in (exact, loose):
        if not all(words) or (words is loose and loose == exact):
            continue
        if near and not says_where:
            found |= dict.fromkeys(await _holding(tx, terms, words, common, LOOKED_AT // 2, here))
        found |= dict.fromkeys(await _holding(tx, terms, words, common, LOOKED_AT))
        if len(found) >= ENOUGH:
            break
    return list(found)


async def _common(tx: Tx, terms: Sequence[Term], words: Sequence[frozenset[str]]) -> int | None:
    """Return which of three words or more is in very many entries, wherever it may stand; None for none."""
    if len(terms) < SEVERAL:
        return None
    counts = [sum([await search.word_count(tx, one) for one in some]) for some in words]
    most = max(range(len(terms)), key=lambda place: counts[place])
    # A département is a word that stands nowhere else, wherever it is looked for.
    is_anywhere = not terms[most].columns or _DEPARTMENT_WORD.fullmatch(terms[most].words[-1]) is not None
    return most if counts[most] >= COMMON and is_anywhere else None


async def _holding(
    tx: Tx, terms: Sequence[Term], words: Sequence[frozenset[str]], common: int | None, limit: int, here: str = ""
) -> list[int]:
    """Return entries that hold one word of each set, and are here when that is asked.

    A common word is not asked of the index when the others leave few entries: they are looked at instead. With "vincent
    infirmier nimes" the index takes 1.2 ms instead of 7.5, in which it stepped through 660,000 entries of "infirmier".
    """
    if common is not None:
        start = _shared_start(words[common])
        others = [place for place in range(len(terms)) if place != common]
        rest = _expression([terms[place] for place in others], [words[place] for place in others], here)
        if len(start) >= PIECE_CHARS:
            few = await search.matching(tx, rest, FEW)
            if len(few) < FEW:
                return (await search.holding(tx, few, [start]))[:limit]
    return await search.matching(tx, _expression(terms, words, here), limit)


async def _says_where(tx: Tx, terms: Sequence[Term], wanted: Sequence[Wanted]) -> bool:
    """Tell whether one of the words is a place and nobody's name: then who is near the asker was not asked for."""
    for term, word in zip(terms, wanted, strict=True):
        if term.is_whole or Column.PLACE in term.columns or (word.exact and await search.is_place(tx, word.exact)):
            return True
    return False


async def _exactly_named(tx: Tx, terms: Sequence[Term]) -> list[int]:
    """Return the boxes of who is called exactly by two or three of the words, one of them or their order free."""
    words = [term.words[-1] for term in terms if not term.columns or Column.PERSON in term.columns][:4]
    keys = {" ".join(some) for size in (2, 3) for some in permutations(words, size)}
    people = await search.named(tx, keys, LOOKED_AT) if keys and len(words) == len(terms) else []
    return await search.boxes_of(tx, people, (), LOOKED_AT) if people else []


def _shared_start(words: frozenset[str]) -> str:
    """Return what all of some words begin with."""
    first, last = min(words), max(words)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:same]


def _expression(terms: Sequence[Term], words: Sequence[frozenset[str]], here: str) -> str:
    """Return the expression that wants one word of each set, and to be here when that is asked."""
    found = [search.any_word(sorted(some), term.columns) for term, some in zip(terms, words, strict=True)]
    return search.every([*found, here] if here else found)
