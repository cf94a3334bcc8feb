"""A command of ours in its own process: what it says, what it complains of, and that it does not outlive us."""

import asyncio
from pathlib import Path

import pytest
from processes import until

from mssante.app.own_command import run_own
from mssante.model.errors import MssError


async def test_gives_what_the_command_says() -> None:
    assert (await run_own("--version")).startswith(b"mssante ")


async def test_a_failure_is_told_in_the_words_of_the_command(tmp_path: Path) -> None:
    with pytest.raises(MssError, match=r"^configuration .*absent\.toml"):
        await run_own("directory", "export", "--config", str(tmp_path / "absent.toml"))


async def test_a_command_that_is_no_longer_wanted_is_interrupted_and_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "nation"
    command = asyncio.create_task(run_own("directory", "generate", str(folder), "--professionals", "900000"))
    await until(folder.exists, "the command to work")
    command.cancel()
    with pytest.raises(asyncio.CancelledError):
        await command
    sizes = [one.stat().st_size for one in sorted(folder.iterdir())]
    await run_own("--version")
    assert [one.stat().st_size for one in sorted(folder.iterdir())] == sizes
