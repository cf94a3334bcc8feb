"""Messages to other operators: real sockets and certificates on loopback, peers that keep or break the rules."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from mssante.app.sandbox.authority import Issued, certificate_pem
from mssante.app.sandbox.pki import SandboxPki
from mssante.links.smtp_channel import SmtpChannel
from mssante.links.smtp_out import SmtpCourier
from mssante.model.address import Address
from mssante.model.decision import Kind
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.message import Deferred, Failed
from mssante.model.outside import Host, Parcel, Taken
from mssante.model.settings import QueueSettings

CLEAR = b"250-mx\r\n250 STARTTLS\r\n"
FULL = b"250-mx\r\n250-PIPELINING\r\n250-SIZE 100000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n"
BODY = b"Subject: x\r\n\r\n.dot\r\n"
A, B, C = (Recipient(Address(name, "b.fr")) for name in "abc")
SETTINGS = QueueSettings(connect_seconds=5, reply_seconds=5, data_reply_seconds=5)
Talk = Callable[["Peer"], Awaitable[None]]


class Kit(Protocol):
    """What these tests use of the fixture ``pki``."""

    pki: SandboxPki
    operator: Issued
    other: Issued
    bad: dict[str, Issued]


class Peer:
    """The server's end of one connection, played by a test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
        self.reader = reader
        self.writer = writer
        self._context = context

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> bytes:
        return await self.reader.readuntil(b"\r\n")

    async def greet(self, offer: bytes = FULL, clear: bytes = CLEAR) -> None:
        await self.say(b"220 mx ESMTP\r\n")
        assert await self.hear() == b"EHLO mx.a.fr\r\n"
        await self.say(clear)
        assert await self.hear() == b"STARTTLS\r\n"
        await self.say(b"220 go\r\n")
        await self.writer.start_tls(self._context)
        assert await self.hear() == b"EHLO mx.a.fr\r\n"
        await self.say(offer)


def contexts(pki: Kit, folder: Path, issued: Issued) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    chain, key, root = folder / "chain.pem", folder / "key.pem", folder / "root.pem"
    chain.write_bytes(pki.pki.chain_pem(issued))
    key.write_bytes(issued.key_pem)
    root.write_bytes(certificate_pem(pki.pki.root.certificate))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    server.load_verify_locations(root)
    server.verify_mode = ssl.CERT_REQUIRED
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(root)
    own, own_key = folder / "own.pem", folder / "own-key.pem"
    own.write_bytes(pki.pki.chain_pem(pki.other))
    own_key.write_bytes(pki.other.key_pem)
    client.load_cert_chain(own, own_key)
    return server, client


class World:
    """Starts a peer that follows a script, and gives a courier that trusts the test authority."""

    def __init__(self, pki: Kit, folder: Path) -> None:
        self.pki = pki
        self.folder = folder

    @asynccontextmanager
    async def peer(self, talk: Talk, issued: Issued | None = None) -> AsyncIterator[tuple[SmtpCourier, Host]]:
        server_context, client_context = contexts(self.pki, self.folder, issued or self.pki.operator)
        accidents: list[BaseException] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await talk(Peer(reader, writer, server_context))
            except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
                pass
            except BaseException as error:  # noqa: BLE001 - told to the test below
                accidents.append(error)
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            yield (
                SmtpCourier(lambda: client_context, "mx.a.fr", SETTINGS),
                Host("mss.chu-valdore.fr", "127.0.0.1", port),
            )
        finally:
            server.close()
            await server.wait_closed()
        assert not accidents


@pytest.fixture
def world(pki: Kit, tmp_path: Path) -> World:
    return World(pki, tmp_path)


def parcel(*recipients: Recipient, body: bytes = BODY, options: MailOptions | None = None, sender: str = "s") -> Parcel:
    return Parcel(
        Address(sender, "a.fr"),
        recipients or (A,),
        options or MailOptions(),
        (b"Received: x\r\n", body),
        len(body) + 13,
    )


async def opened(courier: SmtpCourier, host: Host) -> SmtpChannel:
    channel = await courier.open(host)
    assert isinstance(channel, SmtpChannel), channel
    return channel


async def test_sends_two_messages_over_one_connection_and_answers_each_recipient(world: World) -> None:
    async def talk(peer: Peer) -> None:
        await peer.greet()
        assert await peer.hear() == b"MAIL FROM:<s@a.fr> SIZE=33\r\n"
        assert [await peer.hear() for _ in range(4)] == [
            b"RCPT TO:<a@b.fr>\r\n",
            b"RCPT TO:<b@b.fr>\r\n",
            b"RCPT TO:<c@b.fr>\r\n",
            b"DATA\r\n",
        ]
        await peer.say(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n550 5.1.1 Unknown\r\n452 4.2.2 Full\r\n354 go\r\n")
        assert await peer.reader.readuntil(b"\r\n.\r\n") == b"Received: x\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"
        await peer.say(b"250 2.0.0 Taken as 1\r\n")
        assert (await peer.hear()).startswith(b"MAIL")
        await peer.hear()
        await peer.hear()
        await peer.say(b"250 Ok\r\n250 Ok\r\n354 go\r\n")
        await peer.reader.readuntil(b"\r\n.\r\n")
        await peer.say(b"250 2.0.0 Taken as 2\r\n")
        assert await peer.hear() == b"QUIT\r\n"
        await peer.say(b"221 Bye\r\n")

    async with world.peer(talk) as (courier, host):
        channel = await opened(courier, host)
        assert channel.peer.certificate is not None
        assert channel.peer.certificate.subject.first("CN") == "mss.chu-valdore.fr"
        assert channel.peer.tls is not None
        assert channel.peer.tls.protocol == "TLSv1.2"
        first, second, third = await channel.send(parcel(A, B, C))
        assert first == Taken("250 2.0.0 Taken as 1", dsn_supported=True)
        assert isinstance(second, Failed)
        assert second.reply == "550 5.1.1 Unknown"
        assert isinstance(third, Deferred)
        assert third.refusal.kind is Kind.PEER_DEFERRED
        assert await channel.send(parcel(A)) == (Taken("250 2.0.0 Taken as 2", dsn_supported=True),)
        await channel.close()


async def test_without_groups_it_waits_for_each_reply_and_resets_after_a_refusal(world: World) -> None:
    async def talk(peer: Peer) -> None:
        await peer.greet(b"250 mx\r\n")
        assert await peer.hear() == b"MAIL FROM:<s@a.fr>\r\n"
        await peer.say(b"550 5.7.1 Not you\r\n")
        assert await peer.hear() == b"RSET\r\n"
        await peer.say(b"250 Ok\r\n")
        for reply in (b"250 Ok\r\n", b"250 Ok\r\n", b"354 go\r\n"):
            await peer.hear()
            await peer.say(reply)
        await peer.reader.readuntil(b"\r\n.\r\n")
        await peer.say(b"554 5.6.0 No\r\n")

    async with world.peer(talk) as (courier, host):
        channel = await opened(courier, host)
        (refused,) = await channel.send(parcel(A))
        assert isinstance(refused, Failed)
        assert refused.reply == "550 5.7.1 Not you"
        (refused,) = await channel.send(parcel(A))
        assert isinstance(refused, Failed)
        assert refused.reply == "554 5.6.0 No"
        await channel.close()


async def test_a_354_without_recipients_gets_an_empty_message(world: World) -> None:
    async def talk(peer: Peer) -> None:
        await peer.greet()
        for _ in range(3):
            await peer.hear()
        await peer.say(b"250 Ok\r\n550 5.1.1 No\r\n354 go\r\n")
        assert await peer.hear() == b".\r\n"
        await peer.say(b"554 5.5.1 None\r\n")

    async with world.peer(talk) as (courier, host):
        channel = await opened(courier, host)
        (answer,) = await channel.send(parcel(A))
        assert isinstance(answer, Failed)
        await channel.close()


async def test_large_bodies_pass_whole(world: World) -> None:
    body = (b"x" * 70 + b"\r\n.y\r\n") * 20_000
    got: list[bytes] = []

    async def talk(peer: Peer) -> None:
        await peer.greet(b"250-mx\r\n250 PIPELINING\r\n")
        for _ in range(3):
            await peer.hear()
        await peer.say(b"250 Ok\r\n250 Ok\r\n354 go\r\n")
        data = b""
        while not data.endswith(b"\r\n.\r\n"):
            data += await peer.reader.read(65536)
        got.append(data)
        await peer.say(b"250 Ok\r\n")

    async with world.peer(talk) as (courier, host):
        channel = await opened(courier, host)
        (answer,) = await channel.send(parcel(A, body=body))
        assert isinstance(answer, Taken)
        await channel.close()
    assert got[0][13:-3].replace(b"\r\n..", b"\r\n.") == body


CANNOT = [
    (b"250 mx\r\n", {"options": MailOptions(smtputf8=True)}, Kind.UTF8_REQUIRED),
    (b"250 mx\r\n", {"sender": "é"}, Kind.UTF8_REQUIRED),
    (b"250 mx\r\n", {"body": "é\r\n".encode()}, Kind.PEER_REFUSED),
    (b"250-mx\r\n250 SIZE 20\r\n", {}, Kind.MESSAGE_TOO_BIG),
    (FULL, {"options": MailOptions(require_tls=True)}, Kind.TLS_REQUIRED),
]


@pytest.mark.parametrize(("offer", "changes", "kind"), CANNOT)
async def test_what_a_peer_cannot_take_is_not_sent(
    world: World, offer: bytes, changes: dict[str, Any], kind: Kind
) -> None:
    async def talk(peer: Peer) -> None:
        await peer.greet(offer)
        assert await peer.hear() == b"QUIT\r\n"
        await peer.say(b"221 Bye\r\n")

    async with world.peer(talk) as (courier, host):
        channel = await opened(courier, host)
        (answer,) = await channel.send(parcel(A, **changes))
        assert isinstance(answer, Failed)
        assert answer.refusal.kind is kind
        await channel.close()


async def test_dirty_lines_never_reach_the_peer(world: World) -> None:
    async def talk(peer: Peer) -> None:
        await peer.greet()
        for _ in range(3):
            await peer.hear()
        await peer.say(b"250 Ok\r\n250 Ok\r\n354 go\r\n")
        assert b"evil" not in await peer.reader.read()

    async with world.peer(talk) as (courier, host):
        channel = await opened(courier, host)
        (answer,) = await channel.send(parcel(A, body=b"x\n.\nMAIL FROM:<evil@a.fr>\r\n"))
        assert isinstance(answer, Failed)
        assert answer.refusal.kind is Kind.MESSAGE_MALFORMED
        await channel.close()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"421 4.3.2 Going down\r\n", Kind.PEER_DEFERRED),
        (b"garbage\r\n", Kind.PEER_PROTOCOL),
        (b"250 Ok\r\n250 Ok\r\n250 Ok\r\n", Kind.PEER_PROTOCOL),
        (b"", Kind.HOST_UNREACHABLE),
        (b"250 Ok\r\n250 Ok\r\n354 go\r\n250 too early\r\n", Kind.PEER_PROTOCOL),
    ],
)
async def test_a_peer_that_breaks_off_or_lies_defers(world: World, reply: bytes, kind: Kind) -> None:
    async def talk(peer: Peer) -> None:
        await peer.greet()
        for _ in range(3):
            await peer.hear()
        await peer.say(reply)

    async with world.peer(talk) as (courier, host):
        channel = await opened(courier, host)
        for answer in await channel.send(parcel(A)):
            assert isinstance(answer, Deferred)
            assert answer.refusal.kind is kind
        (again,) = await channel.send(parcel(A))
        assert isinstance(again, Deferred)
        await channel.close()


async def test_a_silent_peer_defers(world: World) -> None:
    async def talk(peer: Peer) -> None:
        await peer.greet()
        await peer.reader.read()

    async with world.peer(talk) as (courier, host):
        courier._settings = QueueSettings(connect_seconds=5, reply_seconds=0.05)
        channel = await opened(courier, host)
        (answer,) = await channel.send(parcel(A))
        assert isinstance(answer, Deferred)
        assert answer.refusal.kind is Kind.HOST_UNREACHABLE
        await channel.close()


async def said(peer: Peer, *script: bytes) -> None:
    for data in script:
        await peer.say(data)
        with contextlib.suppress(asyncio.IncompleteReadError):
            await peer.hear()


@pytest.mark.parametrize(
    ("script", "kind", "rule"),
    [
        ((b"220 mx\r\n", b"250-mx\r\n250 PIPELINING\r\n"), Kind.TLS_REQUIRED, "R2"),
        ((b"220 mx\r\n", CLEAR, b"454 4.7.0 Not now\r\n"), Kind.TLS_UNAVAILABLE, "R2"),
        ((b"220 mx\r\n", CLEAR, b"220 go\r\ngarbage"), Kind.PEER_PROTOCOL, "dialogue"),
        ((b"220 mx\r\n", CLEAR, b"220 go\r\n250 AUTH\r\n"), Kind.PEER_PROTOCOL, "dialogue"),
        ((b"554 5.7.1 Go away\r\n",), Kind.PEER_DEFERRED, "peer"),
        ((b"220 mx\r\n", b"502 5.5.1 What\r\n"), Kind.PEER_DEFERRED, "peer"),
        ((b"* OK IMAP ready\r\n",), Kind.PEER_PROTOCOL, "dialogue"),
        ((b"220 mx\r\n250 more\r\n",), Kind.PEER_PROTOCOL, "dialogue"),
        ((), Kind.HOST_UNREACHABLE, "connect"),
    ],
)
async def test_no_mail_is_ever_sent_in_clear(world: World, script: tuple[bytes, ...], kind: Kind, rule: str) -> None:
    heard: list[bytes] = []

    async def talk(peer: Peer) -> None:
        for data in script:
            await peer.say(data)
            heard.append(await peer.reader.read(1000))

    async with world.peer(talk) as (courier, host):
        found = await courier.open(host)
        assert isinstance(found, Deferred)
        assert found.refusal.kind is kind
        assert found.refusal.rule == rule
        assert found.refusal.is_temporary or kind is Kind.TLS_REQUIRED
    assert b"MAIL" not in b"".join(heard)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("expired", Kind.CERTIFICATE_EXPIRED),
        ("not-yet-valid", Kind.CERTIFICATE_EXPIRED),
        ("other-authority", Kind.CERTIFICATE_UNTRUSTED),
    ],
)
async def test_a_bad_server_certificate_defers_with_its_reason(world: World, name: str, kind: Kind) -> None:
    async with world.peer(Peer.greet, world.pki.bad[name]) as (courier, host):
        found = await courier.open(host)
        assert isinstance(found, Deferred)
        assert found.refusal.kind is kind


async def test_a_handshake_answered_with_noise_defers(world: World) -> None:
    async def talk(peer: Peer) -> None:
        await said(peer, b"220 mx\r\n", CLEAR)
        await peer.say(b"220 go\r\n")
        await peer.reader.read(1)
        await peer.say(b"this is no TLS record at all\r\n")

    async with world.peer(talk) as (courier, host):
        found = await courier.open(host)
        assert isinstance(found, Deferred)
        assert found.refusal.kind in {Kind.TLS_UNAVAILABLE, Kind.PEER_PROTOCOL}


async def test_a_closed_port_defers(world: World) -> None:
    async with world.peer(Peer.greet) as (courier, host):
        pass
    found = await courier.open(host)
    assert isinstance(found, Deferred)
    assert found.refusal.kind is Kind.HOST_UNREACHABLE
