"""What a campaign asks of each server that it measures."""

import contextlib
from typing import Protocol


class Peer(Protocol):
    """A server under measure; a context manager around `running` starts it from nothing and stops it."""

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        ...

    @property
    def port(self) -> int:
        """Return the SMTP port on 127.0.0.1."""
        ...

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Start with an empty queue and empty mailboxes; stop everything at the end, whatever happens."""
        ...

    def roots(self) -> tuple[int, ...]:
        """Return the process ids at the top of its trees."""
        ...

    def visible(self) -> int:
        """Return how many messages a mail reader would find in all mailboxes."""
        ...
