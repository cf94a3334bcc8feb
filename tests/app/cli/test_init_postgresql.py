"""``mssante init --dsn``: a new operator on an empty PostgreSQL database; one that serves somebody is refused."""

import asyncio
from pathlib import Path

import pytest
from cli_world import DOMAIN, new_shell
from postgresql import Server, postgresql

from mssante.app.cli.main import run
from mssante.app.config import read_config

__all__ = ["postgresql"]


def test_an_operator_is_prepared_on_an_empty_database(
    tmp_path: Path, pki, capsys: pytest.CaptureFixture[str], postgresql: Server
) -> None:
    asyncio.run(postgresql.ask("CREATE DATABASE nouvel OWNER mssante ENCODING 'UTF8' TEMPLATE template0"))
    dsn = postgresql.settings("nouvel").dsn
    (tmp_path / "un").mkdir()
    shell = new_shell(tmp_path / "un", pki, capsys, "--dsn", dsn)
    config = read_config(shell.config)
    assert (config.store.engine, config.store.dsn) == ("postgresql", dsn)
    assert DOMAIN in shell.good("mailbox", "list", "--json").out
    answer = shell("config", "check")
    assert "un autre nœud sur la même base ne les verrait pas" in answer.out
    capsys.readouterr()
    named = ("--name", "Autre", "--hostname", "mss.autre.fr", "--domain", "autre.mssante.fr")
    code = run(["init", str(tmp_path / "deux"), *named, "--dsn", dsn])
    assert code == 2
    assert "sert déjà un opérateur" in capsys.readouterr().err
