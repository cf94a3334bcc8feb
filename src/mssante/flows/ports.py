"""What the flows need of the outside, as protocols; `mssante.links` fulfils them, tests put stand-ins there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mssante.model.address import Address
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.message import Deferred, Failed
from mssante.model.outside import Fetched
from mssante.model.peer import PeerFacts

Clock = Callable[[], datetime]
"""Returns the time now, aware, UTC."""

Probe = Callable[[str], None]
"""Called at each named step of a write (``K05`` and so on); tests kill the process there. Does nothing otherwise."""


def no_probe(_step: str) -> None:
    """Do nothing: the probe of normal runs."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where a domain's mail is to be handed over.

    Attributes:
        name: what the certificate must name (the MX host).
        address: where to connect: the same name, or an address from the static table.
        port: TCP port.
    """

    name: str
    address: str
    port: int


class Resolver(Protocol):
    """Finds the hosts of a domain."""

    async def hosts(self, domain: str) -> tuple[Host, ...]:
        """Return them, most wanted first; empty when the domain says that it takes no mail.

        Raises:
            LinkError: no answer for now (also when the domain is not found, see reliability.md H21).
        """
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message for one host: bytes are ``prefix`` then the body.

    Attributes:
        sender: None is the null reverse path.
        recipients: at least one, all for the same domain.
        data: prefix and body chunks in order; CRLF lines, not dot-stuffed.
        size_bytes: their total length.
    """

    sender: Address | None
    recipients: tuple[Recipient, ...]
    options: MailOptions
    data: tuple[bytes, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Taken:
    """The host's acceptance of one recipient: its last reply, one line."""

    reply: str
    dsn_supported: bool


Answer = Taken | Deferred | Failed


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


class DocumentSource(Protocol):
    """Fetches the white list and revocation lists over HTTPS with the configured anchors; sizes are bounded."""

    async def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched | None:
        """Return the document, or None when it has not changed.

        Raises:
            LinkError: unreachable, not trusted, not 200 or 304, or larger than the bound.
        """
        ...
