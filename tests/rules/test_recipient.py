"""Recipients of ours: facts and decisions."""

from datetime import UTC, datetime

import pytest

from mssante.model.address import Address
from mssante.model.decision import Kind, Permit, Refusal
from mssante.model.mailbox import Mailbox, MailboxId, MailboxState, MailboxType
from mssante.rules.recipient import RecipientFacts, judge_recipient

ADDRESS = Address("jean", "chu-valdore.mssante.fr")


def _mailbox(state: MailboxState = MailboxState.ACTIVE, used: int = 0) -> Mailbox:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Mailbox(MailboxId(1), ADDRESS, MailboxType.PER, state, "Jean", "", 1000, used, now)


@pytest.mark.parametrize(
    ("ours", "mailbox", "size", "kind", "rule"),
    [
        (False, None, 0, Kind.RELAY, "R7"),
        (False, _mailbox(), 0, Kind.RELAY, "R7"),
        (True, None, 0, Kind.MAILBOX_UNKNOWN, "mailbox-exists"),
        (True, _mailbox(MailboxState.CLOSED), 0, Kind.MAILBOX_UNKNOWN, "mailbox-exists"),
        (True, _mailbox(MailboxState.SUSPENDED), 0, Kind.MAILBOX_SUSPENDED, "mailbox-open"),
        (True, _mailbox(used=1000), 1, Kind.MAILBOX_FULL, "quota"),
        (True, _mailbox(used=400), 601, Kind.MAILBOX_FULL, "quota"),
        (True, _mailbox(used=1001), 0, Kind.MAILBOX_FULL, "quota"),
        (True, _mailbox(used=400), 600, None, "mailbox"),
        (True, _mailbox(), 0, None, "mailbox"),
    ],
)
def test_decides_by_domain_then_mailbox_then_state_then_room(
    ours: bool, mailbox: Mailbox | None, size: int, kind: Kind | None, rule: str
) -> None:
    decision = judge_recipient(RecipientFacts(ADDRESS, is_our_domain=ours, mailbox=mailbox, size_bytes=size))
    assert decision.rule == rule
    if kind is None:
        assert isinstance(decision, Permit)
        return
    assert isinstance(decision, Refusal)
    assert decision.kind is kind
    assert decision.public.isascii()
    assert decision.french
    assert ADDRESS.local not in decision.public + decision.detail


def test_only_a_full_mailbox_is_temporary() -> None:
    full = judge_recipient(RecipientFacts(ADDRESS, is_our_domain=True, mailbox=_mailbox(used=1001)))
    unknown = judge_recipient(RecipientFacts(ADDRESS, is_our_domain=True))
    assert isinstance(full, Refusal)
    assert isinstance(unknown, Refusal)
    assert full.is_temporary
    assert not unknown.is_temporary
