"""The file of the extraction: a whole archive or none, made when it is due.

Source: operators.md 4.4 (ZIP with one .txt, daily).
"""

import asyncio
import os
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_world import Shell, new_shell
from directory_files import LINES, box, extraction, loaded
from processes import until
from standins import KeptLog

from mssante.app import extraction_file
from mssante.app.config import Config, read_config
from mssante.app.directory_place import directory_folder
from mssante.app.extraction_file import NAME, keep_extraction, served_extraction, write_extraction
from mssante.model.errors import ConfigError, DirectoryMissingError
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER

NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)


@pytest.fixture
def shell(tmp_path: Path, pki, capsys) -> Shell:
    return new_shell(tmp_path, pki, capsys)


@pytest.fixture
def config(shell: Shell) -> Config:
    return read_config(shell.config)


def become_manager(shell: Shell) -> None:
    text = shell.config.read_text()
    assert 'role = "operator"' in text
    shell.config.write_text(text.replace('role = "operator"', 'role = "manager"'))


def lines_of(file: Path) -> list[bytes]:
    with zipfile.ZipFile(file) as archive:
        (name,) = archive.namelist()
        return archive.read(name).splitlines(keepends=True)


def test_it_is_named_and_made_as_the_national_one(config: Config, tmp_path: Path) -> None:
    loaded(directory_folder(config), extraction=extraction())
    file = tmp_path / "essai.zip"
    found = write_extraction(config, file, NOW)
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == [f"{NAME}_202611280400.txt"]
    assert (found.lines, found.left_out, found.size_bytes) == (len(LINES), 0, file.stat().st_size)
    assert lines_of(file)[0] == EXTRACTION_HEADER
    assert len(lines_of(file)) == 1 + len(LINES)


def test_a_new_one_takes_the_place_of_the_old_and_leaves_nothing_beside_it(config: Config, tmp_path: Path) -> None:
    folder = tmp_path / "publie"
    folder.mkdir()
    file = folder / "essai.zip"
    loaded(directory_folder(config), extraction=extraction())
    write_extraction(config, file, NOW)
    with file.open("rb") as held:
        before = file.read_bytes()
        loaded(directory_folder(config), extraction=extraction((*LINES, box("neuve@x.mssante.fr", *LINES[0][1:]))))
        write_extraction(config, file, NOW)
        assert held.read() == before
    assert len(lines_of(file)) == 2 + len(LINES)
    assert [one.name for one in folder.iterdir()] == ["essai.zip"]


def test_without_a_directory_or_a_folder_nothing_is_written_and_it_is_said(config: Config, tmp_path: Path) -> None:
    with pytest.raises(DirectoryMissingError):
        write_extraction(config, tmp_path / "essai.zip", NOW)
    assert not list(tmp_path.glob("*essai*"))
    loaded(directory_folder(config), extraction=extraction())
    with pytest.raises(ConfigError, match="donnez un fichier d'un dossier"):
        write_extraction(config, tmp_path / "absent" / "essai.zip", NOW)


def test_a_link_in_the_place_of_the_unfinished_file_is_not_followed(config: Config, tmp_path: Path) -> None:
    loaded(directory_folder(config), extraction=extraction())
    precious = tmp_path / "precieux"
    precious.write_text("x")
    (tmp_path / ".essai.zip.part").symlink_to(precious)
    with pytest.raises(ConfigError):
        write_extraction(config, tmp_path / "essai.zip", NOW)
    assert precious.read_text() == "x"


def test_the_command_says_what_it_wrote_and_a_manager_needs_no_name(shell: Shell, config: Config) -> None:
    loaded(directory_folder(config), extraction=extraction())
    file = config.operator.data_dir / "essai.zip"
    assert f"{len(LINES)} boîtes, 0 laissées de côté" in shell.good("directory", "export", str(file)).out
    assert shell.good("directory", "export", str(file), "--json").json["lines"] == len(LINES)
    refused = shell("directory", "export")
    assert (refused.code, "seul un gestionnaire" in refused.err) == (2, True)
    become_manager(shell)
    shell.good("directory", "export")
    assert len(lines_of(served_extraction(config))) == 1 + len(LINES)


async def kept(config: Config, event: str) -> None:
    """Let the manager keep its extraction until it has said that."""
    log = KeptLog()
    keeping = asyncio.create_task(keep_extraction(config, lambda: datetime.now(UTC), log))
    try:
        await until(lambda: keeping.done() or event in {line[1] for line in log.lines}, event)
        assert not keeping.done()
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_the_manager_makes_one_when_there_is_none_or_it_is_a_day_old(shell: Shell, config: Config) -> None:
    loaded(directory_folder(config), extraction=extraction())
    become_manager(shell)
    file = served_extraction(config)
    await kept(config, "extraction-published")
    assert len(lines_of(file)) == 1 + len(LINES)
    yesterday = (datetime.now(UTC) - timedelta(days=1, seconds=1)).timestamp()
    os.utime(file, (yesterday, yesterday))
    await kept(config, "extraction-published")
    assert file.stat().st_mtime > yesterday


async def test_a_failure_is_told_and_the_manager_publishes_when_its_cause_is_gone(
    shell: Shell, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction_file, "RETRY_SECONDS", 0.2)
    loaded(directory_folder(config), extraction=extraction())
    become_manager(shell)
    log, absent = KeptLog(), config.source.with_name("absent.toml")
    moved = replace(config, source=absent)
    keeping = asyncio.create_task(keep_extraction(moved, lambda: datetime.now(UTC), log))
    try:
        for event in ("extraction-not-published", "extraction-published"):
            await until(lambda event=event: keeping.done() or event in {line[1] for line in log.lines}, event)
            assert not keeping.done()
            if not absent.exists():
                assert not served_extraction(config).exists()
                absent.write_bytes(config.source.read_bytes())
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert {line[1] for line in log.lines} == {"extraction-not-published", "extraction-published"}
    assert len(lines_of(served_extraction(config))) == 1 + len(LINES)
