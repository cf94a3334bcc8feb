"""Who gets an automatic answer, and who never does.

Source: RFC 3834 section 2; reliability.md B08.
"""

from datetime import timedelta

import pytest
from store_world import ALICE, BOB, NOW

from mssante.model.address import parse_address
from mssante.rules.absence import AnswerFacts, absence_fault, why_silent

DAY = timedelta(days=1)


def facts(**more: object) -> AnswerFacts:
    known = {"box": ALICE, "sender": BOB, "named": frozenset({ALICE.key}), "fields": frozenset({"from", "to"})}
    return AnswerFacts(**{**known, **more})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, ""),
        ({"auto_submitted": "no"}, ""),
        ({"auto_submitted": "No (comment)"}, "automatic"),
        ({"sender": None}, "machine"),
        ({"sender": parse_address("mailer-daemon@x.fr")}, "machine"),
        ({"sender": parse_address("Postmaster@x.fr")}, "machine"),
        ({"sender": parse_address("owner-liste@x.fr")}, "machine"),
        ({"sender": parse_address("liste-request@x.fr")}, "machine"),
        ({"sender": parse_address("liste-bounces@x.fr")}, "machine"),
        ({"sender": parse_address("no-reply@x.fr")}, "machine"),
        ({"sender": parse_address("ne-pas-repondre@x.fr")}, "machine"),
        ({"sender": parse_address(str(ALICE).upper())}, "own"),
        ({"auto_submitted": "auto-replied"}, "automatic"),
        ({"auto_submitted": "auto-generated; x=y"}, "automatic"),
        ({"suppress": "All"}, "automatic"),
        ({"suppress": "None"}, ""),
        ({"content_type": "multipart/report; report-type=delivery-status"}, "report"),
        ({"fields": frozenset({"list-id"})}, "list"),
        ({"fields": frozenset({"list-unsubscribe"})}, "list"),
        ({"precedence": "bulk"}, "list"),
        ({"precedence": "List"}, "list"),
        ({"precedence": "first-class"}, ""),
        ({"named": frozenset()}, "not-named"),
        ({"named": frozenset({BOB.key})}, "not-named"),
        ({"answered_at": NOW - 6 * DAY}, "answered"),
        ({"answered_at": NOW - 7 * DAY}, ""),
    ],
)
def test_only_people_who_wrote_to_the_holder_are_answered(more: dict, why: str) -> None:
    assert why_silent(facts(**more), NOW) == why


@pytest.mark.parametrize(
    ("start", "end", "text", "substitute", "said"),
    [
        (0, 10, "Je suis en congés.\nBien à vous.", BOB, ""),
        (-5, 1, "", None, ""),
        (0, 366, "", None, ""),
        (0, 0, "", None, "fin"),
        (-5, -1, "", None, "fin"),
        (0, 367, "", None, "366"),
        (0, 1, "x" * 1001, None, "1000"),
        (0, 1, "a\x1b[2Jb", None, "commande"),
        (0, 1, "", ALICE, "remplaçant"),
        (0, 1, "", parse_address("277034567890175@patient.mssante.fr"), "professionnelle"),
    ],
)
def test_an_absence_is_sound(start: int, end: int, text: str, substitute: object, said: str) -> None:
    fault = absence_fault(ALICE, NOW + start * DAY, NOW + end * DAY, text, substitute, NOW)
    assert said in fault
    assert bool(fault) is bool(said)
