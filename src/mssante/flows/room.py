"""How much room is left for new mail, looked at once a second and not for each message (4 us of each)."""

import asyncio
from collections.abc import Callable
from typing import Final

from mssante.model.decision import Decision
from mssante.model.settings import StoreSettings
from mssante.rules.limits import judge_room

LOOK_SECONDS: Final = 1.0


class Room:
    """The free room of the disk as last seen; when it fills up in between, the commit fails and nothing is lost."""

    def __init__(self, free_bytes: Callable[[], int], settings: StoreSettings) -> None:
        """Look once."""
        self._free_bytes = free_bytes
        self._settings = settings
        self._free = free_bytes()

    def judge(self, size_bytes: int) -> Decision:
        """Return whether a message of that announced size may be taken in."""
        return judge_room(self._free, size_bytes, self._settings)

    async def watch(self) -> None:
        """Look again every second, for ever."""
        while True:
            self._free = self._free_bytes()
            await asyncio.sleep(LOOK_SECONDS)
