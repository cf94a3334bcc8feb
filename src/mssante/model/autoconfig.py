"""What a mail program must know to open a mailbox of one domain: the one value that every format is made from.

Not for how a format writes it (see `mssante.wire.autoconfig`), nor for the mailbox: nothing here tells whether an
address exists.
"""

from dataclasses import dataclass
from enum import Enum


class Socket(Enum):
    """How TLS starts; there is no service without it."""

    STARTTLS = "STARTTLS"
    TLS = "TLS"


class Authentication(Enum):
    """How a person or a program signs in; the values are those of Mozilla's format."""

    OAUTH2 = "OAuth2"
    PASSWORD = "password-cleartext"  # noqa: S105 - the name of a method: an application password, inside TLS
    CERTIFICATE = "TLS-client-cert"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one service is reached from outside."""

    host: str
    port: int
    socket: Socket


@dataclass(frozen=True, slots=True)
class OAuthProvider:
    """The identity provider whose tokens open mailboxes (Pro Santé Connect)."""

    issuer: str
    authorization_url: str
    token_url: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MailServices:
    """The services of one domain.

    Attributes:
        domain: canonical.
        display_name: of the operator, for people.
        mx_host: takes the mail of other operators.
        imap, submission, ldap: the most wanted first; empty when not offered.
        jmap_url: of the session resource; empty when not offered.
        web: HTTPS door of the autoconfiguration, or None when it is closed.
        authentication: for IMAP and submission alike, the most wanted first.
        help_url: page for people; may be empty.
        priority, weight: of the SRV records (RFC 2782).
    """

    domain: str
    display_name: str
    mx_host: str
    imap: tuple[Endpoint, ...]
    submission: tuple[Endpoint, ...]
    ldap: tuple[Endpoint, ...] = ()
    jmap_url: str = ""
    web: Endpoint | None = None
    authentication: tuple[Authentication, ...] = (Authentication.PASSWORD, Authentication.CERTIFICATE)
    oauth: OAuthProvider | None = None
    help_url: str = ""
    priority: int = 0
    weight: int = 1


def endpoint_by(offered: tuple[Endpoint, ...], socket: Socket) -> Endpoint | None:
    """Return the offered endpoint whose TLS starts so, or None."""
    return next((one for one in offered if one.socket is socket), None)
