"""What the use cases of the directory return."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of an answer.

    Attributes:
        after: give it back to get the next page; None at the end.
        was_cut: the search stopped at its bound: there may be more that no page will find. Narrow the condition.
    """

    items: tuple[T, ...]
    after: int | None = None
    was_cut: bool = False
