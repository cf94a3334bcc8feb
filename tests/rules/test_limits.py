"""Bounds: the last value allowed and the first refused."""

import pytest

from mssante.model.decision import Decision, Kind, Refusal
from mssante.model.settings import LimitSettings, StoreSettings, SubmissionSettings
from mssante.rules.limits import (
    ConnectionFacts,
    PaceFacts,
    judge_connection,
    judge_pace,
    judge_recipient_count,
    judge_room,
    judge_sign_in_tries,
    judge_size,
    judge_unknown_recipients,
)

LIMITS = LimitSettings(
    message_bytes=1000,
    recipients=10,
    connections=100,
    connections_per_address=5,
    unknown_recipients=3,
    data_seconds=100,
    data_bytes_per_second=50,
)
STORE = StoreSettings(free_bytes=1000)


@pytest.mark.parametrize(
    ("decision", "kind", "rule"),
    [
        (judge_connection(ConnectionFacts(100, 5), LIMITS), None, "connections"),
        (judge_connection(ConnectionFacts(101, 5), LIMITS), Kind.TOO_MANY_CONNECTIONS, "connections"),
        (judge_connection(ConnectionFacts(100, 6), LIMITS), Kind.TOO_MANY_CONNECTIONS, "connections-per-address"),
        (judge_unknown_recipients(3, LIMITS), None, "unknown-recipients"),
        (judge_unknown_recipients(4, LIMITS), Kind.TOO_MANY_UNKNOWN_RECIPIENTS, "unknown-recipients"),
        (judge_recipient_count(10, LIMITS), None, "recipients"),
        (judge_recipient_count(11, LIMITS), Kind.TOO_MANY_RECIPIENTS, "recipients"),
        (judge_size(1000, LIMITS), None, "message-bytes"),
        (judge_size(1001, LIMITS), Kind.MESSAGE_TOO_BIG, "message-bytes"),
        (judge_pace(PaceFacts(10, 0), LIMITS), None, "pace"),
        (judge_pace(PaceFacts(20, 499), LIMITS), Kind.TOO_SLOW, "data-rate"),
        (judge_pace(PaceFacts(20, 500), LIMITS), None, "pace"),
        (judge_pace(PaceFacts(101, 10**9), LIMITS), Kind.TOO_SLOW, "data-seconds"),
        (judge_sign_in_tries(2, SubmissionSettings()), None, "sign-in-tries"),
        (judge_sign_in_tries(3, SubmissionSettings()), Kind.SIGN_IN_THROTTLED, "sign-in-tries"),
        (judge_room(1500, 500, STORE), None, "free-bytes"),
        (judge_room(1500, 501, STORE), Kind.STORE_FULL, "free-bytes"),
    ],
)
def test_the_bound_itself_is_allowed_and_one_more_is_not(decision: Decision, kind: Kind | None, rule: str) -> None:
    assert decision.rule == rule
    if kind is None:
        assert not isinstance(decision, Refusal)
        return
    assert isinstance(decision, Refusal)
    assert decision.kind is kind
    assert decision.public.isascii()
    assert "\n" not in decision.public
