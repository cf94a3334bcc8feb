"""Programs that run together, by name. Not for what they are, nor for when they are ready."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from mssante.app.sandbox.kept.program import Account, Kept, Order
from mssante.model.errors import MssError

Progress = Callable[[str], None]
"""Told, in French, how far something is."""


def quietly(_: str) -> None:
    """Tell nobody."""


class Family:
    """Starts, kills and stops them; guards that none runs twice."""

    def __init__(self, orders: Mapping[str, Order], account: Account | None) -> None:
        """Keep what can be run, and as whom: ourselves when None."""
        self._orders = orders
        self._account = account
        self._kept: dict[str, Kept] = {}

    def log(self, name: str) -> Path:
        """Return the file of what a program said."""
        return self._orders[name].log

    async def start(self, name: str) -> None:
        """Start a program that does not run; it is not waited for.

        Raises:
            MssError: it runs already (a bug in the caller).
        """
        if self._is_running(name):
            msg = f"{name} runs already"
            raise MssError(msg)
        self._kept[name] = await Kept.start(self._orders[name], self._account)

    async def kill(self, name: str) -> None:
        """Kill a program and all that it started with -9, as a crash would; what it holds stays."""
        if (kept := self._kept.pop(name, None)) is not None:
            await kept.kill()

    async def stop(self, *names: str) -> None:
        """Stop programs in order, at the same time."""
        stopping = [kept.stop() for name in names if (kept := self._kept.pop(name, None)) is not None]
        await asyncio.gather(*stopping)

    def _is_running(self, name: str) -> bool:
        return name in self._kept and self._kept[name].is_running
