"""Keep one program with all its descendants: none of them outlives us, nor whoever started us.

Run as a program of its own, by its path, so that it needs nothing but Python: ``keeper.py UID GID FOLDER PROGRAM``
and its arguments, UID -1 for ourselves. Its standard input is the line to whoever started it: a letter k kills the
whole family at once, as a crash would; the end of the line, also when the other end was killed, stops the program
in order. PostgreSQL detaches itself from Patroni; the family is found all the same, because orphans come to us.

Not for what runs, nor for the decision to start it again.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

KILL: Final = b"k"
STOP_SECONDS: Final = 20.0
KILL_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.05
ORDERS: Final = 0
OURSELVES: Final = -1
_SIGNALS_MAX: Final = 64
_PR_SET_CHILD_SUBREAPER: Final = 36
_PARENT_FIELD: Final = 1


class Keeper:
    """The program and what woke us."""

    def __init__(self, uid: int, gid: int, folder: str, command: Sequence[str]) -> None:
        """Start the program in that folder as that account."""
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(wake)
        given = {} if uid == OURSELVES else {"user": uid, "group": gid, "extra_groups": []}
        self._process = subprocess.Popen(  # type: ignore[call-overload]
            command, stdin=subprocess.DEVNULL, cwd=folder, umask=0o077, **given
        )
        self._pid: int = self._process.pid
        self._code: int | None = None

    def keep(self) -> int:
        """Wait for the end of the program or an order, leave nothing behind; return the exit code.

        That is the program's own when it ended without being asked, 0 when it stopped in order.
        """
        asked = False
        while self._code is None and not asked:
            readable, _, _ = select.select([ORDERS, self._woken], [], [])
            if self._woken in readable:
                asked = not {signal.SIGTERM, signal.SIGINT}.isdisjoint(os.read(self._woken, _SIGNALS_MAX))
                self._collect()
            if ORDERS in readable:
                asked = True
                if os.read(ORDERS, 1) == KILL:
                    self._end()
                    return 0
        if self._code is None:
            self._stop()
        code = self._code
        self._end()
        if asked:
            return 0 if code is not None else 1
        return 1 if code is None or code < 0 else code

    def _stop(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while self._code is None and time.monotonic() < until:
            self._wait()

    def _end(self) -> None:
        """Kill whatever is left, the eldest first, so that nobody starts it again."""
        until = time.monotonic() + KILL_SECONDS
        while (left := descendants(os.getpid())) and time.monotonic() < until:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._wait()
        self._collect()

    def _wait(self) -> None:
        if select.select([self._woken], [], [], LOOK_SECONDS)[0]:
            os.read(self._woken, _SIGNALS_MAX)
        self._collect()

    def _collect(self) -> None:
        """Take note of those that ended, adopted ones too: none stays as a zombie."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self._pid:
                    self._code = self._process.returncode = os.waitstatus_to_exitcode(status)


def descendants(root: int) -> list[int]:
    """Return the living descendants of a process, parents before their children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (parent := _parent(entry)) is not None:
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    pending = children.get(root, [])
    while pending:
        found += pending
        pending = [child for pid in pending for child in children.get(pid, [])]
    return found


def _parent(entry: Path) -> int | None:
    """Return the parent of a living process."""
    try:
        text = (entry / "stat").read_text()
    except OSError:
        return None
    # The name of the program stands in parentheses and may hold anything.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[_PARENT_FIELD])


def main(arguments: Sequence[str]) -> int:
    """Keep the program that the arguments name; return the exit code."""
    uid, gid, folder, *command = arguments
    return Keeper(int(uid), int(gid), folder, command).keep()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
