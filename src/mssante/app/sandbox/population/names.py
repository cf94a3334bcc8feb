"""Names that nobody chose: family names with their frequencies, given names of the decade of birth, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from mssante.app.sandbox.population.lists import drawer, lines_of, words_of, zipf
from mssante.model.folding import fold

# Frequent names, names made of a beginning and an end, double names, names with a particle (shares add up to one).
_FREQUENT: Final = 0.36
_MADE: Final = 0.91
_DOUBLE: Final = 0.965
_DOUBLE_RARE: Final = 0.94
_COMPOUND_GIVEN: Final = 0.05
_CAPITALS: Final = 0.25
_MIDDLES: Final = ("", "EL", "IN", "ON", "AR")
_PARTICLES: Final = ("DE ", "DE LA ", "DU ", "LE ", "D'", "VAN ", "DE ", "LE ")
_VOWELS: Final = frozenset("AEIOU")

Name = tuple[str, str]
"""As printed, and as it stands in an address."""


@dataclass(frozen=True, slots=True)
class Names:
    """What draws names."""

    family: Callable[[], Name]
    given: Callable[[bool], Name]


def slug(text: str, between: str = "") -> str:
    """Return a name as it stands in an address or a domain: ASCII letters and digits, words joined."""
    return fold(text).replace(" ", between)


def names(random: Random) -> Names:
    """Return what draws names."""
    return Names(_family(random), _given(random))


def _family(random: Random) -> Callable[[], Name]:
    frequent = drawer(random, *_frequent(), slots=65_536)
    parts: dict[str, list[str]] = {}
    for line in lines_of("made.txt"):
        label, _, words = line.partition(": ")
        parts.setdefault(label, []).extend(words.split(", "))
    made = [
        (head + middle + end, (head + middle + end).lower())
        for middle in _MIDDLES
        for head in parts["beginning"]
        for end in parts["end"]
    ]
    random.shuffle(made)
    chance, count = random.random, len(made)

    def family() -> Name:
        at = chance()
        if at < _FREQUENT:
            return frequent()
        rare = made[int(chance() ** 1.5 * count)]
        if at < _MADE:
            return rare
        if at < _DOUBLE:
            first, second = frequent(), rare if at < _DOUBLE_RARE else frequent()
            return f"{first[0]}-{second[0]}", f"{first[1]}-{second[1]}"
        particle = _PARTICLES[int(chance() * len(_PARTICLES))]
        if rare[0][0] in _VOWELS and particle.startswith("D"):
            particle = "D'"
        elif particle == "D'":
            particle = "DE "
        return particle + rare[0], slug(particle) + rare[1]

    return family


def _frequent() -> tuple[list[Name], list[float]]:
    """Return the frequent names, with and without their accents."""
    items: list[Name] = []
    weights: list[float] = []
    entries = words_of("family.txt")
    for entry, weight in zip(entries, zipf(len(entries), 0.75, 10), strict=True):
        plain, _, accented = entry.partition("=")
        items.append((plain, slug(plain)))
        weights.append(weight * (0.75 if accented else 1))
        if accented:
            items.append((accented, slug(plain)))
            weights.append(weight * 0.25)
    return items, weights


def _given(random: Random) -> Callable[[bool], Name]:
    decades = drawer(random, ("1955", "1965", "1975", "1985", "1995"), (13, 20, 22, 27, 18), slots=100)
    lists: dict[str, Callable[[], Name]] = {}
    for line in lines_of("given.txt"):
        label, _, words = line.partition(":")
        items = [name.strip() for name in words.split(",")]
        lists[label] = drawer(
            random, [(name, slug(name, "-")) for name in items], zipf(len(items), 0.9, 5), slots=4_096
        )
    women = {label[2:]: draw for label, draw in lists.items() if label[0] == "F"}
    men = {label[2:]: draw for label, draw in lists.items() if label[0] == "M"}
    chance = random.random

    def given(is_woman: bool) -> Name:  # noqa: FBT001 - one fact, drawn a million times
        at = chance()
        drawn = (women if is_woman else men)["double" if at < _COMPOUND_GIVEN else decades()]()
        return (drawn[0].upper(), drawn[1]) if at > 1 - _CAPITALS else drawn

    return given
