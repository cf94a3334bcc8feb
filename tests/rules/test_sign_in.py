"""Budgets of failed sign-ins, and that they lock nobody out.

Source: reliability.md E11.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.rules.sign_in import (
    FAILURES_IN_ALL,
    FAILURES_PER_ACCOUNT,
    FAILURES_PER_ADDRESS,
    AttemptFacts,
    is_throttled,
)

QUIET = AttemptFacts(is_right=False, is_known=False, address_failures=0, account_failures=0, all_failures=0)
COUNTS = st.integers(0, 2 * FAILURES_IN_ALL)


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("address_failures", FAILURES_PER_ADDRESS),
        ("account_failures", FAILURES_PER_ACCOUNT),
        ("all_failures", FAILURES_IN_ALL),
    ],
)
def test_a_wrong_credential_is_slowed_from_its_limit_on(field: str, limit: int) -> None:
    assert not is_throttled(replace(QUIET, **{field: limit - 1}))
    assert is_throttled(replace(QUIET, **{field: limit}))


@given(COUNTS, COUNTS, st.integers(0, FAILURES_PER_ADDRESS - 1), st.booleans())
def test_a_right_credential_from_a_quiet_source_always_gets_in(
    of_account: int, of_all: int, own: int, known: bool
) -> None:
    assert not is_throttled(AttemptFacts(True, known, own, of_account, of_all))


@given(COUNTS, COUNTS, COUNTS)
def test_a_right_credential_from_a_known_source_always_gets_in(own: int, of_account: int, of_all: int) -> None:
    assert not is_throttled(AttemptFacts(True, True, own, of_account, of_all))


@given(st.integers(FAILURES_PER_ADDRESS, 10**6), COUNTS, COUNTS)
def test_a_strange_source_that_guesses_learns_nothing_from_the_right_one(
    own: int, of_account: int, of_all: int
) -> None:
    assert is_throttled(AttemptFacts(True, False, own, of_account, of_all))
    assert is_throttled(AttemptFacts(False, False, own, of_account, of_all))
