"""A forge of certificates and revocation lists for tests, good ones and every bad kind; keys are made once."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mssante.model.peer import Certificate
from mssante.wire.x509.read import RevocationList, read_certificate, read_crl

NOW = datetime(2026, 6, 15, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TLS_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the key of that name, made once per run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def server_name(cn: str, organisation: str = "CH EXEMPLE") -> x509.Name:
    """Return an operator's subject in the national form, encoded from the country down."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Bouches-du-Rhône (13)"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "1130000003"),
            x509.NameAttribute(NameOID.COMMON_NAME, cn),
        ]
    )


def authority_name(cn: str) -> x509.Name:
    """Return an authority's subject."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ASIP-SANTE"),
            x509.NameAttribute(NameOID.COMMON_NAME, cn),
        ]
    )


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def der(self) -> bytes:
        """Return the certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """Return the certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """Return the key as PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def value(self) -> Certificate:
        """Return the certificate as the value of the house."""
        return read_certificate(self.der)


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of the forge; the defaults make a good operator certificate."""

    subject: x509.Name = field(default_factory=lambda: server_name("mss.exemple.fr"))
    not_before: datetime = NOW - 30 * DAY
    not_after: datetime = NOW + 365 * DAY
    key_name: str = "leaf"
    key_bits: int = 2048
    authority: bool = False
    path_length: int | None = None
    sign_usage: bool | None = None
    usages: Sequence[x509.ObjectIdentifier] | None = TLS_USAGES
    dns: Sequence[str] = ("mss.exemple.fr",)
    hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    points: Sequence[str] = ()
    serial: int = 0
    digital_signature: bool = True
    extra: Sequence[tuple[x509.ExtensionType, bool]] = ()


def issue(order: Order, issuer: Issued | None = None) -> Issued:
    """Return the certificate asked for, signed by the issuer, or by itself."""
    key = rsa_key(order.key_name, order.key_bits)
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(order.subject)
        .issuer_name(issuer.certificate.subject if issuer else order.subject)
        .public_key(key.public_key())
        .serial_number(order.serial or x509.random_serial_number())
        .not_valid_before(order.not_before)
        .not_valid_after(order.not_after)
    )
    for value, critical in _extensions(order, key, signer):
        builder = builder.add_extension(value, critical=critical)
    return Issued(builder.sign(signer, order.hash), key)


def _extensions(
    order: Order, key: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey
) -> list[tuple[x509.ExtensionType, bool]]:
    signs = order.authority if order.sign_usage is None else order.sign_usage
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=order.authority, path_length=order.path_length), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
        (_key_usage(digital=order.digital_signature and not order.authority, signs=signs), True),
        *order.extra,
    ]
    if order.usages and not order.authority:
        found.append((x509.ExtendedKeyUsage(order.usages), False))
    if order.dns and not order.authority:
        found.append((x509.SubjectAlternativeName([x509.DNSName(name) for name in order.dns]), False))
    if order.points:
        points = [
            x509.DistributionPoint([x509.UniformResourceIdentifier(point)], None, None, None) for point in order.points
        ]
        found.append((x509.CRLDistributionPoints(points), False))
    return found


def _key_usage(*, digital: bool, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def revocation_list(
    issuer: Issued,
    revoked: Sequence[int] = (),
    *,
    this_update: datetime = NOW - DAY,
    next_update: datetime = NOW + DAY,
    signer: Issued | None = None,
) -> RevocationList:
    """Return a list in the issuer's name, signed by it or by the signer given."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this_update)
        .next_update(next_update)
    )
    for serial in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(this_update).build()
        builder = builder.add_revoked_certificate(entry)
    key = (signer or issuer).key
    return read_crl(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


@functools.cache
def root() -> Issued:
    """Return the root of the tests."""
    name = authority_name("TEST AC RACINE")
    return issue(Order(subject=name, authority=True, key_name="root", not_after=NOW + 3650 * DAY))


@functools.cache
def intermediate() -> Issued:
    """Return the authority that signs the operators of the tests."""
    order = Order(
        subject=authority_name("TEST AC ORGANISATIONS"),
        authority=True,
        path_length=0,
        key_name="intermediate",
        not_after=NOW + 3000 * DAY,
        points=("https://pki.exemple.fr/CRL/root.crl",),
    )
    return issue(order, root())


def operator(cn: str = "mss.exemple.fr", *, points: Sequence[str] = ("https://pki.exemple.fr/CRL/org.crl",)) -> Issued:
    """Return a good operator certificate."""
    return issue(Order(subject=server_name(cn), dns=(cn,), points=points), intermediate())
