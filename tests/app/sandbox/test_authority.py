"""Certificates and lists have the form that the trust space knows, and OpenSSL agrees that they are sound."""

import shutil
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mssante.app.sandbox import authority as ca
from mssante.app.sandbox.pki import write_issued, write_lists, write_pki
from mssante.model.dn import parse_dn
from mssante.wire.x509.read import read_certificate, read_crl


def der(issued: ca.Issued) -> bytes:
    return issued.certificate.public_bytes(Encoding.DER)


def test_prints_the_subject_as_the_white_list_does(pki) -> None:
    assert pki.operator.name == "CN=mss.chu-valdore.fr,OU=1310000108,O=CHU DE VALDORÉ,ST=Haute-Garonne (31),C=FR"
    assert read_certificate(der(pki.operator)).subject == parse_dn(pki.operator.name)


def test_authorities_are_named_like_the_test_branch_of_igc_sante(pki) -> None:
    issuer = read_certificate(der(pki.operator)).issuer
    assert str(issuer) == (
        "CN=TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS,OU=IGC-SANTE TEST,OU=0002 187512751,O=ASIP-SANTE,C=FR"
    )


def test_cuts_the_organisation_at_forty_characters() -> None:
    subject = ca.operator_subject("a.fr", structure="1310000108", organisation="X" * 60, department="Paris (75)")
    assert subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0].value == "X" * 40


def test_a_server_certificate_is_good_for_both_ends_of_mutual_tls(pki) -> None:
    certificate = read_certificate(der(pki.operator))
    assert certificate.extended_usages == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}
    assert certificate.key_usages == {"digital_signature", "key_encipherment"}
    assert "mss.chu-valdore.fr" in certificate.dns_names


def test_an_application_certificate_is_a_client_only(pki) -> None:
    assert read_certificate(der(pki.application)).extended_usages == {"1.3.6.1.5.5.7.3.2"}


def test_names_the_list_of_its_authority(pki) -> None:
    points = pki.operator.certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name[0].value == f"https://127.0.0.1:1/CRL/{ca.INTERMEDIATE_LIST}"


def test_the_list_names_the_revoked_certificate_and_grows_in_number(pki) -> None:
    first, second = (x509.load_der_x509_crl(pki.pki.lists(pki.now)[ca.INTERMEDIATE_LIST]) for _ in range(2))
    numbers = [one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for one in (first, second)]
    assert numbers[1] == numbers[0] + 1
    revoked = read_crl(pki.pki.lists(pki.now)[ca.INTERMEDIATE_LIST]).revoked
    assert revoked == {pki.bad["revoked"].certificate.serial_number}


def test_bad_certificates_are_bad_in_the_way_they_say(pki) -> None:
    expired, early = (read_certificate(der(pki.bad[name])) for name in ("expired", "not-yet-valid"))
    assert expired.not_after < pki.now - timedelta(hours=1)
    assert early.not_before > pki.now
    assert "AC INCONNUE" not in str(read_certificate(der(pki.bad["other-authority"])).subject)
    other = read_certificate(der(pki.bad["other-name"])).subject
    assert other.first("OU") == "1310000108"
    assert other.first("CN") != "mss.chu-valdore.fr"


def test_keys_can_be_read_by_their_owner_only(pki, tmp_path: Path) -> None:
    write_pki(pki.pki, tmp_path, pki.now)
    certificate, key = write_issued(pki.pki, pki.operator, tmp_path / "server", "mss")
    for path in (key, tmp_path / "authority" / "root.key", tmp_path / "authority" / "intermediate.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert certificate.read_text().count("BEGIN CERTIFICATE") == 2


def test_new_lists_take_the_place_of_the_old_ones(pki, tmp_path: Path) -> None:
    write_lists(pki.pki, tmp_path, pki.now)
    before = (tmp_path / "crl" / ca.ROOT_LIST).read_bytes()
    write_lists(pki.pki, tmp_path, pki.now)
    assert (tmp_path / "crl" / ca.ROOT_LIST).read_bytes() != before
    assert sorted(path.name for path in (tmp_path / "crl").iterdir()) == [ca.INTERMEDIATE_LIST, ca.ROOT_LIST]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl is not installed")
@pytest.mark.parametrize(
    ("name", "verdict"),
    [("operator", "OK"), ("expired", "certificate has expired"), ("revoked", "certificate revoked")],
)
def test_openssl_judges_the_same(pki, tmp_path: Path, name: str, verdict: str) -> None:
    write_pki(pki.pki, tmp_path, pki.now)
    issued = pki.operator if name == "operator" else pki.bad[name]
    (tmp_path / "leaf.pem").write_bytes(issued.certificate_pem)
    lists = b"".join(
        x509.load_der_x509_crl(path.read_bytes()).public_bytes(Encoding.PEM) for path in (tmp_path / "crl").iterdir()
    )
    (tmp_path / "lists.pem").write_bytes(lists)
    command = (
        "openssl verify -crl_check_all -CRLfile lists.pem -CAfile anchors.pem -untrusted intermediates.pem leaf.pem"
    )
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert verdict in done.stdout + done.stderr
