"""Reading with an access token: what the IMAP door says to good and bad ones.

Source: clients.md 1.1; RFC 7628 section 3.2.3; RFC 9051 section 6.2.2.
"""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from imap_talk import ImapTalk, imap
from proofs import HERE, USER
from token_scene import DOCTOR, Scene, b64, oauthbearer, scene_in, xoauth2

from mssante.model.address import parse_address
from mssante.model.mailbox import MailboxType
from mssante.store import accounts, mailboxes
from mssante.store.tx import Tx

Response = Callable[[str, str], str]
pytestmark = pytest.mark.asyncio(loop_scope="module")
WARD = f"service@{HERE}"
BOTH = pytest.mark.parametrize(("mechanism", "response"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])


async def _ward(tx: Tx) -> None:
    now = datetime.now(UTC)
    box = await mailboxes.create_mailbox(
        tx, parse_address(WARD), MailboxType.ORG, holder="Service", identifier="", quota_bytes=2**20, now=now
    )
    account = await accounts.account_by_login(tx, DOCTOR)
    assert account is not None
    await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Scene]:
    async with scene_in(tmp_path_factory.mktemp("tokens"), pki) as made:
        await made.stage.site.operator.store.write(_ward)
        yield made


async def begin(talk: ImapTalk, command: str) -> bytes:
    await talk.raw(f"a {command}\r\n".encode())
    return await talk.line()


async def answer(talk: ImapTalk, text: str) -> bytes:
    await talk.raw(text.encode() + b"\r\n")
    return (await talk.until(b"a "))[-1]


@BOTH
@pytest.mark.parametrize("door", ["imap", "imaps"])
async def test_a_token_opens_the_mailbox(scene: Scene, mechanism: str, response: Response, door: str) -> None:
    async with imap(scene.stage, door=door) as talk:
        assert f"AUTH={mechanism}".encode() in (await talk.good("CAPABILITY"))[0]
        await talk.good(f"AUTHENTICATE {mechanism} {response(DOCTOR, scene.token())}")
        await talk.good("SELECT INBOX")


async def test_a_token_may_come_after_the_continuation(scene: Scene) -> None:
    async with imap(scene.stage) as talk:
        assert (await begin(talk, "AUTHENTICATE XOAUTH2")).startswith(b"+")
        assert (await answer(talk, xoauth2(DOCTOR, scene.token()))).startswith(b"a OK")


async def test_the_box_of_a_ward_is_opened_with_its_address(scene: Scene) -> None:
    async with imap(scene.stage) as talk:
        await talk.good(f"AUTHENTICATE XOAUTH2 {xoauth2(WARD, scene.token())}")
        await talk.good("SELECT INBOX")
        assert (await talk.good("GETQUOTAROOT INBOX"))[0] == f'* QUOTAROOT "INBOX" {WARD}\r\n'.encode()


async def test_a_box_that_does_not_list_the_person_stays_shut(scene: Scene) -> None:
    async with imap(scene.stage) as talk:
        assert (await begin(talk, f"AUTHENTICATE XOAUTH2 {xoauth2(USER, scene.token())}")).startswith(b"+ ")
        assert (await answer(talk, "")).startswith(b"a NO [AUTHENTICATIONFAILED]")


@BOTH
@pytest.mark.parametrize("end", ["", "*", b64("\x01")])
async def test_a_refused_token_is_told_why_and_then_fails(
    scene: Scene, mechanism: str, response: Response, end: str
) -> None:
    async with imap(scene.stage) as talk:
        said = await begin(talk, f"AUTHENTICATE {mechanism} {response(DOCTOR, scene.token(aud='x', azp='y'))}")
        told = json.loads(base64.b64decode(said[2:]))
        assert told["status"] == ("401" if mechanism == "XOAUTH2" else "invalid_token")
        assert (await answer(talk, end)).startswith(b"a NO [AUTHENTICATIONFAILED]")


async def test_an_answer_that_cannot_be_read_leaves_nothing_behind_for_the_next_sign_in(scene: Scene) -> None:
    async with imap(scene.stage) as talk:
        assert (await begin(talk, f"AUTHENTICATE XOAUTH2 {xoauth2(DOCTOR, 'a.b.c')}")).startswith(b"+ ")
        await talk.raw(b"not base64!\r\n")
        assert b" BAD " in await talk.line()
        await talk.good(f"AUTHENTICATE XOAUTH2 {xoauth2(DOCTOR, scene.token())}")


async def test_a_token_of_sixteen_kib_fits(scene: Scene) -> None:
    async with imap(scene.stage) as talk:
        assert (await begin(talk, "AUTHENTICATE XOAUTH2")).startswith(b"+")
        await talk.raw(xoauth2(DOCTOR, "a" * 16384).encode() + b"\r\n")
        assert (await talk.line()).startswith(b"+ ")
        assert (await answer(talk, "")).startswith(b"a NO [AUTHENTICATIONFAILED]")


async def test_with_grace_the_session_ends_with_its_token(tmp_path: Path, pki) -> None:
    made = scene_in(tmp_path, pki, token_expiry="grace", close_after_seconds=0)
    async with made as strict, imap(strict.stage) as talk:
        said = xoauth2(DOCTOR, strict.token(exp=int(time.time()) - 5))
        await talk.good(f"AUTHENTICATE XOAUTH2 {said}")
        await talk.raw(b"b SELECT INBOX\r\n")
        assert (await talk.line()).startswith(b"* BYE ")


async def test_a_provider_that_is_away_is_no_word_against_the_token(tmp_path: Path, pki) -> None:
    made = scene_in(tmp_path, pki)
    async with made as alone, imap(alone.stage) as talk:
        del alone.server.pages["/keys"]
        found = await talk.say(f"AUTHENTICATE XOAUTH2 {xoauth2(DOCTOR, alone.token())}")
        assert found[-1].startswith(b"NO [UNAVAILABLE]")
