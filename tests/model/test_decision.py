"""Reasons and decisions: stable names, one class each."""

import pytest

from mssante.model.decision import TEMPORARY, Kind, Permit, Refusal


def test_names_are_stable_and_fit_logs_and_documents() -> None:
    for kind in Kind:
        assert kind.value == kind.name.lower().replace("_", "-")


@pytest.mark.parametrize("kind", list(Kind))
def test_a_refusal_says_by_its_kind_whether_it_is_temporary(kind: Kind) -> None:
    assert Refusal(kind, "rule", "text").is_temporary is (kind in TEMPORARY)


@pytest.mark.parametrize(
    "kind",
    [Kind.MAILBOX_FULL, Kind.STORE_FULL, Kind.LIST_UNAVAILABLE, Kind.REVOCATION_UNKNOWN, Kind.PEER_DEFERRED],
)
def test_what_may_pass_by_itself_is_temporary(kind: Kind) -> None:
    assert kind in TEMPORARY


@pytest.mark.parametrize(
    "kind", [Kind.RELAY, Kind.MAILBOX_UNKNOWN, Kind.CERTIFICATE_REVOKED, Kind.DN_NOT_LISTED, Kind.EXPIRED, Kind.LOOP]
)
def test_what_will_not_pass_is_permanent(kind: Kind) -> None:
    assert kind not in TEMPORARY


def test_decisions_are_values() -> None:
    assert Permit("R5", "list 1") == Permit("R5", "list 1")
    assert Refusal(Kind.RELAY, "R7", "no") != Refusal(Kind.RELAY, "R7", "No")
