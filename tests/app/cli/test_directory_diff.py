"""``mssante directory diff`` and ``bounces``: what is said, and the exit code."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_world import CLAIRE, DOMAIN, Shell
from directory_files import CHU, DUPONT, MARTIN, box, extraction, loaded
from fhir_https import HttpsDoor, directory_https
from fhir_shelf import FhirShelf, directory_app

from mssante.app.cli.directory import directory
from mssante.app.cli.directory_diff import diff, show_bounces
from mssante.app.cli.opened import Opened, run_opened
from mssante.app.config import read_config
from mssante.app.directory_place import directory_folder
from mssante.model.address import parse_address
from mssante.model.directory import ListedMailbox, Place
from mssante.model.mailbox import MailboxType
from mssante.store import correspondents

for command in (diff, show_bounces):
    if command.name not in directory.commands:
        directory.add_command(command)

FAR = "jean.dupont@ailleurs.mssante.fr"
OTHER = "j.dupont@ailleurs.mssante.fr"


@pytest.fixture
def operator(shell: Shell) -> Shell:
    """Return a shell on an operator with one box that is published as it is."""
    rpps = DUPONT.identifier[1:]
    shell.good(
        *("mailbox", "add", CLAIRE, "--type", "PER", "--holder", "Dr DUPONT", "--identifier", rpps),
        *("--structure", CHU.identifier[1:]),
    )
    lines = (box(CLAIRE, DUPONT, CHU), box(FAR, MARTIN, CHU), box(OTHER, MARTIN, CHU))
    loaded(directory_folder(read_config(shell.config)), extraction=extraction(lines))
    return shell


def test_a_directory_that_is_true_gives_no_finding_and_the_code_0(operator: Shell) -> None:
    answer = operator.good("directory", "diff")
    assert "Aucun écart." in answer.out
    assert "Extraction" in answer.out
    assert "2 mars 2026" in answer.out
    assert "non interrogé" in answer.out


def test_a_ghost_is_shown_with_its_repair_and_gives_the_code_1(operator: Shell) -> None:
    ghost = f"fantome@{DOMAIN}"
    lines = (box(CLAIRE, DUPONT, CHU), box(ghost, DUPONT, CHU))
    loaded(directory_folder(read_config(operator.config)), extraction=extraction(lines))
    answer = operator("directory", "diff")
    assert answer.code == 1
    assert f"{ghost} : fantôme" in answer.out
    assert f"mssante directory show {ghost}" in answer.out
    told = operator("directory", "diff", "--json", "--keep")
    assert told.code == 1
    assert [(one["what"], one["source"], one["address"]) for one in told.json["findings"]] == [
        ("ghost", "extract", ghost)
    ]
    assert told.json["sources"][1]["at"].startswith("2026-03-02")

    async def kept(opened: Opened) -> correspondents.KeptComparison | None:
        return await opened.store.read(correspondents.last_comparison)

    found = run_opened(operator.config, kept)
    assert found is not None
    assert found.found == 1


@contextmanager
def served(shelf: FhirShelf, folder: Path) -> Iterator[HttpsDoor]:
    """Serve another directory over HTTPS beside the command, which has a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    door = directory_https(directory_app(shelf), folder)
    try:
        yield asyncio.run_coroutine_threadsafe(door.__aenter__(), loop).result(30)
        asyncio.run_coroutine_threadsafe(door.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def told_to(shell: Shell, url: str, folder: Path) -> None:
    """Set the other directory with its key and its root."""
    key = folder / "cle"
    key.write_text("cle-du-chu" + 30 * "\n")
    key.chmod(0o600)
    section = (
        f'\n[publication]\ndirectory_url = "{url}/fhir/v2"\napi_key = "{key}"\nanchors = "{folder / "root.pem"}"\n'
    )
    shell.config.write_text(shell.config.read_text() + section)


def test_three_columns_show_what_each_source_says(operator: Shell, tmp_path: Path) -> None:
    elsewhere = ListedMailbox(CLAIRE, MailboxType.ORG)
    with served(FhirShelf([Place(replace(CHU, sign=""), (elsewhere,))]), tmp_path) as door:
        told_to(operator, door.url, tmp_path)
        answer = operator("directory", "diff")
        told = operator("directory", "diff", "--json").json
    assert answer.code == 1
    for words in (
        ("Adresse", "Écart", "Nos boîtes", "Extraction", "Annuaire FHIR"),
        (CLAIRE, "mal attachée", "présente", "présente", "présente"),
    ):
        assert any(line.split() == " ".join(words).split() for line in answer.out.splitlines()), answer.out
    assert "l'annuaire FHIR attache cette boîte à la personne aucune" in answer.out
    assert [(one["source"], one["is_available"], one["unanswered"]) for one in told["sources"]] == [
        ("ours", True, 0),
        ("extract", True, 0),
        ("fhir", True, 0),
    ]
    assert told["sources"][2]["at"]
    (one,) = told["findings"]
    assert (one["what"], one["source"], one["ours"], one["extract"], one["fhir"]) == (
        *("wrong-holder", "fhir"),
        *("there", "there", "there"),
    )


def test_a_directory_that_does_not_answer_is_unavailable_and_no_box_is_missing(operator: Shell, tmp_path: Path) -> None:
    with served(FhirShelf(), tmp_path) as door:
        pass
    told_to(operator, door.url, tmp_path)
    answer = operator.good("directory", "diff")
    assert "Aucun écart." in answer.out
    (line,) = [one for one in answer.out.splitlines() if one.startswith("Annuaire FHIR")]
    assert "indisponible, une adresse non vérifiée" in line


def test_with_no_source_that_answers_nothing_is_compared(shell: Shell, tmp_path: Path) -> None:
    with served(FhirShelf(), tmp_path) as door:
        pass
    told_to(shell, door.url, tmp_path)
    answer = shell("directory", "diff")
    assert answer.code != 0
    assert "rien à quoi comparer" in answer.err


def test_without_a_directory_it_says_what_to_do(shell: Shell) -> None:
    answer = shell("directory", "diff")
    assert answer.code != 0
    assert "mssante directory import" in answer.err


def test_bounces_show_what_to_use_and_who_still_writes_there(operator: Shell) -> None:
    assert "Aucune adresse" in operator.good("directory", "bounces").out
    now = datetime.now(UTC)

    async def bounce(opened: Opened) -> None:
        for days in (2, 1):
            at = now - timedelta(days=days)
            await opened.store.write(
                lambda tx, at=at: correspondents.note_failure(
                    tx, parse_address(CLAIRE), parse_address(FAR), at, "mailbox-unknown"
                )
            )

    run_opened(operator.config, bounce)
    shown = operator.good("directory", "bounces").out
    for word in (FAR, "morte", "adresse inconnue", OTHER, CLAIRE):
        assert word in shown
    (one,) = operator.good("directory", "bounces", "--json").json
    assert (one["address"], one["health"], one["writers"]) == (FAR, "dead", [CLAIRE])
    assert one["alternative"]["address"] == OTHER
