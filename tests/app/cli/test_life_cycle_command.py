"""``mssante mailbox absence``, ``delegate`` and ``life``: what is said and kept."""

import json

import pytest
from cli_world import CLAIRE, DOMAIN, Shell

PAUL = f"paul.durand@{DOMAIN}"


@pytest.fixture
def people(shell: Shell) -> Shell:
    """Return a shell on an operator with two people."""
    for address, holder in ((CLAIRE, "Dr Claire MARTIN"), (PAUL, "Dr Paul DURAND")):
        shell.good("mailbox", "add", address, "--type", "PER", "--holder", holder)
    return shell


def events(shell: Shell, prefix: str) -> list[str]:
    lines = shell.good("audit", "show", "--json", "--event", prefix).out.splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_an_absence_is_kept_shown_and_forgotten(people: Shell) -> None:
    people.good(
        "mailbox", "absence", "set", CLAIRE, "--until", "2099-01-05", "--from", "2098-12-20", "--substitute", PAUL
    )
    shown = people.good("mailbox", "absence", "show", CLAIRE).out
    assert "5 janvier 2099" in shown
    assert PAUL in shown
    assert people.good("mailbox", "absence", "show", CLAIRE, "--json").json["substitute"] == PAUL
    assert "oubliée" in people.good("mailbox", "absence", "clear", CLAIRE).out
    assert "aucune absence" in people.good("mailbox", "absence", "clear", CLAIRE).out
    assert "aucune absence" in people.good("mailbox", "absence", "show", CLAIRE).out
    assert events(people, "absence.") == ["absence.set", "absence.cleared"]


def test_an_absence_in_the_past_is_refused(people: Shell) -> None:
    answer = people("mailbox", "absence", "set", CLAIRE, "--until", "2001-01-01")
    assert answer.code == 1
    assert "fin de l'absence" in answer.err


def test_a_delegation_is_given_listed_and_taken_away(people: Shell) -> None:
    said = people.good(
        "mailbox", "delegate", "add", CLAIRE, "--to", PAUL, "--from", "2098-12-20", "--until", "2099-01-05"
    ).out
    assert "Délégation 1" in said
    assert "à venir" in people.good("mailbox", "delegate", "list", CLAIRE).out
    answer = people("mailbox", "delegate", "add", CLAIRE, "--to", PAUL, "--from", "2098-12-20", "--until", "2099-01-05")
    assert answer.code == 1
    assert "déjà" in answer.err
    people.good("mailbox", "delegate", "remove", CLAIRE, "1")
    (one,) = people.good("mailbox", "delegate", "list", CLAIRE, "--json").json
    assert (one["login"], one["state"], one["may_send"]) == (PAUL, "ended", False)
    assert people("mailbox", "delegate", "remove", CLAIRE, "1").code == 1
    assert events(people, "delegation.") == ["delegation.added", "delegation.removed"]


def test_the_life_of_a_box_is_shown_and_its_holder_may_object(people: Shell) -> None:
    assert "aucune connue" in people.good("mailbox", "life", "show", CLAIRE).out
    people.good("mailbox", "life", "object", CLAIRE)
    people.good("mailbox", "life", "contact", CLAIRE, "06 12 34 56 78")
    shown = people.good("mailbox", "life", "show", CLAIRE).out
    assert "Opposition du" in shown
    assert "06 12 34 56 78" in shown
    assert "Rien à faire" in people.good("mailbox", "life", "run", "--dry-run").out
    assert people.good("mailbox", "life", "run", "--json").json == []
    assert "Aucun avis" in people.good("mailbox", "life", "notices").out
    assert people("mailbox", "life", "notices", "--sent", "7").code == 1
    assert people("mailbox", "life", "object", f"x{CLAIRE}").code == 1
    people.good("mailbox", "close", CLAIRE, "--yes")
    assert "close" in people.good("mailbox", "life", "show", CLAIRE).out
