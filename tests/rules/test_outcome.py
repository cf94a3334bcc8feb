"""What replies of peers mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.decision import TEMPORARY, Kind
from mssante.rules.outcome import PeerReply, advice, classify_reply, read_reply, status_of


@pytest.mark.parametrize(
    ("line", "code", "enhanced", "text"),
    [
        ("550 5.1.1 No such user", 550, "5.1.1", "No such user"),
        ("450 Try later", 450, "", "Try later"),
        ("250 2.0.0 Ok: queued", 250, "2.0.0", "Ok: queued"),
        ("550 5.1 odd", 550, "", "5.1 odd"),
        ("550 9.1.1 odd", 550, "", "9.1.1 odd"),
        ("550 5.1.1234 odd", 550, "", "5.1.1234 odd"),
        ("550", 550, "", ""),
        ("", 0, "", ""),
        ("hello there", 0, "", "hello there"),
        ("5500 x", 0, "", "5500 x"),
        ("55² x", 0, "", "55² x"),
    ],
)
def test_replies_are_taken_apart(line: str, code: int, enhanced: str, text: str) -> None:
    assert read_reply(line) == PeerReply(code, enhanced, text)


@given(st.text(max_size=2000))
def test_reading_a_reply_never_raises(line: str) -> None:
    reply = read_reply(line)
    classify_reply(reply.code, reply.enhanced, reply.text)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("550 5.1.1 x", Kind.MAILBOX_UNKNOWN),
        ("550 5.2.1 x", Kind.MAILBOX_SUSPENDED),
        ("552 5.2.2 x", Kind.PEER_REFUSED),
        ("552 5.3.4 x", Kind.MESSAGE_TOO_BIG),
        ("552 Too many recipients", Kind.TOO_MANY_RECIPIENTS),
        ("554 5.4.6 x", Kind.LOOP),
        ("554 5.7.1 x", Kind.PEER_REFUSED),
        ("550 no", Kind.PEER_REFUSED),
        ("452 4.2.2 x", Kind.MAILBOX_FULL),
        ("450 5.1.1 class and code differ", Kind.PEER_DEFERRED),
        ("421 bye", Kind.PEER_DEFERRED),
        ("354 what", Kind.PEER_PROTOCOL),
        ("garbage", Kind.PEER_PROTOCOL),
    ],
)
def test_the_code_decides_and_the_enhanced_code_refines(line: str, kind: Kind) -> None:
    reply = read_reply(line)
    assert classify_reply(reply.code, reply.enhanced, reply.text) is kind


@given(st.integers(0, 999), st.sampled_from(["", "5.1.1", "4.2.2", "5.3.4", "2.0.0", "4.7.0"]), st.text(max_size=30))
def test_only_a_permanent_code_is_permanent(code: int, enhanced: str, text: str) -> None:
    temporary = classify_reply(code, enhanced, text) in TEMPORARY
    assert temporary or 500 <= code <= 599


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_status_and_an_advice_in_french(kind: Kind) -> None:
    assert status_of(kind, final=True).startswith("5.")
    assert status_of(kind, final=False).startswith("4." if kind in TEMPORARY else "5.")
    assert len(status_of(kind, final=True).split(".")) == 3
    assert advice(kind).endswith(".")
