"""How much of the directory one caller may get in a day.

Source: reliability.md D09, S15 (a scripted caller gets less than 1 % of the directory in a day). The number is ours.
"""

from dataclasses import dataclass
from datetime import date

from mssante.model.decision import Kind, Refusal


@dataclass(frozen=True, slots=True)
class Spent:
    """What a caller got on one day."""

    day: date
    entries: int = 0


def judge_budget(spent: Spent, today: date, most: int) -> Refusal | int:
    """Return how many entries the caller may still get today, or why none.

    Args:
        most: entries a day; 0 bounds nothing.
    """
    if most == 0:
        return 1_000_000
    left = most - (spent.entries if spent.day == today else 0)
    if left > 0:
        return left
    return Refusal(
        Kind.BUDGET_SPENT,
        "directory-budget",
        "Too many entries of the directory for today, try again tomorrow",
        f"{spent.entries} entries",
        "Vous avez consulté trop de fiches de l'annuaire aujourd'hui : réessayez demain, ou demandez à votre "
        "administrateur de relever cette limite.",
    )


def add(spent: Spent, today: date, entries: int) -> Spent:
    """Return what was spent with some more."""
    return Spent(today, entries + (spent.entries if spent.day == today else 0))
