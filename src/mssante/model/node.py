"""A node: one of several programs that serve one operator on a shared store, as it says of itself."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta


class NodeState(enum.Enum):
    """What a node does; the same names stand in the store, the command line and the documentation."""

    RUNNING = "running"
    SILENT = "silent"
    STOPPED = "stopped"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Node:
    """One start of a node.

    Attributes:
        run: like no other start's.
        name: the same at each start of this node.
        host: name of its machine.
        version: of the program.
        schema_version: the last step of the schema that it knows.
        doors: names and ports, for people.
    """

    run: str
    name: str
    host: str
    version: str
    schema_version: int
    doors: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a node said of itself, and when.

    Attributes:
        state: as said; never SILENT.
        reason: why it stopped, "" when somebody stopped it in order.
        clock: its clock minus the database's; None when that is not known.
        started_at: by the database's clock.
        beat_at: when it said so last, by the database's clock.
    """

    node: Node
    state: NodeState
    reason: str
    clock: timedelta | None
    started_at: datetime
    beat_at: datetime
