"""Find the path from a certificate to a root among the authorities that are configured.

Two checks that must agree: our own walk, which says in words what is wrong, then the library's verifier, which knows
name constraints and the rest of RFC 5280. Dates are left to the caller: the library is asked at a moment when the whole
path was valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import verification
from cryptography.x509.oid import ExtensionOID

from mssante.model.dn import DistinguishedName
from mssante.model.errors import TheirProtocolError
from mssante.model.peer import Certificate
from mssante.wire.x509.read import parse_certificate, read_name

MAX_DEPTH: Final = 6
MIN_RSA_BITS: Final = 2048
MIN_RSA_EXPONENT: Final = 65537
MAX_AUTHORITIES: Final = 64
_WEAK_HASHES: Final = (hashes.MD5, hashes.SHA1)
_KNOWN_CRITICAL: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.NAME_CONSTRAINTS,
    }
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A configured authority, root or not, read once.

    Attributes:
        max_below: most authorities allowed between it and the leaf; None: no bound.
        may_sign: has CA:TRUE and keyCertSign.
        may_sign_crls: keyUsage is absent or holds cRLSign.
        has_name_constraints: only the library's verifier can judge it.
    """

    subject: DistinguishedName
    certificate: x509.Certificate
    der: bytes
    not_before: datetime
    not_after: datetime
    is_root: bool
    max_below: int | None
    may_sign: bool
    may_sign_crls: bool
    has_name_constraints: bool


@dataclass(frozen=True, slots=True)
class PathFailure:
    """There is no path; the reason is for our logs."""

    reason: str


def read_authorities(anchors: Sequence[bytes], intermediates: Sequence[bytes]) -> tuple[Authority, ...]:
    """Return the authorities, roots first.

    Raises:
        TheirProtocolError: one cannot be read, or there are too many.

    Source: RFC 5280 sections 4.2.1.3 and 4.2.1.9; operators.md 2.3.
    """
    if len(anchors) + len(intermediates) > MAX_AUTHORITIES:
        msg = f"more than {MAX_AUTHORITIES} authorities"
        raise TheirProtocolError(msg)
    roots = tuple(_read_authority(der, is_root=True) for der in anchors)
    known = {root.der for root in roots}
    return (*roots, *(_read_authority(der, is_root=False) for der in intermediates if der not in known))


def _read_authority(der: bytes, *, is_root: bool) -> Authority:
    certificate = parse_certificate(der)
    try:
        extensions = {found.oid: found.value for found in certificate.extensions}
    except (ValueError, x509.DuplicateExtension) as error:
        msg = f"authority {read_name(certificate.subject)} has extensions that cannot be read: {error}"
        raise TheirProtocolError(msg) from error
    basic = extensions.get(ExtensionOID.BASIC_CONSTRAINTS)
    usage = extensions.get(ExtensionOID.KEY_USAGE)
    return Authority(
        subject=read_name(certificate.subject),
        certificate=certificate,
        der=der,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_root=is_root,
        max_below=basic.path_length if isinstance(basic, x509.BasicConstraints) else None,
        may_sign=isinstance(basic, x509.BasicConstraints)
        and basic.ca
        and (not isinstance(usage, x509.KeyUsage) or usage.key_cert_sign),
        may_sign_crls=not isinstance(usage, x509.KeyUsage) or usage.crl_sign,
        has_name_constraints=ExtensionOID.NAME_CONSTRAINTS in extensions,
    )


def find_path(
    leaf: Certificate, authorities: Sequence[Authority], now: datetime, *, refuse_weak_keys: bool
) -> tuple[Authority, ...] | PathFailure:
    """Return the authorities above the leaf, the nearest first and a root last, or why there is no such path.

    A path that is valid now is preferred to one that is not, so that a renewed authority takes over from the old one.

    Source: RFC 5280 section 6.1; operators.md 2.3.
    """
    try:
        return _find_path(leaf, authorities, now, refuse_weak_keys=refuse_weak_keys)
    except (TheirProtocolError, ValueError, x509.DuplicateExtension, UnsupportedAlgorithm) as error:
        return PathFailure(f"certificate cannot be used: {error}")


def _find_path(
    leaf: Certificate, authorities: Sequence[Authority], now: datetime, *, refuse_weak_keys: bool
) -> tuple[Authority, ...] | PathFailure:
    certificate = parse_certificate(leaf.der)
    fault = _leaf_fault(certificate, refuse_weak_keys=refuse_weak_keys)
    if fault:
        return PathFailure(fault)
    failure = PathFailure(f"issuer {leaf.issuer} is not an authority of the trust space")
    outdated: tuple[Authority, ...] | None = None
    for path in _candidates(certificate, leaf.issuer, authorities, ()):
        fault = _path_fault(leaf, certificate, path, now, refuse_weak_keys=refuse_weak_keys)
        if fault:
            failure = PathFailure(fault)
        elif all(found.not_before <= now <= found.not_after for found in path):
            return path
        else:
            outdated = outdated or path
    return outdated or failure


def _candidates(
    child: x509.Certificate, issuer: DistinguishedName, authorities: Sequence[Authority], below: tuple[Authority, ...]
) -> list[tuple[Authority, ...]]:
    """Return every chain of good names and signatures up to a root; depth and loops are bounded."""
    if len(below) >= MAX_DEPTH:
        return []
    found: list[tuple[Authority, ...]] = []
    for authority in authorities:
        if authority in below or authority.subject.key != issuer.key or not _is_issued_by(child, authority):
            continue
        path = (*below, authority)
        if authority.is_root:
            found.append(path)
        else:
            above = read_name(authority.certificate.issuer)
            found.extend(_candidates(authority.certificate, above, authorities, path))
        if len(found) > MAX_AUTHORITIES:
            break
    return found


def _is_issued_by(child: x509.Certificate, authority: Authority) -> bool:
    try:
        child.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _leaf_fault(certificate: x509.Certificate, *, refuse_weak_keys: bool) -> str:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.ca:
            return "certificate is an authority's, not a server's"
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            return f"certificate has an unknown critical extension {extension.oid.dotted_string}"
    return _weakness(certificate, "certificate") if refuse_weak_keys else ""


def _path_fault(
    leaf: Certificate,
    certificate: x509.Certificate,
    path: Sequence[Authority],
    now: datetime,
    *,
    refuse_weak_keys: bool,
) -> str:
    for below, authority in enumerate(path):
        name = f"authority {authority.subject}"
        if not authority.may_sign:
            return f"{name} has no right to sign certificates (CA:TRUE, keyCertSign)"
        if authority.max_below is not None and below > authority.max_below:
            return f"{name} allows {authority.max_below} authorities below it, the path has {below}"
        if not refuse_weak_keys and authority.has_name_constraints:
            return f"{name} has name constraints, which are judged only with refuse_weak_keys"
        # The signature of a root by itself proves nothing and is not looked at.
        weakness = _weakness(authority.certificate, name, signed=not authority.is_root)
        if refuse_weak_keys and weakness:
            return weakness
    return _library_fault(leaf, certificate, path, now) if refuse_weak_keys else ""


def _weakness(certificate: x509.Certificate, name: str, *, signed: bool = True) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return f"{name} has an RSA key of {key.key_size} bits, less than {MIN_RSA_BITS}"
    if isinstance(key, rsa.RSAPublicKey) and key.public_numbers().e < MIN_RSA_EXPONENT:
        return f"{name} has an RSA key with exponent {key.public_numbers().e}"
    if isinstance(key, ec.EllipticCurvePublicKey) and _spki(key) not in certificate.tbs_certificate_bytes:
        return f"{name} has a public key with an explicit curve instead of a named one"
    if signed and isinstance(certificate.signature_hash_algorithm, _WEAK_HASHES):
        return f"{name} is signed with {certificate.signature_hash_algorithm.name.upper()}"
    return ""


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _library_fault(leaf: Certificate, certificate: x509.Certificate, path: Sequence[Authority], now: datetime) -> str:
    start = max(leaf.not_before, *(found.not_before for found in path))
    end = min(leaf.not_after, *(found.not_after for found in path))
    if start > end:
        return "the dates of the certificate and of its authorities have no moment in common"
    # IGC-Santé is not the web: no subjectAltName is demanded, the usages are judged by our own policy.
    authority_policy = verification.ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    )
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store([path[-1].certificate]))
        .time(min(max(now, start), end))
        .max_chain_depth(MAX_DEPTH)
        .extension_policies(ca_policy=authority_policy, ee_policy=verification.ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(certificate, [found.certificate for found in path[:-1]])
    except (verification.VerificationError, ValueError) as error:
        return f"path refused: {error}"
    return ""
