"""Which of several nodes does a work that only one may do; see `mssante.app.background`.

Source: reliability.md H25; issue of the distributed engine (scheduled work done once).
"""

from datetime import datetime, timedelta

from mssante.store.times import to_micros
from mssante.store.tx import Tx


async def take(tx: Tx, task: str, node: str, now: datetime, length: timedelta) -> bool:
    """Take a work or keep it; False when another node has it.

    Args:
        node: a name that no other process has.
        now: UTC; clocks of two nodes must differ by less than the length.
    """
    taken = await tx.run("take_lease", task=task, node=node, until=to_micros(now + length), now=to_micros(now))
    return taken > 0


async def give(tx: Tx, task: str, node: str) -> None:
    """Give a work back, so that another node need not wait; nothing when it is not ours any more."""
    await tx.run("give_lease", task=task, node=node)
