"""Process trees: start one, stop all of it, and read what it costs from ``/proc``.

Not for the load client, which reports its own cost.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")
GONE_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.01
STOP_SECONDS: Final = 10
_PROC: Final = Path("/proc")
_PR_SET_CHILD_SUBREAPER: Final = 36


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process tree.

    Attributes:
        processes: how many there are.
        rss_bytes: sum of the resident sets; counts shared pages once for each process.
        pss_bytes: sum of the proportional sets; counts a shared page once in all.
    """

    processes: int
    rss_bytes: int
    pss_bytes: int


def start(
    command: Sequence[str | Path], *, log: Path, output: Path | None = None, **environment: str
) -> subprocess.Popen[bytes]:
    """Start a program in its own session, so that a Ctrl-C here reaches it only through `stop`.

    Args:
        command: program and arguments.
        log: file that takes its error output.
        output: file that takes its output; None makes a pipe, to be read by the caller.
        environment: variables added to ours.
    """
    with log.open("ab") as errors, output.open("wb") if output else contextlib.nullcontext(subprocess.PIPE) as out:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, **environment},
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the process and all its descendants: asked first, killed after 10 seconds."""
    family = tree(process.pid)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()
    end(family[1:])


def end(family: list[int]) -> None:
    """Kill those of the processes that are still there, which must be ours, and collect them."""
    for pid in family:
        if _parent(pid) is not None:
            _kill(pid)
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            _wait_until_gone(pid)


def _wait_until_gone(pid: int) -> None:
    """Wait, not for ever, for who is not our child: another process collects it a moment after it was killed."""
    end_at = time.monotonic() + GONE_SECONDS
    while _parent(pid) is not None and time.monotonic() < end_at:
        time.sleep(LOOK_SECONDS)


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ends, so that `end` can collect them all.

    Servers detach themselves; where the first process of the machine collects nothing, they would stay as zombies.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def tree(root: int) -> list[int]:
    """Return the process and its descendants, the root first; empty when it has ended."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (parent := _parent(int(entry.name))) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    pending = [root] if _parent(root) is not None else []
    while pending:
        pid = pending.pop()
        found.append(pid)
        pending += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """Return the processor time, user and system, that the tree has used since it started, ended children included."""
    ticks = 0
    for pid in tree(root):
        fields = _stat(pid)
        if fields is not None:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS_PER_SECOND


def memory(root: int) -> Memory:
    """Return what the tree holds now."""
    count = rss = pss = 0
    for pid in tree(root):
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines[1:])}
        count += 1
        rss += int(sizes["Rss"]) * 1024
        pss += int(sizes["Pss"]) * 1024
    return Memory(count, rss, pss)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[1])


def _stat(pid: int) -> list[str] | None:
    """Return the fields of ``stat`` from the state on, or None when the process has gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()
