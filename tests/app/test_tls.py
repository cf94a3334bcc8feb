"""Certificates and TLS contexts: what is refused at the start, and what each context offers.

Source: operators.md 2.2; reliability.md B05; design.md law 6.
"""

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mssante.app.sandbox.pki import write_issued, write_pki
from mssante.app.tls import days_left, operator_client, operator_server, read_chain, read_material, user_server
from mssante.model.errors import ConfigError
from mssante.model.settings import TlsSettings

NATIONAL = {
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-AES128-SHA256",
}


@pytest.fixture
def settings(tmp_path: Path, pki) -> TlsSettings:
    write_pki(pki.pki, tmp_path, pki.now)
    certificate, key = write_issued(pki.pki, pki.operator, tmp_path, "server")
    return TlsSettings(certificate, key, tmp_path / "anchors.pem", tmp_path / "intermediates.pem")


def _names(context: ssl.SSLContext) -> set[str]:
    return {cipher["name"] for cipher in context.get_ciphers() if not cipher["name"].startswith("TLS_")}


def test_reads_certificate_chain_and_authorities(settings: TlsSettings, pki) -> None:
    material = read_material(settings, now=pki.now)
    assert material.own.subject.first("CN") == "mss.chu-valdore.fr"
    assert (len(material.chain), len(material.anchors), len(material.intermediates)) == (2, 1, 1)
    assert days_left(material.own, pki.now) == 365
    assert days_left(material.own, pki.now + timedelta(days=366)) < 0


@pytest.mark.parametrize("make", [operator_server, operator_client])
def test_between_operators_only_the_national_suites_in_tls_12(
    settings: TlsSettings, make: Callable[[TlsSettings], ssl.SSLContext]
) -> None:
    context = make(settings)
    assert _names(context) == NATIONAL
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_TICKET
    assert make(replace(settings, allow_tls13=True)).maximum_version == ssl.TLSVersion.TLSv1_3


def test_the_operators_door_asks_for_a_certificate_and_gives_no_ticket(settings: TlsSettings) -> None:
    context = operator_server(settings)
    assert context.verify_mode == ssl.CERT_OPTIONAL
    assert context.num_tickets == 0
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION


def test_the_way_out_always_wants_a_certificate(settings: TlsSettings) -> None:
    assert operator_client(settings).verify_mode == ssl.CERT_REQUIRED


def test_users_may_come_with_tls_13_and_never_below_12(settings: TlsSettings) -> None:
    context = user_server(settings)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.maximum_version == ssl.TLSVersion.MAXIMUM_SUPPORTED


def test_no_context_trusts_the_authorities_of_the_system(settings: TlsSettings) -> None:
    for context in (operator_server(settings), operator_client(settings), user_server(settings)):
        assert context.cert_store_stats()["x509_ca"] == 2


def _spoil(settings: TlsSettings, pki, how: str) -> TlsSettings:
    folder = settings.certificate.parent
    match how:
        case "missing":
            settings.certificate.unlink()
        case "not PEM":
            settings.certificate.write_text("bonjour")
        case "empty":
            settings.certificate.write_text("")
        case "broken":
            settings.certificate.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        case "other key":
            settings.key.write_bytes(pki.other.key_pem)
        case "open key":
            settings.key.chmod(0o644)
        case "no key":
            settings.key.unlink()
        case "expired":
            write_issued(pki.pki, pki.bad["expired"], folder, "server")
        case "early":
            write_issued(pki.pki, pki.bad["not-yet-valid"], folder, "server")
        case "no anchors":
            settings.anchors.unlink()
        case "bad intermediates":
            settings.intermediates.write_text("rien")
    return settings


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("missing", r"certificate .*server\.pem : fichier ou dossier introuvable ; donnez le bon chemin"),
        ("not PEM", r"certificate .*server\.pem"),
        ("empty", r"certificate .*server\.pem"),
        ("broken", r"certificate .*server\.pem"),
        ("other key", "pas la clé du certificat .*mettez la clé"),
        ("open key", "chmod 600"),
        ("no key", r"server\.key : fichier ou dossier introuvable ; donnez"),
        ("expired", "a expiré .*commandez le suivant"),
        ("early", "n'est pas encore valable"),
        ("no anchors", r"anchors .*anchors\.pem : fichier ou dossier introuvable"),
        ("bad intermediates", "intermediates"),
    ],
)
def test_what_cannot_be_used_is_named_with_the_fix(settings: TlsSettings, pki, how: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_material(_spoil(settings, pki, how), now=pki.now)


def test_authorities_that_cannot_be_loaded_are_named(settings: TlsSettings) -> None:
    settings.anchors.write_text("rien")
    with pytest.raises(ConfigError, match=r"anchors\.pem : pas utilisable comme autorités"):
        operator_server(settings)


def test_a_chain_is_read_in_its_order(settings: TlsSettings, pki) -> None:
    first, second = read_chain(settings.certificate, "certificate")
    assert first != second
    assert read_chain(settings.intermediates, "intermediates") == (second,)
