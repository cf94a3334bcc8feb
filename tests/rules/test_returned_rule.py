"""When a notice that came by mail is believed, and what it tells of the address: a table."""

from dataclasses import replace

import pytest

from mssante.model.decision import Kind
from mssante.model.message import CopyState
from mssante.rules.returned import Returned, ReturnFacts, judge_return

GOOD = ReturnFacts(
    speaks_for_domain=True,
    names_envelope=True,
    is_for_sender=True,
    state=CopyState.RELAYED,
    is_notice=False,
    action="failed",
    status="5.1.1",
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (GOOD, Returned(Kind.MAILBOX_UNKNOWN, "mailbox-unknown")),
        (replace(GOOD, status="5.1.6"), Returned(Kind.MAILBOX_UNKNOWN, "mailbox-unknown")),
        (replace(GOOD, status="5.2.1"), Returned(Kind.MAILBOX_SUSPENDED, "mailbox-suspended")),
        (replace(GOOD, status="5.0.0"), Returned(Kind.PEER_REFUSED, "")),
        (replace(GOOD, status="5.0.0", reply="550 5.1.1 gone"), Returned(Kind.PEER_REFUSED, "mailbox-unknown")),
        (replace(GOOD, status="5.0.0", reply="450 4.2.2 full"), Returned(Kind.PEER_REFUSED, "")),
        (replace(GOOD, status="5.2.2"), Returned(Kind.PEER_REFUSED, "")),
        (replace(GOOD, status="5.3.4"), Returned(Kind.MESSAGE_TOO_BIG, "")),
        (replace(GOOD, status="5.7.1"), Returned(Kind.PEER_REFUSED, "")),
    ],
)
def test_a_believed_failure_says_why_and_whether_it_is_the_address(facts: ReturnFacts, expected: Returned) -> None:
    assert judge_return(facts) == expected


@pytest.mark.parametrize(
    "facts",
    [
        replace(GOOD, speaks_for_domain=False),
        replace(GOOD, names_envelope=False),
        replace(GOOD, is_for_sender=False),
        replace(GOOD, is_notice=True),
        *[replace(GOOD, state=state) for state in CopyState if state is not CopyState.RELAYED],
        replace(GOOD, state=None),
        *[replace(GOOD, action=action) for action in ("", "delayed", "delivered", "relayed", "expanded")],
        *[replace(GOOD, status=status) for status in ("", "4.1.1", "2.0.0")],
    ],
)
def test_anything_else_changes_nothing(facts: ReturnFacts) -> None:
    assert judge_return(facts) is None
