"""Run a command of this program in a process of its own: long work must not slow the doors down.

What a crash can do: the command ends or stays by itself, as when somebody typed it.
"""

import asyncio
import contextlib
import signal
import sys
from typing import Final

from mssante.model.errors import MssError

TAIL_CHARS: Final = 500
STOP_SECONDS: Final = 10.0


async def run_own(*arguments: str) -> bytes:
    """Return what the command says on its output; when we are cancelled, it is interrupted and waited for.

    Raises:
        MssError: it failed; the text is what it says.
    """
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mssante.app",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, wrong = await program.communicate()
    except asyncio.CancelledError:
        await _stop(program)
        raise
    if program.returncode:
        tail = " ".join(wrong.decode("utf-8", "replace").split())[-TAIL_CHARS:]
        msg = tail.removeprefix("mssante : ") or f"{' '.join(arguments[:2])} : code {program.returncode}"
        raise MssError(msg)
    return said


async def _stop(program: asyncio.subprocess.Process) -> None:
    """Interrupt it as Ctrl-C does, so that it takes its unfinished files away; kill it when it does not end."""
    with contextlib.suppress(ProcessLookupError):
        program.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await program.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        await program.wait()
