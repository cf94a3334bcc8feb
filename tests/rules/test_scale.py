"""What a load needs: more of anything never needs less, and each bound is named.

Source: issue of the distributed engine (simulation of national load).
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.scale import Figures, House, Load
from mssante.rules.scale import need

LOADS = st.builds(
    Load,
    mailboxes=st.integers(1, 10**7),
    messages=st.integers(1, 10**9),
    message_bytes=st.integers(1, 10**8),
    connected=st.floats(0.01, 1),
    kept_months=st.integers(1, 240),
)


def test_a_hospital_fits_one_machine() -> None:
    found = need(Load(mailboxes=600, messages=35_000), Figures(), House())
    assert (found.fits_one, found.nodes, found.clusters) == (True, 1, 0)


def test_the_nation_needs_several_nodes_and_clusters() -> None:
    found = need(Load(), Figures(), House())
    # 70 million in 22 days, 14 % of a day in an hour, 2.5 times the mean in its busiest minute.
    assert found.peak_messages == pytest.approx(70e6 / 22 * 0.14 / 3600 * 2.5)
    assert found.peak_connections == 600_000
    assert (found.fits_one, found.nodes_for, found.clusters_for) == (False, "messages", "room")
    assert found.nodes > 2
    assert found.body_bytes == round(70e6 * 1.1 * 150 * 1024 * 24)


def test_each_bound_is_named() -> None:
    quiet = Load(mailboxes=600, messages=35_000)
    assert need(replace(quiet, mailboxes=10**7, connected=1.0), Figures(), House()).nodes_for == "connections"
    assert need(replace(quiet, message_bytes=10**8), Figures(), House()).nodes_for == "fault"
    busy = Load(message_bytes=1000, kept_months=1)
    assert need(busy, Figures(cluster_rate=100), House()).clusters_for == "messages"


@given(load=LOADS, factor=st.integers(2, 9))
def test_more_never_needs_less(load: Load, factor: int) -> None:
    before = need(load, Figures(), House())
    for more in (
        replace(load, messages=load.messages * factor),
        replace(load, message_bytes=load.message_bytes * factor),
        replace(load, mailboxes=load.mailboxes * factor),
        replace(load, kept_months=load.kept_months * factor),
    ):
        after = need(more, Figures(), House())
        assert after.nodes >= before.nodes
        assert after.clusters >= before.clusters
        assert after.fits_one <= before.fits_one


@given(load=LOADS)
def test_a_shared_service_bears_the_loss_of_a_node(load: Load) -> None:
    found = need(load, Figures(), House())
    assert found.fits_one or found.nodes >= 2
