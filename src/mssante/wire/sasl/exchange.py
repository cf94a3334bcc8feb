"""SASL mechanisms without I/O: bytes of the client in, a challenge or a claim out; the claim is judged elsewhere.

A new mechanism is one more function and one more line in `MECHANISMS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.errors import OurProtocolError, TheirProtocolError
from mssante.wire.sasl.bearer import TOKEN_MAX_BYTES, BearerClaim, read_oauthbearer, read_xoauth2
from mssante.wire.sasl.text import response_text

RESPONSE_MAX_BYTES: Final = TOKEN_MAX_BYTES + 1024
NAME_MAX_BYTES: Final = 255
PASSWORD_MAX_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the client must answer next."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PlainCredentials:
    """A name and a password; `authzid` is who the client wants to act for, or ""."""

    authzid: str
    authcid: str
    password: str

    def __repr__(self) -> str:
        """Return the names only: a password must never reach a log."""
        return f"PlainCredentials(authzid={self.authzid!r}, authcid={self.authcid!r})"


@dataclass(frozen=True, slots=True)
class ExternalClaim:
    """The client wants to be known by its certificate, to act for `authzid`, or for whom the certificate names."""

    authzid: str


Step = Challenge | PlainCredentials | ExternalClaim | BearerClaim


@dataclass(frozen=True, slots=True)
class Exchange:
    """A sign-in under way; holds nothing, since each mechanism here ends with one response."""

    mechanism: str

    def step(self, data: bytes | None) -> Step:
        """Return what follows from the client's response; None when it gave no initial response.

        Raises:
            TheirProtocolError: the response is malformed or too long.
        """
        if data is None:
            return Challenge(b"")
        if len(data) > RESPONSE_MAX_BYTES:
            msg = f"sign-in response is longer than {RESPONSE_MAX_BYTES} bytes"
            raise TheirProtocolError(msg)
        return MECHANISMS[self.mechanism](data)


def start(mechanism: str) -> Exchange:
    """Return a new exchange.

    Raises:
        OurProtocolError: the mechanism is not known; doors offer only known ones.

    Source: RFC 4422 section 3.2.
    """
    if mechanism not in MECHANISMS:
        msg = f"sign-in mechanism {mechanism!r} is not known; known are {', '.join(MECHANISMS)}"
        raise OurProtocolError(msg)
    return Exchange(mechanism)


def read_plain(data: bytes) -> PlainCredentials:
    """Return the credentials of a PLAIN message.

    Source: RFC 4616 section 2.
    """
    parts = response_text(data).split("\0")
    if len(parts) != 3 or not parts[1] or not parts[2]:
        msg = "PLAIN response is not [authzid] NUL authcid NUL password"
        raise TheirProtocolError(msg)
    authzid, authcid, password = parts
    if (
        max(len(authzid.encode()), len(authcid.encode())) > NAME_MAX_BYTES
        or len(password.encode()) > PASSWORD_MAX_BYTES
    ):
        msg = f"PLAIN response has a name over {NAME_MAX_BYTES} bytes or a password over {PASSWORD_MAX_BYTES}"
        raise TheirProtocolError(msg)
    return PlainCredentials(authzid, authcid, password)


def read_external(data: bytes) -> ExternalClaim:
    """Return the claim of an EXTERNAL message.

    Source: RFC 4422 appendix A.
    """
    authzid = response_text(data)
    if "\0" in authzid or len(data) > NAME_MAX_BYTES:
        msg = f"EXTERNAL response is not a name of at most {NAME_MAX_BYTES} bytes"
        raise TheirProtocolError(msg)
    return ExternalClaim(authzid)


MECHANISMS: Final[Mapping[str, Callable[[bytes], Step]]] = MappingProxyType(
    {"PLAIN": read_plain, "EXTERNAL": read_external, "XOAUTH2": read_xoauth2, "OAUTHBEARER": read_oauthbearer}
)
