"""The sandbox identity provider refuses what a careless or hostile program sends (reliability.md E02)."""

import base64
import hashlib
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote_plus

import pytest
from forge import NOW

from mssante.flows.provider import CIBA_GRANT, Provider, Settings
from mssante.wire.oidc.values import Client, OAuthError, Person

WHO = Person("810009900227", "Paul", "LENOIR", "10", "Médecin", "Cabinet")
DESKTOP = Client("bureau", "", ("http://127.0.0.1/retour",))
SERVER = Client("serveur", "secret", ("https://logiciel.test/retour",))
URI = "http://127.0.0.1:4711/retour"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "scope": "openid scope_all",
    "acr_values": "eidas1",
    "state": "etat",
    "nonce": "unique",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
CIBA = {"scope": "openid scope_all", "login_hint": WHO.national_id, "binding_message": "42"}


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> Provider:
    numbers = count()
    settings = Settings("https://127.0.0.1:1/auth/realms/esante-wallet", 240, 1800)
    return Provider(settings, (WHO,), (DESKTOP, SERVER), clock=clock, new_token=lambda: f"jeton-{next(numbers):012}")


def code_of(provider: Provider, **changes: str) -> str:
    number = provider.ask(DESKTOP, URI, {**ASKED, **changes})
    assert isinstance(number, str), number
    chosen = provider.choose(number, WHO.national_id)
    assert not isinstance(chosen, OAuthError)
    return chosen[1]


def redeem(
    provider: Provider, code: str, client: Client = DESKTOP, *, changes: dict[str, str] | None = None
) -> dict[str, Any] | OAuthError:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": URI, "code_verifier": VERIFIER}
    return provider.token(client, {**form, **(changes or {})})


def given(answer: dict[str, Any] | OAuthError) -> dict[str, Any]:
    assert not isinstance(answer, OAuthError), answer
    return answer


def refused(answer: object) -> str:
    assert isinstance(answer, OAuthError), answer
    return answer.code


def refresh(provider: Provider, token: str, client: Client = DESKTOP) -> dict[str, Any] | OAuthError:
    return provider.token(client, {"grant_type": "refresh_token", "refresh_token": token})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "court"}, "invalid_request"),
        ({"acr_values": ""}, "invalid_request"),
        ({"acr_values": "eidas3"}, "invalid_request"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
    ],
)
def test_an_unsound_request_is_refused(provider: Provider, changes: dict[str, str], error: str) -> None:
    assert refused(provider.ask(DESKTOP, URI, {**ASKED, **changes})) == error


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "http://127.0.0.1:4711/retour/",
        "http://127.0.0.1:4711/retour?a=b",
        "http://127.0.0.1:4711/retour#a",
        "http://127.0.0.1:4711/../retour",
        "http://127.0.0.1.exemple.test:4711/retour",
        "http://127.0.0.1@exemple.test:4711/retour",
        "http://u@127.0.0.1:4711/retour",
        "http://localhost:4711/retour",
        "https://127.0.0.1:4711/retour",
        "http://127.0.0.1:99999/retour",
        "http://[::1/retour",
    ],
)
def test_a_variant_of_the_redirect_address_is_refused(provider: Provider, uri: str) -> None:
    assert refused(provider.redirect_of({"client_id": DESKTOP.client_id, "redirect_uri": uri})) == "invalid_request"


def test_only_a_public_client_may_use_any_port(provider: Provider) -> None:
    assert provider.redirect_of({"client_id": "bureau", "redirect_uri": URI}) == (DESKTOP, URI)
    moved = {"client_id": "serveur", "redirect_uri": "https://logiciel.test:8443/retour"}
    assert refused(provider.redirect_of(moved)) == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [{"code_verifier": ""}, {"code_verifier": "w" * 43}, {"code_verifier": CHALLENGE}, {"redirect_uri": URI + "/"}],
)
def test_a_code_without_its_proof_is_refused_and_gone(provider: Provider, changes: dict[str, str]) -> None:
    code = code_of(provider)
    assert refused(redeem(provider, code, changes=changes)) == "invalid_grant"
    assert refused(redeem(provider, code)) == "invalid_grant"


def test_a_challenge_of_foreign_letters_is_refused_without_an_accident(provider: Provider) -> None:
    number = provider.ask(DESKTOP, URI, {**ASKED, "code_challenge": "é" * 43})
    if isinstance(number, str):
        chosen = provider.choose(number, WHO.national_id)
        assert not isinstance(chosen, OAuthError)
        assert refused(redeem(provider, chosen[1])) == "invalid_grant"


def test_a_code_played_twice_ends_the_session_of_the_first(provider: Provider) -> None:
    code = code_of(provider)
    first = given(redeem(provider, code))
    assert provider.introspect(first["access_token"])["active"] is True
    assert refused(redeem(provider, code)) == "invalid_grant"
    assert provider.introspect(first["access_token"]) == {"active": False}
    assert refused(refresh(provider, first["refresh_token"])) == "invalid_grant"


def test_a_code_is_for_its_client_and_its_minute(provider: Provider, clock: Clock) -> None:
    code = code_of(provider)
    assert refused(redeem(provider, code, SERVER)) == "invalid_grant"
    clock.pass_seconds(60)
    assert refused(redeem(provider, code)) == "invalid_grant"


def test_a_refresh_token_used_twice_ends_the_session(provider: Provider) -> None:
    first = given(redeem(provider, code_of(provider)))
    second = given(refresh(provider, first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert refused(refresh(provider, first["refresh_token"])) == "invalid_grant"
    assert refused(refresh(provider, second["refresh_token"])) == "invalid_grant"
    assert provider.introspect(second["access_token"]) == {"active": False}


def test_a_refresh_token_is_for_its_client(provider: Provider) -> None:
    first = given(redeem(provider, code_of(provider)))
    assert refused(refresh(provider, first["refresh_token"], SERVER)) == "invalid_grant"
    assert given(refresh(provider, first["refresh_token"]))["token_type"] == "Bearer"


def test_another_program_ends_no_session(provider: Provider) -> None:
    first = given(redeem(provider, code_of(provider)))
    second = given(refresh(provider, first["refresh_token"]))
    assert refused(refresh(provider, first["refresh_token"], SERVER)) == "invalid_grant"
    provider.log_out(SERVER, second["refresh_token"])
    assert provider.introspect(second["access_token"])["active"] is True
    provider.log_out(DESKTOP, second["refresh_token"])
    assert provider.introspect(second["access_token"]) == {"active": False}


def test_nobody_chooses_on_a_page_of_yesterday(provider: Provider, clock: Clock) -> None:
    number = provider.ask(DESKTOP, URI, ASKED)
    assert isinstance(number, str)
    clock.pass_seconds(600)
    assert refused(provider.choose(number, WHO.national_id)) == "invalid_request"


@pytest.mark.parametrize("secret", ["plain", "a:b c+d%é"])
def test_a_secret_in_the_header_is_form_encoded(clock: Clock, secret: str) -> None:
    settings = Settings("https://127.0.0.1:1/auth/realms/esante-wallet", 240, 1800)
    client = Client("un nom", secret, ())
    provider = Provider(settings, (WHO,), (client,), clock=clock, new_token=lambda: "jeton")
    pair = f"{quote_plus('un nom')}:{quote_plus(secret)}".encode()
    assert provider.authenticate({}, f"Basic {base64.b64encode(pair).decode()}") == client


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_is_not_active(provider: Provider, token: str) -> None:
    assert provider.introspect(token) == {"active": False}


def test_an_access_token_is_over_after_four_minutes_and_an_id_token_is_none(provider: Provider, clock: Clock) -> None:
    answer = given(redeem(provider, code_of(provider)))
    assert provider.introspect(answer["id_token"]) == {"active": False}
    clock.pass_seconds(239)
    assert provider.introspect(answer["access_token"])["active"] is True
    clock.pass_seconds(1)
    assert provider.introspect(answer["access_token"]) == {"active": False}
    assert refused(provider.userinfo(answer["access_token"])) == "invalid_token"


def test_a_decoupled_sign_in_goes_through_its_states(provider: Provider, clock: Clock) -> None:
    request = given(provider.start_decoupled(SERVER, CIBA))
    assert (request["expires_in"], request["interval"]) == (120, 1)
    form = {"grant_type": CIBA_GRANT, "auth_req_id": request["auth_req_id"]}
    assert refused(provider.token(SERVER, form)) == "authorization_pending"
    assert refused(provider.token(SERVER, form)) == "slow_down"
    # Who asks too soon waits five seconds more from then on.
    clock.pass_seconds(5)
    assert refused(provider.token(SERVER, form)) == "slow_down"
    clock.pass_seconds(11)
    assert refused(provider.token(SERVER, form)) == "authorization_pending"
    assert provider.answer(request["auth_req_id"], approved=True)
    assert not provider.answer(request["auth_req_id"], approved=False)
    assert refused(provider.token(DESKTOP, form)) == "invalid_grant"
    assert given(provider.token(SERVER, form))["expires_in"] == 240
    assert refused(provider.token(SERVER, form)) == "invalid_grant"


def test_a_decoupled_sign_in_is_refused_or_over(provider: Provider, clock: Clock) -> None:
    no, late = (given(provider.start_decoupled(SERVER, CIBA))["auth_req_id"] for _ in range(2))
    provider.answer(no, approved=False)
    assert refused(provider.token(SERVER, {"grant_type": CIBA_GRANT, "auth_req_id": no})) == "access_denied"
    clock.pass_seconds(120)
    assert refused(provider.token(SERVER, {"grant_type": CIBA_GRANT, "auth_req_id": late})) == "expired_token"
    assert provider.waiting() == ()


@pytest.mark.parametrize(
    ("client", "changes", "error"),
    [
        (DESKTOP, {}, "unauthorized_client"),
        (SERVER, {"login_hint": "800000000000"}, "unknown_user_id"),
        (SERVER, {"binding_message": "4"}, "invalid_binding_message"),
        (SERVER, {"binding_message": "٤٢"}, "invalid_binding_message"),
        (SERVER, {"scope": "openid"}, "invalid_scope"),
    ],
)
def test_an_unsound_decoupled_request_is_refused(
    provider: Provider, client: Client, changes: dict[str, str], error: str
) -> None:
    assert refused(provider.start_decoupled(client, {**CIBA, **changes})) == error
