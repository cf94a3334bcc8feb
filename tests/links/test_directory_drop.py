"""The folder where a file is put: whole under its name, or not at all."""

import asyncio
from pathlib import Path

import pytest

from mssante.links.directory_drop import DirectoryDrop
from mssante.model.errors import LinkError


def test_a_file_is_whole_under_its_name_and_no_stranger_reads_it(tmp_path: Path) -> None:
    for content in (b"une ligne\n", b"une autre\n"):
        asyncio.run(DirectoryDrop(tmp_path).put("a.txt", content))
    (file,) = tmp_path.iterdir()
    assert file.name == "a.txt"
    assert file.read_bytes() == b"une autre\n"
    assert file.stat().st_mode & 0o007 == 0


async def test_a_folder_that_is_not_there_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="vérifiez qu'il existe"):
        await DirectoryDrop(tmp_path / "absent").put("a.txt", b"x")


def test_a_name_that_is_taken_by_a_folder_leaves_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(LinkError):
        asyncio.run(DirectoryDrop(tmp_path).put("a.txt", b"x"))
    assert (tmp_path / "a.txt").is_dir()
