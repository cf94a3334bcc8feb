"""Hears at once what other nodes commit: one connection that listens, made again when it is lost.

Who missed something is told so by `Elsewhere.missed`: the store is the truth, a notice only says when to look.

Source: design.md law 2.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from mssante.model.mailbox import AccountId, FolderId, MailboxId
from mssante.store.engine import Elsewhere
from mssante.store.postgres.driver import CHANNEL, Connection, Target
from mssante.store.postgres.errors import FOREIGN

LOOK_SECONDS: Final = 20.0
"""After that the connection is tried, as it does not tell by itself that the other machine is gone."""
PAUSE_SECONDS: Final = 0.5

Told = Callable[[Elsewhere], None]

_READ: Final[Mapping[str, Callable[[list[int]], Elsewhere]]] = {
    "folder": lambda n: Elsewhere(folder=(MailboxId(n[0]), FolderId(n[1]), n[2])),
    "names": lambda n: Elsewhere(mailbox_id=MailboxId(n[0])),
    "account": lambda n: Elsewhere(account_id=AccountId(n[0])),
    "queue": lambda _n: Elsewhere(queue=True),
    "trust": lambda _n: Elsewhere(trust=True),
}


def read_notice(payload: str, own: str) -> Elsewhere | None:
    """Return what a notification says, or None when it is our own or says nothing that we know."""
    who, _space, rest = payload.partition(" ")
    what, *numbers = rest.split(" ") if rest else [""]
    read = _READ.get(what)
    if who == own or read is None:
        return None
    try:
        return read([int(number) for number in numbers])
    except (ValueError, IndexError):
        # A newer program beside us: the slow look finds what it meant.
        return None


class Listening:
    """The connection and who is to be told; belongs to the event loop that made it."""

    def __init__(self, target: Target, program: str) -> None:
        """Start listening with the first `add`."""
        self._target = target
        self._program = program
        self._told: list[Told] = []
        self._task: asyncio.Task[None] | None = None

    def add(self, told: Told) -> Callable[[], None]:
        """Call it at each commit of another node; returns what ends it."""
        self._told.append(told)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="store-listening")

        def stop() -> None:
            if told in self._told:
                self._told.remove(told)

        return stop

    async def close(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            try:
                connection = await self._target.connect(self._program, read_only=True)
            except FOREIGN:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            try:
                await self._listen(connection)
            except FOREIGN:
                await asyncio.sleep(PAUSE_SECONDS)
            finally:
                connection.terminate()

    async def _listen(self, connection: Connection) -> None:
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        await connection.add_listener(CHANNEL, self._hear)
        # Whatever was said before this moment was not heard.
        self._tell(Elsewhere(missed=True))
        while not lost.is_set():
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await lost.wait()
            except TimeoutError:
                await connection.execute("SELECT 1")

    def _hear(self, _connection: Connection, _pid: int, _channel: str, payload: str) -> None:
        notice = read_notice(payload, self._program)
        if notice is not None:
            self._tell(notice)

    def _tell(self, notice: Elsewhere) -> None:
        for told in tuple(self._told):
            told(notice)
