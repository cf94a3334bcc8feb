"""Every format says the same, each in a form that its programs accept."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dns.rdatatype
import dns.zone
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import pkcs7
from services import CLAIRE, DOMAIN, IMAP, PSC, SERVICES, SMTP, WEB
from settings_readers import read_apple, read_mozilla, read_outlook, read_pacc

from mssante.model.address import parse_address
from mssante.model.autoconfig import Authentication, Endpoint, Socket
from mssante.wire.autoconfig import autodiscover, mobileconfig, mozilla, srv, well_known

ADDRESS = parse_address(CLAIRE)
FOUR = [
    ("imap", IMAP, 143, "STARTTLS"),
    ("imap", IMAP, 993, "TLS"),
    ("smtp", SMTP, 587, "STARTTLS"),
    ("smtp", SMTP, 465, "TLS"),
]


def zone_of(services=SERVICES) -> dns.zone.Zone:
    return dns.zone.from_text(srv.zone_text(services), origin=DOMAIN, relativize=True, check_origin=False)


def srv_of(zone: dns.zone.Zone, label: str) -> list[tuple[int, int, int, str]]:
    found = zone.find_rdataset(f"_{label}._tcp", dns.rdatatype.SRV)
    return [(one.priority, one.weight, one.port, one.target.to_text()) for one in found]


def test_thunderbird_reads_both_ways_in_order_and_the_identity_provider() -> None:
    found, ways, oauth = read_mozilla(mozilla.client_config(SERVICES))
    assert found == FOUR
    assert ways == ["OAuth2", "password-cleartext", "TLS-client-cert"]
    assert oauth == {
        "issuer": PSC.issuer,
        "scope": "openid scope_all",
        "authURL": PSC.authorization_url,
        "tokenURL": PSC.token_url,
    }


def test_without_identity_provider_no_token_is_asked_for() -> None:
    plain = replace(SERVICES, oauth=None, authentication=(Authentication.PASSWORD,))
    assert read_mozilla(mozilla.client_config(plain))[1:] == (["password-cleartext"], {})


def test_outlook_reads_the_most_wanted_way() -> None:
    assert read_outlook(autodiscover.answer(SERVICES, ADDRESS), CLAIRE) == [FOUR[0], FOUR[2]]
    tls_first = replace(SERVICES, imap=SERVICES.imap[::-1], submission=SERVICES.submission[::-1])
    assert read_outlook(autodiscover.answer(tls_first, ADDRESS), CLAIRE) == [FOUR[1], FOUR[3]]


def test_apple_reads_the_way_with_tls_from_the_first_byte() -> None:
    found, whole = read_apple(mobileconfig.profile(SERVICES, ADDRESS), CLAIRE)
    assert found == [FOUR[1], FOUR[3]]
    assert whole["PayloadOrganization"] == SERVICES.display_name


def test_a_new_profile_replaces_the_old_one_of_the_same_address() -> None:
    first = mobileconfig.profile(SERVICES, ADDRESS)
    assert mobileconfig.profile(SERVICES, ADDRESS) == first
    other = parse_address(f"autre@{DOMAIN}")
    assert read_apple(mobileconfig.profile(SERVICES, other), str(other))[1]["PayloadUUID"] not in first.decode()


def test_a_signed_profile_holds_the_profile_and_the_certificate(pki) -> None:
    data = mobileconfig.profile(SERVICES, ADDRESS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, WEB)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, pki.keys[0].public_key(), 7, now, now + timedelta(days=1))
    certificate = builder.sign(pki.keys[0], hashes.SHA256())
    signed = mobileconfig.sign_profile(data, [certificate], pki.keys[0])
    assert data in signed
    assert pkcs7.load_der_pkcs7_certificates(signed) == [certificate]


def test_the_newer_draft_reads_its_document_and_the_digest_is_of_its_bytes() -> None:
    document = well_known.user_agent_configuration(SERVICES)
    assert document is not None
    assert read_pacc(json.loads(document)) == [FOUR[1], FOUR[3]]
    assert json.loads(document)["authentication"]["oauth-public"] == {"issuer": PSC.issuer}
    digest = well_known.digest_record(SERVICES)
    assert digest is not None
    assert digest.startswith("v=UAAC1; a=sha256; d=")
    (txt,) = zone_of().find_rdataset("_ua-auto-config", dns.rdatatype.TXT)
    assert b"".join(txt.strings).decode() == digest


def test_the_newer_draft_has_no_document_for_other_ports() -> None:
    elsewhere = replace(
        SERVICES,
        imap=(Endpoint(IMAP, 143, Socket.STARTTLS), Endpoint(IMAP, 9930, Socket.TLS)),
        submission=SERVICES.submission[:1],
    )
    assert well_known.user_agent_configuration(elsewhere) is None
    assert {one.name for one in srv.records(elsewhere)}.isdisjoint({"ua-auto-config", "_ua-auto-config"})


def test_the_zone_is_read_by_a_zone_parser_and_says_the_same() -> None:
    zone = zone_of()
    (mx,) = zone.find_rdataset("@", dns.rdatatype.MX)
    assert (mx.preference, mx.exchange.to_text()) == (10, "mss.chu-valdore.fr.")
    told = {label: srv_of(zone, label) for label in ("imap", "imaps", "submission", "submissions", "autodiscover")}
    assert told == {
        "imap": [(0, 1, 143, f"{IMAP}.")],
        "imaps": [(0, 1, 993, f"{IMAP}.")],
        "submission": [(0, 1, 587, f"{SMTP}.")],
        "submissions": [(0, 1, 465, f"{SMTP}.")],
        "autodiscover": [(0, 1, 443, f"{WEB}.")],
    }
    for alias in ("autoconfig", "autodiscover", "ua-auto-config"):
        (cname,) = zone.find_rdataset(alias, dns.rdatatype.CNAME)
        assert cname.target.to_text() == f"{WEB}."


def test_a_service_that_is_not_offered_is_announced_so() -> None:
    zone = zone_of(replace(SERVICES, web=None, submission=SERVICES.submission[:1]))
    for label in ("ldap", "ldaps", "jmap", "submissions", "autodiscover"):
        assert srv_of(zone, label) == [(0, 0, 0, ".")]
    assert zone.get_rdataset("autoconfig", dns.rdatatype.CNAME) is None


def test_directory_and_jmap_are_announced_when_they_are_offered() -> None:
    more = replace(
        SERVICES,
        ldap=(Endpoint("ldap.chu-valdore.fr", 389, Socket.STARTTLS),),
        jmap_url="https://jmap.chu-valdore.fr:8443/.well-known/jmap",
        priority=5,
        weight=7,
    )
    zone = zone_of(more)
    assert srv_of(zone, "ldap") == [(5, 7, 389, "ldap.chu-valdore.fr.")]
    assert srv_of(zone, "jmap") == [(5, 7, 8443, "jmap.chu-valdore.fr.")]


def test_a_name_is_never_its_own_alias() -> None:
    own = replace(SERVICES, web=Endpoint(f"autoconfig.{DOMAIN}", 443, Socket.TLS))
    assert [one.name for one in srv.records(own) if one.kind == "CNAME"] == ["autodiscover", "ua-auto-config"]


@pytest.mark.parametrize(("port", "place"), [(443, WEB), (8443, f"{WEB}:8443")])
def test_the_json_signpost_leads_to_the_xml_answer(port: int, place: str) -> None:
    status, body = autodiscover.json_answer(Endpoint(WEB, port, Socket.TLS), "AutodiscoverV1")
    assert (status, json.loads(body)["Url"]) == (200, f"https://{place}/autodiscover/autodiscover.xml")
    assert autodiscover.json_answer(Endpoint(WEB, port, Socket.TLS), "ActiveSync")[0] == 400
