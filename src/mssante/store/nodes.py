"""The nodes that serve one operator on this store: each writes a sign of life, each may read those of all.

Times are those of the database, because the clocks of nodes may differ. What a silence means is
`mssante.rules.nodes`.

Source: reliability.md H25.
"""

from datetime import datetime, timedelta
from typing import Final

from mssante.model.node import Heard, Node, NodeState
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Tx

LISTED_MAX: Final = 1000
_MICROSECOND: Final = timedelta(microseconds=1)


async def database_now(tx: Tx) -> datetime:
    """Return the time by the database's clock, at this very moment."""
    row = await tx.one("database_now")
    return from_micros(row[0] if row else 0)


async def beat(tx: Tx, node: Node, clock: timedelta | None) -> bool:
    """Write that a node is there; return whether another start of the same name has taken its place meanwhile.

    The first beat of a start takes the place of earlier ones of that name: they are no more.

    Args:
        clock: the node's minus the database's; None when that is not known.
    """
    now = to_micros(await database_now(tx))
    before = await tx.one("node_state", run=node.run)
    if before is None:
        await tx.run("replace_nodes", name=node.name, run=node.run)
    await tx.run(
        "beat_node",
        run=node.run,
        name=node.name,
        host=node.host,
        version=node.version,
        schema_version=node.schema_version,
        doors=node.doors,
        clock=None if clock is None else clock // _MICROSECOND,
        now=now,
    )
    return before is not None and before[0] == NodeState.REPLACED.value


async def stop(tx: Tx, run: str, reason: str = "") -> None:
    """Write that a node stops in order; nothing when it was never there.

    Args:
        reason: why it stops by itself, in French.
    """
    await tx.run("stop_node", run=run, reason=reason, now=to_micros(await database_now(tx)))


async def list_nodes(tx: Tx) -> list[Heard]:
    """Return every start that is not forgotten, by name, the newest first."""
    return [
        Heard(
            Node(run, name, host, version, schema_version, doors),
            NodeState(state),
            reason,
            None if clock is None else timedelta(microseconds=clock),
            from_micros(started_at),
            from_micros(beat_at),
        )
        for run, name, host, version, schema_version, doors, state, reason, clock, started_at, beat_at in await tx.all(
            "list_nodes", limit=LISTED_MAX
        )
    ]


async def forget_node(tx: Tx, name: str) -> int:
    """Forget every start of a name; return how many there were. One that lives is there again at its next beat."""
    return await tx.run("forget_node", name=name)


async def forget_silent(tx: Tx, age: timedelta) -> int:
    """Forget starts that said nothing for so long, whatever they did; return how many."""
    return await tx.run("forget_silent_nodes", before=to_micros(await database_now(tx) - age))


async def schema_needed(tx: Tx, known: int) -> int:
    """Return up to which step a program must know the schema to work on it; `known` or less when ours will do.

    Args:
        known: the last step that the program knows.
    """
    row = await tx.one("schema_needed", known=known)
    return int(row[0]) if row else 0
