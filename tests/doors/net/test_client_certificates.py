"""A refused handshake tells its reason before the connection ends, on both event loops; nothing of it holds the door up.

Source: design.md law 8; RFC 8446 section 6.2.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvloop
from fhir_https import written
from forge import DAY, Issued, Order, authority_name, issue, server_name
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mssante.doors.directory.peer import CertificateProtocol, peer_of
from mssante.doors.net.client_certificates import ClientCertificates
from mssante.doors.net.https import open_door
from mssante.model.decision import Kind, Refusal

NOW = datetime.now(UTC)
DATES = {"not_before": NOW - DAY, "not_after": NOW + DAY}
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def root(name: str) -> Issued:
    return issue(
        Order(subject=authority_name(name), key_name=name, authority=True, sign_usage=True, path_length=0, **DATES)
    )


OURS, THEIRS = root("TEST AC NOTRE"), root("TEST AC AUTRE")


class Door:
    """A door that answers with the name in the certificate that was shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refusals: list[Refusal] = []
        server = written(folder, "server", issue(Order(dns=("localhost",), **DATES), OURS))
        authorities = (written(folder, "root", OURS).chain,)
        clients = ClientCertificates(authorities, CertificateProtocol, self.refusals.append)
        app = Starlette(routes=[Route("/", self._answer)])
        self.opened = open_door(
            app, host="127.0.0.1", port=0, certificate=server.chain, key=server.key, clients=clients
        )

    async def _answer(self, request: Request) -> PlainTextResponse:
        certificate = peer_of(request).certificate
        return PlainTextResponse("nobody" if certificate is None else str(certificate.subject.first("CN")))

    def context(self, shown: Issued | None, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "root.pem"))
        context.maximum_version = most
        if shown is not None:
            files = written(self.folder, "client", shown)
            context.load_cert_chain(files.chain, files.key)
        return context


def client(issuer: Issued, **more: object) -> Issued:
    return issue(Order(subject=server_name("DPI VALDORE"), key_name="client", **{**DATES, **more}), issuer)


async def ask(port: int, context: ssl.SSLContext) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        writer.write(GET)
        return (await reader.read()).rpartition(b"\r\n\r\n")[2]
    finally:
        writer.close()


def run(loop: Callable[[], asyncio.AbstractEventLoop], work: Callable[[], object]) -> object:
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work())  # type: ignore[arg-type]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_certificate_of_the_space_is_shown_to_the_application_and_none_is_demanded(tmp_path: Path, loop) -> None:
    async def scenario() -> list[bytes]:
        door = Door(tmp_path)
        async with door.opened as port:
            return [await ask(port, door.context(one)) for one in (client(OURS), None)]

    assert run(loop, scenario) == [b"DPI VALDORE", b"nobody"]


@pytest.mark.parametrize("loop", LOOPS)
def test_dates_are_left_to_who_says_why(tmp_path: Path, loop) -> None:
    async def scenario() -> bytes:
        door = Door(tmp_path)
        async with door.opened as port:
            return await ask(port, door.context(client(OURS, not_before=NOW - 9 * DAY, not_after=NOW - DAY)))

    assert run(loop, scenario) == b"DPI VALDORE"


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("most", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_of_another_authority_is_told_so(tmp_path: Path, loop, most: ssl.TLSVersion) -> None:
    async def scenario() -> list[Refusal]:
        door = Door(tmp_path)
        async with door.opened as port:
            with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
                await ask(port, door.context(client(THEIRS), most))
            assert await ask(port, door.context(None, most)) == b"nobody"
        return door.refusals

    (refusal,) = run(loop, scenario)
    assert refusal.kind is Kind.CERTIFICATE_UNTRUSTED


@pytest.mark.parametrize("loop", LOOPS)
def test_no_session_ticket_is_given(tmp_path: Path, loop) -> None:
    async def scenario() -> bool:
        door = Door(tmp_path)
        async with door.opened as port:
            context = door.context(client(OURS))
            _reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            writer.write(GET)
            await _reader.read()
            session = writer.get_extra_info("ssl_object").session
            writer.close()
            return session is not None and session.has_ticket

    assert run(loop, scenario) is False


@pytest.mark.parametrize("loop", LOOPS)
def test_a_refused_client_that_stays_does_not_hold_up_the_end_of_the_door(tmp_path: Path, loop) -> None:
    async def scenario() -> float:
        door = Door(tmp_path)
        async with door.opened as port:
            held = ssl.MemoryBIO(), ssl.MemoryBIO()
            session = door.context(client(THEIRS)).wrap_bio(*held, server_hostname="localhost")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while not door.refusals:
                with suppress(ssl.SSLWantReadError):
                    session.do_handshake()
                if held[1].pending:
                    writer.write(held[1].read())
                held[0].write(await reader.read(65536))
            begun = time.monotonic()
        took = time.monotonic() - begun
        writer.close()
        return took

    assert run(loop, scenario) < 5
