"""What OpenSSL says of a certificate, as our rules name it."""

import pytest

from mssante.model.decision import Kind
from mssante.wire.x509.handshake import refused_because


@pytest.mark.parametrize(
    ("code", "kind", "rule"),
    [
        (3, Kind.REVOCATION_UNKNOWN, "R4"),
        (9, Kind.CERTIFICATE_EXPIRED, "R4"),
        (10, Kind.CERTIFICATE_EXPIRED, "R4"),
        (12, Kind.REVOCATION_UNKNOWN, "R4"),
        (20, Kind.CERTIFICATE_UNTRUSTED, "R3"),
        (23, Kind.CERTIFICATE_REVOKED, "R4"),
        (26, Kind.CERTIFICATE_USAGE, "R3"),
        (9999, Kind.CERTIFICATE_UNTRUSTED, "R3"),
    ],
)
def test_a_refused_certificate_has_the_same_reason_and_rule_in_both_directions(
    code: int, kind: Kind, rule: str
) -> None:
    assert refused_because(code) == (kind, rule)
