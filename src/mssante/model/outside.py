"""Values that pass between the flows and the links to the outside."""

from dataclasses import dataclass

from mssante.model.address import Address
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.message import Deferred, Failed


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document as fetched: its bytes and the validators for the next conditional look."""

    data: bytes
    etag: str
    last_modified: str


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
