"""What the flows need of the outside, as protocols; `mssante.links` fulfils them, tests put stand-ins there."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from mssante.model.decision import Refusal
from mssante.model.message import Deferred
from mssante.model.outside import Answer, Fetched, Host, Parcel
from mssante.model.peer import PeerFacts
from mssante.model.token import TokenFacts

Clock = Callable[[], datetime]
"""Returns the time now, aware, UTC."""

Probe = Callable[[str], None]
"""Called at each named step of a write (``K05`` and so on); tests kill the process there. Does nothing otherwise."""


def no_probe(_step: str) -> None:
    """Do nothing: the probe of normal runs."""


class Resolver(Protocol):
    """Finds the hosts of a domain."""

    async def hosts(self, domain: str) -> tuple[Host, ...]:
        """Return them, most wanted first; empty when the domain says that it takes no mail.

        Raises:
            LinkError: no answer for now (also when the domain is not found, see reliability.md H21).
        """
        ...


class Channel(Protocol):
    """An open connection to a host, after mutual TLS and EHLO."""

    @property
    def peer(self) -> PeerFacts:
        """Return who is there."""
        ...

    async def send(self, parcel: Parcel) -> tuple[Answer, ...]:
        """Send one message; return one answer per recipient, in their order. Never raises for what the peer does."""
        ...

    async def close(self) -> None:
        """Say QUIT and close; never raises."""
        ...


class Courier(Protocol):
    """Opens connections to other operators."""

    async def open(self, host: Host) -> Channel | Deferred:
        """Return the channel after mutual TLS, or why there is none (unreachable, no STARTTLS, bad certificate)."""
        ...


class TokenSource(Protocol):
    """Verifies access tokens of the identity provider."""

    async def check(self, token: str) -> TokenFacts | Refusal:
        """Return what the token says, or why it is refused: not sound, not for us, or the provider cannot be asked."""
        ...


class DocumentSource(Protocol):
    """Fetches the white list and revocation lists over HTTPS with the configured anchors; sizes are bounded."""

    async def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
        """Return the document, or None when it has not changed.

        Raises:
            LinkError: unreachable, not trusted, not 200 or 304, or larger than the bound.
        """
        ...
