"""Submission with an access token: real sockets, a real store, and a provider that publishes its keys over HTTPS.

Source: clients.md 1.1; RFC 7628 section 3.2.3; RFC 4954 section 4.
"""

import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization
from https_server import authority, https_server
from proofs import HERE, USER, Stage, hang_up, one_site
from provider import ISSUER, RPPS, Provider
from world import Talk

from mssante.model.address import parse_address
from mssante.model.mailbox import AccountKind, MailboxType
from mssante.model.settings import IdentitySettings
from mssante.store import accounts, mailboxes
from mssante.store.tx import Tx

Response = Callable[[str, str], str]
pytestmark = pytest.mark.asyncio(loop_scope="module")
DOCTOR = f"docteur@{HERE}"
LETTER = f"From: {DOCTOR}\r\nTo: {USER}\r\nSubject: Bilan\r\n\r\nBonjour".encode()


@dataclass
class Scene:
    """A site whose people sign in with the provider's tokens."""

    stage: Stage
    provider: Provider

    def token(self, **changes: Any) -> str:  # noqa: ANN401 - claims are any JSON
        now = int(time.time())
        return self.provider.token(**{"iat": now, "exp": now + 240, **changes})

    @asynccontextmanager
    async def talk(self) -> AsyncIterator[Talk]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.stage.world.folder / "pki" / "anchors.pem")
        talk = await Talk.secure(self.stage.site.ports["submission"], context)
        try:
            yield talk
        finally:
            await hang_up(talk.writer)


async def _doctor(tx: Tx) -> None:
    now = datetime.now(UTC)
    box = await mailboxes.create_mailbox(
        tx, parse_address(DOCTOR), MailboxType.PER, holder="D", identifier=RPPS, quota_bytes=2**20, now=now
    )
    account = await accounts.create_account(tx, DOCTOR, AccountKind.PERSON, certificate_name=None, now=now)
    await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)


@asynccontextmanager
async def scene_in(folder: Path, pki: Any, **settings: Any) -> AsyncIterator[Scene]:  # noqa: ANN401 - see conftest
    provider, signer = Provider(), authority()
    anchors = folder / "web-root.pem"
    anchors.write_bytes(signer.certificate.public_bytes(serialization.Encoding.PEM))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(https_server(folder, signer))
        keys = [key.as_dict(private=False) for key in provider.keys.values()]
        server.pages["/keys"] = lambda _: json.dumps({"keys": keys}).encode()
        identity = IdentitySettings(
            issuer=ISSUER, audience=("mssante",), jwks_url=server.url("/keys"), anchors=anchors, **settings
        )
        stage = await stack.enter_async_context(one_site(folder, pki, identity=identity))
        await stage.site.operator.store.write(_doctor)
        yield Scene(stage, provider)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Scene]:
    async with scene_in(tmp_path_factory.mktemp("tokens"), pki) as made:
        yield made


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def xoauth2(user: str, token: str) -> str:
    return b64(f"user={user}\x01auth=Bearer {token}\x01\x01")


def oauthbearer(user: str, token: str) -> str:
    return b64(f"n,a={user},\x01host=localhost\x01port=587\x01auth=Bearer {token}\x01\x01")


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


async def test_without_a_provider_the_mechanisms_are_not_offered(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage, Scene(stage, Provider()).talk() as talk:
        offer = await talk.say("EHLO x")
        assert "XOAUTH2" not in offer
        assert (await talk.say(f"AUTH XOAUTH2 {xoauth2(USER, 'a.b.c')}")).startswith("504 5.5.4")
