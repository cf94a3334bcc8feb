"""Content of messages: facts and decisions."""

import pytest

from mssante.model.address import Address
from mssante.model.decision import Kind, Permit, Refusal
from mssante.model.message import Summary
from mssante.rules.content import ContentFacts, SubmittedContentFacts, judge_content, judge_submitted_content

A = Address("a", "chu.mssante.fr")
B = Address("b", "chu.mssante.fr")
C = Address("c", "medecin.mssante.fr")
OURS = frozenset({"chu.mssante.fr"})


def _summary(*senders: Address, count: int = 1, received: int = 0, broken: int = 0) -> Summary:
    return Summary(from_addresses=senders, from_count=count, received_count=received, broken_lines=broken)


@pytest.mark.parametrize(
    ("summary", "domains", "setting", "kind", "rule"),
    [
        (_summary(A), OURS, "refuse", None, "content"),
        (_summary(A, B), OURS, "refuse", None, "content"),
        (_summary(A), None, "refuse", None, "content"),
        (_summary(C), None, "refuse", None, "content"),
        (_summary(C), OURS, "refuse", Kind.HEADER_FROM, "R8"),
        (_summary(A, C), OURS, "refuse", Kind.HEADER_FROM, "R8"),
        (_summary(), OURS, "refuse", Kind.HEADER_FROM, "R8"),
        (_summary(count=0), OURS, "refuse", Kind.HEADER_FROM, "R8"),
        (_summary(C), OURS, "log", None, "content"),
        (_summary(A, received=50), OURS, "log", None, "content"),
        (_summary(A, received=51), OURS, "log", Kind.LOOP, "hops"),
        (_summary(A, A, count=2), OURS, "log", Kind.MESSAGE_MALFORMED, "from"),
        (_summary(A, broken=1), OURS, "log", Kind.MESSAGE_MALFORMED, "header-lines"),
    ],
)
def test_decides_on_what_peers_send(
    summary: Summary, domains: frozenset[str] | None, setting: str, kind: Kind | None, rule: str
) -> None:
    decision = judge_content(ContentFacts(summary, 50, domains, setting))
    assert decision.rule == rule
    assert (decision.kind if isinstance(decision, Refusal) else None) is kind


def test_a_foreign_from_is_kept_in_the_decision_when_it_is_only_logged() -> None:
    decision = judge_content(ContentFacts(_summary(C), 50, OURS))
    assert isinstance(decision, Permit)
    assert "medecin.mssante.fr" in decision.detail
    assert "c@" not in decision.detail


@pytest.mark.parametrize(
    ("summary", "sender", "kind", "rule"),
    [
        (_summary(A), A, None, "content"),
        (_summary(B), A, None, "content"),
        (_summary(A, B), A, None, "content"),
        (_summary(Address("A", "chu.mssante.fr")), A, None, "content"),
        (_summary(A), None, None, "content"),
        (_summary(count=0), A, None, "content"),
        (_summary(count=0), None, Kind.MESSAGE_MALFORMED, "from"),
        (_summary(), A, Kind.MESSAGE_MALFORMED, "from"),
        (_summary(C), A, Kind.HEADER_FROM, "R8"),
        (_summary(A, C), A, Kind.HEADER_FROM, "R8"),
        (_summary(A, B, count=2), A, Kind.MESSAGE_MALFORMED, "from"),
        (_summary(A, received=51), A, Kind.LOOP, "hops"),
        (_summary(A, broken=3), A, Kind.MESSAGE_MALFORMED, "header-lines"),
    ],
)
def test_decides_on_what_our_users_submit(
    summary: Summary, sender: Address | None, kind: Kind | None, rule: str
) -> None:
    decision = judge_submitted_content(SubmittedContentFacts(summary, 50, sender, frozenset({A.key, B.key})))
    assert decision.rule == rule
    assert (decision.kind if isinstance(decision, Refusal) else None) is kind
    if isinstance(decision, Refusal):
        assert decision.public.isascii()
        assert decision.french


@pytest.mark.parametrize(
    ("size", "is_to_citizen", "is_refused"),
    [(25_000_000, True, False), (25_000_001, True, True), (90_000_000, False, False)],
)
def test_what_mon_espace_sante_would_send_back_is_refused_before(
    size: int, is_to_citizen: bool, is_refused: bool
) -> None:
    facts = SubmittedContentFacts(_summary(A), 50, A, frozenset({A.key}), size, is_to_citizen)
    decision = judge_submitted_content(facts)
    if not is_refused:
        assert isinstance(decision, Permit)
        return
    assert isinstance(decision, Refusal)
    assert (decision.kind, decision.rule) == (Kind.MESSAGE_TOO_BIG, "citizen-size")
    assert "plus de 25 Mo" in decision.french
