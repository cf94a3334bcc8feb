"""What a copy has done so far, and who hears of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

Told = Callable[[str, int, int], None]
"""Hears of the progress: what is being done, how many of it, of how many."""


@dataclass(slots=True)
class Tally:
    """What passes did.

    Attributes:
        read: rows of the source that were looked at.
        written, removed: rows at the target.
        bodies, body_bytes: large bodies that were copied and read back.
        damaged: bodies that are not what was received, at the source.
        audit: what is wrong with the audit chain, at the source already; "" when it is whole.
    """

    read: int = 0
    written: int = 0
    removed: int = 0
    bodies: int = 0
    body_bytes: int = 0
    damaged: set[str] = field(default_factory=set)
    audit: str = ""
