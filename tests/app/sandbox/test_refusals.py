"""The judge of the bad peers does not take a refusal for another reason as a success."""

from datetime import UTC, datetime

import pytest

from mssante.app.sandbox.peers import BAD_PEERS, BadPeer
from mssante.app.sandbox.refusals import HANDSHAKE, _problem, expected_reply
from mssante.model.audit import AuditEvent, AuditRow
from mssante.model.decision import Kind

BY_KEY = {peer.key: peer for peer in BAD_PEERS}


def row(peer: BadPeer, rule: str = "") -> AuditRow:
    event = AuditEvent("peer.refused", "CN=x", "<>", peer.kind.value, rule or peer.rule)
    return AuditRow(1, datetime.now(UTC), event, b"", b"")


def test_the_ten_bad_peers_of_the_demonstration_are_there() -> None:
    assert list(BY_KEY) == [
        "expired",
        "revoked",
        "other-authority",
        "dn-not-listed",
        "other-cn",
        "no-tls",
        "sender-of-another",
        "outside-recipient",
        "relay",
        "delisted",
    ]


@pytest.mark.parametrize("peer", BAD_PEERS, ids=lambda peer: peer.key)
def test_a_right_refusal_is_as_expected(peer: BadPeer) -> None:
    assert _problem(peer, f"{expected_reply(peer.kind)} whatever", row(peer), stored=0) == ""


@pytest.mark.parametrize("peer", BAD_PEERS, ids=lambda peer: peer.key)
@pytest.mark.parametrize("reply", ["250 2.1.0 OK", "", "no reply in time", "421 4.3.2 later"])
def test_another_reply_is_a_problem(peer: BadPeer, reply: str) -> None:
    assert _problem(peer, reply, row(peer), stored=0)


@pytest.mark.parametrize("peer", BAD_PEERS, ids=lambda peer: peer.key)
def test_another_rule_a_missing_audit_row_and_a_stored_message_are_problems(peer: BadPeer) -> None:
    reply = expected_reply(peer.kind)
    assert _problem(peer, reply, row(peer, "R0"), stored=0)
    assert _problem(peer, reply, row(peer), stored=1)
    assert _problem(peer, reply, None, stored=0)


def test_only_what_openssl_can_see_is_refused_in_the_handshake() -> None:
    assert Kind.CERTIFICATE_REVOKED not in HANDSHAKE
    assert expected_reply(Kind.CERTIFICATE_REVOKED).startswith("550 5.7.")
