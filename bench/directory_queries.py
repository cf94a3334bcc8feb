"""Questions to a directory, drawn from entries that are there; the same for the same seed.

As LDAP filters, which both servers get letter for letter, and as what a person types into our own search.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Final

from bench.directory_entries import Drawn
from mssante.wire.ldap.filter_text import escape

PREFIX_CHARS: Final = 4
# slapd's index for the inside of words holds pieces of four letters: shorter words would be unfair to it.
WORD_MIN_CHARS: Final = 4
_TRIES: Final = 50
_LETTERS: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person types, and what kind of question it is."""

    kind: str
    text: str


def exact(one: Drawn, _random: Random) -> str:
    """Return the filter that looks an address up."""
    return f"(mail={_escaped(one.address)})"


def prefix(one: Drawn, _random: Random) -> str:
    """Return the filter for names that begin as this one, "" when it is too short."""
    start = one.family[:PREFIX_CHARS]
    return f"(sn={_escaped(start)}*)" if len(start) == PREFIX_CHARS and start.isalpha() else ""


def words(one: Drawn, random: Random) -> str:
    """Return the filter that address books compose of three words, each anywhere in name, work or town."""
    parts = [
        f"(|{''.join(f'({name}=*{_escaped(word)}*)' for name in ('cn', 'title', 'l'))})"
        for word in three_words(one, random).split()
    ]
    return f"(&{''.join(parts)})" if parts else ""


def three_words(one: Drawn, random: Random) -> str:
    """Return a given name or a speciality, a name and a town; "" when one of them is too short."""
    other = random.choice((one.given, one.work))
    found = [longest_word(text).lower() for text in (other, one.family, one.town)]
    return " ".join(found) if min(len(word) for word in found) >= WORD_MIN_CHARS else ""


FILTERS: Final[Mapping[str, Callable[[Drawn, Random], str]]] = MappingProxyType(
    {"exact": exact, "prefix": prefix, "words": words}
)


def filters(kind: str, drawn: Sequence[Drawn], count: int, seed: str) -> list[str]:
    """Return filters of one kind of `FILTERS`.

    Raises:
        ValueError: hardly any of the entries can be asked for in that way.
    """
    random = Random(f"{kind} {seed}")
    return [_one(FILTERS[kind], drawn, random) for _ in range(count)]


def words_typed(drawn: Sequence[Drawn], count: int, seed: str) -> list[str]:
    """Return the words of which the filters "words" of the same seed are made, in their order."""
    random = Random(f"words {seed}")
    return [_one(three_words, drawn, random) for _ in range(count)]


def _name(one: Drawn, _random: Random) -> str:
    return f"{one.given} {one.family}".lower()


def _name_town(one: Drawn, _random: Random) -> str:
    return f"{one.family} {one.town}".lower()


def _name_department(one: Drawn, _random: Random) -> str:
    return f"{one.given} {one.family} {one.department}".lower()


def _work_town(one: Drawn, _random: Random) -> str:
    word = longest_word(one.work)
    return f"{word} {one.town}".lower() if word else ""


def _name_work_town(one: Drawn, _random: Random) -> str:
    word = longest_word(one.work)
    return f"{one.family} {word} {one.town}".lower() if word else ""


def _beginning(one: Drawn, random: Random) -> str:
    start = one.family[: random.choice((3, 4))].lower()
    return start if start.isalpha() else ""


def _slip(one: Drawn, random: Random) -> str:
    """Return the name with two letters in the wrong order, and the town."""
    name = one.family.lower()
    if len(name) < WORD_MIN_CHARS + 1 or not name.isalpha():
        return ""
    at = random.randrange(1, len(name) - 2)
    slipped = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    return f"{slipped} {one.town}".lower() if slipped != name else ""


TYPED: Final[Mapping[str, Callable[[Drawn, Random], str]]] = MappingProxyType(
    {
        "given name, name": _name,
        "name, town": _name_town,
        "given name, name, département": _name_department,
        "speciality, town": _work_town,
        "name, speciality, town": _name_work_town,
        "first 3 or 4 letters of a name": _beginning,
        "name with a slip, town": _slip,
    }
)


def typed(drawn: Sequence[Drawn], count: int, seed: str) -> list[Typed]:
    """Return that many questions of each kind of `TYPED`, mixed.

    Raises:
        ValueError: hardly any of the entries can be asked for in one of the ways.
    """
    random = Random(f"typed {seed}")
    found = [Typed(kind, _one(make, drawn, random)) for kind, make in TYPED.items() for _ in range(count)]
    random.shuffle(found)
    return found


def longest_word(text: str) -> str:
    """Return the longest run of letters, the first of several; "" for none."""
    return max(_LETTERS.findall(text), key=len, default="")


def _one(make: Callable[[Drawn, Random], str], drawn: Sequence[Drawn], random: Random) -> str:
    for _ in range(_TRIES):
        found = make(random.choice(drawn), random)
        if found:
            return found
    msg = f"none of {_TRIES} entries can be asked for by {make.__name__}"
    raise ValueError(msg)


def _escaped(text: str) -> str:
    return escape(text.encode())
