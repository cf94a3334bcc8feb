"""When a node of several is silent, how far its clock may be off, and with which schema it may go on.

Source: reliability.md H24, H25; the lengths are ours.
"""

from datetime import datetime, timedelta
from typing import Final

from mssante.model.node import Heard, NodeState

BEAT: Final = timedelta(seconds=5)
"""Between two signs of life."""
SILENT_BEATS: Final = 6
"""A node that has missed so many is silent."""
SILENT_AFTER: Final = BEAT * SILENT_BEATS
LEASE: Final = timedelta(seconds=30)
"""How long a node has a work that only one may do, unless it says so again."""
CLOCK_WARNED: Final = timedelta(seconds=1)
CLOCK_OFF: Final = LEASE / 2
"""Two clocks that are both less than this away from the database's differ by less than a lease."""


def state_of(heard: Heard, now: datetime) -> NodeState:
    """Return what a node does, from what it said last.

    Args:
        now: by the database's clock.
    """
    if heard.state is NodeState.RUNNING and now - heard.beat_at > SILENT_AFTER:
        return NodeState.SILENT
    return heard.state


def is_clock_off(clock: timedelta | None) -> bool:
    """Tell whether the difference to the database's clock is worth a warning; an unknown one is not."""
    return clock is not None and abs(clock) > CLOCK_WARNED


def may_lead(clock: timedelta | None) -> bool:
    """Tell whether a node may take works that only one node may do: its clock is known and near the database's.

    Leases end by the clock of whoever looks: too far ahead it would take what another node still does.
    """
    return clock is not None and abs(clock) < CLOCK_OFF


def is_trouble(heard: Heard, now: datetime) -> bool:
    """Tell whether somebody must look at a node: it is silent, gave up by itself, or its clock is off."""
    state = state_of(heard, now)
    if state is NodeState.RUNNING:
        return is_clock_off(heard.clock)
    return state is NodeState.SILENT or (state is NodeState.STOPPED and heard.reason != "")
