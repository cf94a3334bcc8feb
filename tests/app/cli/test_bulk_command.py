"""``mssante mailbox import``: the report, the exit codes, the file of passwords."""

import asyncio
import io
import json
from pathlib import Path

import pytest
from cli_world import DOMAIN, Answer, Shell

from mssante.app.cli import bulk
from mssante.app.config import read_config, read_secret
from mssante.flows.sign_in import digest_password
from mssante.model.national import with_luhn
from mssante.store.accounts import credential_by_digest
from mssante.store.engine import Store

RPPS = [with_luhn(f"1{number:09d}") for number in range(1, 4)]
FINESS = with_luhn("31000010")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return an export in Windows-1252 with a homonym and a wrong line."""
    path = tmp_path / "personnel.csv"
    rows = [f"MARTIN;Éloïse;{RPPS[0]}", f"MARTIN;Eloise;{RPPS[1]}", "PETIT;Luc;123"]
    path.write_bytes(("Nom;Prénom;N° RPPS\r\n" + "\r\n".join(rows) + "\r\n").encode("cp1252"))
    return path


def boxes(shell: Shell) -> set[str]:
    return {one["address"] for one in shell.good("mailbox", "list", "--json").json} - {f"postmaster@{DOMAIN}"}


def test_a_dry_run_shows_the_report_and_opens_nothing(shell: Shell, file: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "premiers.csv"
    dry = shell("mailbox", "import", str(file), "--dry-run", "--finess", FINESS, "--passwords", str(secrets))
    assert dry.code == 1
    assert f"eloise.martin2@{DOMAIN}" in dry.out
    assert "n'est pas un RPPS" in dry.out
    assert "rien n’est changé : 2 créées, 0 changée, 0 inchangée, 1 refusée." in dry.out
    assert "Windows-1252" in dry.out
    assert boxes(shell) == set()
    assert not secrets.exists()


def test_the_boxes_are_opened_once_and_their_passwords_lie_in_a_file_of_ours_alone(
    shell: Shell, file: Path, tmp_path: Path
) -> None:
    secrets = tmp_path / "premiers.csv"
    answer = shell("mailbox", "import", str(file), "--passwords", str(secrets), "--json")
    assert answer.code == 1
    reports = [json.loads(line) for line in answer.out.splitlines()]
    assert [(one["line"], one["outcome"]) for one in reports] == [(2, "created"), (3, "created"), (4, "refused")]
    assert boxes(shell) == {f"eloise.martin@{DOMAIN}", f"eloise.martin2@{DOMAIN}"}
    assert secrets.stat().st_mode & 0o777 == 0o600
    login, password = secrets.read_text().splitlines()[1].split(";")
    assert password not in answer.out

    async def opens() -> bool:
        config = read_config(shell.config)
        store = await Store.open(config.operator.data_dir, config.store)
        digest = digest_password(read_secret(config.secrets.credential_key), password)
        try:
            found = await store.read(lambda tx: credential_by_digest(tx, digest))
            return found is not None and found[0].login == login
        finally:
            await store.close()

    assert asyncio.run(opens())
    again = shell("mailbox", "import", str(file), "--json")
    assert [json.loads(line)["outcome"] for line in again.out.splitlines()] == ["unchanged", "unchanged", "refused"]
    assert shell.good("audit", "verify").out.startswith("Chaîne entière")


def outcomes(answer: Answer) -> list[tuple[int | None, str, list[str]]]:
    lines = [json.loads(line) for line in answer.out.splitlines()]
    return [(one["line"], one["outcome"], one["changed"]) for one in lines]


def test_a_second_file_changes_what_differs_and_says_what(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "personnel.csv"
    path.write_text(f"type;nom;prenom;rpps;libelle;telephone\n;MARTIN;Claire;{RPPS[0]};;01\n")
    shell.good("mailbox", "import", str(path))
    path.write_text(
        f"type;nom;prenom;rpps;libelle;telephone\n;ROUX;Claire;{RPPS[0]};;02\nCAB;;;{RPPS[0]};Cabinet des Lilas;\n"
    )
    dry = shell.good("mailbox", "import", str(path), "--dry-run")
    assert "titulaire, téléphone" in dry.out
    assert "rien n’est changé : 1 créée, 1 changée, 0 inchangée, 0 refusée." in dry.out
    done = [(2, "changed", ["holder", "phone"]), (3, "created", [])]
    assert outcomes(shell.good("mailbox", "import", str(path), "--json")) == done
    shown = shell.good("mailbox", "show", f"cabinet-des-lilas@{DOMAIN}").out
    assert f"claire.martin@{DOMAIN}" in shown
    assert "02" in shell.good("mailbox", "show", f"claire.martin@{DOMAIN}").out
    again = outcomes(shell.good("mailbox", "import", str(path), "--json"))
    assert again == [(2, "unchanged", []), (3, "unchanged", [])]


def test_boxes_that_the_file_does_not_name_are_suspended_only_when_asked_and_agreed(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "personnel.csv"
    rows = [f"N{number};P;{with_luhn(f'1{number:09d}')}" for number in range(1, 13)]
    path.write_text("nom;prenom;rpps\n" + "\n".join(rows) + "\n")
    shell.good("mailbox", "import", str(path))
    path.write_text("nom;prenom;rpps\n" + "\n".join(rows[1:]) + "\n")

    def state() -> set[str]:
        return {one["address"] for one in shell.good("mailbox", "list", "--json").json if one["state"] == "suspended"}

    # Told, and nothing else.
    assert "11 inchangées, 0 refusée, 1 absente." in shell.good("mailbox", "import", str(path)).out
    dry = shell.good("mailbox", "import", str(path), "--close-absent", "--dry-run", "--json")
    assert outcomes(dry)[-1] == (None, "suspended", [])
    monkeypatch.setattr("sys.stdin", io.StringIO("non\n"))
    refused = shell("mailbox", "import", str(path), "--close-absent")
    assert refused.code == 130
    assert f"Suspendre 1 boîte sur 12 (p.n1@{DOMAIN})" in refused.err
    assert state() == set()
    # A file that was cut off.
    path.write_text("nom;prenom;rpps\n" + "\n".join(rows[6:]) + "\n")
    cut = shell("mailbox", "import", str(path), "--close-absent", "--yes")
    assert (cut.code, "fichier tronqué" in cut.err, state()) == (1, True, set())
    path.write_text("nom;prenom;rpps\n" + "\n".join(rows[1:]) + "\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("oui\n"))
    assert "1 suspendue." in shell.good("mailbox", "import", str(path), "--close-absent").out
    assert state() == {f"p.n1@{DOMAIN}"}
    listed = {one["address"]: one for one in shell.good("directory", "publications", "--json").json}
    assert listed[f"p.n1@{DOMAIN}"]["mailbox"] == "suspended"
    path.write_text("nom;prenom;rpps\n" + "\n".join(rows[6:]) + "\n")
    answer = shell.good("mailbox", "import", str(path), "--close-absent", "--absent-max", "50", "--yes", "--json")
    assert [outcome for _line, outcome, _fields in outcomes(answer)].count("suspended") == 5


def test_a_file_of_passwords_is_never_written_over_nor_followed(shell: Shell, file: Path, tmp_path: Path) -> None:
    (tmp_path / "existe").write_text("x")
    (tmp_path / "lien").symlink_to(tmp_path / "ailleurs")
    for name in ("existe", "lien"):
        answer = shell("mailbox", "import", str(file), "--passwords", str(tmp_path / name))
        assert answer.code == 2
        assert "nouveau fichier" in answer.err
    assert boxes(shell) == set()


def test_what_cannot_be_read_is_said_on_one_line(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "vide.csv").write_text("")
    for name, said in (("vide.csv", "aucune colonne"), ("absent.csv", "CSV lisible")):
        answer = shell("mailbox", "import", str(tmp_path / name))
        assert answer.code == 2
        assert said in answer.err
        assert len(answer.err.splitlines()) == 1


def test_with_several_domains_one_must_be_named(shell: Shell, file: Path) -> None:
    shell.good("mailbox", "domain", "add", "autre.mssante.fr")
    answer = shell("mailbox", "import", str(file))
    assert answer.code == 1
    assert "--domain" in answer.err
    assert shell("mailbox", "import", str(file), "--domain", "autre.mssante.fr").code == 1
    assert "eloise.martin@autre.mssante.fr" in boxes(shell)


def test_a_long_work_draws_a_bar_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bar = bulk._Bar()
    bar.show(1, 2)
    bar.end()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(bulk.sys.stderr, "isatty", lambda: True)
    bar.show(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(bulk, "_SLOW_SECONDS", 0.0)
    monkeypatch.setattr(bulk.sys.stderr, "isatty", lambda: True)
    bar.show(1, 2)
    bar.end()
    assert "1/2" in capsys.readouterr().err
