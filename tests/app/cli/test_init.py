"""``mssante init``: what it makes, what it refuses to touch."""

import stat
import tomllib
from pathlib import Path

from cli_world import DOMAIN, Shell

from mssante.app.config import read_config
from mssante.flows.sign_in import digest_password


def test_makes_an_operator_that_is_ready_to_start(shell: Shell) -> None:
    answer = shell("config", "check", "--json")
    assert answer.code == 1
    assert [one["about"] for one in answer.json if one["level"] != "ok"] == ["liste blanche"]


def test_keeps_secrets_and_database_for_this_user_only(shell: Shell) -> None:
    folder = shell.config.parent
    files = [
        folder / "secrets" / "credential_key.bin",
        folder / "secrets" / "trace_key.bin",
        folder / "data" / "mssante.db",
    ]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600] * 3
    assert files[0].read_bytes() != files[1].read_bytes()
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o700


def test_opens_the_box_of_the_postmaster(shell: Shell) -> None:
    found = shell.good("mailbox", "list", "--json").json
    assert [(one["address"], one["type"]) for one in found] == [(f"postmaster@{DOMAIN}", "ORG")]


def test_never_writes_over_an_operator(shell: Shell) -> None:
    before = shell.config.read_bytes()
    answer = shell.bare("init", str(shell.config.parent), "--name", "x", "--hostname", "a.fr", "--domain", "b.fr")
    assert answer.code == 2
    assert "existe déjà" in answer.err
    assert shell.config.read_bytes() == before


def test_writes_any_name_as_sound_toml(shell: Shell, tmp_path: Path) -> None:
    name = 'CHU "d\'Été" \\ Œuvres'
    shell.bare("init", str(tmp_path / "x"), "--name", name, "--hostname", "mss.b.fr", "--domain", "B.fr")
    config = read_config(tmp_path / "x" / "mssante.toml")
    assert (config.operator.name, config.operator.postmaster) == (name, "postmaster@b.fr")
    assert "certificat.pem" in tomllib.loads((tmp_path / "x" / "mssante.toml").read_text())["tls"]["certificate"]


def test_names_the_certificates_that_are_still_wanted(shell: Shell, tmp_path: Path) -> None:
    answer = shell.bare("init", str(tmp_path / "y"), "--name", "y", "--hostname", "mss.b.fr", "--domain", "b.fr")
    assert "Déposez les certificats qui manquent" in answer.out
    assert "autorites.pem" in answer.out


def test_refuses_a_name_on_two_lines(shell: Shell, tmp_path: Path) -> None:
    answer = shell.bare("init", str(tmp_path / "z"), "--name", "a\nb", "--hostname", "mss.b.fr", "--domain", "b.fr")
    assert answer.code == 2
    assert not (tmp_path / "z").exists()


def test_says_which_folder_cannot_be_written(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    answer = shell.bare(
        "init", str(tmp_path / "file" / "op"), "--name", "a", "--hostname", "mss.b.fr", "--domain", "b.fr"
    )
    assert answer.code == 2
    assert "choisissez un dossier" in answer.err


def test_gives_different_digests_for_different_keys() -> None:
    assert digest_password(b"a" * 32, "aaaa-bbbb") != digest_password(b"b" * 32, "aaaa-bbbb")
