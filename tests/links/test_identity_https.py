"""The identity provider over real HTTPS: trust, rotation, withdrawal, many sign-ins at once, introspection.

Source: reliability.md E03 (key rotation while in use); RFC 7662.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from forge import Issued
from https_server import HttpsServer, authority, https_server
from provider import ISSUER, ECKey, Provider, RSAKey
from standins import KeptLog, SteppingClock

from mssante.links.documents import HttpDocuments
from mssante.links.identity import DOCUMENT_MAX_BYTES, KEYS_GOOD_FOR, TokenVerifier
from mssante.model.decision import Kind, Refusal
from mssante.model.settings import IdentitySettings
from mssante.model.token import TokenFacts


class Web:
    """A provider that publishes over HTTPS, and what verifies its tokens."""

    def __init__(self, server: HttpsServer, signer: Issued) -> None:
        self.server, self.signer = server, signer
        self.provider, self.clock, self.log = Provider(), SteppingClock(), KeptLog()
        self.extra: list[dict[str, Any]] = []
        server.pages.update(
            {
                "/described": lambda _: json.dumps(
                    {"jwks_uri": server.url("/keys"), "introspection_endpoint": server.url("/ask")}
                ).encode(),
                "/keys": lambda _: json.dumps({"keys": [*self.extra, *self.published()]}).encode(),
            }
        )

    def published(self) -> list[dict[str, Any]]:
        return [key.as_dict(private=False) for key in self.provider.keys.values()]

    def verifier(self, signer: Issued | None = None, **settings: Any) -> TokenVerifier:  # noqa: ANN401 - any setting
        made = IdentitySettings(
            **{
                "issuer": ISSUER,
                "audience": ("mssante",),
                "configuration_url": self.server.url("/described"),
                **settings,
            }
        )
        link = HttpDocuments(((signer or self.signer).value.der,), timeout_seconds=10, max_bytes=DOCUMENT_MAX_BYTES)
        return TokenVerifier(made, ask=link.ask, secret="s3cret", clock=self.clock, log=self.log)


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    signer = authority()
    async with https_server(tmp_path, signer) as server:
        yield Web(server, signer)


async def test_keys_are_found_by_the_description_and_kept(web: Web) -> None:
    checked = web.verifier()
    assert isinstance(await checked.check(web.provider.token()), TokenFacts)
    assert isinstance(await checked.check(web.provider.token(sub="other")), TokenFacts)
    assert web.server.asked == ["/described", "/keys"]


async def test_a_server_with_another_root_is_not_believed(web: Web) -> None:
    found = await web.verifier(authority("TEST AC AUTRE")).check(web.provider.token())
    assert isinstance(found, Refusal)
    assert found.kind is Kind.IDENTITY_UNAVAILABLE
    assert web.server.asked == []


async def test_a_description_that_leads_out_of_https_is_not_followed(web: Web) -> None:
    web.server.pages["/described"] = lambda _: b'{"jwks_uri": "http://localhost/keys"}'
    found = await web.verifier().check(web.provider.token())
    assert isinstance(found, Refusal)
    assert found.kind is Kind.IDENTITY_UNAVAILABLE


@pytest.mark.parametrize("page", [b"", b"[]", b"{", b'{"keys": 7}', b'{"keys": [7]}', b"x" * (DOCUMENT_MAX_BYTES + 1)])
async def test_a_broken_document_of_keys_is_a_provider_that_is_away(web: Web, page: bytes) -> None:
    web.server.pages["/keys"] = lambda _: page
    found = await web.verifier().check(web.provider.token())
    assert isinstance(found, Refusal)


async def test_sign_ins_during_the_first_look_wait_for_it_together(web: Web) -> None:
    checked = web.verifier()
    web.server.gate.clear()
    tries = [asyncio.create_task(checked.check(web.provider.token(sub=f"s{number}"))) for number in range(8)]
    async with asyncio.timeout(10):
        await web.server.reached.wait()
    web.server.gate.set()
    assert all(isinstance(found, TokenFacts) for found in await asyncio.gather(*tries))
    assert web.server.asked == ["/described", "/keys"]


async def test_a_sign_in_that_is_given_up_does_not_stop_the_look_of_the_others(web: Web) -> None:
    checked = web.verifier()
    web.server.gate.clear()
    first = asyncio.create_task(checked.check(web.provider.token(sub="first")))
    async with asyncio.timeout(10):
        await web.server.reached.wait()
    second = asyncio.create_task(checked.check(web.provider.token(sub="second")))
    await asyncio.sleep(0)
    first.cancel()
    web.server.gate.set()
    assert isinstance(await second, TokenFacts)


async def test_rotation_in_use_keeps_both_keys_good(web: Web) -> None:
    checked = web.verifier()
    assert isinstance(await checked.check(web.provider.token()), TokenFacts)
    web.provider.keys["k2"] = ECKey.generate_key("P-256", {"kid": "k2"})
    web.clock.now += timedelta(seconds=31)
    assert isinstance(await checked.check(web.provider.token("k2", {"alg": "ES256"})), TokenFacts)
    assert isinstance(await checked.check(web.provider.token(sub="old key")), TokenFacts)


async def test_a_withdrawn_key_is_forgotten_though_no_new_one_is_named(web: Web) -> None:
    checked = web.verifier()
    web.provider.keys["k2"] = RSAKey.generate_key(2048, {"kid": "k2"})
    late = int((web.clock.now + 2 * KEYS_GOOD_FOR).timestamp())
    stolen = web.provider.token("k2", exp=late)
    assert isinstance(await checked.check(web.provider.token()), TokenFacts)
    del web.provider.keys["k2"]
    web.clock.now += KEYS_GOOD_FOR
    assert isinstance(await checked.check(stolen), Refusal)


async def test_old_keys_stay_good_while_the_provider_is_away(web: Web) -> None:
    checked = web.verifier()
    late = int((web.clock.now + 2 * KEYS_GOOD_FOR).timestamp())
    assert isinstance(await checked.check(web.provider.token(exp=late)), TokenFacts)
    del web.server.pages["/keys"]
    web.clock.now += KEYS_GOOD_FOR
    assert isinstance(await checked.check(web.provider.token(sub="other", exp=late)), TokenFacts)


@pytest.mark.parametrize(
    "odd",
    [
        {"kty": "EC", "kid": "e", "crv": "P-999", "x": "AA", "y": "AA"},
        {"kty": "RSA", "kid": "r", "n": "!!", "e": "AQAB"},
        {"kty": "RSA", "kid": 7},
        {"kty": "oct", "kid": "o", "k": "c2VjcmV0"},
        {"kty": ["RSA"], "kid": "l"},
    ],
)
async def test_one_odd_key_does_not_spoil_the_others(web: Web, odd: dict[str, Any]) -> None:
    web.extra = [odd]
    assert isinstance(await web.verifier().check(web.provider.token()), TokenFacts)


async def test_introspection_posts_the_token_and_asks_again_each_time(web: Web) -> None:
    bodies: list[bytes] = []
    active = True

    def answer(body: bytes) -> bytes:
        bodies.append(body)
        return json.dumps({**web.provider.claims(), "active": active}).encode()

    web.server.pages["/ask"] = answer
    checked = web.verifier(mode="introspection", client_id="nous")
    assert isinstance(await checked.check("opaque"), TokenFacts)
    active = False
    assert isinstance(await checked.check("opaque"), Refusal)
    assert bodies == [b"token=opaque&token_type_hint=access_token"] * 2
    del web.server.pages["/ask"]
    found = await checked.check("opaque")
    assert isinstance(found, Refusal)
    assert found.is_temporary
