"""The lists beside this file, and how one of their entries is drawn in a tenth of a microsecond."""

from collections.abc import Callable, Sequence
from importlib.resources import files
from itertools import accumulate
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

TABLE_SLOTS: Final = 16_384


def lines_of(name: str) -> list[str]:
    """Return the lines of one of the lists, without its comments."""
    text = (files("mssante.app.sandbox.population") / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def words_of(name: str) -> list[str]:
    """Return the words of a list that has several on a line, between commas; each once."""
    words = (word.strip() for line in lines_of(name) for word in line.split(","))
    return list(dict.fromkeys(word for word in words if word))


def zipf(count: int, exponent: float = 0.8, shift: float = 6) -> list[float]:
    """Return weights that fall with the rank, as those of names do."""
    return [1 / (rank + shift) ** exponent for rank in range(count)]


def table_of(items: Sequence[T], weights: Sequence[float], slots: int = TABLE_SLOTS) -> list[T]:
    """Return a table in which each item stands as often as its weight says; one too rare for a slot does not stand."""
    sums = list(accumulate(weights))
    step = sums[-1] / slots
    table: list[T] = []
    at = 0
    for slot in range(slots):
        while sums[at] < (slot + 0.5) * step:
            at += 1
        table.append(items[at])
    return table


def drawer(random: Random, items: Sequence[T], weights: Sequence[float], slots: int = TABLE_SLOTS) -> Callable[[], T]:
    """Return what draws one of the items by its weight."""
    table = table_of(items, weights, slots)
    chance = random.random
    return lambda: table[int(chance() * slots)]
