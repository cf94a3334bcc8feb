"""When a node is silent, when its clock is off, when somebody must look."""

from datetime import UTC, datetime, timedelta

import pytest

from mssante.model.node import Heard, Node, NodeState
from mssante.rules.nodes import CLOCK_OFF, LEASE, SILENT_AFTER, is_clock_off, is_trouble, may_lead, state_of

NOW = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
RIGHT, SLOW, OFF = timedelta(milliseconds=3), timedelta(seconds=-2), timedelta(seconds=40)


def heard(
    state: NodeState, silence: timedelta = timedelta(0), clock: timedelta | None = RIGHT, reason: str = ""
) -> Heard:
    return Heard(Node("r", "mss1", "mss1", "0.1.0", 11, ""), state, reason, clock, NOW, NOW - silence)


@pytest.mark.parametrize(
    ("one", "state", "trouble"),
    [
        (heard(NodeState.RUNNING), NodeState.RUNNING, False),
        (heard(NodeState.RUNNING, SILENT_AFTER), NodeState.RUNNING, False),
        (heard(NodeState.RUNNING, SILENT_AFTER * 1.01), NodeState.SILENT, True),
        (heard(NodeState.RUNNING, clock=SLOW), NodeState.RUNNING, True),
        (heard(NodeState.RUNNING, clock=None), NodeState.RUNNING, False),
        (heard(NodeState.STOPPED, timedelta(days=1)), NodeState.STOPPED, False),
        (heard(NodeState.STOPPED, clock=OFF), NodeState.STOPPED, False),
        (heard(NodeState.STOPPED, reason="le schéma"), NodeState.STOPPED, True),
        (heard(NodeState.REPLACED, timedelta(days=1)), NodeState.REPLACED, False),
    ],
)
def test_a_node_is_what_it_said_unless_it_is_silent(one: Heard, state: NodeState, trouble: bool) -> None:
    assert (state_of(one, NOW), is_trouble(one, NOW)) == (state, trouble)


@pytest.mark.parametrize(
    ("clock", "off", "leads"),
    [(None, False, False), (RIGHT, False, True), (SLOW, True, True), (OFF, True, False), (-OFF, True, False)],
)
def test_a_clock_is_judged_by_its_distance_in_both_directions(
    clock: timedelta | None,
    off: bool,
    leads: bool,
) -> None:
    assert (is_clock_off(clock), may_lead(clock)) == (off, leads)


def test_two_nodes_that_may_lead_differ_by_less_than_a_lease() -> None:
    assert CLOCK_OFF * 2 <= LEASE
