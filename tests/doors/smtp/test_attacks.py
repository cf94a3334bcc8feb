"""Attacks on the real doors: framing inside mutual TLS, injection around STARTTLS, other protocols, long lines.

Source: reliability.md A01, A04, A09, A10, A11.
"""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from proofs import FRIEND, HERE, USER, Stage, closed, hang_up, kept, one_site, peer, sign_in, talking
from world import PASSWORD, Talk

pytestmark = pytest.mark.asyncio(loop_scope="module")

# The 12 base sequences of A01.
SMUGGLING = {
    "LF.LF": b"\n.\n",
    "CR.CR": b"\r.\r",
    "CR.LF": b"\r.\n",
    "LF.CR": b"\n.\r",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF NUL .CRLF": b"\r\n\0.\r\n",
    "CRLF.NUL CRLF": b"\r\n.\0\r\n",
    "CRLF.CRCRLF": b"\r\n.\r\r\n",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n",
}
ENVELOPE = f"MAIL FROM:<{FRIEND}>\r\nRCPT TO:<{USER}>\r\nDATA\r\n".encode()
SECOND = ENVELOPE + b"From: <x@y.fr>\r\nSubject: contrebande\r\n\r\nx\r\n.\r\n"
HEAD = f"From: <{FRIEND}>\r\nSubject: premier\r\n".encode()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Stage]:
    async with one_site(tmp_path_factory.mktemp("attacks"), pki) as made:
        yield made


async def all_said(talk: Talk) -> bytes:
    """Return everything until the other side hangs up."""
    async with asyncio.timeout(10):
        try:
            return await talk.reader.read()
        except (ConnectionError, ssl.SSLError):
            return b""


@pytest.mark.parametrize("cut", [None, 0, 1, 2])
@pytest.mark.parametrize("name", SMUGGLING)
async def test_no_odd_end_of_data_makes_two_messages(stage: Stage, name: str, cut: int | None) -> None:
    before = await kept(stage.site)
    odd = SMUGGLING[name]
    first = HEAD + b"\r\ntexte" + odd
    place = len(first) - len(odd) + (cut or 0)
    pieces = [first + SECOND] if cut is None else [(first + SECOND)[:place], (first + SECOND)[place:]]
    async with stage.peer() as talk:
        talk.writer.write(ENVELOPE)
        assert [(await talk.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        for piece in pieces:
            # One write is one record here: no piece is longer than a record.
            talk.writer.write(piece)
            await talk.writer.drain()
        assert (await talk.reply()).startswith("550 5.6.0")
        assert await all_said(talk) == b""
    after = await kept(stage.site)
    assert (after.messages, after.copies) == (before.messages, before.copies)


@pytest.mark.parametrize("door", ["smtp", "submission"])
@pytest.mark.parametrize(
    "injected",
    [
        b"NOOP\r\n",
        b"NO",
        b"EHLO evil\r\n",
        b"MAIL FROM:<evil@rivalie.mssante.fr>\r\n",
        b"AUTH PLAIN AGEAYg==\r\n",
        b"STARTTLS\r\n",
        b"\x16\x03\x01",
    ],
)
async def test_what_follows_starttls_in_clear_is_never_answered(stage: Stage, door: str, injected: bytes) -> None:
    talk = await Talk.open(stage.site.ports[door])
    async with talking(talk):
        await talk.say("EHLO x")
        talk.writer.write(b"STARTTLS\r\n" + injected)
        assert await all_said(talk) == b""


@pytest.mark.parametrize("door", ["smtp", "submission"])
async def test_clear_bytes_after_the_220_end_the_connection(stage: Stage, door: str) -> None:
    talk = await Talk.open(stage.site.ports[door])
    async with talking(talk):
        await talk.say("EHLO x")
        assert (await talk.say("STARTTLS")).startswith("220")
        talk.writer.write(b"NOOP\r\nMAIL FROM:<a@b.fr>\r\n")
        said = await all_said(talk)
        assert b"250" not in said
        assert len(said) < 16, "a TLS alert at most"


async def test_nothing_said_in_clear_is_remembered_inside_tls(stage: Stage) -> None:
    talk = await Talk.open(stage.site.ports["smtp"])
    async with talking(talk):
        await talk.say("EHLO x")
        assert (await talk.say("STARTTLS")).startswith("220")
        await talk.writer.start_tls(stage.context, server_hostname="localhost")
        assert (await talk.say(f"MAIL FROM:<{FRIEND}>")).startswith("503 5.5.1")
        assert (await talk.say("STARTTLS")).startswith("503 5.5.1")
        assert "STARTTLS" not in await talk.say("EHLO x")
        assert (await talk.say(f"MAIL FROM:<{FRIEND}>")).startswith("250")


@pytest.mark.parametrize("door", ["smtp", "submission"])
@pytest.mark.parametrize("command", [b"MAIL FROM:<x@rivalie.mssante.fr>", b"AUTH PLAIN AGEAYg==", b"DATA"])
async def test_nothing_of_an_envelope_is_taken_in_clear(stage: Stage, door: str, command: bytes) -> None:
    talk = await Talk.open(stage.site.ports[door])
    async with talking(talk):
        hello = await talk.say("EHLO x")
        assert "AUTH" not in hello
        assert (await talk.say(command))[:3] in {"530", "503", "502"}


@pytest.mark.parametrize(
    "group",
    [
        b"EHLO x\r\nNOOP\r\n",
        b"EHLO x\r\nMAIL FROM:<x@rivalie.mssante.fr>\r\n",
        b"HELO x\r\nNOOP\r\n",
    ],
)
async def test_commands_in_a_group_before_it_is_allowed_are_refused(stage: Stage, group: bytes) -> None:
    talk = await Talk.open(stage.site.ports["smtp"])
    async with talking(talk):
        talk.writer.write(group)
        assert b"554 5.5.0" in await all_said(talk)


async def test_a_message_pipelined_past_data_is_refused(stage: Stage) -> None:
    before = await kept(stage.site)
    async with stage.peer() as talk:
        talk.writer.write(ENVELOPE + HEAD + b"\r\ntexte\r\n.\r\n")
        said = await all_said(talk)
        assert said.splitlines()[-1].startswith(b"554 5.5.0")
    assert (await kept(stage.site)).messages == before.messages


async def test_commands_pipelined_past_auth_are_refused(stage: Stage) -> None:
    plain = base64.b64encode(f"\0{USER}\0{PASSWORD}-{USER}".encode())
    async with peer(stage.site, stage.world.client_context(None), "submission") as talk:
        assert isinstance(talk, Talk)
        talk.writer.write(b"AUTH PLAIN " + plain + b"\r\nMAIL FROM:<" + USER.encode() + b">\r\n")
        assert (await all_said(talk)).startswith(b"554 5.5.0")


def _client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="x.fr")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


FOREIGN = {
    "http get": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "http post": b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<a@b.fr>\r\n",
    "tls": _client_hello(),
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "binary": bytes(range(256)),
    "nul": b"\0\0\0\0",
    "lf": b"EHLO x\nMAIL FROM:<a@b.fr>\n",
}


@pytest.mark.parametrize("door", ["smtp", "submission"])
@pytest.mark.parametrize("name", FOREIGN)
async def test_other_protocols_are_hung_up_on_at_their_first_line(stage: Stage, door: str, name: str) -> None:
    talk = await Talk.open(stage.site.ports[door])
    async with talking(talk):
        talk.writer.write(FOREIGN[name])
        said = await all_said(talk)
        assert said.count(b"\r\n") <= 1
        assert not said or said[:3] in {b"500", b"550", b"554"}


async def test_clear_smtp_on_the_implicit_tls_door_is_not_answered(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.site.ports["submissions"])
    writer.write(b"EHLO x\r\nMAIL FROM:<a@b.fr>\r\n")
    said = await all_said(Talk(reader, writer))
    assert b"250" not in said
    assert b"220" not in said
    await hang_up(writer)


async def test_a_command_line_without_end_is_cut_at_the_limit(stage: Stage) -> None:
    talk = await Talk.open(stage.site.ports["smtp"])
    async with talking(talk):
        talk.writer.write(b"NOOP " + b"a" * (1024 * 1024))
        assert (await all_said(talk))[:9] in {b"500 5.5.2", b""}


@pytest.mark.parametrize(("length", "code"), [(2048, "250"), (2049, "500")])
async def test_a_command_line_up_to_the_limit_is_read(stage: Stage, length: int, code: str) -> None:
    async with stage.peer() as talk:
        line = b"NOOP " + b"a" * (length - 7)
        assert (await talk.say(line)).startswith(code)


LONG = {
    "text of 998": (b"\r\n" + b"a" * 998, "250 2.0.0"),
    "text of 999": (b"\r\n" + b"a" * 999, "500 5.5.2"),
    "text of 1 MiB": (b"\r\n" + b"a" * 1024 * 1024, "500 5.5.2"),
    "header of 1 MiB in one line": (b"X: " + b"a" * 1024 * 1024 + b"\r\n\r\n", "500 5.5.2"),
    "header of 1 MiB in 10,000 folds": (b"X: " + b"\r\n ".join([b"a" * 110] * 10_000) + b"\r\n\r\n", "554 5.6.0"),
    "2,000 header fields": (b"X: y\r\n" * 2000 + b"\r\n", "554 5.6.0"),
}


@pytest.mark.parametrize("name", LONG)
async def test_long_lines_and_headers_are_refused_and_the_connection_goes_on(stage: Stage, name: str) -> None:
    content, reply = LONG[name]
    before = await kept(stage.site)
    async with stage.peer() as talk:
        [*_, last] = await talk.message(FRIEND, (USER,), HEAD + content)
        assert last.startswith(reply)
        assert (await talk.say("NOOP")).startswith("250")
    after = await kept(stage.site)
    assert after.messages - before.messages == int(reply.startswith("250"))


async def test_a_message_above_the_limit_is_swallowed_and_refused(stage: Stage) -> None:
    limit = stage.site.operator.config.limits.message_bytes
    async with stage.peer() as talk:
        assert (await talk.say(f"MAIL FROM:<{FRIEND}> SIZE={limit + 1}")).startswith("552 5.3.4")


async def test_an_echoed_name_never_breaks_a_reply(stage: Stage) -> None:
    async with stage.peer() as talk:
        reply = await talk.say(f"MAIL FROM:<x@evil.fr\x0b250\x07{HERE}>".encode())
        assert reply.startswith("501")
        assert reply.isprintable()
        assert not await _more(talk)


async def _more(talk: Talk) -> bool:
    return (await talk.say("NOOP"))[:3] != "250"


async def test_a_user_who_is_signed_in_cannot_smuggle_either(stage: Stage) -> None:
    before = await kept(stage.site)
    async with peer(stage.site, stage.world.client_context(None), "submission") as talk:
        assert isinstance(talk, Talk)
        assert (await sign_in(talk, USER)).startswith("235")
        data = b"From: <" + USER.encode() + b">\r\n\r\ntexte\n.\n" + SECOND
        [*_, last] = await talk.message(USER, (USER,), data)
        assert last.startswith("550 5.6.0")
        assert await closed(talk)
    after = await kept(stage.site)
    assert (after.messages, after.copies) == (before.messages, before.copies)
