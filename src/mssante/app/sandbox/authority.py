"""A certificate authority shaped like IGC-Santé: issues certificates and revocation lists for tests and the sandbox.

Keys and dates are handed in, so that tests can share keys and make certificates of yesterday or tomorrow. Not for
production: real certificates are ordered from IGC-Santé with ``mssante pki request``.

Source: operators.md 2.3 (chain, subject form, offers), 2.4 (revocation lists).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mssante.app.sandbox.keys import key_pem
from mssante.wire.x509.read import read_name

ORGANISATION_MAX_CHARS: Final = 40
ROOT_NAME: Final = "TEST AC RACINE IGC-SANTE ELEMENTAIRE"
INTERMEDIATE_NAME: Final = "TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"
ROOT_LIST: Final = "ACR-EL-TEST.crl"
INTERMEDIATE_LIST: Final = "ACI-EL-ORG-TEST.crl"
AUTHORITY_LIFE: Final = timedelta(days=3650)
_AUTHORITY_BASE: Final = (
    (NameOID.COUNTRY_NAME, "FR"),
    (NameOID.ORGANIZATION_NAME, "ASIP-SANTE"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "0002 187512751"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "IGC-SANTE TEST"),
)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: what signs.

    Attributes:
        list_url: where its revocation list is published; goes into what it issues.
    """

    certificate: x509.Certificate
    key: RSAPrivateKey
    list_url: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with the key that proves it."""

    certificate: x509.Certificate
    key: RSAPrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """Return the certificate as PEM."""
        return certificate_pem(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """Return the key as PEM, not encrypted."""
        return key_pem(self.key)

    @property
    def name(self) -> str:
        """Return the subject as the white list writes it."""
        return str(read_name(self.certificate.subject))


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Return the certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM)


def new_root(key: RSAPrivateKey, now: datetime, *, list_url: str, name: str = ROOT_NAME) -> Authority:
    """Return a root authority; its own list says whether the authorities below are revoked."""
    subject = x509.Name(
        [x509.NameAttribute(kind, value) for kind, value in (*_AUTHORITY_BASE, (NameOID.COMMON_NAME, name))]
    )
    certificate = _authority_certificate(subject, subject, key.public_key(), key, now, path_length=None, list_url="")
    return Authority(certificate, key, list_url)


def new_intermediate(
    root: Authority, key: RSAPrivateKey, now: datetime, *, list_url: str, name: str = INTERMEDIATE_NAME
) -> Authority:
    """Return an authority below the root: the one that issues the certificates of operators."""
    subject = x509.Name(
        [x509.NameAttribute(kind, value) for kind, value in (*_AUTHORITY_BASE, (NameOID.COMMON_NAME, name))]
    )
    certificate = _authority_certificate(
        subject, root.certificate.subject, key.public_key(), root.key, now, path_length=0, list_url=root.list_url
    )
    return Authority(certificate, key, list_url)


def operator_subject(common_name: str, *, structure: str, organisation: str, department: str) -> x509.Name:
    """Return a subject that RFC 4514 prints as ``CN=<host>,OU=<structure>,O=<name>,ST=<Département (nn)>,C=FR``.

    Args:
        common_name: host name of the server, or name of the software.
        structure: "1" and a FINESS number, or "3" and a SIRET number.
        organisation: cut at 40 characters.
        department: as ``Haute-Garonne (31)``.

    Source: operators.md 2.3 (operator certificate subject).
    """
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, department),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:ORGANISATION_MAX_CHARS]),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, structure),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def issue_server(
    authority: Authority,
    key: RSAPrivateKey,
    subject: x509.Name,
    *,
    hosts: Iterable[str],
    not_before: datetime,
    not_after: datetime,
    addresses: Iterable[str] = (),
) -> Issued:
    """Return a SERV SSL certificate, good for both ends of mutual TLS.

    Args:
        hosts: DNS names.
        addresses: IP addresses as text; of use on loopback only.

    Source: operators.md 2.3 (offer SERV SSL; U6 for the usages).
    """
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    names += [x509.IPAddress(IPv4Address(address)) for address in addresses]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _leaf(authority, key.public_key(), subject, not_before, not_after)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    builder = builder.add_extension(_usage(digital_signature=True, key_encipherment=True), critical=True)
    return Issued(builder.sign(authority.key, hashes.SHA256()), key)


def issue_client(
    authority: Authority, key: RSAPrivateKey, subject: x509.Name, *, not_before: datetime, not_after: datetime
) -> Issued:
    """Return an ORG AUTH_CLI certificate: software that opens an application mailbox.

    Source: operators.md 2.3 (offer ORG AUTH_CLI), 6 (APP boxes).
    """
    builder = _leaf(authority, key.public_key(), subject, not_before, not_after)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    return Issued(builder.sign(authority.key, hashes.SHA256()), key)


def issue_signer(
    authority: Authority, key: RSAPrivateKey, subject: x509.Name, *, not_before: datetime, not_after: datetime
) -> Issued:
    """Return an ORG SIGN certificate: signs documents such as the white list.

    Source: operators.md 3.4 (signature by analogy with ORG SIGN).
    """
    builder = _leaf(authority, key.public_key(), subject, not_before, not_after)
    builder = builder.add_extension(_usage(digital_signature=True, content_commitment=True), critical=True)
    return Issued(builder.sign(authority.key, hashes.SHA256()), key)


def issue_list(
    authority: Authority, revoked: Iterable[x509.Certificate], *, now: datetime, next_update: datetime, number: int
) -> bytes:
    """Return the authority's complete revocation list, DER.

    Args:
        number: grows with each list (RFC 5280 section 5.2.3).

    Source: RFC 5280 section 5; operators.md 2.4.
    """
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
    builder = builder.last_update(now).next_update(next_update)
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    builder = builder.add_extension(_issuer_key(authority), critical=False)
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _authority_certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: RSAPublicKey,
    signing_key: RSAPrivateKey,
    now: datetime,
    *,
    path_length: int | None,
    list_url: str,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    if list_url:
        builder = builder.add_extension(_distribution_point(list_url), critical=False)
    return builder.sign(signing_key, hashes.SHA256())


def _leaf(
    authority: Authority, public: RSAPublicKey, subject: x509.Name, not_before: datetime, not_after: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_issuer_key(authority), critical=False)
        .add_extension(_distribution_point(authority.list_url), critical=False)
    )


def _issuer_key(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _distribution_point(url: str) -> x509.CRLDistributionPoints:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
