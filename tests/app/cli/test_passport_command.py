"""``mssante mail passport|wait|receipt`` and what ``mssante send`` asks for, as an administrator uses them."""

import pytest
from cli_world import CARDIO, CLAIRE, Shell

from mssante.app.cli.main import run

UNKNOWN = "0" * 28


@pytest.fixture
def busy(shell: Shell) -> Shell:
    """Return a shell on an operator with two boxes."""
    shell.good("mailbox", "add", CLAIRE, "--type", "PER", "--holder", "Dr Claire MARTIN")
    shell.good("mailbox", "add", CARDIO, "--type", "ORG", "--holder", "Cardiologie")
    return shell


def sent(shell: Shell, *more: str) -> str:
    answer = shell.good("send", "--from", CARDIO, "--to", CLAIRE, "--subject", "x", "--text", "y", "--json", *more)
    return str(answer.json["reference"])


def test_shows_where_a_message_is_and_says_what_a_program_needs(busy: Shell) -> None:
    reference = sent(busy)
    shown = busy.good("mail", "passport", reference).out
    assert f"Message {reference} : en cours d'envoi." in shown
    assert f"\n{CLAIRE} : en attente d'envoi\n" in shown
    assert "Accepté par votre opérateur." in shown
    found = busy.good("mail", "passport", reference, "--json").json
    assert (found["state"], found["silent"]) == ("under-way", 0)
    assert [one["to"] for one in found["recipients"]] == [CLAIRE]
    assert found["recipients"][0]["steps"][0]["state"] == "accepted"


def test_an_unknown_reference_is_said(busy: Shell) -> None:
    for command in (("passport", UNKNOWN), ("wait", UNKNOWN, "--hours", "5")):
        answer = busy("mail", *command)
        assert answer.code == 1
        assert "aucun message envoyé d'ici" in answer.err


def test_a_sender_may_wait_for_a_sign(busy: Shell) -> None:
    reference = sent(busy)
    assert "sera prévenu" in busy.good("mail", "wait", reference, "--hours", "48").out
    assert busy.good("mail", "wait", reference, "--hours", "1", "--json").json["reference"] == reference
    assert busy("mail", "wait", reference, "--hours", "0").code == 2
    assert "message.watched" in busy.good("audit", "show", "--json").out


def test_sending_may_ask_for_receipts_and_an_alert(busy: Shell) -> None:
    reference = sent(busy, "--alert-after", "24")
    rows = busy.good("audit", "show", "--event", "message.watched", "--json").out
    assert reference in rows
    shown = busy.good("mail", "show", CARDIO, "1", "--folder", "Sent", "--json").json
    assert shown["subject"] == "x"
    answer = busy.good("send", "--from", CARDIO, "--to", CLAIRE, "--subject", "x", "--text", "z", "--receipt")
    assert "mssante mail passport" in answer.out


def test_a_receipt_needs_a_message_and_one_verdict(busy: Shell) -> None:
    assert busy("mail", "receipt", CLAIRE, UNKNOWN).code == 2
    assert busy("mail", "receipt", CLAIRE, UNKNOWN, "--displayed", "--error", "902").code == 2
    assert busy("mail", "receipt", CLAIRE, UNKNOWN, "--error", "999").code == 2
    answer = busy("mail", "receipt", CLAIRE, UNKNOWN, "--processed")
    assert answer.code == 1
    assert "n'a pas de message" in answer.err
    assert "n'existe pas ici" in busy("mail", "receipt", f"x@{CLAIRE.partition('@')[2]}", UNKNOWN, "--displayed").err


def test_help_names_every_new_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(("mail", "--help")) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("passport", "wait", "receipt"))
