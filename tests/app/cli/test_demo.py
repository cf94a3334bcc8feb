"""``mssante demo`` from outside, as a person or a program runs it."""

import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "mssante.app", "demo", "--json", "--people", "2000"]
REFUSALS = {
    "expired": "R4",
    "revoked": "R4",
    "other-authority": "R3",
    "dn-not-listed": "R5",
    "other-cn": "R5",
    "no-tls": "R2",
    "sender-of-another": "R5",
    "outside-recipient": "R1",
    "relay": "R7",
    "delisted": "R1",
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory) -> list[dict]:
    folder = tmp_path_factory.mktemp("demo") / "space"
    command = [*COMMAND, "--once", "--dir", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    logs = [line for path in folder.glob("journaux/*.log") for line in path.read_text().splitlines()]
    problems = [line for line in logs if '"level": "info"' not in line]
    assert done.returncode == 0, "\n".join([done.stdout, done.stderr, *problems])
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.world
def test_ends_well_with_everything_delivered_and_every_bad_peer_refused(lines: list[dict]) -> None:
    assert lines[0]["event"] == "ready"
    last = lines[-1]
    assert (last["event"], last["delivered"], last["refused"], last["expected_refusals"], last["lost"]) == (
        "done",
        6,
        10,
        10,
        0,
    )


@pytest.mark.world
def test_each_copy_goes_through_four_hops_under_a_named_rule(lines: list[dict]) -> None:
    hops = [line for line in lines if line["event"] == "hop"]
    copies = {(hop["message_id"], hop["to"]) for hop in hops}
    assert len(copies) == 6
    for copy in copies:
        mine = [hop for hop in hops if (hop["message_id"], hop["to"]) == copy]
        assert {hop["step"] for hop in mine} == {"submitted", "received", "relayed", "read"}
        for hop in mine:
            if hop["step"] in {"received", "relayed"}:
                assert hop["rule"].startswith("R")
                assert hop["list_version"].endswith("Z")
                assert hop["tls"].startswith("TLSv1.2 ECDHE-RSA-AES")
    assert {hop["operator"] for hop in hops} == {"hopital", "liberaux", "regional", "citoyens"}


@pytest.mark.world
def test_the_document_is_checked_those_that_lie_are_told_apart_and_the_robot_answers(lines: list[dict]) -> None:
    found = {line["event"]: line for line in lines}
    documents = found["documents"]
    assert (documents["problems"], documents["ok"]) == ([], True)
    assert [one["ok"] for one in documents["judged"]] == [True, True, True]
    assert documents["listed"] == ["Compte rendu d'examens biologiques", "Lettre de liaison de sortie"]
    passport = found["passport"]
    assert passport["overall"] in {"sent", "confirmed"}
    assert passport["copies"]["paul.lenoir@medecin.mssante.fr"] == "answered"
    assert found["robot"]["ok"]


@pytest.mark.world
def test_each_bad_peer_is_refused_by_its_own_rule(lines: list[dict]) -> None:
    refusals = {line["peer"]: line for line in lines if line["event"] == "refusal"}
    assert {key: line["rule"] for key, line in refusals.items()} == REFUSALS
    assert all(line["as_expected"] for line in refusals.values())


@pytest.mark.world
def test_without_once_the_space_stays_open_to_outside_programs_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            while json.loads(process.stdout.readline())["event"] != "done":
                pass
            assert list(tmp_path.iterdir())
            operator = ready["operators"][0]
            account = operator["accounts"][0]
            context = ssl.create_default_context(cafile=operator["ca_file"])
            with smtplib.SMTP(
                "127.0.0.1", operator["submission"]["port"], local_hostname="poste.fr", timeout=10
            ) as client:
                client.starttls(context=context)
                assert client.login(account["user"], account["password"])[0] == 235
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=60)
    assert code == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.world
def test_nothing_keeps_running_when_the_demonstration_is_killed() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.kill()
        process.wait(timeout=60)
    try:
        port = ready["operators"][0]["smtp"]["port"]
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
            except ConnectionRefusedError:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the operator still listens")
    finally:
        shutil.rmtree(ready["folder"], ignore_errors=True)


@pytest.mark.world
def test_a_mailbox_of_the_hospital_is_published_and_found_by_another_operator(lines: list[dict]) -> None:
    (published,) = [line for line in lines if line["event"] == "published"]
    assert (published["state"], published["ok"]) == ("accepted", True)
    first = published["searched"]["answers"][0]
    assert first["address"] == published["address"] == "hdj.cardiologie@chu-valdore.mssante.fr"
    assert "boîte du service demandé" in first["reasons"]


def test_does_not_write_in_a_folder_that_is_in_use(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    done = subprocess.run(
        [*COMMAND, "--once", "--dir", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "n'est pas vide" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.world
def test_a_mail_program_reads_the_letter_and_a_second_session_hears_of_its_flag(lines: list[dict]) -> None:
    (seen,) = [line for line in lines if line["event"] == "mailbox"]
    assert seen["folders"] == ["INBOX", "Envoyés", "Brouillons", "Corbeille", "Indésirables"]
    assert (seen["whole"], seen["heard"]) == (True, True)
    assert set(seen["steps"]) == {"signed-in", "listed", "read", "flagged", "heard"}
