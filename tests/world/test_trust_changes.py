"""Trust that changes while connections are open and mail waits: delisting, revocation, a stale list, resumed sessions.

A transaction that was let in at MAIL FROM ends normally, wherever the change falls in it; the next one is judged anew.

Source: reliability.md B02, B04, B05; design.md law 6.
"""

import asyncio
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from proofs import FRIEND, HERE, LETTER, THERE, USER, Sink, Stage, events, kept, one_site, peer, states
from world import Talk, save_list

from mssante.app.sandbox.pki import Legal
from mssante.model import settings as s
from mssante.model.address import parse_address
from mssante.model.decision import Kind
from mssante.model.dn import parse_dn
from mssante.model.envelope import Recipient
from mssante.model.mailbox import Identity, Method
from mssante.model.message import CopyState
from mssante.store import lists, queue
from mssante.wire.whitelist.write import write_white_list

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATA = LETTER % FRIEND.encode()
LEGAL = Legal("BIENTOT REVOQUE", "1860000109", "Vienne (86)")
UNLISTED = "550 5.7.1 sender domain"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[tuple[Stage, Sink]]:
    folder = tmp_path_factory.mktemp("changes")
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(Sink(None).open())
        table = {THERE: (f"mss.rivalie.fr=127.0.0.1:{sink.port}",)}
        stage = await stack.enter_async_context(one_site(folder, pki, table))
        sink.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        sink.context.load_cert_chain(folder / "visitors" / "peer.pem", folder / "visitors" / "peer.key")
        yield stage, sink


@pytest_asyncio.fixture(loop_scope="module")
async def stage(ground: tuple[Stage, Sink]) -> AsyncIterator[Stage]:
    yield ground[0]
    await ground[0].restore()


async def delist(stage: Stage) -> None:
    stage.world.unbind(THERE)
    await stage.world.publish()


async def _transaction(talk: Talk, steps: tuple[str, ...]) -> list[str]:
    return [await talk.say(step) for step in steps]


MAIL, RCPT = f"MAIL FROM:<{FRIEND}>", f"RCPT TO:<{USER}>"


async def test_delisted_between_handshake_and_mail_is_refused(stage: Stage) -> None:
    before = await kept(stage.site)
    async with stage.peer() as talk:
        await delist(stage)
        assert (await talk.say(MAIL)).startswith(UNLISTED)
    [event] = await events(stage.site, before.seq, "peer.refused")
    assert (event.outcome, event.rule) == (Kind.SENDER_DOMAIN_UNLISTED.value, "R1")


@pytest.mark.parametrize("place", ["mail", "rcpt", "data", "last-dot"])
async def test_delisted_within_a_transaction_that_one_ends_and_the_next_is_refused(stage: Stage, place: str) -> None:
    before = await kept(stage.site)
    async with stage.peer() as talk:
        for step, command in (("mail", MAIL), ("rcpt", RCPT), ("data", "DATA")):
            assert (await talk.say(command))[0] in "23"
            if step == place:
                await delist(stage)
        talk.writer.write(DATA + place.encode())
        if place == "last-dot":
            await delist(stage)
        assert (await talk.say("\r\n.")).startswith("250 2.0.0")
        assert (await talk.say(MAIL)).startswith(UNLISTED)
    after = await kept(stage.site)
    assert after.messages == before.messages + 1


async def test_delisted_while_queued_is_held_back_and_reported_not_sent(
    stage: Stage, ground: tuple[Stage, Sink]
) -> None:
    sink, operator = ground[1], stage.site.operator
    sender = parse_address(USER)
    identity = Identity(None, USER, Method.PLAIN, {sender.key: sender}, frozenset({sender.key}))

    async def submit() -> str:
        result = await operator.submitting.submit(
            identity, sender, (Recipient(parse_address(FRIEND)),), LETTER % USER.encode()
        )
        return result.reference

    reference = await submit()
    await delist(stage)
    sink.forget()
    await operator.delivering.drain()
    [copy] = await operator.store.read(lambda tx: queue.copies_of(tx, reference))
    assert (copy.state, copy.last_kind) == (CopyState.DEFERRED, Kind.RECIPIENT_DOMAIN_UNLISTED)
    assert not sink.clear
    [event] = [found for found in await events(stage.site, 0, "copy.deferred") if found.subject == reference]
    assert (event.outcome, event.rule) == (Kind.RECIPIENT_DOMAIN_UNLISTED.value, "R1")
    await stage.restore()
    assert await operator.store.write(lambda tx: queue.retry_now(tx, copy.copy_id, datetime.now(UTC)))
    await operator.delivering.drain()
    assert CopyState.DEFERRED not in await states(stage.site)
    assert sink.messages == 1


async def test_revoked_on_an_open_connection_is_refused_at_the_next_mail(stage: Stage, pki) -> None:
    revoked = pki.pki.server(LEGAL, "mss.bientot-revoque.fr", key=pki.keys[1], now=pki.now)
    stage.world.bind("revoque.mssante.fr", revoked)
    await stage.world.publish()
    sender = "MAIL FROM:<x@revoque.mssante.fr>"
    before = await kept(stage.site)
    async with peer(stage.site, stage.world.client_context(revoked, "leaver")) as talk:
        assert isinstance(talk, Talk)
        assert (await _transaction(talk, (sender, "RSET")))[0].startswith("250")
        pki.pki.revoked.append(revoked.certificate)
        await stage.world.publish_lists()
        assert (await talk.say(sender)).startswith("550 5.7.1 certificate is revoked")
    [event] = await events(stage.site, before.seq, "peer.refused")
    assert (event.outcome, event.rule) == (Kind.CERTIFICATE_REVOKED.value, "R4")


SAVE_LIST = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from mssante.model.settings import StoreSettings
from mssante.store import lists
from mssante.store.engine import Store

async def main(folder, file, stamp):
    store = await Store.open(Path(folder), StoreSettings(free_bytes=0))
    at = datetime.fromisoformat(stamp)
    raw = Path(file).read_bytes()
    await store.write(lambda tx: lists.save_list(
        tx, version=at.strftime("%Y-%m-%dT%H:%M:%SZ"), generated_at=at, raw=raw, now=datetime.now(UTC)))
    print("committed", flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.world
async def test_a_list_committed_by_another_process_has_effect_on_open_connections_within_a_second(
    stage: Stage,
) -> None:
    world, operator = stage.world, stage.site.operator
    world.unbind(THERE)
    world.generation += 1
    at = world.now - timedelta(hours=1) + timedelta(seconds=world.generation)
    file = world.folder / "other-process.xml"
    file.write_bytes(write_white_list(at, tuple(world.entries)))
    watch = asyncio.create_task(operator.trust.watch())
    try:
        async with stage.peer() as talk:
            assert (await talk.say(MAIL)).startswith("250")
            other = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-c", SAVE_LIST, str(operator.config.operator.data_dir), str(file), at.isoformat()),
                stdout=subprocess.PIPE,
            )
            assert other.stdout is not None
            assert await asyncio.wait_for(other.stdout.readline(), 30) == b"committed\n"
            committed = time.monotonic()
            async with asyncio.timeout(10):
                while (await _transaction(talk, ("RSET", MAIL)))[1].startswith("250"):  # noqa: ASYNC110 - a peer can only ask
                    await asyncio.sleep(0.05)
            assert time.monotonic() - committed < 1
            assert (await talk.say(MAIL)).startswith(UNLISTED)
            assert await other.wait() == 0
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def test_a_list_that_nobody_confirmed_for_too_long_stops_mail_for_a_while(stage: Stage) -> None:
    operator = stage.site.operator
    active = await operator.store.read(lists.active_list)
    assert active is not None
    too_long = datetime.now(UTC) - timedelta(seconds=operator.config.trust.stop_seconds + 60)
    before = await kept(stage.site)
    async with stage.peer() as talk:
        await operator.store.write(lambda tx: lists.touch_list(tx, too_long))
        await operator.trust.load()
        assert (await talk.say(MAIL)).startswith("454 4.7.0")
        [event] = await events(stage.site, before.seq, "peer.refused")
        assert event.outcome == Kind.LIST_UNAVAILABLE.value
        await save_list(operator, active.raw, active.generated_at)
        await operator.trust.load()
        assert (await talk.say(MAIL)).startswith("250")


def _resume(port: int, context: ssl.SSLContext, session: ssl.SSLSession | None) -> tuple[ssl.SSLSession, bool, bytes]:
    """Connect with blocking sockets, which can offer a session; return it, if it was resumed, and the answer to MAIL."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.recv(4096)
        plain.sendall(b"EHLO x\r\n")
        plain.recv(4096)
        plain.sendall(b"STARTTLS\r\n")
        assert plain.recv(4096).startswith(b"220")
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as inside:
            inside.sendall(b"EHLO x\r\n")
            inside.recv(4096)
            inside.sendall(MAIL.encode() + b"\r\n")
            answer = inside.recv(4096)
            found, reused = inside.session, bool(inside.session_reused)
            inside.sendall(b"QUIT\r\n")
            inside.recv(4096)
            return found, reused, answer


async def test_a_resumed_session_gives_no_trust_that_the_list_does_not(stage: Stage) -> None:
    port, context = stage.site.ports["smtp"], stage.context
    session, reused, answer = await asyncio.to_thread(_resume, port, context, None)
    assert answer.startswith(b"250")
    assert not reused
    assert not session.has_ticket
    await delist(stage)
    _session, reused, answer = await asyncio.to_thread(_resume, port, context, session)
    assert reused
    assert answer.startswith(UNLISTED.encode())


async def test_a_resumed_session_of_a_revoked_certificate_is_refused(stage: Stage, pki) -> None:
    revoked = pki.pki.server(LEGAL, "mss.reprise.fr", key=pki.keys[1], now=pki.now)
    stage.world.bind(THERE, revoked)
    await stage.world.publish()
    port, context = stage.site.ports["smtp"], stage.world.client_context(revoked, "resumer")
    session, _reused, answer = await asyncio.to_thread(_resume, port, context, None)
    assert answer.startswith(b"250")
    pki.pki.revoked.append(revoked.certificate)
    await stage.world.publish_lists()
    _session, reused, answer = await asyncio.to_thread(_resume, port, context, session)
    assert reused
    assert answer.startswith(b"550 5.7.1 certificate is revoked")


OTHER = "labo.mssante.fr"


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        (FRIEND, "250"),
        (FRIEND.upper(), "250"),
        ("", "250"),
        (f"x@sous.{THERE}", UNLISTED),
        (f"x@{THERE.removeprefix('rivalie.')}", UNLISTED),
        (f"x@{THERE}.", "501 5.1.3"),
        (f"x@{OTHER}", "550 5.7.1 your certificate"),
        (f"x@{OTHER.upper()}", "550 5.7.1 your certificate"),
        (f"x@{HERE}", "550 5.7.1 sender domain"),
        ("x@rivаlie.mssante.fr", "501"),
    ],
)
async def test_a_certificate_speaks_for_its_listed_domain_only(stage: Stage, pki, sender: str, reply: str) -> None:
    stage.world.bind(OTHER, pki.bad["other-name"])
    await stage.world.publish()
    async with stage.peer() as talk:
        smtputf8 = "" if sender.isascii() else " SMTPUTF8"
        assert (await talk.say(f"MAIL FROM:<{sender}>{smtputf8}")).startswith(reply)


@pytest.mark.parametrize("sender", ["", f"x@{THERE}"])
async def test_a_peer_that_is_not_listed_may_not_even_send_notices(stage: Stage, pki, sender: str) -> None:
    async with peer(stage.site, stage.world.client_context(pki.bad["other-name"], "unlisted")) as talk:
        assert isinstance(talk, Talk)
        assert (await talk.say(f"MAIL FROM:<{sender}>")).startswith("550 5.7.1 your certificate")


@pytest.mark.parametrize(("comparison", "reply"), [("structural", "250"), ("strict", "550 5.7.1 your certificate")])
async def test_the_strict_comparison_of_names_is_a_setting(
    tmp_path_factory: pytest.TempPathFactory, pki, comparison: str, reply: str
) -> None:
    trust = s.TrustSettings(list_url="https://127.0.0.1:1/liste.xml", check_host=False, dn_comparison=comparison)
    async with one_site(tmp_path_factory.mktemp(comparison), pki, trust=trust) as stage:
        stage.world.unbind(THERE)
        stage.world.bind_name(THERE, parse_dn(pki.other.name.replace("GRADES", "Grades")))
        await stage.world.publish()
        async with stage.peer() as talk:
            assert (await talk.say(MAIL)).startswith(reply)
