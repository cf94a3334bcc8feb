"""The handshake of the doors, byte by byte as unkind but honest clients send it."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from proofs import Stage, hang_up, one_site
from world import Talk

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Stage]:
    async with one_site(tmp_path_factory.mktemp("handshake"), pki) as made:
        yield made


class Records:
    """The client's end of TLS, whose records the test sends as it likes."""

    def __init__(self, context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.reader, self.writer = reader, writer

    async def shake(self) -> bytes:
        """Shake hands; returns the last records, which are not sent."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.writer.write(self.outgoing.read())
                self.incoming.write(await self.reader.read(65536))
            else:
                return self.outgoing.read()

    async def read(self) -> bytes:
        while True:
            try:
                return self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.incoming.write(await self.reader.read(65536))


async def _tls13(stage: Stage, port: int, *, starttls: bool) -> tuple[Records, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if starttls:
        talk = Talk(reader, writer)
        await talk.reply()
        await talk.say("EHLO x")
        assert (await talk.say("STARTTLS")).startswith("220")
    records = Records(stage.world.client_context(None), reader, writer)
    return records, await records.shake()


async def test_a_first_command_in_the_same_segment_as_the_end_of_the_handshake_is_answered(stage: Stage) -> None:
    records, finished = await _tls13(stage, stage.site.ports["submission"], starttls=True)
    assert records.tls.version() == "TLSv1.3"
    records.tls.write(b"EHLO y\r\n")
    records.writer.write(finished + records.outgoing.read())
    async with asyncio.timeout(10):
        assert b"AUTH PLAIN" in await records.read()
    await hang_up(records.writer)


async def test_commands_after_the_handshake_of_the_implicit_door_must_wait_for_the_greeting(stage: Stage) -> None:
    records, finished = await _tls13(stage, stage.site.ports["submissions"], starttls=False)
    records.tls.write(b"EHLO y\r\n")
    records.writer.write(finished + records.outgoing.read())
    async with asyncio.timeout(10):
        assert (await records.read()).startswith(b"554 5.5.0")
    await hang_up(records.writer)
