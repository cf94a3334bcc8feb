"""Bounds: the last value allowed and the first refused."""

import pytest

from mssante.model.decision import Kind, Permit, Refusal
from mssante.model.settings import StoreSettings
from mssante.rules.limits import judge_room

STORE = StoreSettings(free_bytes=1000)


@pytest.mark.parametrize(("free", "size"), [(1500, 500), (1000, 0)])
def test_takes_a_message_that_leaves_the_room_kept_back(free: int, size: int) -> None:
    assert judge_room(free, size, STORE) == Permit("free-bytes")


@pytest.mark.parametrize(("free", "size"), [(1500, 501), (999, 0)])
def test_refuses_for_now_a_message_that_would_use_the_room_kept_back(free: int, size: int) -> None:
    decision = judge_room(free, size, STORE)
    assert isinstance(decision, Refusal)
    assert decision.kind is Kind.STORE_FULL
    assert decision.is_temporary
