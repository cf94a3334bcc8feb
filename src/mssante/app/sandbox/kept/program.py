"""A program that is kept: started, stopped in order, or killed with all that it started (see `keeper`)."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mssante.app.sandbox.kept import keeper

PATIENCE_SECONDS: Final = keeper.STOP_SECONDS + 2 * keeper.KILL_SECONDS
LOG_TAIL_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Account:
    """A system account."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to run.

    Attributes:
        folder: where it runs; its own.
        log: file of all that it says.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    log: Path

    def tail(self) -> str:
        """Return its last words."""
        text = self.log.read_bytes().decode(errors="replace").strip() if self.log.exists() else ""
        return text[-LOG_TAIL_CHARS:] or "aucun message"


class Kept:
    """One such program, once started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Keep the keeper; use `start`."""
        self._process = process

    @classmethod
    async def start(cls, order: Order, account: Account | None) -> "Kept":
        """Start the program as that account, ourselves when None.

        In a session of its own: on Ctrl-C we stop it in order, it does not die beside us. It sees nothing of our
        environment.
        """
        uid, gid = (account.uid, account.gid) if account else (keeper.OURSELVES, keeper.OURSELVES)
        with order.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", keeper.__file__, str(uid), str(gid), str(order.folder), *order.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.defpath, "HOME": str(order.folder), "LANG": "C.UTF-8"},
            )
        return cls(process)

    @property
    def is_running(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        """Return the process at the top of its tree."""
        return self._process.pid

    async def stop(self) -> bool:
        """Ask it to stop and wait for it; tells whether it stopped in order."""
        self._line().close()
        return await self._ended() == 0

    async def kill(self) -> None:
        """Kill it and all its descendants at once, as a crash would."""
        with suppress(ConnectionError):
            self._line().write(keeper.KILL)
            await self._line().drain()
        await self._ended()
        self._line().close()

    def freeze(self) -> None:
        """Let it and its descendants stand still, as a machine that hangs: its ports stay open and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in keeper.descendants(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _line(self) -> asyncio.StreamWriter:
        if self._process.stdin is None:
            msg = "the keeper was started without a line"
            raise RuntimeError(msg)
        return self._process.stdin

    async def _ended(self) -> int:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()
