"""Who is at the other end, read from the TLS layer, and why a handshake failed."""

import ssl
from dataclasses import replace
from functools import lru_cache

from mssante.model.decision import Kind, Refusal
from mssante.model.errors import WireError
from mssante.model.peer import Certificate, PeerFacts, TlsFacts
from mssante.wire.x509.handshake import refused_because
from mssante.wire.x509.read import read_certificate


@lru_cache(maxsize=1024)
def _certificate(der: bytes) -> Certificate | None:
    """Return the certificate as facts; reading one costs as much as a small message, and peers come back."""
    try:
        return read_certificate(der)
    except WireError:
        return None


def peer_facts(peer: PeerFacts, tls: ssl.SSLObject) -> PeerFacts:
    """Return the facts with what the handshake showed; a certificate that cannot be read counts as none."""
    der = tls.getpeercert(binary_form=True)
    cipher = tls.cipher()
    return replace(
        peer,
        tls=TlsFacts(protocol=str(tls.version()), cipher=str(cipher[0]) if cipher else ""),
        certificate=_certificate(der) if der else None,
    )


def tls_failure(error: Exception) -> Refusal:
    """Return why the handshake failed, as the rules name it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        kind, rule = refused_because(error.verify_code)
        return Refusal(kind, rule, "Certificate refused", f"handshake: {error.verify_message}")
    return Refusal(Kind.TLS_UNAVAILABLE, "R2", "TLS handshake failed", f"handshake: {error}")
