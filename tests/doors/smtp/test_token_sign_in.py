"""Submission with an access token: real sockets, a real store, and a provider that publishes its keys over HTTPS.

Source: clients.md 1.1; RFC 7628 section 3.2.3; RFC 4954 section 4.
"""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from proofs import USER, one_site
from provider import ISSUER, Provider
from token_scene import DOCTOR, Scene, b64, oauthbearer, scene_in, xoauth2

Response = Callable[[str, str], str]
pytestmark = pytest.mark.asyncio(loop_scope="module")
LETTER = f"From: {DOCTOR}\r\nTo: {USER}\r\nSubject: Bilan\r\n\r\nBonjour".encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Scene]:
    async with scene_in(tmp_path_factory.mktemp("tokens"), pki) as made:
        yield made


async def test_the_mechanisms_are_offered_inside_tls(scene: Scene) -> None:
    async with scene.talk() as talk:
        assert "AUTH PLAIN EXTERNAL XOAUTH2 OAUTHBEARER" in await talk.say("EHLO x")


@pytest.mark.parametrize(("mechanism", "response"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_person_signs_in_with_a_token_and_sends(
    scene: Scene, mechanism: str, response: Response, *, at_once: bool
) -> None:
    async with scene.talk() as talk:
        said = response(DOCTOR, scene.token())
        if at_once:
            reply = await talk.say(f"AUTH {mechanism} {said}")
        else:
            assert (await talk.say(f"AUTH {mechanism}")).startswith("334")
            reply = await talk.say(said)
        assert reply.startswith("235 2.7.0")
        assert (await talk.message(DOCTOR, (USER,), LETTER))[-1].startswith("250")


async def test_nobody_sends_as_somebody_else(scene: Scene) -> None:
    async with scene.talk() as talk:
        assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(DOCTOR, scene.token())}")).startswith("235")
        assert (await talk.say(f"MAIL FROM:<{USER}>")).startswith("550 5.7.1")


@pytest.mark.parametrize("answer", ["", "*", b64("\x01")])
@pytest.mark.parametrize(("mechanism", "response"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])
async def test_a_refused_token_is_told_why_and_then_fails(
    scene: Scene, mechanism: str, response: Response, answer: str
) -> None:
    async with scene.talk() as talk:
        reply = await talk.say(f"AUTH {mechanism} {response(DOCTOR, scene.token(aud='x', azp='y'))}")
        assert reply.startswith("334 ")
        told = json.loads(base64.b64decode(reply[4:]))
        if mechanism == "XOAUTH2":
            assert told == {"status": "401", "schemes": "bearer", "scope": "openid scope_all"}
        else:
            assert told["status"] == "invalid_token"
            assert told["openid-configuration"].startswith(ISSUER)
        assert (await talk.say(answer)).startswith("535 5.7.8")
        assert (await talk.say(f"AUTH {mechanism} {response(DOCTOR, scene.token())}")).startswith("235")


async def test_an_answer_that_cannot_be_read_leaves_nothing_behind_for_the_next_sign_in(scene: Scene) -> None:
    async with scene.talk() as talk:
        assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(DOCTOR, 'a.b.c')}")).startswith("334 ")
        assert (await talk.say("not base64!")).startswith("501")
        assert (await talk.say("AUTH XOAUTH2")).startswith("334")
        assert (await talk.say(xoauth2(DOCTOR, scene.token()))).startswith("235")


async def test_a_token_of_sixteen_kib_fits_and_a_longer_one_does_not(scene: Scene) -> None:
    async with scene.talk() as talk:
        assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(DOCTOR, 'a' * 16384)}")).startswith("334 ")
        assert (await talk.say("")).startswith("535")
        assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(DOCTOR, 'a' * 16385)}")).startswith("535")


async def test_tries_are_counted(scene: Scene) -> None:
    async with scene.talk() as talk:
        for expected in ("535", "535", "421"):
            assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(DOCTOR, 'a.b.c')}")).startswith("334")
            assert (await talk.say("")).startswith(expected)


async def test_with_grace_a_session_must_sign_in_again_after_its_token(tmp_path: Path, pki) -> None:
    made = scene_in(tmp_path, pki, token_expiry="grace", close_after_seconds=0)
    async with made as strict, strict.talk() as talk:
        # Good only by the difference of clocks that is borne: the session is over as soon as it is open.
        said = xoauth2(DOCTOR, strict.token(exp=int(time.time()) - 5))
        assert (await talk.say(f"AUTH XOAUTH2 {said}")).startswith("235")
        assert (await talk.say(f"MAIL FROM:<{DOCTOR}>")).startswith("530 5.7.0")


async def test_a_provider_that_is_away_is_no_word_against_the_token(tmp_path: Path, pki) -> None:
    made = scene_in(tmp_path, pki)
    async with made as alone, alone.talk() as talk:
        del alone.server.pages["/keys"]
        assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(DOCTOR, alone.token())}")).startswith("454 4.7.0")


async def test_without_a_provider_the_mechanisms_are_not_offered(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage, Scene(stage, Provider()).talk() as talk:
        offer = await talk.say("EHLO x")
        assert "XOAUTH2" not in offer
        assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(USER, 'a.b.c')}")).startswith("504 5.5.4")
