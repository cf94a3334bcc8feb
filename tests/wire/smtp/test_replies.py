"""The table of replies and the harmlessness of their lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.decision import TEMPORARY, Kind, Refusal
from mssante.wire.smtp.replies import REPLIES, Reply, fold_french, refusal_reply


def test_every_kind_of_refusal_has_a_reply() -> None:
    assert set(REPLIES) == set(Kind)


@pytest.mark.parametrize("kind", Kind)
def test_each_reply_is_of_the_class_of_its_kind(kind: Kind) -> None:
    code, enhanced = REPLIES[kind]
    assert code // 100 == (4 if kind in TEMPORARY else 5)
    first, second, third = enhanced.split(".")
    assert int(first) == code // 100
    assert int(second) <= 7
    assert third.isdigit()


@given(code=st.integers(200, 599), lines=st.lists(st.text(max_size=700), max_size=4).map(tuple))
def test_any_text_becomes_well_formed_lines(code: int, lines: tuple[str, ...]) -> None:
    encoded = Reply(code, "5.0.0", lines).encode()
    assert encoded.endswith(b"\r\n")
    parts = encoded[:-2].split(b"\r\n")
    assert len(parts) == max(1, len(lines))
    for place, part in enumerate(parts):
        assert len(part) <= 510
        assert all(32 <= byte < 127 for byte in part)
        assert part[3:4] == (b" " if place == len(parts) - 1 else b"-")


def test_a_reply_of_several_lines_repeats_its_codes() -> None:
    assert Reply(250, "2.0.0", ("a", "b")).encode() == b"250-2.0.0 a\r\n250 2.0.0 b\r\n"
    assert str(Reply(250, "2.0.0", ("a", "b"))) == "250 2.0.0 a b"


def test_our_users_read_the_reason_in_french_without_accents() -> None:
    refusal = Refusal(
        Kind.RECIPIENT_DOMAIN_UNLISTED,
        "R1",
        "Domain is not listed",
        french="Domaine hors de l’espace de confiance : vérifiez l’adresse, cœur",
    )
    assert refusal_reply(refusal).encode() == (
        b"550 5.7.1 Domain is not listed / Domaine hors de l'espace de confiance : verifiez l'adresse, coeur\r\n"
    )
    assert fold_french("Été — 日本") == "Ete - ??"
