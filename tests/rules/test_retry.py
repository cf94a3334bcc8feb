"""When to try again, to warn, to give up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.settings import QueueSettings
from mssante.rules.retry import give_up_at, next_attempt, wants_warning

QUEUED = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = QueueSettings(first_retry_seconds=60, longest_retry_seconds=7200, give_up_seconds=86400, warn_seconds=3600)


@pytest.mark.parametrize(("tries", "wait"), [(1, 60), (2, 120), (3, 240), (7, 3840), (8, 7200), (500, 7200)])
def test_the_wait_doubles_up_to_the_longest(tries: int, wait: int) -> None:
    now = QUEUED + timedelta(minutes=5)
    assert next_attempt(tries, QUEUED, now, SETTINGS) == now + timedelta(seconds=wait)


def test_the_last_attempt_is_at_the_very_end_and_then_it_is_over() -> None:
    end = give_up_at(QUEUED, SETTINGS)
    assert next_attempt(20, QUEUED, end - timedelta(seconds=10), SETTINGS) == end
    assert next_attempt(21, QUEUED, end, SETTINGS) is None
    assert next_attempt(21, QUEUED, end + timedelta(days=9), SETTINGS) is None


def test_asking_before_any_attempt_is_a_bug() -> None:
    with pytest.raises(ValueError, match="tries"):
        next_attempt(0, QUEUED, QUEUED, SETTINGS)


@given(st.integers(1, 10**9), st.integers(0, 200_000))
def test_the_next_attempt_is_later_and_never_after_the_end(tries: int, age: int) -> None:
    now = QUEUED + timedelta(seconds=age)
    due = next_attempt(tries, QUEUED, now, SETTINGS)
    assert due is None or now < due <= give_up_at(QUEUED, SETTINGS)


def test_a_dead_peer_is_tried_a_bounded_number_of_times() -> None:
    now, tries = QUEUED, 1
    while (due := next_attempt(tries, QUEUED, now, SETTINGS)) is not None:
        now, tries = due, tries + 1
    assert now == give_up_at(QUEUED, SETTINGS)
    assert 15 < tries < 30


@pytest.mark.parametrize(
    ("warned", "age", "wanted"), [(False, 3599, False), (False, 3600, True), (True, 9999, False), (False, 80000, True)]
)
def test_the_sender_is_warned_once(warned: bool, age: int, wanted: bool) -> None:
    now = QUEUED + timedelta(seconds=age)
    assert wants_warning(warned=warned, queued_at=QUEUED, now=now, settings=SETTINGS) is wanted
