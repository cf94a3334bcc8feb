"""Start and stop the programs of the sandbox: each operator is ``mssante serve`` with its own configuration.

Not for what runs inside them.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mssante.model.errors import MssError

READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
LOG_TAIL_CHARS: Final = 2000
LINE_MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Served:
    """A running program.

    Attributes:
        log: file of what it writes on its error output.
        ready: the line that it printed when its doors were open.
    """

    name: str
    process: asyncio.subprocess.Process
    log: Path
    ready: Mapping[str, Any]


async def start(name: str, config: Path, log: Path) -> Served:
    """Start ``mssante serve`` and wait until its doors are open.

    Raises:
        MssError: it ended, or was not ready within 30 seconds; the text ends with its last words.
    """
    # Not the terminal's group: on Ctrl-C the sandbox stops its programs in order, they do not die beside it.
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "mssante.app",
            "serve",
            "--config",
            str(config),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            limit=LINE_MAX_BYTES,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        async with asyncio.timeout(READY_SECONDS):
            ready = await _ready_line(process)
    except TimeoutError:
        ready = None
    except BaseException:
        await _end(process)
        raise
    if ready is None:
        await _end(process)
        msg = f"{name} did not start: {_tail(log)}"
        raise MssError(msg)
    return Served(name, process, log, ready)


async def stop(served: Served) -> bool:
    """Ask the program to stop and wait for it; tells whether it ended by itself, with exit code 0."""
    return await _end(served.process) == 0


async def _ready_line(process: asyncio.subprocess.Process) -> dict[str, Any] | None:
    while process.stdout is not None and (line := await process.stdout.readline()):
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and found.get("event") == "ready":
                return found
    return None


async def _end(process: asyncio.subprocess.Process) -> int:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            # Reads what it still says, so that a full pipe cannot hold it back.
            async with asyncio.timeout(STOP_SECONDS):
                await process.communicate()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
    return await process.wait()


def _tail(log: Path) -> str:
    text = log.read_bytes().decode(errors="replace").strip()
    return text[-LOG_TAIL_CHARS:] or "it said nothing"
