"""``mssante store copy``: an operator goes to PostgreSQL and comes back, with clear refusals on the way."""

import asyncio
import re
from pathlib import Path

import pytest
from cli_world import CLAIRE, Shell, new_shell
from postgresql import Server, postgresql

from mssante.app.cli.store import _progress

__all__ = ["postgresql"]


@pytest.fixture
def shell(tmp_path: Path, pki, capsys: pytest.CaptureFixture[str]) -> Shell:
    return new_shell(tmp_path, pki, capsys)


def _there(shell: Shell, dsn: str) -> Path:
    """Write the configuration of the same operator on PostgreSQL."""
    text = shell.config.read_text()
    text = re.sub(r"^data_dir = .*$", f'data_dir = "{shell.config.parent}/pg"', text, flags=re.MULTILINE)
    target = shell.config.parent / "mssante-pg.toml"
    target.write_text(text.replace("[store]", f'[store]\nengine = "postgresql"\ndsn = "{dsn}"'))
    return target


def test_an_operator_moves_to_postgresql_and_back(shell: Shell, postgresql: Server) -> None:
    database = asyncio.run(postgresql.new_database())
    target = _there(shell, postgresql.dsn(database))
    shell.good("mailbox", "add", CLAIRE, "--type", "PER", "--holder", "Dr Claire Martin")
    way = ("store", "copy", "--from", str(shell.config), "--to", str(target))

    answer = shell.bare(*way)
    assert answer.code == 0, answer.err
    assert "L'opérateur continue comme avant" in answer.out
    assert f"--from {shell.config} --to {target} --final" in answer.out
    # Nobody may use the copy yet; the operator goes on.
    refused = shell.bare("mailbox", "list", "--config", str(target))
    assert (refused.code, "copie inachevée" in refused.err) == (3, True)
    shell.good("mailbox", "password", "add", CLAIRE, "--name", "poste")

    answer = shell.bare(*way, "--final")
    assert answer.code == 0, answer.err
    assert f"mssante serve --config {target}" in answer.out
    refused = shell("mailbox", "list")
    assert (refused.code, "a été déplacé" in refused.err) == (3, True)
    moved = Shell(target, shell.capture)
    assert CLAIRE in moved.good("mailbox", "list").out
    assert "store.moved" in moved.good("audit", "show", "--json").out
    moved.good("audit", "verify")

    back = ("store", "copy", "--from", str(target), "--to", str(shell.config), "--final", "--json")
    answer = shell.bare(*back)
    assert answer.code == 0, answer.err
    assert answer.json["final"] is True
    assert answer.json["copied"]["damaged"] == []
    assert CLAIRE in shell.good("mailbox", "list").out


def test_refuses_configurations_of_two_operators_or_other_secrets(shell: Shell, postgresql: Server) -> None:
    target = _there(shell, postgresql.dsn("nowhere"))
    text = target.read_text()
    target.write_text(text.replace('name = "CHU de Valdoré"', 'name = "Autre"'))
    answer = shell.bare("store", "copy", "--from", str(shell.config), "--to", str(target))
    assert (answer.code, "ne sont pas du même opérateur" in answer.err) == (2, True)
    key = shell.config.parent / "other-key"
    key.write_bytes(b"k" * 32)
    key.chmod(0o600)
    target.write_text(re.sub(r"^trace_key = .*$", f'trace_key = "{key}"', text, flags=re.MULTILINE))
    answer = shell.bare("store", "copy", "--from", str(shell.config), "--to", str(target))
    assert (answer.code, "[secrets] trace_key n'est pas le même" in answer.err) == (2, True)
    target.write_text(text)
    answer = shell.bare("store", "copy", "--from", str(shell.config), "--to", str(target))
    assert (answer.code, "n'existe pas : créez cette base (createdb)" in answer.err) == (3, True)


def test_progress_is_for_people_only(capsys: pytest.CaptureFixture[str]) -> None:
    with _progress(shown=False) as told:
        told("lignes", 1, 2)
    assert capsys.readouterr() == ("", "")
    with _progress(shown=True) as told:
        told("lignes de message", 1, 2)
        told("mots de la recherche", 0, 0)
