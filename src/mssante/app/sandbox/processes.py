"""Start and stop the programs of the sandbox: each operator is ``mssante serve`` with its own configuration.

The program is imported once, then forked: five processes start in the time of one. Commands that an administrator would
type run the same way. Not for what runs inside them.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NoReturn

from mssante.model.errors import LinkError, MssError

READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
COMMAND_SECONDS: Final = 600.0
LOG_TAIL_CHARS: Final = 2000
LINE_MAX_BYTES: Final = 1024 * 1024
ORDER_MAX_BYTES: Final = 4096
FIRST_FREE_FD: Final = 3
LAST_FD: Final = 256
PRELOADED: Final = (
    "mssante.app.cli.main",
    "mssante.app.cli.serve",
    "mssante.app.cli.directory",
    "mssante.app.serve",
    "mssante.app.manager",
    "mssante.app.sandbox.population.population",
    "httpx2",
)


@dataclass(frozen=True, slots=True)
class _Child:
    """A forked process that waits for its order, a command; its control pipe stays open as long as we live."""

    pid: int
    control: int
    output: int


@dataclass(frozen=True, slots=True)
class Served:
    """A running program.

    Attributes:
        log: file of what it writes on its error output.
        ready: the line that it printed when its doors were open.
    """

    name: str
    pid: int
    log: Path
    ready: Mapping[str, Any]


class Nursery:
    """Processes that were forked before anything ran, each to become one program."""

    def __init__(self, children: list[_Child]) -> None:
        """Keep them; use `open_nursery`."""
        self._children = children

    def take(self) -> _Child:
        """Return one that waits.

        Raises:
            MssError: more programs are started than were foreseen (a bug in the caller).
        """
        if not self._children:
            msg = "the sandbox starts more programs than it has foreseen"
            raise MssError(msg)
        return self._children.pop(0)

    def close(self) -> None:
        """Let those go that still wait."""
        for child in self._children:
            os.close(child.control)
            os.close(child.output)
            os.waitpid(child.pid, 0)
        self._children.clear()


def open_nursery(count: int) -> Nursery:
    """Import the program and fork that many processes; to be called before any thread or event loop is started."""
    for name in PRELOADED:
        import_module(name)
    sys.stdout.flush()
    sys.stderr.flush()
    return Nursery([_fork() for _ in range(count)])


async def start(nursery: Nursery, name: str, config: Path, log: Path) -> Served:
    """Make one of the nursery run ``mssante serve`` and wait until its doors are open.

    Raises:
        MssError: it ended, or was not ready within 30 seconds; the text ends with its last words.
    """
    child = nursery.take()
    _order(child, ("serve", "--config", str(config)), log)
    ready = None
    try:
        async with asyncio.timeout(READY_SECONDS):
            ready = await _ready_line(child.output)
    except TimeoutError:
        pass
    except BaseException:
        await _end(child.pid)
        raise
    if ready is None:
        await _end(child.pid)
        msg = f"{name} did not start: {_tail(log)}"
        raise MssError(msg)
    return Served(name, child.pid, log, ready)


async def run_command(nursery: Nursery, log: Path, *arguments: str) -> bytes:
    """Make one of the nursery run a command of ``mssante`` and return what it says on its output.

    Args:
        log: file of what it writes on its error output.

    Raises:
        LinkError: it failed; the text ends with its last words.
    """
    child = nursery.take()
    _order(child, arguments, log)
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            said = await _all(child.output)
    except BaseException:
        await _end(child.pid)
        raise
    # Its output is closed: it is ending.
    _, status = await asyncio.to_thread(os.waitpid, child.pid, 0)
    os.close(child.control)
    if status:
        msg = f"mssante {' '.join(arguments[:2])}: {_tail(log)}"
        raise LinkError(msg)
    return said


async def stop(served: Served) -> bool:
    """Ask the program to stop and wait for it; tells whether it ended by itself, with exit code 0."""
    return await _end(served.pid) == 0


async def kill(served: Served) -> None:
    """Kill the program with -9, as a crash would, and wait until it is gone."""
    os.kill(served.pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, served.pid, 0)


def _fork() -> _Child:
    control_read, control_write = os.pipe()
    output_read, output_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        _live(control_read, output_write)
    os.close(control_read)
    os.close(output_write)
    return _Child(pid, control_write, output_read)


def _live(control: int, output: int) -> NoReturn:
    """Wait for the order, then be that program; never return."""
    code = 1
    try:
        # Not the terminal's group: on Ctrl-C the sandbox stops its programs in order, they do not die beside it.
        os.setsid()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(signal_number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        for fd in range(FIRST_FREE_FD, LAST_FD):
            if fd != control:
                with suppress(OSError):
                    os.close(fd)
        order = os.read(control, ORDER_MAX_BYTES)
        code = _obey(control, json.loads(order)) if order else 0
        sys.stdout.flush()
    finally:
        os._exit(code)


def _order(child: _Child, arguments: Sequence[str], log: Path) -> None:
    os.write(child.control, json.dumps({"arguments": arguments, "log": str(log)}).encode() + b"\n")


def _obey(control: int, order: Mapping[str, Any]) -> int:
    from mssante.app.cli.main import run

    os.dup2(os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    threading.Thread(target=_stop_when_orphaned, args=(control,), daemon=True).start()
    return run(order["arguments"])


def _stop_when_orphaned(control: int) -> None:
    """Stop this program when the sandbox is gone, even killed: nothing is left running behind its back."""
    os.read(control, 1)
    os.kill(os.getpid(), signal.SIGTERM)


async def _opened(output: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    reader = asyncio.StreamReader(limit=LINE_MAX_BYTES)
    pipe = os.fdopen(output, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    return reader, transport


async def _all(output: int) -> bytes:
    """Return what a command of ours says until it ends: one line of JSON, or a few lines."""
    reader, transport = await _opened(output)
    try:
        return await reader.read()
    finally:
        transport.close()


async def _ready_line(output: int) -> dict[str, Any] | None:
    reader, transport = await _opened(output)
    try:
        while line := await reader.readline():
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and found.get("event") == "ready":
                    return found
        return None
    finally:
        # It says nothing more; a program that still writes there would only find the pipe closed.
        transport.close()


async def _end(pid: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    waiting = asyncio.ensure_future(asyncio.to_thread(os.waitpid, pid, 0))
    done, _ = await asyncio.wait({waiting}, timeout=STOP_SECONDS)
    if not done:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _, status = await waiting
    return os.waitstatus_to_exitcode(status)


def _tail(log: Path) -> str:
    text = log.read_bytes().decode(errors="replace").strip()
    return text[-LOG_TAIL_CHARS:] or "it said nothing"
