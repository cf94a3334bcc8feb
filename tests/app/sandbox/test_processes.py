"""A program that does not start says why, and nothing is left running."""

from pathlib import Path

import pytest

from mssante.app.sandbox.processes import start
from mssante.model.errors import MssError


async def test_a_program_that_ends_before_its_doors_open_is_named_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(MssError, match=r"(?s)essai did not start: .*absent\.toml"):
        await start("essai", tmp_path / "absent.toml", tmp_path / "log")
