"""Sign the white list (enveloped XML signature) and verify it; only the verified bytes are handed on to be read.

Whether the national file is signed is unknown: the verifier is pluggable and "absent" is accepted only when the setting
says so. XAdES (two references) is not accepted: decision 0003 keeps to exactly one reference, the whole document.

Source: operators.md 3.4; reliability.md C08; reliability.md 6.6.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from mssante.model.errors import ConfigError, TheirProtocolError
from mssante.wire.whitelist.guard import LIST_MAX_BYTES, ROOT_TAG, parse_guarded

_DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_CANONICAL: Final = frozenset(
    {
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    }
)
CERTIFICATES_MAX: Final = 10

SignerTrust = Callable[[bytes, datetime], str]
"""Takes the signer's certificate (DER) and the time; returns "" when it may sign the list, else why not."""


class Verifier(Protocol):
    """Decides whether the bytes of a list are authentic."""

    def verified(self, data: bytes, now: datetime) -> bytes:
        """Return the bytes that may be read: nothing outside them was vouched for.

        Raises:
            TheirProtocolError: the signature is demanded and absent, or it is bad.
        """
        ...


class AbsentAllowed:
    """Takes the list as it came: its authenticity is that of the TLS connection to the publisher."""

    def verified(self, data: bytes, now: datetime) -> bytes:  # noqa: ARG002 - the shape of a verifier
        """Return all the bytes."""
        return data


class Required:
    """Takes only lists that a trusted signer has signed as a whole.

    Args:
        trusts: judges the signer's certificate: chain, revocation, and one of the names that may sign.
    """

    def __init__(self, trusts: SignerTrust) -> None:
        self._trusts = trusts

    def verified(self, data: bytes, now: datetime) -> bytes:
        """Return the canonical bytes that the signature covers.

        Raises:
            TheirProtocolError: no signature, several, not over the whole document, wrong algorithm, signer or digest.
        """
        root = parse_guarded(data, LIST_MAX_BYTES)
        signature = _only_signature(root)
        _check_shape(signature)
        certificate = _signer(signature)
        reason = self._trusts(certificate.public_bytes(Encoding.DER), now)
        if reason:
            msg = f"white list is signed by a certificate that may not sign it: {reason}"
            raise TheirProtocolError(msg)
        return _verify(root, certificate, now)


def sign(data: bytes, certificates: tuple[bytes, ...], key_pem: bytes) -> bytes:
    """Return the list with an enveloped signature as its last element (RSA or EC with SHA-256).

    Args:
        data: a list as `write_white_list` makes it.
        certificates: DER, the signer's first, then its authorities', without the root.
        key_pem: the signer's private key.

    Raises:
        TheirProtocolError: the data are not a white list.
        ConfigError: the key or the certificates cannot be used.

    Source: operators.md 3.4; XML Signature 1.1.
    """
    from signxml.algorithms import CanonicalizationMethod
    from signxml.exceptions import InvalidInput
    from signxml.signer import XMLSigner

    root = parse_guarded(data)
    signer = XMLSigner(c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0)
    try:
        chain = [x509.load_der_x509_certificate(der) for der in certificates]
        signed = signer.sign(root, key=key_pem, cert=chain)
    except (ValueError, TypeError, InvalidInput) as error:
        msg = f"white list cannot be signed with this key and certificate: {error}"
        raise ConfigError(msg) from error
    return etree.tostring(signed, xml_declaration=True, encoding="UTF-8")


def _only_signature(root: etree._Element) -> etree._Element:
    found = list(root.iter(f"{_DS}Signature"))
    if len(found) != 1 or found[0].getparent() is not root:
        msg = f"white list has {len(found)} signatures instead of one, directly under its root"
        raise TheirProtocolError(msg)
    return found[0]


def _check_shape(signature: etree._Element) -> None:
    references = signature.findall(f"{_DS}SignedInfo/{_DS}Reference")
    if len(references) != 1 or references[0].get("URI") != "":
        msg = "signature of the white list must have one reference, with an empty URI (the whole document)"
        raise TheirProtocolError(msg)
    transforms = [found.get("Algorithm") for found in references[0].iter(f"{_DS}Transform")]
    if transforms[:1] != [_ENVELOPED] or len(transforms) > 2 or not _CANONICAL.issuperset(transforms[1:]):
        msg = f"signature of the white list has the transforms {transforms} instead of enveloped and canonical"
        raise TheirProtocolError(msg)


def _signer(signature: etree._Element) -> x509.Certificate:
    """Return the certificate that the key information puts first; the others are of no use to us."""
    found = signature.findall(f"{_DS}KeyInfo/{_DS}X509Data/{_DS}X509Certificate")
    if not found or len(found) > CERTIFICATES_MAX:
        msg = f"signature of the white list has {len(found)} certificates instead of 1 to {CERTIFICATES_MAX}"
        raise TheirProtocolError(msg)
    text = "".join((found[0].text or "").split())
    try:
        return x509.load_pem_x509_certificate(
            f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n".encode()
        )
    except ValueError as error:
        msg = "signature of the white list has a certificate that cannot be read"
        raise TheirProtocolError(msg) from error


def _verify(root: etree._Element, certificate: x509.Certificate, now: datetime) -> bytes:
    from signxml import exceptions
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    config = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset(
            {
                SignatureMethod.RSA_SHA256,
                SignatureMethod.RSA_SHA384,
                SignatureMethod.RSA_SHA512,
                SignatureMethod.SHA256_RSA_MGF1,
                SignatureMethod.ECDSA_SHA256,
                SignatureMethod.ECDSA_SHA384,
            }
        ),
        digest_algorithms=frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}),
        verification_time=now,
    )
    try:
        result = XMLVerifier().verify(root, x509_cert=certificate, expect_config=config)
    except (
        exceptions.InvalidInput,
        exceptions.InvalidSignature,
        InvalidSignature,
        ValueError,
        etree.LxmlError,
    ) as error:
        msg = f"signature of the white list is bad: {str(error)[:200]}"
        raise TheirProtocolError(msg) from error
    if isinstance(result, list) or result.signed_xml is None or result.signed_xml.tag != ROOT_TAG:
        msg = "signature of the white list does not cover the whole document"
        raise TheirProtocolError(msg)
    return result.signed_data
