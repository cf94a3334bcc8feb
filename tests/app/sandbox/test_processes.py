"""A program that does not start says why, and nothing is left running; played in a fresh process, which may fork."""

import subprocess
import sys
import textwrap
from pathlib import Path


def play(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    start = f"""
        import asyncio, os, signal, sys
        from pathlib import Path
        from mssante.app.sandbox.processes import open_nursery, run_command, start, stop
        from mssante.model.errors import MssError
        folder = Path({str(folder)!r})
    """
    source = textwrap.dedent(start) + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False)


def test_a_program_that_ends_before_its_doors_open_is_named_with_its_last_words(tmp_path: Path) -> None:
    done = play(
        """
        nursery = open_nursery(2)
        try:
            asyncio.run(start(nursery, "essai", folder / "absent.toml", folder / "log"))
        except MssError as error:
            print(error)
        nursery.close()
        """,
        tmp_path,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("essai did not start: ")
    assert "absent.toml" in done.stdout


def test_a_command_gives_what_it_says_and_one_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    done = play(
        """
        async def main() -> None:
            print((await run_command(nursery, folder / "log", "--version")).decode().split()[0])
            try:
                await run_command(nursery, folder / "log", "directory", "show", "a@b.fr", "--config", "absent.toml")
            except MssError as error:
                print(error)

        nursery = open_nursery(2)
        asyncio.run(main())
        nursery.close()
        """,
        tmp_path,
    )
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == "mssante"
    assert second.startswith("mssante directory show: ")
    assert "absent.toml" in second


def test_a_command_that_is_no_longer_waited_for_ends(tmp_path: Path) -> None:
    done = play(
        """
        async def main() -> None:
            command = run_command(nursery, folder / "log", "directory", "generate", str(folder), "--professionals", "900000")
            try:
                await asyncio.wait_for(command, 0.1)
            except TimeoutError:
                print("ended")

        nursery = open_nursery(1)
        asyncio.run(main())
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            print("none left")
        """,
        tmp_path,
    )
    assert (done.stdout, done.stderr) == ("ended\nnone left\n", "")


def test_those_that_were_not_needed_go_when_the_nursery_closes(tmp_path: Path) -> None:
    done = play(
        """
        nursery = open_nursery(2)
        nursery.close()
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            print("none left")
        """,
        tmp_path,
    )
    assert (done.stdout, done.stderr) == ("none left\n", "")


def test_those_that_wait_go_when_the_sandbox_is_killed(tmp_path: Path) -> None:
    done = play(
        """
        nursery = open_nursery(1)
        print(nursery.take().pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    # The run above ends only when every process that holds its output has ended.
    assert int(done.stdout) > 0
