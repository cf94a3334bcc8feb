"""Sign-in with an application password or a certificate; what it gives away, and what it writes down.

Source: reliability.md D; RFC 4954; RFC 4616 section 2.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from forge import NOW, Order, intermediate, issue, server_name
from standins import ANNE, BRUNO, CREDENTIAL_KEY, QUOTA_BYTES, TLS, Office

from mssante.flows.sign_in import digest_password, new_password
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.mailbox import AccountKind, Identity, MailboxType, Method
from mssante.model.peer import Certificate, PeerFacts
from mssante.rules.sign_in import FAILURES_PER_ADDRESS
from mssante.store import accounts, mailboxes
from mssante.store.tx import Tx, Work

IP, ELSEWHERE = "192.0.2.1", "198.51.100.9"
ANNES = f"pass{ANNE}"
SOFTWARE = server_name("DPI CHU")


async def _try(office: Office, login: str, password: str, authzid: str = "", ip: str = IP) -> Identity | Refusal:
    return await office.sign_in.password(login, password, authzid, ip)


def test_a_new_password_is_long_random_and_easy_to_type() -> None:
    made = new_password(bytes(range(15)))
    assert len(made) == 29
    assert made == made.lower()
    assert made.count("-") == 5
    assert new_password(bytes(range(1, 16))) != made
    assert digest_password(b"k", made) == digest_password(b"k", made.replace("-", " ").upper())
    assert digest_password(b"k", made) != digest_password(b"other", made)


async def test_the_right_password_gives_the_rights_of_the_account(office: Office) -> None:
    found = await _try(office, ANNE, ANNES)
    assert isinstance(found, Identity)
    assert (found.login, found.method) == (ANNE, Method.PLAIN)
    assert set(found.may_send) == found.may_read == {ANNE}


async def test_case_of_the_login_and_its_repetition_do_not_matter(office: Office) -> None:
    assert isinstance(await _try(office, ANNE.upper(), ANNES, ANNE), Identity)


@pytest.mark.parametrize(
    ("login", "password", "authzid"),
    [
        (ANNE, "faux", ""),
        ("personne@chu.mssante.fr", "faux", ""),
        ("", "", ""),
        (BRUNO, ANNES, ""),
        (ANNE, ANNES, BRUNO),
        (ANNE, "", ""),
    ],
    ids=["wrong", "unknown", "empty", "somebody else's", "acting for another", "no password"],
)
async def test_every_failure_says_the_same(office: Office, login: str, password: str, authzid: str) -> None:
    reads = []
    glance = office.store.glance

    async def counted(work: Work[object]) -> object:
        reads.append(work)
        return await glance(work)

    office.sign_in._store.glance = counted  # type: ignore[method-assign]
    found = await _try(office, login, password, authzid)
    assert isinstance(found, Refusal)
    assert (found.kind, found.public) == (Kind.SIGN_IN_FAILED, "Authentication failed")
    assert "mot de passe" in found.french
    assert len(reads) == 1, "the same path for all"
    (event,) = await office.events("sign-in.failed")
    assert (event.actor, event.facts["method"]) == (IP, "PLAIN")
    assert password == "" or password not in repr(event)


async def test_a_revoked_password_and_a_closed_account_fail(office: Office) -> None:
    async def revoke(tx: Tx) -> None:
        account = await accounts.account_by_login(tx, ANNE)
        assert account is not None
        (one,) = await accounts.list_credentials(tx, account.account_id)
        await accounts.revoke_credential(tx, one.credential_id, NOW)

    async def close(tx: Tx) -> None:
        account = await accounts.account_by_login(tx, BRUNO)
        assert account is not None
        await accounts.set_account_active(tx, account.account_id, active=False)

    await office.store.write(revoke)
    await office.store.write(close)
    assert isinstance(await _try(office, ANNE, ANNES), Refusal)
    assert isinstance(await _try(office, BRUNO, f"pass{BRUNO}"), Refusal)


async def test_too_many_failures_stop_their_address_and_never_the_account(office: Office) -> None:
    for _ in range(FAILURES_PER_ADDRESS):
        assert (await _try(office, ANNE, "faux")).kind is Kind.SIGN_IN_FAILED  # type: ignore[union-attr]
    throttled = await _try(office, ANNE, ANNES)
    assert isinstance(throttled, Refusal)
    assert (throttled.kind, throttled.is_temporary) == (Kind.SIGN_IN_THROTTLED, True)
    assert isinstance(await _try(office, ANNE, ANNES, ip=ELSEWHERE), Identity)
    office.clock.now += timedelta(minutes=11)
    assert isinstance(await _try(office, ANNE, ANNES), Identity)


async def test_a_restart_gives_nobody_a_new_budget_and_forgets_no_known_source(office: Office) -> None:
    assert isinstance(await _try(office, BRUNO, f"pass{BRUNO}"), Identity)
    for _ in range(FAILURES_PER_ADDRESS):
        await _try(office, ANNE, "faux")
    await office.restart()
    throttled = await _try(office, ANNE, ANNES)
    assert isinstance(throttled, Refusal)
    assert throttled.kind is Kind.SIGN_IN_THROTTLED
    assert isinstance(await _try(office, BRUNO, f"pass{BRUNO}"), Identity)


# -- software with its certificate ---------------------------------------------------------------------------------


def _certificate(**changes: object) -> Certificate:
    order = replace(Order(subject=SOFTWARE, dns=()), **changes)
    return issue(order, intermediate()).value


async def _register(office: Office) -> None:
    async def work(tx: Tx) -> None:
        box = await mailboxes.create_mailbox(
            tx,
            parse_address("dpi@chu.mssante.fr"),
            MailboxType.APP,
            holder="DPI",
            identifier="",
            quota_bytes=QUOTA_BYTES,
            now=NOW,
        )
        account = await accounts.create_account(
            tx, "dpi", AccountKind.APPLICATION, certificate_name=_certificate().subject, now=NOW
        )
        await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)

    await office.store.write(work)


async def _show(office: Office, certificate: Certificate | None, authzid: str = "") -> Identity | Refusal:
    return await office.sign_in.certificate(PeerFacts(IP, 1, TLS, certificate), authzid)


async def test_software_signs_in_with_its_certificate_whatever_the_serial(office: Office) -> None:
    await _register(office)
    for serial in (11, 12):
        found = await _show(office, _certificate(serial=serial), "dpi")
        assert isinstance(found, Identity)
        assert (found.login, found.method, set(found.may_send)) == ("dpi", Method.EXTERNAL, {"dpi@chu.mssante.fr"})


async def test_a_certificate_that_is_not_good_here_is_refused_with_its_reason(office: Office) -> None:
    await _register(office)
    day = timedelta(days=1)
    tries = {
        Kind.CERTIFICATE_MISSING: None,
        Kind.CERTIFICATE_EXPIRED: _certificate(not_after=NOW - day),
        Kind.CERTIFICATE_UNTRUSTED: issue(Order(subject=SOFTWARE, key_name="leaf")).value,
        Kind.SIGN_IN_FAILED: _certificate(subject=server_name("AUTRE LOGICIEL")),
    }
    for kind, certificate in tries.items():
        found = await _show(office, certificate)
        assert isinstance(found, Refusal)
        assert found.kind is kind
    acting = await _show(office, _certificate(), ANNE)
    assert isinstance(acting, Refusal)
    assert acting.kind is Kind.SIGN_IN_FAILED


async def test_software_that_fails_too_often_is_stopped_like_anybody(office: Office) -> None:
    await _register(office)
    stranger = _certificate(subject=server_name("AUTRE LOGICIEL"))
    kinds = [(await _show(office, stranger)).kind for _ in range(FAILURES_PER_ADDRESS + 1)]  # type: ignore[union-attr]
    assert set(kinds[:-1]) == {Kind.SIGN_IN_FAILED}
    assert kinds[-1] is Kind.SIGN_IN_THROTTLED


async def test_software_whose_account_is_closed_stays_outside(office: Office) -> None:
    await _register(office)

    async def close(tx: Tx) -> None:
        account = await accounts.account_by_login(tx, "dpi")
        assert account is not None
        await accounts.set_account_active(tx, account.account_id, active=False)

    await office.store.write(close)
    assert isinstance(await _show(office, _certificate()), Refusal)


async def test_what_is_typed_in_the_wrong_field_is_not_written_down(office: Office) -> None:
    typed = "abcd-efgh-ijkl-mnop-qrst-uvwx"
    await _try(office, typed, typed)
    (event,) = await office.events("sign-in.failed")
    assert typed not in repr(event)


def test_the_stored_form_is_not_the_password() -> None:
    assert b"pass" not in digest_password(CREDENTIAL_KEY, ANNES)
