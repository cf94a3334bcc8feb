"""The log as the rooms see it: named events with small facts; never content (law 4)."""

from typing import Protocol


class Log(Protocol):
    """What structlog's bound logger fulfils."""

    def debug(self, event: str, **facts: object) -> object:
        """Write what only helps to search for a fault."""
        ...

    def info(self, event: str, **facts: object) -> object:
        """Write what happened."""
        ...

    def warning(self, event: str, **facts: object) -> object:
        """Write what somebody should look at some day."""
        ...

    def error(self, event: str, **facts: object) -> object:
        """Write what somebody must look at now."""
        ...


def accident(error: BaseException) -> str:
    """Return the kind of an accident and the line that raised it: its text may repeat what a message holds (law 4)."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" at {place.tb_frame.f_globals.get('__name__', '?')}:{place.tb_lineno}" if place is not None else ""
    return f"{type(error).__name__}{where}"
