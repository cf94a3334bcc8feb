"""Sets of message numbers as protocols write them (``1:4,7,9:*``): ranges, merged and sorted, never expanded by hand.

Source: RFC 9051 section 9 (sequence-set).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STAR = 0
"""Stands for the largest number in use."""


@dataclass(frozen=True, slots=True)
class NumberSet:
    """Ranges as typed; `STAR` where ``*`` stood.

    Attributes:
        ranges: (first, last) pairs, in the order typed; either end may be the larger one, or `STAR`.
    """

    ranges: tuple[tuple[int, int], ...]

    def resolve(self, largest: int) -> tuple[tuple[int, int], ...]:
        """Return the ranges with ``*`` replaced, each low to high, sorted and merged.

        Args:
            largest: the largest number in use; 0 when there is none.
        """
        found = sorted(
            (min(a, b), max(a, b)) for a, b in ((a or largest, b or largest) for a, b in self.ranges) if a and b
        )
        merged: list[tuple[int, int]] = []
        for low, high in found:
            if merged and low <= merged[-1][1] + 1:
                if high > merged[-1][1]:
                    merged[-1] = (merged[-1][0], high)
            else:
                merged.append((low, high))
        return tuple(merged)

    def pick(self, numbers: Sequence[int]) -> list[tuple[int, int]]:
        """Return the (start, stop) slices of an ascending sequence that fall into the set.

        Args:
            numbers: ascending, UIDs or message numbers; ``*`` is its last.
        """
        slices: list[tuple[int, int]] = []
        for low, high in self.resolve(numbers[-1] if numbers else 0):
            start, stop = bisect_left(numbers, low), bisect_right(numbers, high)
            if start < stop:
                slices.append((start, stop))
        return slices


def compact(numbers: Iterable[int]) -> str:
    """Return ascending numbers as a set text: ``1:3,7``; "" for none."""
    parts: list[str] = []
    first = last = -1
    for number in numbers:
        if first >= 0 and number == last + 1:
            last = number
            continue
        if first >= 0:
            parts.append(f"{first}:{last}" if last > first else str(first))
        first = last = number
    if first >= 0:
        parts.append(f"{first}:{last}" if last > first else str(first))
    return ",".join(parts)
