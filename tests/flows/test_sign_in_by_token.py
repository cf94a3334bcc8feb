"""Sign-in with an access token on a real store: which account, which box, what is told and written down.

Source: clients.md 1.1, 7.1; reliability.md E04, E11, E12.
"""

from datetime import timedelta

import pytest
from forge import NOW
from provider import ISSUER, RPPS, Provider
from standins import ANNE, BRUNO, CREDENTIAL_KEY, QUOTA_BYTES, TRACE_KEY, KeptLog, Office

from mssante.flows.sign_in import SignIn, digest_password
from mssante.links.identity import TokenVerifier
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Refusal
from mssante.model.mailbox import Account, AccountKind, Identity, MailboxState, MailboxType, Method
from mssante.model.settings import IdentitySettings
from mssante.rules.sign_in import FAILURES_PER_ACCOUNT, FAILURES_PER_ADDRESS
from mssante.store import accounts, mailboxes
from mssante.store.tx import Tx

IP, ELSEWHERE = "192.0.2.1", "198.51.100.9"
HERE = ANNE.partition("@")[2]
DOCTOR, WARD, OTHER_WARD = f"docteur@{HERE}", f"service@{HERE}", f"autre@{HERE}"


async def _box(tx: Tx, text: str, kind: MailboxType, identifier: str) -> mailboxes.Mailbox:
    return await mailboxes.create_mailbox(
        tx, parse_address(text), kind, holder=text, identifier=identifier, quota_bytes=QUOTA_BYTES, now=NOW
    )


async def _populate(tx: Tx) -> Account:
    own = await _box(tx, DOCTOR, MailboxType.PER, RPPS)
    ward = await _box(tx, WARD, MailboxType.ORG, "")
    await _box(tx, OTHER_WARD, MailboxType.ORG, "")
    account = await accounts.create_account(tx, DOCTOR, AccountKind.PERSON, certificate_name=None, now=NOW)
    for box in (own, ward):
        await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)
    return account


class Desk:
    """The flow with tokens of a provider."""

    def __init__(self, office: Office, account: Account, close_after: timedelta | None = None) -> None:
        self.office, self.account, self.provider, self.log = office, account, Provider(), KeptLog()
        settings = IdentitySettings(issuer=ISSUER, audience=("mssante",))
        tokens = TokenVerifier(settings, ask=self.provider.ask, secret="", clock=office.clock, log=self.log)
        self.flow = SignIn(
            store=office.store,
            trust=office.trust,
            key=CREDENTIAL_KEY,
            trace_key=TRACE_KEY,
            clock=office.clock,
            tokens=tokens,
            close_after=close_after,
        )

    async def enter(self, user: str = "", token: str = "", ip: str = IP, **claims: object) -> Identity | Refusal:
        return await self.flow.bearer(Method.XOAUTH2, user, token or self.provider.token(**claims), ip)


@pytest.fixture
async def desk(office: Office) -> Desk:
    return Desk(office, await office.store.write(_populate))


async def test_the_token_opens_the_box_of_its_national_number(desk: Desk) -> None:
    found = await desk.enter(DOCTOR.upper())
    assert isinstance(found, Identity)
    assert (found.login, found.method, str(found.opened).lower()) == (DOCTOR, Method.XOAUTH2, DOCTOR)
    assert found.expires_at == NOW + timedelta(seconds=240)
    assert found.may_read == {DOCTOR, WARD}
    (event,) = await desk.office.events("sign-in.accepted")
    assert event.facts["method"] == "XOAUTH2"


async def test_without_a_user_it_is_the_own_box_and_with_one_a_box_that_lists_the_person(desk: Desk) -> None:
    own, ward = await desk.enter(""), await desk.enter(WARD)
    assert isinstance(own, Identity)
    assert own.opened is None
    assert isinstance(ward, Identity)
    assert (str(ward.opened), ward.login) == (WARD, DOCTOR), "each person acts as himself"


async def test_the_trace_says_which_box_was_opened(desk: Desk) -> None:
    await desk.enter(WARD)
    (event,) = await desk.office.events("sign-in.accepted")
    assert (event.actor, event.facts["box"]) == (DOCTOR, WARD)


@pytest.mark.parametrize("service", ["imap", "submission"])
async def test_a_box_is_opened_for_what_the_person_may_do_there(desk: Desk, service: str) -> None:
    async def limit(tx: Tx) -> None:
        box = await mailboxes.mailbox_by_key(tx, parse_address(WARD).key)
        assert box is not None
        reads = service == "imap"
        await accounts.grant(tx, desk.account.account_id, box.mailbox_id, may_read=reads, may_send=not reads)

    await desk.office.store.write(limit)
    other = {"imap": "submission", "submission": "imap"}[service]
    token = desk.provider.token()
    assert isinstance(await desk.flow.bearer(Method.XOAUTH2, WARD, token, IP, service), Identity)
    assert isinstance(await desk.flow.bearer(Method.XOAUTH2, WARD, token, IP, other), Refusal)


async def test_somebody_with_two_boxes_opens_what_either_may(desk: Desk) -> None:
    second = f"remplacant@{HERE}"

    async def add(tx: Tx) -> None:
        own = await _box(tx, second, MailboxType.PER, RPPS)
        ward = await mailboxes.mailbox_by_key(tx, parse_address(OTHER_WARD).key)
        assert ward is not None
        account = await accounts.create_account(tx, second, AccountKind.PERSON, certificate_name=None, now=NOW)
        for box in (own, ward):
            await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)

    await desk.office.store.write(add)
    for user, login in ((DOCTOR, DOCTOR), (second, second), (WARD, DOCTOR), (OTHER_WARD, second), ("", DOCTOR)):
        found = await desk.enter(user)
        assert isinstance(found, Identity), user
        assert found.login == login


async def test_whoever_guesses_makes_us_ask_nobody(desk: Desk) -> None:
    for _ in range(FAILURES_PER_ADDRESS):
        await desk.flow.password(ANNE, "faux", "", ELSEWHERE)
    found = await desk.enter("", ip=ELSEWHERE)
    assert isinstance(found, Refusal)
    assert found.kind is Kind.SIGN_IN_THROTTLED
    assert desk.provider.asked == []
    assert isinstance(await desk.enter("", ip=IP), Identity)


async def test_a_known_source_is_looked_at_though_its_neighbours_guess(desk: Desk) -> None:
    assert isinstance(await desk.enter("", ip=ELSEWHERE), Identity)
    for _ in range(FAILURES_PER_ADDRESS):
        await desk.flow.password(ANNE, "faux", "", ELSEWHERE)
    assert isinstance(await desk.enter("", ip=ELSEWHERE), Identity)


@pytest.mark.parametrize(
    ("user", "claims"),
    [
        (OTHER_WARD, {}),
        (ANNE, {}),
        (f"personne@{HERE}", {}),
        ("not an address", {}),
        ("", {"SubjectNameID": "810009900128"}),
        ("", {"SubjectNameID": f"0{RPPS}"}),
        ("", {"SubjectNameID": f"88{RPPS}"}),
        (ANNE, {"SubjectNameID": ANNE, "email": ANNE}),
        (DOCTOR, {"SubjectNameID": "899700000001", "email": DOCTOR}),
    ],
)
async def test_another_box_or_another_number_is_refused_alike(desk: Desk, user: str, claims: dict[str, str]) -> None:
    found = await desk.enter(user, **claims)
    assert isinstance(found, Refusal)
    assert (found.kind, found.public) == (Kind.SIGN_IN_FAILED, "Authentication failed")


async def test_boxes_without_a_number_are_nobodys(desk: Desk) -> None:
    # The other boxes of this store have the identifier "".
    assert isinstance(await desk.enter(ANNE, SubjectNameID=" "), Refusal)


async def test_a_suspended_box_and_a_closed_account_open_nothing(desk: Desk) -> None:
    store = desk.office.store

    async def suspend(tx: Tx) -> None:
        box = await mailboxes.mailbox_by_key(tx, parse_address(WARD).key)
        assert box is not None
        await mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.SUSPENDED, NOW)

    await store.write(suspend)
    assert isinstance(await desk.enter(WARD), Refusal)
    await store.write(lambda tx: accounts.set_account_active(tx, desk.account.account_id, active=False))
    assert isinstance(await desk.enter(""), Refusal)


async def test_no_token_reaches_the_audit_or_the_log(desk: Desk) -> None:
    bad = desk.provider.token(aud="other", azp="third")
    assert isinstance(await desk.enter(DOCTOR, bad), Refusal)
    (event,) = await desk.office.events("sign-in.failed")
    assert bad not in repr(event)
    assert bad not in repr(desk.log.lines)
    assert event.facts["reason"] == "the token is for somebody else", "whoever operates must be able to find out"


async def test_a_provider_that_is_away_is_no_failure_of_the_person(desk: Desk) -> None:
    desk.provider.down = True
    found = await desk.enter("")
    assert isinstance(found, Refusal)
    assert (found.kind, found.is_temporary) == (Kind.IDENTITY_UNAVAILABLE, True)
    assert await desk.office.events("sign-in.failed") == []


async def test_a_password_still_signs_in_while_the_provider_is_away(desk: Desk) -> None:
    desk.provider.down = True
    assert isinstance(await desk.flow.password(ANNE, f"pass{ANNE}", "", IP), Identity)


async def test_a_session_outlives_its_token_unless_the_setting_closes_it(desk: Desk) -> None:
    found = await desk.enter("")
    assert isinstance(found, Identity)
    strict = Desk(desk.office, desk.account, timedelta(seconds=60))
    desk.office.clock.now += timedelta(seconds=299)
    assert not strict.flow.is_over(found)
    desk.office.clock.now += timedelta(seconds=1)
    assert strict.flow.is_over(found)
    assert not desk.flow.is_over(found)


# -- budgets -------------------------------------------------------------------------------------------------------


async def test_guessing_at_an_account_from_everywhere_keeps_nobody_out(desk: Desk) -> None:
    for number in range(FAILURES_PER_ACCOUNT + 5):
        await desk.flow.password(ANNE, "faux", "", f"203.0.113.{number % 200}")
    slowed = await desk.flow.password(ANNE, "faux", "", ELSEWHERE)
    assert isinstance(slowed, Refusal)
    assert slowed.kind is Kind.SIGN_IN_THROTTLED
    assert isinstance(await desk.flow.password(ANNE, f"pass{ANNE}", "", ELSEWHERE), Identity)
    assert isinstance(await desk.enter(DOCTOR, ip=ELSEWHERE), Identity)


async def test_a_known_source_gets_in_though_its_neighbours_guess(desk: Desk) -> None:
    assert isinstance(await desk.flow.password(ANNE, f"pass{ANNE}", "", IP), Identity)
    for _ in range(FAILURES_PER_ADDRESS):
        await desk.flow.password(BRUNO, "faux", "", IP)
    assert isinstance(await desk.flow.password(ANNE, f"pass{ANNE}", "", IP), Identity)
    held = await desk.flow.password(BRUNO, f"pass{BRUNO}", "", IP)
    assert isinstance(held, Refusal)
    assert held.kind is Kind.SIGN_IN_THROTTLED


async def test_guesses_past_the_budget_do_not_fill_the_audit(desk: Desk) -> None:
    for _ in range(FAILURES_PER_ADDRESS + 20):
        await desk.flow.password(ANNE, "faux", "", IP)
    assert len(await desk.office.events("sign-in.failed")) == FAILURES_PER_ADDRESS


# -- application passwords -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "shut"), [("imap", "submission"), ("submission", "imap")])
async def test_a_password_opens_what_its_scope_says(desk: Desk, scope: str, shut: str) -> None:
    digest = digest_password(CREDENTIAL_KEY, "only-one")
    await desk.office.store.write(
        lambda tx: accounts.add_credential(
            tx, desk.account.account_id, "agenda", digest, NOW, scopes=frozenset({scope})
        )
    )
    assert isinstance(await desk.flow.password(DOCTOR, "only-one", "", IP, scope), Identity)
    refused = await desk.flow.password(DOCTOR, "only-one", "", IP, shut)
    assert isinstance(refused, Refusal)
    assert refused.kind is Kind.SIGN_IN_FAILED


async def test_a_password_ends_by_itself(desk: Desk) -> None:
    digest, end = digest_password(CREDENTIAL_KEY, "short"), NOW + timedelta(days=1)
    await desk.office.store.write(
        lambda tx: accounts.add_credential(tx, desk.account.account_id, "stage", digest, NOW, until=end)
    )
    assert isinstance(await desk.flow.password(DOCTOR, "short", "", IP), Identity)
    desk.office.clock.now = end
    assert isinstance(await desk.flow.password(DOCTOR, "short", "", IP), Refusal)
