"""What the proofs on real sockets share: what a site keeps, how a peer knocks, and a host that records every byte."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from world import PASSWORD, Site, Talk, World, new_world

from mssante.app.sandbox.authority import Issued
from mssante.model.audit import AuditEvent
from mssante.model.message import CopyState
from mssante.store import audit, queue

LETTER = b"From: <%s>\r\nSubject: essai\r\n\r\nMARQUE DU CONTENU\r\n.."
MARK = b"MARQUE DU CONTENU"
HANDSHAKE_REFUSED = "handshake refused"
HERE, THERE = "chu-valdore.mssante.fr", "rivalie.mssante.fr"
USER, FRIEND = f"dr.house@{HERE}", f"dr.ami@{THERE}"


@dataclass(frozen=True)
class Kept:
    """What a site holds: messages in folders, copies in the queue, and the last audit row."""

    messages: int
    copies: int
    seq: int


async def kept(site: Site) -> Kept:
    """Return what the site holds now."""
    store = site.operator.store
    states = await store.read(queue.count_states)
    seq, _digest = await store.read(audit.head)
    return Kept(await site.count(), sum(states.values()), seq)


async def events(site: Site, after: int, prefix: str = "") -> list[AuditEvent]:
    """Return the audit events after that row."""
    rows = await site.operator.store.read(lambda tx: audit.rows(tx, after_seq=after, limit=1000, event_prefix=prefix))
    return [row.event for row in rows]


async def states(site: Site) -> dict[CopyState, int]:
    """Return how many copies are in each state."""
    return {state: count for state, count in (await site.operator.store.read(queue.count_states)).items() if count}


async def refused_in_handshake(site: Site, before: Kept) -> None:
    """Wait for the audit row of a refused handshake: it is written after the connection is gone."""
    async with asyncio.timeout(10):
        while not await events(site, before.seq, "peer.refused"):  # noqa: ASYNC110 - the audit rings no bell
            await asyncio.sleep(0.005)


def forget_early(site: Site) -> None:
    """Let the next early refusal be written at once: they are at most one a second for an address and reason."""
    site.operator.receiving.early._last.clear()
    site.operator.submitting.early._last.clear()


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[Talk]:
    """Hang up at the end, whatever the state of the connection."""
    try:
        yield talk
    finally:
        await hang_up(talk.writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close and wait for the end."""
    writer.close()
    with suppress(OSError, ssl.SSLError, asyncio.TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), 5)


@asynccontextmanager
async def peer(site: Site, context: ssl.SSLContext, door: str = "smtp") -> AsyncIterator[Talk | str]:
    """Yield the connection of a peer inside TLS, or HANDSHAKE_REFUSED."""
    talk = await Talk.open(site.ports[door])
    async with talking(talk):
        await talk.say("EHLO peer.test")
        assert (await talk.say("STARTTLS")).startswith("220")
        try:
            await talk.writer.start_tls(context, server_hostname="localhost")
        except (OSError, ssl.SSLError):
            yield HANDSHAKE_REFUSED
            return
        await talk.say("EHLO peer.test")
        yield talk


async def sign_in(talk: Talk, address: str) -> str:
    """Sign in with the application password that a site of the world gave that mailbox."""
    plain = f"\0{address}\0{PASSWORD}-{address}".encode()
    return await talk.say(f"AUTH PLAIN {base64.b64encode(plain).decode()}")


async def closed(talk: Talk) -> bool:
    """Tell whether the other side has hung up, after what it still had to say."""
    try:
        async with asyncio.timeout(10):
            return await talk.reader.read() is not None
    except (ConnectionError, ssl.SSLError):
        return True


@dataclass
class Sink:
    """A host of another operator that accepts everything and records every byte, in clear and inside TLS.

    Attributes:
        extensions: lines of its EHLO beside the usual ones, each with its CRLF.
    """

    context: ssl.SSLContext | None
    extensions: bytes = b""
    clear: bytearray = field(default_factory=bytearray)
    inside: bytearray = field(default_factory=bytearray)
    port: int = 0
    messages: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Sink"]:
        """Listen; `port` is where."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    def forget(self) -> None:
        """Start a new record."""
        self.clear.clear()
        self.inside.clear()
        self.messages = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 sink.test ESMTP\r\n")
            await self._talk(reader, writer)
        except (OSError, ssl.SSLError):
            pass
        finally:
            await hang_up(writer)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = False
        in_data = False
        while line := await reader.readline():
            (self.inside if tls else self.clear).extend(line)
            verb = line[:4].upper()
            if in_data:
                in_data = line != b".\r\n"
                if not in_data:
                    self.messages += 1
                    writer.write(b"250 2.0.0 taken\r\n")
            elif verb == b"EHLO":
                offer = b"250-STARTTLS\r\n" if self.context and not tls else b""
                offer += self.extensions
                writer.write(b"250-sink.test\r\n" + offer + b"250-8BITMIME\r\n250 SIZE 1000000\r\n")
            elif verb == b"STAR" and self.context:
                writer.write(b"220 go\r\n")
                await writer.start_tls(self.context)
                tls = True
            elif verb == b"DATA":
                in_data = True
                writer.write(b"354 go\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 ok\r\n")


@dataclass
class Stage:
    """One site with a mailbox, and a listed peer that may write to it."""

    world: World
    site: Site
    context: ssl.SSLContext
    peer_issued: Issued

    def peer(self, door: str = "smtp") -> AbstractAsyncContextManager[Talk]:
        """Return a connection of the listed peer inside TLS."""
        return _listed_peer(self, door)

    async def restore(self) -> None:
        """Put the first list in force again."""
        self.world.entries = list(self._first)
        await self.world.publish()

    def __post_init__(self) -> None:
        self._first = tuple(self.world.entries)


@asynccontextmanager
async def _listed_peer(stage: Stage, door: str) -> AsyncIterator[Talk]:
    async with peer(stage.site, stage.context, door) as talk:
        assert isinstance(talk, Talk), talk
        yield talk


@asynccontextmanager
async def one_site(
    folder: Path, pki, table: Mapping[str, tuple[str, ...]] | None = None, **sections: object
) -> AsyncIterator[Stage]:
    """Open a site for HERE with the box USER, and a listed peer for THERE."""
    world = new_world(folder, pki.pki, pki.keys, pki.now)
    world.table.update(table or {})
    world.bind(HERE, pki.operator)
    world.bind(THERE, pki.other)
    async with world.site("chu", pki.operator, (HERE,), (USER,), **sections) as site:
        await world.publish()
        await world.publish_lists()
        yield Stage(world, site, world.client_context(pki.other, "peer"), pki.other)
