import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.dn import parse_dn
from mssante.model.peer import Certificate, ChainCheck, ChainVerdict
from mssante.model.whitelist import Entry, WhiteList, build_white_list
from mssante.rules.federation import (
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    RULES,
    DestinationFacts,
    ListFacts,
    SenderFacts,
    judge_certificate,
    judge_destination,
    judge_sender,
    names_host,
)

NOW = datetime(2026, 6, 15, tzinfo=UTC)
A_DN = "CN=mss.a.fr,OU=1130000003,O=CH A,ST=Bouches-du-Rhône (13),C=FR"
B_DN = "CN=mss.b.fr,OU=1310990015,O=CH B,ST=Paris (75),C=FR"
STRANGER_DN = "CN=mss.z.fr,OU=1310990015,O=CH Z,ST=Paris (75),C=FR"
TRUSTED = ChainCheck(ChainVerdict.TRUSTED)


def white_list(*pairs: tuple[str, str]) -> WhiteList:
    return build_white_list(NOW, tuple(Entry(domain, parse_dn(dn), dn, "", "", "", None) for domain, dn in pairs))


LIST = white_list(("a.mssante.fr", A_DN), ("b.mssante.fr", B_DN), ("ours.mssante.fr", "CN=ours,C=FR"))


def certificate(dn: str = A_DN, dns: tuple[str, ...] = ("mss.a.fr",)) -> Certificate:
    name = parse_dn(dn)
    return Certificate(name, parse_dn("CN=AC"), 1, NOW, NOW, "f", dns, frozenset(), frozenset(), b"")


GOOD = SenderFacts(
    encrypted=True,
    certificate=certificate(),
    chain=TRUSTED,
    sender=Address("x", "a.mssante.fr"),
    our_domains=frozenset({"ours.mssante.fr"}),
    listed=ListFacts(LIST),
)
TO_A = DestinationFacts(
    encrypted=True,
    certificate=certificate(),
    chain=TRUSTED,
    domain="a.mssante.fr",
    host_name="mss.a.fr",
    listed=ListFacts(LIST),
)


def seen(decision: Decision) -> tuple[object, str]:
    return (decision.kind if isinstance(decision, Refusal) else "ok", decision.rule)


def at(domain: str) -> Address:
    return Address("x", domain)


CHAIN_CASES = [
    (ChainVerdict.UNTRUSTED, Kind.CERTIFICATE_UNTRUSTED, R3),
    (ChainVerdict.BAD_USAGE, Kind.CERTIFICATE_USAGE, R3),
    (ChainVerdict.EXPIRED, Kind.CERTIFICATE_EXPIRED, R4),
    (ChainVerdict.NOT_YET_VALID, Kind.CERTIFICATE_EXPIRED, R4),
    (ChainVerdict.REVOKED, Kind.CERTIFICATE_REVOKED, R4),
    (ChainVerdict.REVOCATION_STALE, Kind.REVOCATION_UNKNOWN, R4),
    (ChainVerdict.REVOCATION_MISSING, Kind.REVOCATION_UNKNOWN, R4),
]


@pytest.mark.parametrize(
    ("changes", "kind", "rule"),
    [
        ({}, "ok", R5),
        ({"sender": None}, "ok", R5),
        ({"encrypted": False}, Kind.TLS_REQUIRED, R2),
        ({"certificate": None}, Kind.CERTIFICATE_MISSING, R3),
        ({"sender": at("unlisted.mssante.fr")}, Kind.SENDER_DOMAIN_UNLISTED, R1),
        ({"sender": at("b.mssante.fr")}, Kind.DN_NOT_LISTED, R5),
        ({"sender": at("sub.a.mssante.fr")}, Kind.SENDER_DOMAIN_UNLISTED, R1),
        ({"sender": at("xn--a-0ga.mssante.fr")}, Kind.SENDER_DOMAIN_UNLISTED, R1),
        ({"sender": at("ours.mssante.fr")}, Kind.SENDER_DOMAIN_OURS, R5),
        ({"certificate": certificate(STRANGER_DN)}, Kind.DN_NOT_LISTED, R5),
        ({"certificate": certificate(STRANGER_DN), "sender": None}, Kind.DN_NOT_LISTED, R5),
        ({"listed": ListFacts(None)}, Kind.LIST_UNAVAILABLE, R1),
        ({"listed": ListFacts(LIST, timedelta(days=8))}, Kind.LIST_UNAVAILABLE, R1),
        ({"listed": ListFacts(LIST, timedelta(days=7))}, "ok", R5),
    ],
)
def test_judges_each_sender(changes: dict[str, object], kind: object, rule: str) -> None:
    assert seen(judge_sender(replace(GOOD, **changes))) == (kind, rule)


@pytest.mark.parametrize(("verdict", "kind", "rule"), CHAIN_CASES)
def test_refuses_a_bad_chain_in_both_directions(verdict: ChainVerdict, kind: Kind, rule: str) -> None:
    chain = ChainCheck(verdict, "because")
    for decision in (judge_sender(replace(GOOD, chain=chain)), judge_destination(replace(TO_A, chain=chain))):
        assert seen(decision) == (kind, rule)
        assert "because" in decision.detail
    assert judge_certificate(certificate(), chain) is not None
    assert judge_certificate(certificate(), TRUSTED) is None


def test_every_verdict_but_trusted_is_a_refusal() -> None:
    assert {case[0] for case in CHAIN_CASES} == set(ChainVerdict) - {ChainVerdict.TRUSTED}


def test_an_operator_that_the_list_binds_to_our_domain_may_send_for_it() -> None:
    listed = ListFacts(white_list(("ours.mssante.fr", A_DN)))
    decision = judge_sender(replace(GOOD, sender=at("ours.mssante.fr"), listed=listed))
    assert isinstance(decision, Permit)


def test_matrix_of_operators_and_sender_domains() -> None:
    """B01, B02: each operator may send as its own domain only."""
    for (dn, own), domain in itertools.product(
        [(A_DN, "a.mssante.fr"), (B_DN, "b.mssante.fr"), (STRANGER_DN, "")],
        ["a.mssante.fr", "b.mssante.fr", "ours.mssante.fr", "unlisted.fr"],
    ):
        decision = judge_sender(replace(GOOD, certificate=certificate(dn), sender=at(domain)))
        assert isinstance(decision, Permit) is (domain == own), (dn, domain)


@pytest.mark.parametrize(
    ("dn", "structural", "strict"),
    [
        (A_DN, True, True),
        (A_DN.upper(), True, False),
        (A_DN.replace(",", ", "), True, True),
        (A_DN.replace("ô", "o\u0302"), True, False),
        (A_DN.replace("CH A", "CH  A "), True, False),
        ("CN=mss.a.fr\\,OU\\=1130000003,O=CH A,ST=Bouches-du-Rhône (13),C=FR", False, False),
        ("CN=mss.a.fr+OU=1130000003,O=CH A,ST=Bouches-du-Rhône (13),C=FR", False, False),
        ("OU=1130000003,CN=mss.a.fr,O=CH A,ST=Bouches-du-Rhône (13),C=FR", False, False),
        (A_DN.replace("mss.a.fr", "mss.a.fr\\00"), False, False),
        (A_DN.replace("mss.a.fr", "mss.а.fr"), False, False),
        (A_DN.replace(",C=FR", ""), False, False),
    ],
)
def test_compares_names_by_structure_or_to_the_letter(dn: str, structural: bool, strict: bool) -> None:
    facts = replace(GOOD, certificate=certificate(dn))
    for sender in (GOOD.sender, None):
        loose = judge_sender(replace(facts, sender=sender))
        exact = judge_sender(replace(facts, sender=sender, listed=ListFacts(LIST, strict=True)))
        assert (isinstance(loose, Permit), isinstance(exact, Permit)) == (structural, strict)


@pytest.mark.parametrize(
    ("changes", "kind", "rule"),
    [
        ({}, "ok", R6),
        ({"domain": "unlisted.fr"}, Kind.RECIPIENT_DOMAIN_UNLISTED, R1),
        ({"domain": "unlisted.fr", "encrypted": False, "certificate": None}, Kind.RECIPIENT_DOMAIN_UNLISTED, R1),
        ({"encrypted": False}, Kind.TLS_REQUIRED, R2),
        ({"certificate": None}, Kind.CERTIFICATE_MISSING, R3),
        ({"domain": "b.mssante.fr"}, Kind.DN_NOT_LISTED, R5),
        ({"host_name": "mss2.a.fr"}, Kind.HOST_MISMATCH, R6),
        ({"host_name": "mss2.a.fr", "check_host": False}, "ok", R5),
        ({"host_name": "mss2.a.fr", "host_exceptions": frozenset({"a.mssante.fr"})}, "ok", R6),
        ({"listed": ListFacts(None)}, Kind.LIST_UNAVAILABLE, R1),
    ],
)
def test_judges_each_destination(changes: dict[str, object], kind: object, rule: str) -> None:
    assert seen(judge_destination(replace(TO_A, **changes))) == (kind, rule)


@pytest.mark.parametrize(
    ("dns", "host", "named"),
    [
        (("mss.a.fr",), "MSS.A.FR.", True),
        (("other.a.fr",), "mss.a.fr", False),
        ((), "mss.a.fr", True),
        ((), "other.a.fr", False),
        (("*.a.fr",), "mss.a.fr", False),
        (("*.a.fr",), "*.a.fr", False),
    ],
)
def test_a_host_is_named_exactly_or_not_at_all(dns: tuple[str, ...], host: str, named: bool) -> None:
    assert names_host(certificate(dns=dns), host) is named


def test_a_recipient_outside_the_list_is_told_in_french_with_the_fix() -> None:
    decision = judge_destination(replace(TO_A, domain="gmail.com"))
    assert isinstance(decision, Refusal)
    assert "vérifiez" in decision.french


def test_every_decision_names_list_version_and_certificate() -> None:
    for decision in (
        judge_sender(GOOD),
        judge_destination(TO_A),
        judge_sender(replace(GOOD, sender=at("b.mssante.fr"))),
    ):
        assert LIST.version in decision.detail
        assert A_DN in decision.detail


def test_every_rule_is_explained_in_french() -> None:
    assert list(RULES) == [R1, R2, R3, R4, R5, R6]
