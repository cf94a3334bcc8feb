"""The directory stands where the store does: ``mssante directory`` on each engine says the same."""

import asyncio
from pathlib import Path

import pytest
from cli_world import Shell
from directory_files import CHU, DUPONT, activities, extraction
from postgresql import Server, postgresql

from mssante.app.config import read_config
from mssante.app.directory_place import directory_folder

__all__ = ["postgresql"]


@pytest.fixture(params=["sqlite", "postgresql"])
def operator(shell: Shell, request: pytest.FixtureRequest) -> Shell:
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        text = shell.config.read_text()
        dsn = server.dsn(asyncio.run(server.new_database()))
        told = f'\n[store]\nengine = "postgresql"\ndsn = "{dsn}"\n'
        assert "\n[store]\n" in text
        shell.config.write_text(text.replace("\n[store]\n", told))
    return shell


def test_a_directory_is_imported_searched_and_told_of(operator: Shell, tmp_path: Path) -> None:
    first, second = tmp_path / "extraction.txt", tmp_path / "activites.txt"
    first.write_bytes(extraction())
    second.write_bytes(activities([(DUPONT, CHU)]))
    made = operator.good("directory", "import", str(first), str(second), "--json").json
    assert made["after"]["mailboxes"] == 6
    found = operator.good("directory", "search", "dupont", "cardio", "nantes").out
    assert "jean.dupont@chu-nantes.mssante.fr" in found
    assert "nom exact" in found
    exported = operator.good("directory", "export", str(tmp_path / "public.zip"), "--json").json
    assert exported["lines"] == 6
    files = list(directory_folder(read_config(operator.config)).glob("*.db"))
    assert bool(files) == ("postgresql" not in operator.config.read_text())


def test_without_a_directory_it_is_said_with_what_to_do(operator: Shell) -> None:
    answer = operator("directory", "search", "dupont")
    assert answer.code != 0
    assert "importez-le" in answer.err or "pas encore chargé" in answer.err
