"""When a receipt is believed, and what it tells: tables."""

from dataclasses import replace

import pytest

from mssante.model.message import CopyState
from mssante.model.receipt import ReceiptKind
from mssante.rules.receipt import NoticeFacts, ReaderFacts, believes_reader, judge_notice

NOTICE = NoticeFacts(
    speaks_for_domain=True,
    names_envelope=True,
    is_for_sender=True,
    is_notice=False,
    action="delivered",
    status="2.0.0",
)
READER = ReaderFacts(
    is_author=True,
    speaks_for_domain=True,
    is_for_sender=True,
    state=CopyState.RELAYED,
    is_notice=False,
    names_others=False,
)


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("delivered", "2.0.0", ReceiptKind.DSN_DELIVERED),
        ("relayed", "2.1.5", ReceiptKind.DSN_RELAYED),
        ("expanded", "2.0.0", ReceiptKind.DSN_RELAYED),
        ("delayed", "4.4.1", ReceiptKind.DSN_DELAYED),
        ("failed", "5.1.1", ReceiptKind.DSN_FAILED),
        ("failed", "4.4.7", None),
        ("delivered", "", None),
        ("exploded", "2.0.0", None),
    ],
)
def test_a_believed_notice_tells_what_its_action_says(action: str, status: str, expected: ReceiptKind | None) -> None:
    assert judge_notice(replace(NOTICE, action=action, status=status)) is expected


@pytest.mark.parametrize(
    "change",
    [
        {"speaks_for_domain": False},
        {"names_envelope": False},
        {"is_for_sender": False},
        {"is_notice": True},
    ],
)
def test_a_notice_without_all_its_proofs_tells_nothing(change: dict[str, bool]) -> None:
    assert judge_notice(replace(NOTICE, **change)) is None


@pytest.mark.parametrize("state", list(CopyState))
def test_only_who_may_have_seen_a_copy_is_believed(state: CopyState) -> None:
    seen = {CopyState.RELAYED, CopyState.DELIVERED, CopyState.SENDING}
    assert believes_reader(replace(READER, state=state)) == (state in seen)


@pytest.mark.parametrize(
    "change",
    [
        {"is_author": False},
        {"speaks_for_domain": False},
        {"is_for_sender": False},
        {"state": None},
        {"is_notice": True},
        {"names_others": True},
    ],
)
def test_a_reader_without_all_the_proofs_is_not_believed(change: dict[str, object]) -> None:
    assert believes_reader(READER)
    assert not believes_reader(replace(READER, **change))  # type: ignore[arg-type]
