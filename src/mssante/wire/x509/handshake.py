"""What OpenSSL says when it refuses a certificate in a handshake, in the words of our rules.

One table for both directions, so that doors and links name the same reason. Not for our own check of a chain (see
`mssante.wire.x509.chain`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mssante.model.decision import Kind

_UNTRUSTED: Final = (Kind.CERTIFICATE_UNTRUSTED, "R3")
_REASONS: Final[Mapping[int, tuple[Kind, str]]] = MappingProxyType(
    {
        3: (Kind.REVOCATION_UNKNOWN, "R4"),
        9: (Kind.CERTIFICATE_EXPIRED, "R4"),
        10: (Kind.CERTIFICATE_EXPIRED, "R4"),
        12: (Kind.REVOCATION_UNKNOWN, "R4"),
        23: (Kind.CERTIFICATE_REVOKED, "R4"),
        26: (Kind.CERTIFICATE_USAGE, "R3"),
    }
)


def refused_because(verify_code: int) -> tuple[Kind, str]:
    """Return the reason and the rule for a number of OpenSSL; unknown ones mean no path to our roots.

    Source: OpenSSL x509_vfy.h (X509_V_ERR_*); operators.md 2.5 (R3, R4).
    """
    return _REASONS.get(verify_code, _UNTRUSTED)
