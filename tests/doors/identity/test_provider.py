"""The sandbox identity provider over HTTPS: each flow as a program goes through it, and each way to go wrong.

Source: clients.md 7.1 and 7.2; reliability.md E01, E02, E09; RFC 7636; RFC 9207.
"""

import base64
import hashlib
import html
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from forge import NOW
from standins import KeptLog
from world import new_world

from mssante.app.sandbox.pki import write_issued
from mssante.app.sandbox.ports import free_ports
from mssante.doors.identity.app import build_app
from mssante.doors.net.https import open_door
from mssante.flows.provider import CIBA_GRANT, Provider, Settings
from mssante.links.documents import HttpDocuments
from mssante.links.identity import TokenVerifier
from mssante.model.decision import Refusal
from mssante.model.settings import IdentitySettings
from mssante.model.token import TokenFacts
from mssante.wire.oidc.values import Client, Person

PAUL = Person("810009900227", "Paul", "LENOIR", "10", "Médecin", "Cabinet <b>Lenoir</b>")
BACK = "http://127.0.0.1/retour"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CLIENTS = (
    Client("bureau", "", (BACK,)),
    Client("serveur", "s3cret", ("https://logiciel.test/retour",)),
    Client("essais", "t3st", (), auto_approve=True),
)


@dataclass
class Stage:
    """A running provider and a program's browser."""

    provider: Provider
    http: httpx2.AsyncClient
    issuer: str
    anchor: bytes
    now: list[datetime]
    request: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"{self.issuer}/protocol/openid-connect"

    def asked(self, **changes: str) -> dict[str, str]:
        facts = {
            "client_id": "bureau",
            "redirect_uri": "http://127.0.0.1:5123/retour",
            "response_type": "code",
            "scope": "openid scope_all",
            "acr_values": "eidas1",
            "state": "st",
            "nonce": "no",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in facts.items() if value != "-"}

    async def choose(self, **changes: str) -> dict[str, str]:
        """Go through the page; return what the program is told."""
        page = await self.http.get(f"{self.base}/auth", params=self.asked(**changes))
        if page.status_code == 303:
            return dict(parse_qsl(urlsplit(page.headers["location"]).query))
        assert page.status_code == 200, page.text
        number = re.search(r'name="request" value="([^"]+)"', page.text)
        assert number is not None
        origin = self.issuer.removesuffix("/auth/realms/esante-wallet")
        answer = await self.http.post(
            f"{self.base}/choose",
            data={"request": html.unescape(number[1]), "who": PAUL.national_id},
            headers={"Origin": origin},
        )
        assert answer.status_code == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def token(self, auth: tuple[str, str] | None = None, **form: str) -> tuple[int, dict[str, Any]]:
        answer = await self.http.post(f"{self.base}/token", data=form, auth=auth)
        assert answer.headers["cache-control"] == "no-store"
        return answer.status_code, answer.json()

    async def by_code(self, code: str, **changes: str) -> tuple[int, dict[str, Any]]:
        form = {
            "grant_type": "authorization_code",
            "client_id": "bureau",
            "code": code,
            "redirect_uri": "http://127.0.0.1:5123/retour",
            "code_verifier": VERIFIER,
            **changes,
        }
        return await self.token(**{name: value for name, value in form.items() if value != "-"})


@pytest.fixture
async def stage(tmp_path: Path, pki) -> AsyncIterator[Stage]:
    new_world(tmp_path, pki.pki, pki.keys, pki.now)
    numbers = count(1)
    now = [NOW]
    settings = Settings("", 240, 1800)
    provider = Provider(
        settings, (PAUL,), CLIENTS, clock=lambda: now[0], new_token=lambda: f"jeton-{next(numbers):038d}"
    )
    (port,) = free_ports(1)
    issuer = f"https://localhost:{port}/auth/realms/esante-wallet"
    provider.settings = Settings(issuer, 240, 1800)
    certificate, key = write_issued(pki.pki, pki.operator, tmp_path / "provider", "server")
    door = open_door(
        build_app(provider, lambda: f"page-{next(numbers):039d}"),
        host="127.0.0.1",
        port=port,
        certificate=certificate,
        key=key,
        section="provider",
    )
    anchors = (tmp_path / "pki" / "anchors.pem").read_text()
    context = ssl.create_default_context(cadata=anchors)
    async with door, httpx2.AsyncClient(verify=context, trust_env=False) as http:
        yield Stage(provider, http, issuer, ssl.PEM_cert_to_DER_cert(anchors), now)


async def test_a_program_signs_somebody_in(stage: Stage) -> None:
    told = await stage.choose()
    assert (told["state"], told["iss"]) == ("st", stage.issuer)
    status, found = await stage.by_code(told["code"])
    assert (status, found["expires_in"], found["token_type"]) == (200, 240, "Bearer")
    user = await stage.http.get(f"{stage.base}/userinfo", headers={"Authorization": f"Bearer {found['access_token']}"})
    facts = user.json()
    assert facts["SubjectNameID"] == facts["preferred_username"] == PAUL.national_id
    assert facts["SubjectRefPro"]["exercices"][0]["codeProfession"] == "10"
    claims = base64.urlsafe_b64decode(found["id_token"].split(".")[1] + "==")
    assert b'"nonce": "no"' in claims


async def test_the_description_names_what_there_is(stage: Stage) -> None:
    for name in ("openid-configuration", "wallet-openid-configuration"):
        described = (await stage.http.get(f"{stage.issuer}/.well-known/{name}")).json()
        for where, address in described.items():
            if where.endswith("_endpoint") or where == "jwks_uri":
                answer = await stage.http.get(address)
                assert answer.status_code != 404, where
    keys = (await stage.http.get(described["jwks_uri"])).json()["keys"]
    assert all("d" not in key for key in keys)


async def test_an_operator_accepts_its_tokens_both_ways(stage: Stage) -> None:
    _status, found = await stage.by_code((await stage.choose())["code"])
    link = HttpDocuments((stage.anchor,))

    def verifier(**settings: str) -> TokenVerifier:
        made = IdentitySettings(issuer=stage.issuer, audience=("bureau",), **settings)  # type: ignore[arg-type]
        return TokenVerifier(made, ask=link.ask, secret="s3cret", clock=lambda: stage.now[0], log=KeptLog())

    for settings in ({}, {"mode": "introspection", "client_id": "serveur"}):
        facts = await verifier(**settings).check(found["access_token"])
        assert isinstance(facts, TokenFacts), facts
        assert facts.national_id == PAUL.national_id
    assert isinstance(await verifier().check(found["id_token"]), Refusal)
    stage.provider.rotate_key()
    assert isinstance(await verifier().check(found["access_token"]), TokenFacts)
    stage.now[0] += timedelta(seconds=301)
    assert isinstance(await verifier().check(found["access_token"]), Refusal)
    asked = verifier(mode="introspection", client_id="serveur")
    assert isinstance(await asked.check(found["access_token"]), Refusal)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"acr_values": "-"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "-", "code_challenge_method": "-"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"nonce": "n" * 1001}, "invalid_request"),
    ],
)
async def test_a_wrong_request_is_told_to_the_program(stage: Stage, changes: dict[str, str], error: str) -> None:
    told = await stage.choose(**changes)
    assert (told["error"], told["state"], told["iss"]) == (error, "st", stage.issuer)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5123/autre",
        "http://127.0.0.1:5123/retour?x=1",
        "http://localhost:5123/retour",
        "https://127.0.0.1:5123/retour",
        "http://evil.test/retour",
        "http://127.0.0.1@evil.test/retour",
        "http://127.0.0.1:5123/retour#x",
        "http://127.0.0.1:x/retour",
        "http://127.0.0.1:5123/retour#",
        "http://127.0.0.1:5123/retour?",
        "http://127.0.0.1:5123/ret\tour",
        " http://127.0.0.1:5123/retour",
        "HTTP://127.0.0.1:5123/retour",
        "",
    ],
)
async def test_nothing_is_sent_to_an_address_that_is_not_the_programs(stage: Stage, uri: str) -> None:
    answer = await stage.http.get(f"{stage.base}/auth", params=stage.asked(redirect_uri=uri))
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "autre"},
        {"redirect_uri": "http://127.0.0.1:9/retour"},
        {"code_verifier": "w" * 43},
        {"code_verifier": "-"},
        {"code_verifier": CHALLENGE},
    ],
)
async def test_a_code_is_for_who_asked_only(stage: Stage, changes: dict[str, str]) -> None:
    told = await stage.choose()
    status, found = await stage.by_code(**{"code": told["code"], **changes})
    assert (status, found["error"]) == (400, "invalid_grant")


async def test_a_code_that_is_used_twice_ends_the_session(stage: Stage) -> None:
    told = await stage.choose()
    _status, found = await stage.by_code(told["code"])
    assert (await stage.by_code(told["code"]))[0] == 400
    assert stage.provider.introspect(found["access_token"]) == {"active": False}


async def test_a_code_does_not_last(stage: Stage) -> None:
    told = await stage.choose()
    stage.now[0] += timedelta(seconds=61)
    assert (await stage.by_code(told["code"]))[0] == 400


async def test_a_refresh_token_is_used_once(stage: Stage) -> None:
    _status, first = await stage.by_code((await stage.choose())["code"])
    form = {"grant_type": "refresh_token", "client_id": "bureau"}
    status, second = await stage.token(**form, refresh_token=first["refresh_token"])
    assert status == 200
    assert (await stage.token(**form, refresh_token=first["refresh_token"]))[0] == 400
    # Somebody has a copy: nobody goes on.
    assert (await stage.token(**form, refresh_token=second["refresh_token"]))[0] == 400
    assert stage.provider.introspect(second["access_token"]) == {"active": False}


async def test_the_end_of_a_session_ends_its_tokens(stage: Stage) -> None:
    _status, found = await stage.by_code((await stage.choose())["code"])
    form = {"client_id": "bureau", "refresh_token": found["refresh_token"]}
    assert (await stage.http.post(f"{stage.base}/logout", data=form)).status_code == 200
    assert stage.provider.introspect(found["access_token"]) == {"active": False}


async def decoupled(stage: Stage, auth: tuple[str, str], **changes: str) -> httpx2.Response:
    form = {"scope": "openid scope_all", "login_hint": PAUL.national_id, "binding_message": "42", **changes}
    return await stage.http.post(f"{stage.base}/ext/ciba/auth", data=form, auth=auth)


async def test_the_telephone_approves(stage: Stage) -> None:
    auth = ("serveur", "s3cret")
    started = (await decoupled(stage, auth)).json()
    assert (started["expires_in"], started["interval"]) == (120, 1)
    form = {"grant_type": CIBA_GRANT, "auth_req_id": started["auth_req_id"]}
    assert (await stage.token(auth, **form))[1]["error"] == "authorization_pending"
    assert (await stage.token(auth, **form))[1]["error"] == "slow_down"
    page = await stage.http.get(f"{stage.issuer}/telephone")
    assert "42" in page.text
    fields = dict(re.findall(r'name="(request|token)" value="([^"]+)"', page.text))
    origin = stage.issuer.removesuffix("/auth/realms/esante-wallet")
    forged = await stage.http.post(f"{stage.issuer}/telephone", data={**fields, "answer": "yes"})
    assert forged.status_code == 403, "a form without its origin"
    answer = await stage.http.post(
        f"{stage.issuer}/telephone", data={**fields, "answer": "yes"}, headers={"Origin": origin}
    )
    assert answer.status_code == 303
    status, found = await stage.token(auth, **form)
    assert status == 200
    assert stage.provider.introspect(found["access_token"])["active"] is True
    assert (await stage.token(auth, **form))[1]["error"] == "invalid_grant"


async def test_the_telephone_refuses_or_stays_silent(stage: Stage) -> None:
    auth = ("serveur", "s3cret")
    first = (await decoupled(stage, auth)).json()["auth_req_id"]
    assert stage.provider.answer(first, approved=False)
    assert (await stage.token(auth, grant_type=CIBA_GRANT, auth_req_id=first))[1]["error"] == "access_denied"
    second = (await decoupled(stage, auth)).json()["auth_req_id"]
    stage.now[0] += timedelta(seconds=121)
    assert not stage.provider.answer(second, approved=True)
    assert (await stage.token(auth, grant_type=CIBA_GRANT, auth_req_id=second))[1]["error"] == "expired_token"


@pytest.mark.parametrize(
    ("auth", "changes", "error"),
    [
        (("serveur", "faux"), {}, "invalid_client"),
        (("personne", ""), {}, "invalid_client"),
        (("bureau", ""), {}, "unauthorized_client"),
        (("serveur", "s3cret"), {"login_hint": "899"}, "unknown_user_id"),
        (("serveur", "s3cret"), {"binding_message": "421"}, "invalid_binding_message"),
        (("serveur", "s3cret"), {"scope": "openid"}, "invalid_scope"),
    ],
)
async def test_a_wrong_decoupled_request_is_refused(
    stage: Stage, auth: tuple[str, str], changes: dict[str, str], error: str
) -> None:
    answer = await decoupled(stage, auth, **changes)
    assert answer.json()["error"] == error
    assert answer.status_code in {400, 401}


async def test_tests_need_no_telephone(stage: Stage) -> None:
    auth = ("essais", "t3st")
    started = (await decoupled(stage, auth)).json()
    assert (await stage.token(auth, grant_type=CIBA_GRANT, auth_req_id=started["auth_req_id"]))[0] == 200


async def test_pages_are_safe(stage: Stage) -> None:
    page = await stage.http.get(f"{stage.base}/auth", params=stage.asked())
    assert "Cabinet &lt;b&gt;Lenoir&lt;/b&gt;" in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    for missing, status in (("/nulle-part", 404), ("/protocol/openid-connect/token", 405)):
        answer = await stage.http.get(f"{stage.issuer}{missing}")
        assert answer.status_code == status
        assert "Rien ne répond" in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    too_much = await stage.http.post(f"{stage.base}/token", data={"x": "y" * 70_000})
    assert too_much.status_code == 401


async def test_browsers_may_say_where_our_forms_come_from(stage: Stage) -> None:
    # Under "no-referrer" a browser posts a form with "Origin: null", which the door refuses: nobody could sign in.
    for where in (f"{stage.base}/auth", f"{stage.issuer}/telephone"):
        page = await stage.http.get(where, params=stage.asked())
        assert page.headers["referrer-policy"] == "same-origin"


async def test_looking_at_the_telephone_keeps_the_page_of_choice(stage: Stage) -> None:
    page = await stage.http.get(f"{stage.base}/auth", params=stage.asked())
    number = re.search(r'name="request" value="([^"]+)"', page.text)
    assert number is not None
    assert (await stage.http.get(f"{stage.issuer}/telephone")).status_code == 200
    origin = stage.issuer.removesuffix("/auth/realms/esante-wallet")
    answer = await stage.http.post(
        f"{stage.base}/choose", data={"request": number[1], "who": PAUL.national_id}, headers={"Origin": origin}
    )
    assert answer.status_code == 303


@pytest.mark.parametrize("header", ['"alg"', '["alg"]', "7", "null", '{"alg": 7}'])
async def test_a_malformed_token_is_no_accident(stage: Stage, header: str) -> None:
    token = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode() + ".e30.abcd"
    answer = await stage.http.get(f"{stage.base}/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
