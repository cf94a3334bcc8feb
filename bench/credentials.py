"""Certificates for the benchmark: an authority, one server and one client, with the names the white list will hold.

Not the test authority of the sandbox: here only what a mutual TLS hand-over needs, so that peers get the same files.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER_NAME: Final = "server.bench.mssante.fr"
CLIENT_NAME: Final = "client.bench.mssante.fr"
SERVER_DN: Final = f"CN={SERVER_NAME},OU=1920000013,O=BENCH SERVEUR,ST=Hauts-de-Seine (92),C=FR"
CLIENT_DN: Final = f"CN={CLIENT_NAME},OU=1920000021,O=BENCH CLIENT,ST=Hauts-de-Seine (92),C=FR"
_LIFE: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM files: the authority, its revocation list, and a certificate with its key for each side."""

    authority: Path
    revocation: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path


def make_credentials(folder: Path, *, crl_url: str) -> Credentials:
    """Write the files and return their paths.

    Args:
        folder: made when it is not there; readable by the accounts of the peers.
        crl_url: distribution point written in the certificates.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    authority_key = rsa.generate_private_key(65537, 2048)
    authority_name = x509.Name.from_rfc4514_string("CN=BENCH AC ORGANISATIONS,O=BENCH,C=FR")
    authority = _sign_authority(authority_name, authority_key, now)
    files = Credentials(
        *(folder / name for name in ("ca.pem", "ca.crl", "server.pem", "server.key", "client.pem", "client.key"))
    )
    files.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    files.revocation.write_bytes(_revocation(authority_name, authority_key, now))
    for name, certificate, key_file in (
        (SERVER_DN, files.server, files.server_key),
        (CLIENT_DN, files.client, files.client_key),
    ):
        key = rsa.generate_private_key(65537, 2048)
        leaf = _sign_leaf(name, key, issuer=authority, issuer_key=authority_key, crl_url=crl_url, now=now)
        certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + files.authority.read_bytes())
        key_file.write_bytes(_key_bytes(key))
        key_file.chmod(0o600)
    return files


def _sign_authority(name: x509.Name, key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _sign_leaf(
    name: str,
    key: rsa.RSAPrivateKey,
    *,
    issuer: x509.Certificate,
    issuer_key: rsa.RSAPrivateKey,
    crl_url: str,
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name.from_rfc4514_string(name)
    host = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    names = [x509.DNSName(host), x509.DNSName("localhost"), x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url)], None, None, None)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        _builder(subject, issuer.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.CRLDistributionPoints([point]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
    )


def _revocation(name: x509.Name, key: rsa.RSAPrivateKey, now: datetime) -> bytes:
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name)
        .last_update(now - timedelta(hours=1))
        .next_update(now + _LIFE)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return crl.public_bytes(serialization.Encoding.DER)


def _key_bytes(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
