"""What each caller of the directory got today, so that a restart gives nobody a new budget.

One row for a caller and a thing that is counted; a row of another day is no debt any more. Not for how much a caller
may get (see `mssante.rules.directory_budget`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from mssante.model.address import Address
from mssante.store.tx import Tx

FORGOTTEN_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Counted:
    """How much more a caller got of a thing.

    Attributes:
        caller: a person, an operator, a mailbox or a key; see `mssante.flows.directory.budgets`.
        what: is counted: entries, completions.
    """

    caller: str
    what: str
    day: date
    amount: int


async def person_of(tx: Tx, address: Address) -> str:
    """Return the national number of who holds a personal mailbox of ours, "" when that is not known."""
    row = await tx.one("person_of_mailbox", address_key=address.key)
    return "" if row is None else str(row[0])


async def spent_on(tx: Tx, caller: str, what: str, day: date) -> int:
    """Return how much a caller got of a thing on a day."""
    row = await tx.one("spent_on", caller=caller, what=what, day=day.isoformat())
    return 0 if row is None else int(row[0])


async def add_spent(tx: Tx, counted: Sequence[Counted]) -> list[int]:
    """Add to what callers got; return what each has in all then, on the day that was counted."""
    totals: list[int] = []
    for one in counted:
        day = one.day.isoformat()
        row = await tx.one("add_spent", caller=one.caller, what=one.what, day=day, amount=one.amount)
        totals.append(one.amount if row is None else int(row[0]))
    return totals


async def forget_spent(tx: Tx, before: date, limit: int = FORGOTTEN_AT_ONCE) -> int:
    """Forget what was counted before a day, `limit` rows at most; return how many."""
    return await tx.run("forget_spent", before=before.isoformat(), limit=limit)
