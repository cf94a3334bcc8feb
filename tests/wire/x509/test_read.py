from datetime import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from forge import DAY, NOW, Issued, Order, intermediate, issue, operator, revocation_list, root, rsa_key
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mssante.model.dn import parse_dn
from mssante.model.errors import TheirProtocolError
from mssante.wire.x509.chain import SERVER_USAGE, is_signed_by
from mssante.wire.x509.path import read_authorities
from mssante.wire.x509.read import (
    distribution_points,
    parse_certificate,
    read_certificate,
    read_crl,
    read_name,
    read_pem_chain,
)


def test_reads_an_operator_certificate_as_the_white_list_writes_it() -> None:
    found = operator().value
    expected = "CN=mss.exemple.fr,OU=1130000003,O=CH EXEMPLE,ST=Bouches-du-Rhône (13),C=FR"
    assert str(found.subject) == expected
    assert found.subject == parse_dn(expected)
    assert str(found.issuer) == "CN=TEST AC ORGANISATIONS,O=ASIP-SANTE,C=FR"
    assert found.dns_names == ("mss.exemple.fr",)
    assert SERVER_USAGE in found.extended_usages
    assert found.key_usages == {"digital_signature", "key_encipherment"}
    assert (found.not_before, found.not_after) == (NOW - 30 * DAY, NOW + 365 * DAY)
    assert len(found.fingerprint) == 64


def _named(*pairs: tuple[x509.ObjectIdentifier, str, _ASN1Type | None]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value, _type=kind) for oid, value, kind in pairs])


def test_string_types_do_not_change_a_name() -> None:
    kinds = (_ASN1Type.PrintableString, _ASN1Type.UTF8String, _ASN1Type.BMPString)
    names = {read_name(_named((NameOID.COMMON_NAME, "mss.exemple.fr", kind))) for kind in kinds}
    assert names == {parse_dn("CN=mss.exemple.fr")}


@pytest.mark.parametrize(
    ("value", "alike"),
    [("a,O=b", "CN=a,O=b"), ("a\x00", "CN=a"), ("a+OU=x", "CN=a+OU=x"), ("#0403616263", "CN=abc"), ("a\\", "CN=a")],
)
def test_a_value_that_looks_like_structure_stays_a_value(value: str, alike: str) -> None:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, value)])
    found = issue(Order(subject=subject), intermediate()).value.subject
    assert found.rdns == ((("CN", value),),)
    assert found.key != parse_dn(alike).key
    assert parse_dn(str(found)) == found


def test_a_multi_valued_part_stays_one_part() -> None:
    pair = [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "b")]
    joined = read_name(x509.Name([x509.RelativeDistinguishedName(pair)]))
    assert joined.key == parse_dn("O=b+CN=a").key
    assert joined.key not in {parse_dn("CN=a,O=b").key, parse_dn("O=b,CN=a").key}


def test_reads_a_chain_in_the_order_of_the_file() -> None:
    leaf = operator()
    assert read_pem_chain(leaf.pem + b"text\n" + intermediate().pem) == (leaf.der, intermediate().der)


@pytest.mark.parametrize(
    "data", [b"", b"no", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"x" * 1_100_000]
)
def test_refuses_a_chain_without_certificates(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        read_pem_chain(data)


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"x" * 70_000])
def test_refuses_what_is_no_certificate(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        read_certificate(data)
    with pytest.raises(TheirProtocolError):
        distribution_points(data)


def test_refuses_a_certificate_of_a_mebibyte() -> None:
    with pytest.raises(TheirProtocolError, match="more than"):
        parse_certificate(operator().der + b"\0" * 1024 * 1024)


@settings(max_examples=150, deadline=None)
@given(st.integers(min_value=0), st.integers(0, 255))
@example(12, 1)  # a version that X.509 does not have
def test_a_damaged_certificate_is_read_or_refused(place: int, value: int) -> None:
    der = bytearray(operator("fixe.exemple.fr").der)
    der[place % len(der)] = value
    try:
        found = read_certificate(bytes(der))
    except TheirProtocolError:
        return
    assert found.der == bytes(der)


def test_a_serial_number_that_is_not_positive_is_refused() -> None:
    der = operator("fixe.exemple.fr").der
    serial = x509.load_der_x509_certificate(der).serial_number
    size = (serial.bit_length() + 8) // 8
    at = der.index(b"\x02" + bytes([size]) + serial.to_bytes(size, "big"))
    for number in (b"\x80" + bytes(size - 1), b"\xfe" * size):
        damaged = der[: at + 2] + number + der[at + 2 + size :]
        with pytest.raises(TheirProtocolError, match="not positive"):
            read_certificate(damaged)


def test_gives_the_addresses_of_revocation_lists() -> None:
    points = ("https://a/x.crl", "ldap://a/x", "http://b/x.crl")
    assert distribution_points(operator("x.fr", points=points).der) == ("https://a/x.crl", "http://b/x.crl")
    assert distribution_points(operator("x.fr", points=()).der) == ()


def test_reads_a_revocation_list_in_both_encodings() -> None:
    found = revocation_list(intermediate(), [5, 7])
    assert found.revoked == {5, 7}
    assert (found.this_update, found.next_update) == (NOW - DAY, NOW + DAY)
    pem = x509.load_der_x509_crl(found.der).public_bytes(Encoding.PEM)
    assert read_crl(pem).revoked == {5, 7}


def _crl(*extensions: tuple[x509.ExtensionType, bool], next_update: datetime = NOW) -> bytes:
    issuer = intermediate()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(NOW - DAY)
        .next_update(next_update)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def _point(*, indirect: bool = False, users_only: bool = False) -> x509.IssuingDistributionPoint:
    full = [x509.UniformResourceIdentifier("http://x")]
    return x509.IssuingDistributionPoint(full, None, users_only, False, None, indirect, False)


@pytest.mark.parametrize(
    ("extension", "critical", "word"),
    [
        (x509.DeltaCRLIndicator(1), True, "delta"),
        (_point(indirect=True), True, "indirect"),
        (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True, "unknown critical"),
    ],
)
def test_refuses_a_revocation_list_that_is_not_complete(
    extension: x509.ExtensionType, critical: bool, word: str
) -> None:
    with pytest.raises(TheirProtocolError, match=word):
        read_crl(_crl((extension, critical)))


def test_takes_a_complete_list_with_harmless_extensions() -> None:
    assert read_crl(_crl((x509.CRLNumber(1), False), (_point(users_only=True), True))).revoked == frozenset()


@pytest.mark.parametrize("data", [b"", b"garbage", b"-----BEGIN X509 CRL-----\nAA\n-----END X509 CRL-----\n"])
def test_refuses_what_is_no_revocation_list(data: bytes) -> None:
    with pytest.raises(TheirProtocolError):
        read_crl(data)


def test_knows_whose_signature_a_revocation_list_bears() -> None:
    crl = revocation_list(intermediate())
    authorities = read_authorities((root().der,), (intermediate().der,))
    assert [is_signed_by(crl, one) for one in authorities] == [False, True]
    no_right = issue(
        Order(subject=intermediate().certificate.subject, authority=True, sign_usage=False, key_name="intermediate"),
        root(),
    )
    assert not is_signed_by(crl, read_authorities((), (no_right.der,))[0])
    other_key = Issued(intermediate().certificate, rsa_key("other"))
    forged = revocation_list(other_key)
    assert not any(is_signed_by(forged, one) for one in authorities)
