"""``mssante send``, ``mail``, ``queue`` and ``audit`` on one operator, as an administrator uses them."""

import io
import json
import sqlite3
from pathlib import Path

import pytest
from cli_world import CARDIO, CLAIRE, DOMAIN, Answer, Shell

from mssante.model.message import CopyState


@pytest.fixture
def busy(shell: Shell) -> Shell:
    """Return a shell on an operator with two boxes."""
    shell.good("mailbox", "add", CLAIRE, "--type", "PER", "--holder", "Dr Claire MARTIN")
    shell.good("mailbox", "add", CARDIO, "--type", "ORG", "--holder", "Cardiologie")
    return shell


def send(shell: Shell, *more: str) -> Answer:
    return shell("send", "--from", CARDIO, "--to", CLAIRE, "--subject", "Été", "--text", "Bonjour\x1b[2J", *more)


def test_sends_a_letter_and_keeps_a_copy_in_sent(busy: Shell, tmp_path: Path) -> None:
    (tmp_path / "lettre.pdf").write_bytes(b"%PDF-1.7\n\xff")
    answer = send(busy, "--attach", str(tmp_path / "lettre.pdf"))
    assert answer.code == 0, answer.err
    reference = answer.out.split("référence ")[1].split(".")[0]
    assert "mssante mail trace" in answer.out
    listed = busy.good("mail", "list", CARDIO, "--folder", "envoyés", "--json").json
    assert [(one["reference"], one["subject"], one["flags"]) for one in listed] == [(reference, "Été", ["\\Seen"])]
    shown = busy.good("mail", "show", CARDIO, "1", "--folder", "Sent")
    assert "Subject                 : Été" in shown.out
    assert "Bonjour\\x1b[2J" in shown.out
    assert "lettre.pdf (application/pdf, 10 o)" in shown.out
    letter = busy.good("mail", "show", CARDIO, "1", "--folder", "Sent", "--json").json["letter"]
    assert letter["attachments"][0]["name"] == "lettre.pdf"


def test_lists_a_document_without_the_mark_for_programs(busy: Shell) -> None:
    subject = "XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978"
    busy.good("send", "--from", CARDIO, "--to", CLAIRE, "--subject", subject, "--text", "Bonjour")
    listed = busy.good("mail", "list", CARDIO, "--folder", "Sent")
    assert "CR d'examens biologiques VIAL Paul 26/11/1978" in listed.out
    assert "XDM/1.0" not in listed.out
    assert busy.good("mail", "list", CARDIO, "--folder", "Sent", "--json").json[0]["subject"] == subject


def test_exports_byte_for_byte_and_never_over_a_file(busy: Shell, tmp_path: Path) -> None:
    send(busy)
    target = tmp_path / "lettre.eml"
    busy.good("mail", "export", CARDIO, "1", "--folder", "Sent", "--output", str(target))
    data = target.read_bytes()
    assert data.count(b"\r\n") == data.count(b"\n") > 5
    assert "existe déjà" in busy("mail", "export", CARDIO, "1", "--folder", "Sent", "--output", str(target)).err
    assert busy("mail", "export", CARDIO, "1", "--folder", "Sent", "--output", str(tmp_path / "no" / "x")).code == 2


def test_writes_down_who_opened_a_message(busy: Shell) -> None:
    send(busy)
    busy.good("mail", "show", CARDIO, "1", "--folder", "Sent")
    row = json.loads(busy.good("audit", "show", "--event", "message.opened", "--json").out)
    assert (row["actor"][:4], row["facts"]) == ("cli:", {"mailbox": CARDIO, "uid": 1})


def test_follows_a_message_by_its_reference(busy: Shell) -> None:
    reference = send(busy, "--json").json["reference"]
    found = busy.good("mail", "trace", reference, "--json").json
    assert [(one["to"], one["state"]) for one in found["copies"]] == [(CLAIRE, "waiting")]
    assert [one["event"] for one in found["events"]] == ["message.submitted"]
    shown = busy.good("mail", "trace", reference).out
    assert "1 copie en file, 1 événement" in shown
    assert "message.submitted" in shown


def test_says_that_a_reference_or_a_message_is_unknown(busy: Shell) -> None:
    assert busy("mail", "trace", "0" * 26).code == 1
    assert "n'a pas de message 7" in busy("mail", "show", CLAIRE, "7").err
    assert "n'a pas de dossier Nulle" in busy("mail", "list", CLAIRE, "--folder", "Nulle").err
    assert "n'existe pas ici" in busy("mail", "list", f"x@{DOMAIN}").err
    assert "INBOX est vide" in busy.good("mail", "list", CLAIRE).out


def test_refuses_a_recipient_outside_the_trust_space_in_french(busy: Shell) -> None:
    answer = busy("send", "--from", CARDIO, "--to", "a@gmail.com", "--subject", "x", "--text", "y")
    assert answer.code == 1
    assert "refusé (règle " in answer.err
    assert busy.good("queue", "stats", "--json").json["waiting"] == 0


def test_refuses_a_sender_that_is_no_box_in_service(busy: Shell) -> None:
    assert (
        "pas une boîte en service"
        in busy("send", "--from", f"x@{DOMAIN}", "--to", CLAIRE, "--subject", "x", "--text", "").err
    )
    busy.good("mailbox", "suspend", CARDIO)
    assert send(busy).code == 1


def test_takes_the_text_from_a_file_or_the_standard_input(busy: Shell, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "text").write_text("du fichier")
    base = ("send", "--from", CARDIO, "--to", CLAIRE, "--subject", "x")
    busy.good(*base, "--text-file", str(tmp_path / "text"))
    monkeypatch.setattr("sys.stdin", io.StringIO("de l'entrée"))
    busy.good(*base)
    assert "du fichier" in busy.good("mail", "show", CARDIO, "1", "--folder", "Sent").out
    assert "de l'entrée" in busy.good("mail", "show", CARDIO, "2", "--folder", "Sent").out
    (tmp_path / "bad").write_bytes(b"\xff")
    assert "UTF-8" in busy(*base, "--text-file", str(tmp_path / "bad")).err
    assert busy(*base, "--text-file", str(tmp_path / "none")).code == 2
    assert busy(*base, "--text", "a", "--text-file", str(tmp_path / "text")).code == 2


def test_refuses_what_is_larger_than_a_message(busy: Shell, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(20 * 1024 * 1024))
    assert "au plus 25,0 Mio" in send(busy, "--attach", str(tmp_path / "big")).err
    (tmp_path / "bigger").write_bytes(bytes(26 * 1024 * 1024))
    assert send(busy, "--attach", str(tmp_path / "bigger")).code == 1
    assert "introuvable" in send(busy, "--attach", str(tmp_path / "none")).err


def test_holds_releases_and_retries_copies_by_hand(busy: Shell) -> None:
    reference = send(busy, "--json").json["reference"]
    number = str(busy.good("queue", "list", "--json").json[0]["id"])
    assert "retenue" in busy.good("queue", "hold", number, "--reason", "panne").out
    assert "retenue" in busy.good("queue", "show", number).out
    assert busy("queue", "retry", number).code == 1
    assert busy("queue", "hold", number).code == 1
    busy.good("queue", "release", number)
    busy.good("queue", "retry", number)
    assert "1 copie retenue" in busy.good("queue", "hold", "--domain", DOMAIN).out
    assert busy.good("queue", "stats", "--json").json["held"] == 1
    assert reference in busy.good("queue", "list", "--state", "held").out
    events = [
        json.loads(line)["event"] for line in busy.good("audit", "show", "--event", "queue.", "--json").out.splitlines()
    ]
    assert events == ["queue.held", "queue.released", "queue.retried", "queue.held"]


def test_asks_for_one_copy_or_one_domain(busy: Shell) -> None:
    assert busy("queue", "hold").code == 2
    assert busy("queue", "hold", "1", "--domain", DOMAIN).code == 2
    assert busy("queue", "show", "99").code == 1
    assert busy("queue", "release", "99").code == 1


def test_counts_every_state(busy: Shell) -> None:
    assert set(busy.good("queue", "stats", "--json").json) == {state.value for state in CopyState}
    assert "à réessayer" in busy.good("queue", "stats").out


def test_verifies_the_chain_against_a_noted_head(busy: Shell) -> None:
    head = busy.good("audit", "head").out.strip()
    send(busy)
    assert busy.good("audit", "verify", "--expect", head, "--json").json["whole"] is True
    answer = busy("audit", "verify", "--expect", f"9999:{'0' * 64}")
    assert answer.code == 1
    assert "ROMPUE" in answer.out
    assert busy("audit", "verify", "--expect", "n'importe quoi").code == 2


def test_finds_a_row_that_was_changed(busy: Shell) -> None:
    database = sqlite3.connect(busy.config.parent / "data" / "mssante.db")
    with database:
        database.execute("UPDATE audit SET event = replace(event, 'cli:', 'cla:') WHERE seq = 2")
    database.close()
    found = busy("audit", "verify", "--json")
    assert (found.code, found.json["broken_at"]) == (1, 2)


def test_shows_rows_by_date_event_subject_and_place(busy: Shell) -> None:
    assert busy.good("audit", "show", "--since", "2999-01-01").out == "Aucune ligne.\n"
    assert len(busy.good("audit", "show", "--since", "2020-01-01", "--json").out.splitlines()) == 4
    assert len(busy.good("audit", "show", "--subject", CLAIRE, "--json").out.splitlines()) == 1
    assert len(busy.good("audit", "show", "--after", "3", "--json").out.splitlines()) == 1
    assert len(busy.good("audit", "show", "--limit", "2", "--json").out.splitlines()) == 2
    assert "mailbox.created" in busy.good("audit", "show", "--event", "mailbox.").out
