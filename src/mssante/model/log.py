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
