"""Read certificates and revocation lists into values of ours.

Not for judging them (see `mssante.wire.x509.chain`), nor for private keys.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from mssante.model.dn import DistinguishedName, attribute_name
from mssante.model.errors import TheirProtocolError
from mssante.model.peer import Certificate

CERTIFICATE_MAX_BYTES: Final = 64 * 1024
PEM_MAX_BYTES: Final = 1024 * 1024
CRL_MAX_BYTES: Final = 32 * 1024 * 1024

_KEY_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
_BAD_DER = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
# Critical extensions of revocation lists that we understand; any other one makes the list unusable (RFC 5280 5.2).
_CRL_EXTENSIONS: Final = frozenset({ExtensionOID.ISSUING_DISTRIBUTION_POINT})


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A complete revocation list.

    Attributes:
        issuer: the authority whose certificates it speaks of.
        this_update: UTC, when it was made.
        next_update: UTC, when the next one is due at the latest.
        revoked: serial numbers.
        der: the whole list, still to be checked against its authority.
    """

    issuer: DistinguishedName
    this_update: datetime
    next_update: datetime
    revoked: frozenset[int]
    der: bytes


def read_name(name: x509.Name) -> DistinguishedName:
    """Return the name most specific first, as the white list writes it; never through its printed text.

    Source: RFC 4514 section 2.1; operators.md 2.3.
    """
    return DistinguishedName(
        tuple(
            tuple(
                (
                    attribute_name(pair.oid.dotted_string),
                    pair.value if isinstance(pair.value, str) else f"#{pair.value.hex()}",
                )
                for pair in rdn
            )
            for rdn in reversed(name.rdns)
        )
    )


def read_certificate(der: bytes) -> Certificate:
    """Return what the rules need of the certificate.

    Raises:
        TheirProtocolError: it is not one certificate in DER, or a part of it cannot be read.

    Source: RFC 5280 section 4.1; operators.md 2.3.
    """
    certificate = parse_certificate(der)
    try:
        extensions = certificate.extensions
        return Certificate(
            subject=read_name(certificate.subject),
            issuer=read_name(certificate.issuer),
            serial=certificate.serial_number,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
            dns_names=_dns_names(extensions),
            extended_usages=_extended_usages(extensions),
            key_usages=_key_usages(extensions),
            der=der,
        )
    except _BAD_DER as error:
        msg = f"certificate cannot be read: {error}"
        raise TheirProtocolError(msg) from error


def parse_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate as the library's object, for the checks of this folder.

    Raises:
        TheirProtocolError: it is not one certificate in DER of at most 64 KiB, or its number is not positive.

    Source: RFC 5280 section 4.1.
    """
    if len(der) > CERTIFICATE_MAX_BYTES:
        msg = f"certificate has {len(der)} bytes, more than {CERTIFICATE_MAX_BYTES}"
        raise TheirProtocolError(msg)
    try:
        certificate = x509.load_der_x509_certificate(der)
    except _BAD_DER as error:
        msg = f"certificate is not valid DER: {error}"
        raise TheirProtocolError(msg) from error
    if certificate.serial_number <= 0:
        # The library warns of these and will refuse them too.
        msg = "certificate has a serial number that is not positive (RFC 5280 section 4.1.2.2)"
        raise TheirProtocolError(msg)
    return certificate


def read_pem_chain(data: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a PEM text as DER, in the order of the text.

    Raises:
        TheirProtocolError: there is none, or one cannot be read.

    Source: RFC 7468 section 5.
    """
    if len(data) > PEM_MAX_BYTES:
        msg = f"PEM text has {len(data)} bytes, more than {PEM_MAX_BYTES}"
        raise TheirProtocolError(msg)
    try:
        return tuple(found.public_bytes(Encoding.DER) for found in x509.load_pem_x509_certificates(data))
    except _BAD_DER as error:
        msg = f"PEM text holds no readable certificate: {error}"
        raise TheirProtocolError(msg) from error


def distribution_points(der: bytes) -> tuple[str, ...]:
    """Return the HTTP addresses where the certificate says that its revocation list stands, in its order.

    Raises:
        TheirProtocolError: the certificate cannot be read.

    Source: RFC 5280 section 4.2.1.13; operators.md 2.4 (prefer the points in the certificate).
    """
    certificate = parse_certificate(der)
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return ()
    except _BAD_DER as error:
        msg = f"certificate has extensions that cannot be read: {error}"
        raise TheirProtocolError(msg) from error
    return tuple(
        name.value
        for point in points
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(("http://", "https://"))
    )


def read_crl(data: bytes) -> RevocationList:
    """Return the complete revocation list, in DER or in PEM; its signature is not checked here.

    Raises:
        TheirProtocolError: it is no list, a delta or an indirect list, has no nextUpdate, or an unknown critical part.

    Source: RFC 5280 section 5; operators.md 2.4 (complete lists exist beside the deltas).
    """
    crl = parse_crl(data)
    try:
        for extension in crl.extensions:
            _check_crl_extension(extension)
        if crl.next_update_utc is None:
            msg = "revocation list has no nextUpdate"
            raise TheirProtocolError(msg)
        return RevocationList(
            issuer=read_name(crl.issuer),
            this_update=crl.last_update_utc,
            next_update=crl.next_update_utc,
            revoked=frozenset(entry.serial_number for entry in crl),
            der=data,
        )
    except _BAD_DER as error:
        msg = f"revocation list cannot be read: {error}"
        raise TheirProtocolError(msg) from error


def parse_crl(data: bytes) -> x509.CertificateRevocationList:
    """Return the list as the library's object, for the checks of this folder.

    Raises:
        TheirProtocolError: it is not one revocation list of at most 32 MiB.

    Source: RFC 5280 section 5.1.
    """
    if len(data) > CRL_MAX_BYTES:
        msg = f"revocation list has {len(data)} bytes, more than {CRL_MAX_BYTES}"
        raise TheirProtocolError(msg)
    try:
        if data.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except _BAD_DER as error:
        msg = f"revocation list is not valid DER: {error}"
        raise TheirProtocolError(msg) from error


def _check_crl_extension(extension: x509.Extension[x509.ExtensionType]) -> None:
    value = extension.value
    if isinstance(value, x509.DeltaCRLIndicator):
        msg = "revocation list is a delta; the complete list is needed"
        raise TheirProtocolError(msg)
    if isinstance(value, x509.IssuingDistributionPoint) and (value.indirect_crl or value.only_some_reasons):
        msg = "revocation list is indirect or only for some reasons; the complete list is needed"
        raise TheirProtocolError(msg)
    if extension.critical and extension.oid not in _CRL_EXTENSIONS:
        msg = f"revocation list has an unknown critical extension {extension.oid.dotted_string}"
        raise TheirProtocolError(msg)


def _dns_names(extensions: x509.Extensions) -> tuple[str, ...]:
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name.lower() for name in names.get_values_for_type(x509.DNSName))


def _extended_usages(extensions: x509.Extensions) -> frozenset[str]:
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(usage.dotted_string for usage in usages)


def _key_usages(extensions: x509.Extensions) -> frozenset[str]:
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name for name in _KEY_USAGES if getattr(usage, name))
