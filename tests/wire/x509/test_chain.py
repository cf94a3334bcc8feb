from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from forge import (
    DAY,
    NOW,
    Issued,
    Order,
    authority_name,
    intermediate,
    issue,
    operator,
    revocation_list,
    root,
    server_name,
)

from mssante.model.peer import ChainVerdict
from mssante.wire.x509.chain import ChainJudge, ChainPolicy, Usage
from mssante.wire.x509.path import MAX_AUTHORITIES
from mssante.wire.x509.read import RevocationList

V = ChainVerdict


def lists(*found: RevocationList) -> Mapping[object, RevocationList]:
    return {crl.issuer.key: crl for crl in found}


def good_lists() -> Mapping[object, RevocationList]:
    return lists(revocation_list(root()), revocation_list(intermediate()))


def judge(
    *middle: Issued, crls: Mapping[object, RevocationList] | None = None, policy: ChainPolicy | None = None
) -> ChainJudge:
    return ChainJudge(
        (root().der,),
        tuple(one.der for one in middle or (intermediate(),)),
        good_lists() if crls is None else crls,
        policy or ChainPolicy(),
    )


def test_trusts_a_good_operator_in_both_roles() -> None:
    peer = operator().value
    for usage in Usage:
        assert judge().check(peer, usage, NOW).verdict is V.TRUSTED


def test_trusts_a_certificate_without_alternative_name() -> None:
    assert judge().check(issue(Order(dns=()), intermediate()).value, Usage.CLIENT, NOW).verdict is V.TRUSTED


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")


@pytest.mark.parametrize(
    ("order", "verdict", "word"),
    [
        (Order(not_after=NOW - DAY), V.EXPIRED, "expired on"),
        (Order(not_before=NOW + DAY), V.NOT_YET_VALID, "valid from"),
        (Order(usages=[ExtendedKeyUsageOID.EMAIL_PROTECTION]), V.BAD_USAGE, "not for use"),
        (Order(digital_signature=False), V.BAD_USAGE, "digitalSignature"),
        (Order(authority=True), V.UNTRUSTED, "an authority"),
        (Order(key_name="weak", key_bits=1024), V.UNTRUSTED, "1024 bits"),
        (Order(extra=[(UNKNOWN, True)]), V.UNTRUSTED, "unknown critical"),
        (Order(extra=[(UNKNOWN, False)]), V.TRUSTED, ""),
    ],
    ids=["expired", "not-yet", "wrong-usage", "no-signature-usage", "authority", "rsa-1024", "critical", "uncritical"],
)
def test_judges_each_fault_of_the_leaf(order: Order, verdict: ChainVerdict, word: str) -> None:
    found = judge().check(issue(order, intermediate()).value, Usage.CLIENT, NOW)
    assert found.verdict is verdict
    assert word in found.detail


@pytest.mark.parametrize(
    ("usages", "usage", "strict", "trusted"),
    [
        ([ExtendedKeyUsageOID.SERVER_AUTH], Usage.CLIENT, False, True),
        ([ExtendedKeyUsageOID.SERVER_AUTH], Usage.CLIENT, True, False),
        ([ExtendedKeyUsageOID.CLIENT_AUTH], Usage.CLIENT, True, True),
        ([ExtendedKeyUsageOID.CLIENT_AUTH], Usage.SERVER, False, False),
        ([ExtendedKeyUsageOID.SERVER_AUTH], Usage.SERVER, True, True),
        (None, Usage.CLIENT, False, True),
        (None, Usage.CLIENT, True, False),
        (None, Usage.SERVER, True, True),
    ],
)
def test_demands_the_usage_that_the_policy_says(
    usages: list[x509.ObjectIdentifier] | None, usage: Usage, strict: bool, trusted: bool
) -> None:
    peer = issue(Order(usages=usages), intermediate()).value
    found = judge(policy=ChainPolicy(require_client_usage=strict)).check(peer, usage, NOW)
    assert found.verdict is (V.TRUSTED if trusted else V.BAD_USAGE)


def test_refuses_a_self_signed_certificate() -> None:
    found = judge().check(issue(Order()).value, Usage.CLIENT, NOW)
    assert found.verdict is V.UNTRUSTED


def test_refuses_another_authority_of_the_same_name() -> None:
    false_root = issue(Order(subject=authority_name("TEST AC RACINE"), authority=True, key_name="other"))
    order = Order(subject=authority_name("TEST AC ORGANISATIONS"), authority=True, key_name="other-middle")
    peer = issue(Order(), issue(order, false_root)).value
    assert judge().check(peer, Usage.CLIENT, NOW).verdict is V.UNTRUSTED


def test_refuses_what_an_operator_certificate_has_signed() -> None:
    peer = issue(Order(key_name="child"), operator()).value
    found = judge(intermediate(), operator()).check(peer, Usage.CLIENT, NOW)
    assert found.verdict is V.UNTRUSTED


def _middle(**changes: object) -> Issued:
    order = Order(subject=authority_name("AC AUTRE"), authority=True, path_length=0, key_name="intermediate-2")
    return issue(replace(order, **changes), root())


@pytest.mark.parametrize(
    ("middle", "word"),
    [
        (lambda: _middle(authority=False, path_length=None, sign_usage=True), "no right to sign"),
        (lambda: _middle(sign_usage=False), "no right to sign"),
        (lambda: _middle(key_name="weak-middle", key_bits=1024), "1024 bits"),
        (lambda: _middle(extra=[(UNKNOWN, True)]), "path refused"),
    ],
    ids=["ca-false", "no-cert-sign", "weak", "critical"],
)
def test_refuses_a_faulty_intermediate(middle: Callable[[], Issued], word: str) -> None:
    bad = middle()
    crls = lists(revocation_list(root()), revocation_list(bad))
    found = judge(bad, crls=crls).check(issue(Order(), bad).value, Usage.CLIENT, NOW)
    assert found.verdict is V.UNTRUSTED
    assert word in found.detail


def test_refuses_a_path_longer_than_an_authority_allows() -> None:
    below = issue(Order(subject=authority_name("AC SOUS"), authority=True, key_name="sub"), intermediate())
    found = judge(intermediate(), below).check(issue(Order(), below).value, Usage.CLIENT, NOW)
    assert found.verdict is V.UNTRUSTED
    assert "allows 0 authorities below it" in found.detail


@pytest.mark.parametrize(("dns", "trusted"), [("mss.exemple.fr", True), ("mss.ailleurs.fr", False)])
def test_holds_to_name_constraints(dns: str, trusted: bool) -> None:
    limits = x509.NameConstraints(permitted_subtrees=[x509.DNSName("exemple.fr")], excluded_subtrees=None)
    middle = _middle(extra=[(limits, True)])
    crls = lists(revocation_list(root()), revocation_list(middle))
    found = judge(middle, crls=crls).check(issue(Order(dns=(dns,)), middle).value, Usage.CLIENT, NOW)
    assert (found.verdict is V.TRUSTED) is trusted
    lax = judge(middle, crls=crls, policy=ChainPolicy(refuse_weak_keys=False))
    assert "name constraints" in lax.check(issue(Order(dns=(dns,)), middle).value, Usage.CLIENT, NOW).detail


def test_accepts_weak_keys_only_when_the_policy_says_so() -> None:
    peer = issue(Order(key_name="weak", key_bits=1024), intermediate()).value
    lax = judge(policy=ChainPolicy(refuse_weak_keys=False))
    assert lax.check(peer, Usage.CLIENT, NOW).verdict is V.TRUSTED


def test_prefers_the_renewed_authority_to_the_expired_one() -> None:
    old = _middle(not_after=NOW - DAY)
    new = _middle()
    crls = lists(revocation_list(root()), revocation_list(new))
    peer = issue(Order(), new).value
    assert judge(old, new, crls=crls).check(peer, Usage.CLIENT, NOW).verdict is V.TRUSTED
    assert judge(old, crls=crls).check(peer, Usage.CLIENT, NOW).verdict is V.EXPIRED


def test_cross_signed_authorities_do_not_loop() -> None:
    one = issue(Order(subject=authority_name("A"), authority=True, key_name="a"))
    two = issue(Order(subject=authority_name("B"), authority=True, key_name="b"), one)
    again = issue(Order(subject=authority_name("A"), authority=True, key_name="a"), two)
    found = judge(two, again).check(issue(Order(), two).value, Usage.CLIENT, NOW)
    assert found.verdict is V.UNTRUSTED


def test_a_hundred_authorities_are_refused_at_once() -> None:
    with pytest.raises(Exception, match="more than 64"):
        judge(*[intermediate()] * (MAX_AUTHORITIES + 1))


def test_refuses_a_revoked_leaf() -> None:
    peer = operator().value
    crls = lists(revocation_list(root()), revocation_list(intermediate(), [peer.serial]))
    assert judge(crls=crls).check(peer, Usage.CLIENT, NOW).verdict is V.REVOKED


def test_refuses_a_leaf_whose_intermediate_is_revoked() -> None:
    serial = intermediate().certificate.serial_number
    crls = lists(revocation_list(root(), [serial]), revocation_list(intermediate()))
    found = judge(crls=crls).check(operator().value, Usage.CLIENT, NOW)
    assert found.verdict is V.REVOKED
    assert "authority" in found.detail


def test_a_revoked_leaf_stays_revoked_when_the_list_is_stale() -> None:
    peer = operator().value
    crls = lists(revocation_list(root()), revocation_list(intermediate(), [peer.serial]))
    assert judge(crls=crls).check(peer, Usage.CLIENT, NOW + 60 * DAY).verdict is V.REVOKED


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (timedelta(0), V.TRUSTED),
        (timedelta(hours=47), V.TRUSTED),
        (timedelta(hours=49), V.REVOCATION_STALE),
    ],
)
def test_the_last_valid_list_stays_good_for_the_grace_time(after: timedelta, verdict: ChainVerdict) -> None:
    policy = ChainPolicy(crl_grace=2 * DAY)
    at = NOW + DAY + after
    assert judge(policy=policy).check(operator().value, Usage.CLIENT, at).verdict is verdict


@pytest.mark.parametrize(("required", "verdict"), [(True, V.REVOCATION_MISSING), (False, V.TRUSTED)])
def test_a_missing_list_is_hard_or_soft_as_the_policy_says(required: bool, verdict: ChainVerdict) -> None:
    found = judge(crls={}, policy=ChainPolicy(crl_required=required))
    assert found.check(operator().value, Usage.CLIENT, NOW).verdict is verdict


def test_a_list_signed_by_another_authority_counts_as_missing() -> None:
    crls = lists(revocation_list(root()), revocation_list(intermediate(), signer=root()))
    found = judge(crls=crls).check(operator().value, Usage.CLIENT, NOW)
    assert found.verdict is V.REVOCATION_MISSING


def test_the_verdict_follows_the_clock_although_the_path_is_remembered() -> None:
    steady = judge(crls=lists(), policy=ChainPolicy(crl_required=False))
    peer = operator().value
    seen = [steady.check(peer, Usage.CLIENT, at).verdict for at in (NOW, NOW + 366 * DAY, NOW - 60 * DAY, NOW)]
    assert seen == [V.TRUSTED, V.EXPIRED, V.NOT_YET_VALID, V.TRUSTED]


def test_two_certificates_with_one_serial_number_are_not_confused() -> None:
    good = issue(Order(serial=77), intermediate()).value
    other = issue(Order(serial=77, subject=server_name("autre.exemple.fr")), issue(Order(authority=True))).value
    steady = judge()
    assert steady.check(good, Usage.CLIENT, NOW).verdict is V.TRUSTED
    assert steady.check(other, Usage.CLIENT, NOW).verdict is V.UNTRUSTED


def test_dates_without_a_common_moment_are_untrusted() -> None:
    late = NOW + 4000 * DAY
    peer = issue(Order(not_before=late, not_after=late + DAY), intermediate()).value
    assert judge().check(peer, Usage.CLIENT, late).verdict is V.UNTRUSTED


def _check_many(steady: ChainJudge, at: datetime) -> set[ChainVerdict]:
    return {steady.check(operator(f"m{n}.exemple.fr").value, Usage.CLIENT, at).verdict for n in range(3)}


def test_the_memory_of_paths_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mssante.wire.x509.chain.CACHED_PATHS", 2)
    steady = judge()
    assert _check_many(steady, NOW) == {V.TRUSTED}
    assert len(steady._paths) <= 2
