"""What we know of the other end of a connection, as facts for the rules."""

import enum
from dataclasses import dataclass
from datetime import datetime

from mssante.model.dn import DistinguishedName


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the rules need of an X.509 certificate.

    Attributes:
        subject: the name that the white list binds to domains.
        issuer: the authority's name.
        serial: serial number.
        not_before: UTC.
        not_after: UTC.
        fingerprint: SHA-256 of the DER form, lower-case hexadecimal.
        dns_names: subjectAltName entries of type DNS, lower case.
        extended_usages: dotted numbers of extendedKeyUsage; empty when the extension is absent.
        key_usages: names of RFC 5280 that are set (``digital_signature``...); empty when the extension is absent.
        der: the whole certificate.
    """

    subject: DistinguishedName
    issuer: DistinguishedName
    serial: int
    not_before: datetime
    not_after: datetime
    fingerprint: str
    dns_names: tuple[str, ...]
    extended_usages: frozenset[str]
    key_usages: frozenset[str]
    der: bytes


class ChainVerdict(enum.Enum):
    """What the check of a certificate chain said, worst news first being the caller's duty to keep that order."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    REVOCATION_STALE = "revocation-stale"
    REVOCATION_MISSING = "revocation-missing"
    BAD_USAGE = "bad-usage"


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """The verdict on one chain.

    Attributes:
        verdict: what is to be thought of it.
        detail: for logs: which certificate of the chain, which list, which date.
    """

    verdict: ChainVerdict
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What was agreed in the handshake: protocol as ``TLSv1.2``, cipher by its OpenSSL name."""

    protocol: str
    cipher: str


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """The other end of one connection.

    Attributes:
        ip: address as text.
        port: its port.
        tls: None while the connection is in clear.
        certificate: what it presented, or None.
    """

    ip: str
    port: int
    tls: TlsFacts | None = None
    certificate: Certificate | None = None
