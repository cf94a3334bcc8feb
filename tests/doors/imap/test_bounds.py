"""What a stranger can make the door do: nothing before TLS and sign-in, little before it is known, never without end.

Source: reliability.md 2.4 D01, D02, D05, A04; RFC 9051 section 11.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from imap_talk import USER, ImapTalk, imap, put, starttls
from proofs import Stage, one_site
from world import PASSWORD

from mssante.flows.folders.opened import Opened
from mssante.model.settings import ImapSettings

SETTINGS = ImapSettings("127.0.0.1", 0, 0, connections_per_address=6, connections_per_account=3, bad_commands=3)
COMMANDS = [
    'LIST "" *',
    'LSUB "" *',
    "SELECT INBOX",
    "EXAMINE INBOX",
    "STATUS INBOX (MESSAGES)",
    "CREATE x",
    "DELETE x",
    "RENAME x y",
    "SUBSCRIBE x",
    "NAMESPACE",
    "IDLE",
    "ENABLE CONDSTORE",
    "COMPRESS DEFLATE",
    "UNAUTHENTICATE",
    "FETCH 1 FLAGS",
    "STORE 1 FLAGS ()",
    "COPY 1 x",
    "MOVE 1 x",
    "EXPUNGE",
    "SEARCH ALL",
    "SORT (DATE) UTF-8 ALL",
    "THREAD REFERENCES UTF-8 ALL",
    "CLOSE",
    "UNSELECT",
    "GETACL INBOX",
    "SETACL INBOX x lr",
    "MYRIGHTS INBOX",
    "GETQUOTAROOT INBOX",
    "GETQUOTA x",
]
NEEDS_FOLDER = COMMANDS[14:24]


@pytest.fixture
async def stage(tmp_path, pki) -> AsyncIterator[Stage]:
    async with one_site(tmp_path, pki, imap=SETTINGS) as made:
        yield made


async def test_nothing_is_signed_in_with_before_tls(stage: Stage) -> None:
    async with imap(stage, tls=False) as talk:
        words = (await talk.good("CAPABILITY"))[0].split()
        assert b"STARTTLS" in words
        assert b"LOGINDISABLED" in words
        assert not [word for word in words if word.startswith(b"AUTH=")]
        assert (await talk.say("LOGIN a b"))[-1].startswith(b"NO [PRIVACYREQUIRED]")
        assert (await talk.say("AUTHENTICATE PLAIN"))[-1].startswith(b"NO [PRIVACYREQUIRED]")


async def test_what_came_in_clear_behind_starttls_is_thrown_away(stage: Stage) -> None:
    async with imap(stage, tls=False) as talk:
        await talk.raw(b"a STARTTLS\r\nb NOOP\r\n")
        assert (await talk.until(b"a "))[-1].startswith(b"a OK")
        await talk.writer.start_tls(stage.world.client_context(None), server_hostname="localhost")
        assert (await talk.say("NOOP"))[0].startswith(b"OK")


@pytest.mark.parametrize("command", COMMANDS)
async def test_no_command_works_before_sign_in(stage: Stage, command: str) -> None:
    async with imap(stage) as talk:
        assert (await talk.say(command))[-1] == b"BAD Sign in first\r\n"


async def test_no_message_is_touched_without_a_folder(stage: Stage) -> None:
    for command in NEEDS_FOLDER:
        async with imap(stage, user=USER) as talk:
            assert (await talk.say(command))[-1] == b"BAD Select a mailbox first\r\n", command


async def test_nobody_signs_in_twice(stage: Stage) -> None:
    async with imap(stage, user=USER) as talk:
        assert (await talk.say("LOGIN a b"))[-1] == b"BAD You are signed in already\r\n"


async def test_an_unknown_user_is_told_the_same_as_a_wrong_password(stage: Stage) -> None:
    async with imap(stage) as talk:
        known, unknown = await talk.say(f"LOGIN {USER} x"), await talk.say("LOGIN personne@nulle.part x")
        assert known == unknown == [b"NO [AUTHENTICATIONFAILED] Authentication failed\r\n"]
        last = await talk.say("LOGIN a b")
        assert last[0].startswith(b"* BYE")
        assert last[-1].startswith(b"NO [AUTHENTICATIONFAILED]")
        assert await talk.reader.read() == b""


@pytest.mark.parametrize("size", [b"4294967295", b"99999999999999999999", b"20000"])
@pytest.mark.parametrize("plus", [b"", b"+"])
async def test_a_literal_before_sign_in_is_small(stage: Stage, size: bytes, plus: bytes) -> None:
    async with imap(stage) as talk:
        found = await talk.say(b"LOGIN {%b%b}" % (size, plus)) if not plus else None
        if found is not None:
            assert b"TOOBIG" in found[-1]
            assert (await talk.say("NOOP"))[-1].startswith(b"OK")
            return
        await talk.raw(b"a LOGIN {%b+}\r\n" % size)
        assert b"TOOBIG" in (await talk.until(b"a "))[-1]
        assert (await talk.line()).startswith(b"* BYE")


async def test_a_line_without_end_is_cut_off(stage: Stage) -> None:
    async with imap(stage) as talk:
        await talk.raw(b"a" * 20_000)
        assert b"[TOOBIG]" in await talk.line()
        assert (await talk.line()).startswith(b"* BYE")


async def test_deep_brackets_are_refused_and_the_session_goes_on(stage: Stage) -> None:
    async with imap(stage, user=USER) as talk:
        await talk.good("SELECT INBOX")
        assert (await talk.say("SEARCH " + "(" * 10_000 + "ALL" + ")" * 10_000))[-1].startswith(b"BAD")
        assert (await talk.good("NOOP"))[-1].startswith(b"OK")


async def test_bad_commands_have_an_end(stage: Stage) -> None:
    async with imap(stage) as talk:
        for _ in range(3):
            assert (await talk.say("XYZZY"))[-1].startswith(b"BAD")
        assert b"* BYE Too many bad commands\r\n" in [*await talk.say("XYZZY"), await talk.line()]


async def test_an_account_has_a_bounded_number_of_connections(stage: Stage) -> None:
    async with (
        imap(stage, user=USER),
        imap(stage, door="imaps", user=USER),
        imap(stage, user=USER),
        imap(stage) as talk,
    ):
        answer = await talk.say(f'LOGIN "{USER}" "{PASSWORD}-{USER}"')
        assert answer[-1].startswith(b"NO [LIMIT]"), answer


async def test_an_append_too_big_is_refused_before_it_comes(stage: Stage) -> None:
    async with imap(stage, user=USER) as talk:
        assert b"[TOOBIG]" in (await talk.say("APPEND INBOX {99999999}"))[-1]
        assert (await talk.say("APPEND Nulle-part {10}"))[-1].startswith(b"NO [TRYCREATE]")
        await talk.raw(b"a APPEND Nulle-part {10+}\r\n0123456789\r\n")
        assert (await talk.until(b"a "))[-1].startswith(b"a NO [TRYCREATE]")
        assert (await talk.good("NOOP"))[-1].startswith(b"OK")


async def test_compression_begins_after_its_answer_and_goes_both_ways(stage: Stage) -> None:
    async with imap(stage, user=USER) as talk:
        await talk.good("COMPRESS DEFLATE")
        out, into = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        await talk.raw(out.compress(b"a NOOP\r\nb COMPRESS DEFLATE\r\n") + out.flush(zlib.Z_SYNC_FLUSH))
        text = b""
        async with asyncio.timeout(10):
            while b"b " not in text:
                text += into.decompress(await talk.reader.read(1000))
        assert text.startswith(b"a OK")
        assert b"b NO [COMPRESSIONACTIVE]" in text


async def test_a_bomb_in_compressed_input_closes(stage: Stage) -> None:
    async with imap(stage, user=USER) as talk:
        await talk.good("COMPRESS DEFLATE")
        out = zlib.compressobj(9, wbits=-15)
        await talk.raw(out.compress(b"a" * 50_000_000) + out.flush(zlib.Z_SYNC_FLUSH))
        assert await hung_up(talk)


async def test_unauthenticate_forgets_who_was_there(stage: Stage) -> None:
    async with imap(stage, user=USER) as talk:
        await talk.good("ENABLE IMAP4rev2")
        await talk.good("SELECT INBOX")
        await talk.good("UNAUTHENTICATE")
        assert (await talk.say("FETCH 1 FLAGS"))[-1] == b"BAD Sign in first\r\n"
        assert (await talk.say("LOGIN a b"))[-1].startswith(b"NO")


async def test_a_client_that_never_reads_is_held_back_and_the_others_are_served(stage: Stage) -> None:
    letter = b"Subject: gros\r\n\r\n" + b"x" * 500_000
    async with imap(stage, user=USER) as talk, imap(stage, user=USER) as other:
        await put(talk, "INBOX", letter)
        await talk.good("SELECT INBOX")
        await talk.raw(b"".join(b"g%d FETCH 1 BODY.PEEK[]\r\n" % number for number in range(100)))
        assert (await other.good("NOOP"))[-1].startswith(b"OK")
        # The socket's buffers and ours hold a few megabytes of the 50; the rest is not even rendered.
        lines = await talk.until(b"g99 ")
        assert sum(line.startswith(b"* 1 FETCH") for line in lines) == 100


async def test_a_stop_says_bye_also_to_who_waits(tmp_path, pki) -> None:
    async with AsyncExitStack() as talks, AsyncExitStack() as site:
        stage = await site.enter_async_context(one_site(tmp_path, pki))
        talk = await talks.enter_async_context(imap(stage, user=USER))
        await talk.good("SELECT INBOX")
        await talk.raw(b"i IDLE\r\n")
        await talk.until(b"+ ")
        await site.aclose()
        assert (await talk.line()).startswith(b"* BYE [UNAVAILABLE] Service is stopping")
        assert await hung_up(talk)


async def test_who_does_not_sign_in_is_sent_away(tmp_path, pki) -> None:
    settings = ImapSettings("127.0.0.1", 0, 0, greeting_seconds=0.1)
    async with one_site(tmp_path, pki, imap=settings) as stage, imap(stage) as talk:
        assert (await talk.line()).startswith(b"* BYE [UNAVAILABLE] Too slow to sign in")
        assert await hung_up(talk)


async def test_a_search_for_somebody_who_hung_up_is_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    began, stopped = asyncio.Event(), asyncio.Event()

    async def endless(self: Opened, *_facts: object) -> None:
        began.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            stopped.set()

    monkeypatch.setattr(Opened, "find", endless)
    async with imap(stage, user=USER) as talk:
        await talk.good("SELECT INBOX")
        await talk.raw(b"a SEARCH TEXT x\r\n")
        await began.wait()
    async with asyncio.timeout(10):
        await stopped.wait()
    assert stopped.is_set()
    # The door serves on.
    async with imap(stage, user=USER) as other:
        assert (await other.say("NOOP"))[-1].startswith(b"OK")


async def hung_up(talk: ImapTalk) -> bool:
    """Tell whether the door closes."""
    try:
        async with asyncio.timeout(10):
            return await talk.reader.read() is not None
    except ConnectionError:
        return True


__all__ = ["starttls"]
