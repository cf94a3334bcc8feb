"""Programs that others wrote talk to our doors, and a server that others wrote takes what our courier brings.

Source: RFC 6409; RFC 8314 section 3.3; RFC 3207; RFC 4954.
"""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage

import aiosmtplib
import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session
from proofs import FRIEND, HERE, THERE, USER
from world import PASSWORD, Site, World, new_world

from mssante.model.message import CopyState
from mssante.store import queue

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT = "Bonjour,\n\n.une ligne qui commence par un point\n.\nÀ bientôt\n"
WORDS = TEXT.strip().replace("\n", "\r\n").encode()


@dataclass
class Taken:
    """The handler of the foreign server: keeps what it was given."""

    envelopes: list[Envelope] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep one message and who brought it."""
        shown = server.transport.get_extra_info("peercert")
        self.certificates.append(dict(pair for part in shown["subject"] for pair in part)["commonName"])
        self.envelopes.append(envelope)
        assert session.ssl is not None
        return "250 2.0.0 taken"


@dataclass
class Ground:
    """Our site, the clients' context, and the foreign server."""

    site: Site
    context: ssl.SSLContext
    taken: Taken


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Ground]:
    world = new_world(tmp_path_factory.mktemp("clients"), pki.pki, pki.keys, pki.now)
    world.bind(HERE, pki.operator)
    world.bind(THERE, pki.other)
    taken = Taken()
    server_context = _foreign_context(world, pki)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(taken, hostname="mss.rivalie.fr", tls_context=server_context, require_starttls=True),
        "127.0.0.1",
        0,
    )
    world.table[THERE] = (f"mss.rivalie.fr=127.0.0.1:{server.sockets[0].getsockname()[1]}",)
    async with AsyncExitStack() as stack:
        stack.callback(server.close)
        site = await stack.enter_async_context(world.site("chu", pki.operator, (HERE,), (USER,)))
        await world.publish()
        await world.publish_lists()
        yield Ground(site, ssl.create_default_context(cafile=str(world.folder / "pki" / "anchors.pem")), taken)


def _foreign_context(world: World, pki) -> ssl.SSLContext:
    world.client_context(pki.other, "foreign")
    visitors = world.folder / "visitors"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(world.folder / "pki" / "anchors.pem"))
    context.load_cert_chain(visitors / "foreign.pem", visitors / "foreign.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _letter(subject: str, recipient: str = USER) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = USER, recipient, subject
    letter.set_content(TEXT, cte="8bit")
    return letter


async def _delivered(ground: Ground, subject: str) -> bytes:
    """Let the courier work, then return the one message of the inbox with that subject."""
    await ground.site.operator.delivering.drain()
    [found] = [raw for raw in await ground.site.inbox(USER) if f"Subject: {subject}\r\n".encode() in raw]
    return found


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
async def test_smtplib_submits(ground: Ground, implicit: bool) -> None:
    subject = f"smtplib {implicit}"

    def send() -> dict[str, tuple[int, bytes]]:
        # The names of our sites' certificates hold "localhost", and smtplib checks them.
        client = (
            smtplib.SMTP_SSL("localhost", ground.site.ports["submissions"], context=ground.context)
            if implicit
            else smtplib.SMTP("localhost", ground.site.ports["submission"])
        )
        with client:
            if not implicit:
                client.starttls(context=ground.context)
            client.login(USER, f"{PASSWORD}-{USER}")
            return client.send_message(_letter(subject))

    assert await asyncio.to_thread(send) == {}
    assert WORDS in await _delivered(ground, subject)


@pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
async def test_aiosmtplib_submits(ground: Ground, implicit: bool) -> None:
    subject = f"aiosmtplib {implicit}"
    refused, answer = await aiosmtplib.send(
        _letter(subject),
        hostname="localhost",
        port=ground.site.ports["submissions" if implicit else "submission"],
        use_tls=implicit,
        start_tls=not implicit,
        tls_context=ground.context,
        username=USER,
        password=f"{PASSWORD}-{USER}",
    )
    assert (refused, answer[:10]) == ({}, "2.0.0 Ok: ")
    assert WORDS in await _delivered(ground, subject)


async def test_smtplib_learns_the_reason_of_each_refusal(ground: Ground) -> None:
    def send() -> list[bytes]:
        said = []
        with smtplib.SMTP("localhost", ground.site.ports["submission"]) as client:
            with pytest.raises(smtplib.SMTPNotSupportedError):
                client.login(USER, f"{PASSWORD}-{USER}")
            client.starttls(context=ground.context)
            with pytest.raises(smtplib.SMTPAuthenticationError) as wrong:
                client.login(USER, "wrong")
            said.append(wrong.value.smtp_error)
            client.login(USER, f"{PASSWORD}-{USER}")
            with pytest.raises(smtplib.SMTPRecipientsRefused) as outside:
                client.sendmail(USER, ["x@exemple.com"], b"Subject: x\r\n\r\nx")
            said += [text for _code, text in outside.value.recipients.values()]
            with pytest.raises(smtplib.SMTPSenderRefused) as other:
                client.sendmail(FRIEND, [USER], b"Subject: x\r\n\r\nx")
            assert isinstance(other.value.smtp_error, bytes)
            return [*said, other.value.smtp_error]

    said = await asyncio.to_thread(send)
    assert [text[:5] for text in said] == [b"5.7.8", b"5.7.1", b"5.7.1"]


async def test_aiosmtpd_takes_what_our_courier_brings(ground: Ground) -> None:
    await aiosmtplib.send(
        _letter("vers un autre logiciel", FRIEND),
        hostname="localhost",
        port=ground.site.ports["submission"],
        start_tls=True,
        tls_context=ground.context,
        username=USER,
        password=f"{PASSWORD}-{USER}",
    )
    operator = ground.site.operator
    await operator.delivering.drain()
    copies = await operator.store.read(lambda tx: queue.list_copies(tx, state=CopyState.RELAYED, limit=10))
    assert [str(copy.recipient.address) for copy in copies] == [FRIEND]
    [envelope] = ground.taken.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (USER, [FRIEND])
    assert isinstance(envelope.content, bytes)
    assert WORDS in envelope.content
    assert ground.taken.certificates == ["mss.chu-valdore.fr"]
