"""One connection on a transport that is only pretended: what waits, what is cut, who is told.

Source: design.md law 11; reliability.md H11.
"""

import ssl
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from proofs import Stage, one_site
from standins import KeptLog
from wires import Wire

from mssante.doors.imap.connection import Connection
from mssante.doors.imap.door import imap_door
from mssante.doors.imap.state import Desk
from mssante.model.settings import ImapSettings

SETTINGS = ImapSettings()


class Bench:
    """A connection between a pretended wire and a real operator."""

    def __init__(self, stage: Stage) -> None:
        operator = stage.site.operator

        def no_tls() -> ssl.SSLContext:
            pytest.fail("no TLS here")

        desk = Desk(operator.reading, operator.sign_in, SETTINGS, ("PLAIN",), "mss.ici.fr", starttls=True)
        self.wire, self.log = Wire(), KeptLog()
        self.door = imap_door(
            name="imap", desk=desk, implicit_tls=False, tls_context=no_tls, accounts=Counter(), log=self.log
        )
        self.connection = Connection(self.door, desk, implicit_tls=False)
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]


@pytest.fixture
async def bench(tmp_path, pki) -> AsyncIterator[Bench]:
    async with one_site(tmp_path, pki) as stage:
        yield Bench(stage)


async def test_a_client_that_does_not_read_gets_no_more_answers_and_is_cut_in_the_end(bench: Bench) -> None:
    greeting = bench.wire.written
    bench.connection.pause_writing()
    bench.connection.data_received(b"a NOOP\r\n" * 10)
    assert bench.wire.written == greeting
    bench.connection.check(bench.door.loop.time() + SETTINGS.write_seconds + 1)
    assert bench.wire.aborted


async def test_a_client_that_reads_again_gets_what_it_asked_for(bench: Bench) -> None:
    bench.connection.pause_writing()
    bench.connection.data_received(b"a NOOP\r\n" * 10)
    bench.connection.resume_writing()
    assert bench.wire.written.count(b"a OK Done\r\n") == 10


async def test_bytes_sent_now_and_then_do_not_make_the_time_before_sign_in_longer(bench: Bench) -> None:
    later = bench.door.loop.time() + SETTINGS.greeting_seconds + 1
    bench.connection.data_received(b"a NOOP\r\n")
    bench.connection.check(later)
    assert b"* BYE [UNAVAILABLE] Too slow to sign in\r\n" in bench.wire.written
    assert bench.wire.closed


async def test_a_dialogue_is_the_same_whole_and_byte_by_byte(bench: Bench) -> None:
    said = b'a CAPABILITY\r\nb ID ("name" "essai")\r\nc LOGIN {1}\r\nx y\r\nd XYZZY\r\ne LOGOUT\r\n'
    start = len(bench.wire.written)
    bench.connection.data_received(said)
    whole = bench.wire.written[start:]
    other = Connection(bench.door, bench.connection.session.state.desk, implicit_tls=False)
    wire = Wire()
    other.connection_made(wire)  # type: ignore[arg-type]
    for byte in said:
        other.data_received(bytes([byte]))
    assert wire.written[start:] == whole
    assert whole.endswith(b"e OK Signed out\r\n")
    assert wire.closed
    assert wire.held_bytes <= 256 * 1024


async def test_an_accident_is_told_as_bye_and_logged_by_kind_and_place(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_facts: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("mssante.wire.imap.responses.id_line", broken)
    bench.connection.data_received(b"a ID NIL\r\n")
    assert bench.wire.written.endswith(b"* BYE [UNAVAILABLE] Local error, try again later\r\n")
    assert bench.wire.closed


async def test_an_accident_of_the_reader_is_told_as_bye_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_facts: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("mssante.wire.imap.framing.parse_command", broken)
    bench.connection.data_received(b"a NOOP\r\n")
    assert bench.wire.written.endswith(b"* BYE [UNAVAILABLE] Local error, try again later\r\n")
    assert bench.wire.closed
