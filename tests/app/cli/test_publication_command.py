"""``mssante directory publish``, ``publications`` and ``mailbox change``: what is said, kept and put down."""

import json
from pathlib import Path

import pytest
from cli_world import CARDIO, CLAIRE, Shell

from mssante.app.cli.directory import directory
from mssante.app.cli.publication import publications, publish
from mssante.model.national import with_luhn

RPPS, FINESS = with_luhn("1000123456"), with_luhn("31000010")


for command in (publish, publications):
    if command.name not in directory.commands:
        directory.add_command(command)


@pytest.fixture
def hospital(shell: Shell) -> Shell:
    """Return a shell on an operator with a person's box, a team's box and the postmaster's."""
    shell.good("mailbox", "add", CLAIRE, "--type", "PER", "--holder", "Dr Claire MARTIN", "--identifier", RPPS)
    shell.good(
        *("mailbox", "add", CARDIO, "--type", "ORG", "--holder", "Cardiologie", "--identifier", FINESS),
        *("--member", CLAIRE, "--service", "Cardiologie", "--responsible", "Dr MARTIN", "--rank", "1"),
    )
    return shell


def listed(shell: Shell) -> dict[str, dict]:
    return {one["address"]: one for one in shell.good("directory", "publications", "--json").json}


def test_a_new_box_is_to_be_published_and_says_so(hospital: Shell) -> None:
    assert listed(hospital)[CLAIRE]["state"] == "to-publish"
    assert "à publier" in hospital.good("mailbox", "show", CLAIRE).out
    plan = hospital.good("directory", "publish", "--dry-run").out
    assert f"person 8{RPPS}" in plan
    assert f"place 1{FINESS}" in plan
    assert "ajouter" in plan


def test_a_drop_puts_one_file_and_shows_the_fix_of_what_it_cannot_take(hospital: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "depot"
    folder.mkdir()
    assert "2 boîtes" in hospital.good("directory", "publish", "--drop", str(folder)).out
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o007 == 0
    text = file.read_text()
    assert CLAIRE in text
    assert "Dr MARTIN" not in text
    postmaster = next(one for one in listed(hospital).values() if one["state"] == "refused")
    assert postmaster["code"] == "no-identifier"
    assert postmaster["address"] in postmaster["fix"]
    shown = hospital.good("directory", "publications", "--state", "refused").out
    assert "n'a pas d'identifiant national" in shown
    assert "Rien à publier" in hospital.good("directory", "publish", "--drop", str(folder)).out
    assert len(list(folder.iterdir())) == 1


def test_changing_a_box_publishes_it_again_and_only_then(hospital: Shell, tmp_path: Path) -> None:
    hospital.good("directory", "publish", "--drop", str(tmp_path))
    assert "rien ne change" in hospital.good("mailbox", "change", CARDIO, "--rank", "1").out
    assert listed(hospital)[CARDIO]["state"] == "sent"
    hospital.good("mailbox", "change", CARDIO, "--rank", "0", "--red-list", "--service", "")
    assert listed(hospital)[CARDIO]["state"] == "to-publish"
    rows = hospital.good("audit", "show", "--json", "--event", "mailbox.changed").out.splitlines()
    assert json.loads(rows[-1])["facts"] == {"changed": "is_red,rank,service", "publication": "to-publish"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--service", "Cardiologie"), "n'a pas de service"),
        (("--structure", "310000109"), "FINESS"),
        (("--phone", "0" * 26), "25"),
    ],
)
def test_attributes_that_do_not_fit_are_refused_with_the_reason(
    hospital: Shell, options: tuple[str, ...], said: str
) -> None:
    answer = hospital("mailbox", "change", CLAIRE, *options)
    assert answer.code == 1
    assert said in answer.err
    assert hospital("mailbox", "change", f"x{CLAIRE}", "--rank", "1").code == 1


def test_one_box_is_taken_up_again(hospital: Shell, tmp_path: Path) -> None:
    hospital.good("directory", "publish", "--drop", str(tmp_path))
    assert "1 boîte reprise" in hospital.good("directory", "publish", "--address", CLAIRE).out
    assert listed(hospital)[CLAIRE]["state"] == "to-publish"
    assert hospital.good("directory", "publish", "--again", "--json").json == {"resumed": 1, "file": None, "done": None}


def test_a_closed_box_is_to_be_withdrawn(hospital: Shell, tmp_path: Path) -> None:
    hospital.good("mailbox", "close", CLAIRE, "--yes")
    assert "à retirer" in hospital.good("directory", "publications").out
    hospital.good("directory", "publish", "--drop", str(tmp_path))
    assert listed(hospital)[CLAIRE]["state"] == "withdrawn"
    assert hospital("mailbox", "change", CLAIRE, "--rank", "1").code == 1


def test_the_help_is_in_french() -> None:
    for command in (publish, publications):
        assert (command.help or "").startswith(("Publier", "Montrer"))
