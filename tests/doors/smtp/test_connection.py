"""One connection on a transport that is only pretended: what waits, what breaks, who is told.

Source: design.md laws 1 and 11; reliability.md H01, K10.
"""

import asyncio
import re
from collections.abc import Awaitable
from typing import Any

import pytest
from wires import Wire

from mssante.doors.smtp.connection import Connection
from mssante.doors.smtp.door import Door
from mssante.flows.intake import Accepted
from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.errors import StoreError
from mssante.model.settings import LimitSettings
from mssante.wire.smtp.session import ServerProfile

LIMITS = LimitSettings()
PROFILE = ServerProfile(
    hostname="mss.ici.fr",
    banner="essai",
    starttls=False,
    tls_required=False,
    auth_mechanisms=(),
    sign_in_required=False,
    limits=LIMITS,
    require_tls_offered=False,
)
ENVELOPE = b"EHLO moi\r\nMAIL FROM:<a@x.fr>\r\nRCPT TO:<b@y.fr>\r\nDATA\r\n"
BODY = b"From: a@x.fr\r\n\r\nBonjour\r\n.\r\n"


class Desk:
    """A desk and its transaction, which do what the test says."""

    def __init__(self) -> None:
        self.aborted = 0
        self.taken = b""
        self.slow: asyncio.Future[None] | None = None
        self.commit: asyncio.Future[None] | None = None
        self.fails: dict[str, Exception] = {}

    def begin(self, peer: object, hello: str) -> "Desk":
        return self

    def _maybe(self, step: str) -> None:
        if step in self.fails:
            raise self.fails[step]

    async def sender(self, sender: object, options: object) -> Decision:
        self._maybe("sender")
        return Permit("R5")

    async def recipient(self, recipient: object) -> Decision:
        self._maybe("recipient")
        return Permit("mailbox")

    def start_data(self) -> Refusal | None:
        return None

    def data(self, chunk: bytes) -> Awaitable[None] | None:
        self.taken += chunk
        return self.slow

    async def finish(self) -> Accepted | Refusal:
        if self.commit is not None:
            await self.commit
        self._maybe("finish")
        return Accepted("ref-1")

    def abort(self) -> None:
        self.aborted += 1

    async def authenticate(self, event: object, peer: object) -> Any:  # noqa: ANN401 - never called here
        raise AssertionError

    async def handshake_failed(self, peer: object, refusal: Refusal) -> None:
        raise AssertionError

    async def envelope_refused(self, peer: object, refusal: Refusal) -> None:
        return


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def error(self, event: str, **facts: object) -> None:
        self.lines.append((event, facts))

    debug = info = warning = error


class Bench:
    """A connection between a pretended wire and a pretended desk."""

    def __init__(self) -> None:
        self.wire, self.desk, self.log = Wire(), Desk(), Log()
        self.door = Door(
            name="smtp",
            profile=PROFILE,
            implicit_tls=False,
            make_desk=lambda: self.desk,
            tls_context=lambda: pytest.fail("no TLS here"),
            limits=LIMITS,
            log=self.log,
        )
        self.connection = Connection(self.door, self.desk, PROFILE, implicit_tls=False)
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]

    def say(self, data: bytes) -> list[int]:
        """Hand bytes in, as a peer that waits after EHLO and DATA; return the codes of all replies so far."""
        for piece in re.findall(rb".*?(?:EHLO moi\r\n|\r\nDATA\r\n)|.+", data, re.DOTALL):
            self.connection.data_received(piece)
        return self.wire.codes()


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_dialogue_is_the_same_whole_and_byte_by_byte() -> None:
    whole, bytewise = Bench(), Bench()
    whole.say(ENVELOPE + BODY + b"QUIT\r\n")
    for byte in ENVELOPE + BODY + b"QUIT\r\n":
        bytewise.say(bytes([byte]))
    assert whole.wire.written == bytewise.wire.written
    assert whole.wire.codes() == [220, 250, 250, 250, 354, 250, 221]
    assert whole.desk.taken == bytewise.desk.taken == BODY.removesuffix(b".\r\n")
    assert whole.wire.closed


async def test_nothing_is_said_before_the_commit(bench: Bench) -> None:
    bench.desk.commit = asyncio.get_running_loop().create_future()
    assert bench.say(ENVELOPE + BODY)[-1] == 354
    await _settle()
    assert bench.wire.codes()[-1] == 354
    assert not bench.wire.reading, "the peer is not read meanwhile"
    bench.desk.commit.set_result(None)
    await _settle()
    assert bench.wire.codes()[-1] == 250
    assert bench.wire.written.endswith(b"250 2.0.0 Ok: ref-1\r\n")
    assert bench.wire.reading


async def test_what_is_said_during_a_commit_is_answered_after_it(bench: Bench) -> None:
    bench.desk.commit = asyncio.get_running_loop().create_future()
    bench.say(ENVELOPE + BODY + b"NOOP\r\n")
    bench.say(b"QUIT\r\n")
    assert bench.wire.codes()[-1] == 354
    bench.desk.commit.set_result(None)
    await _settle()
    assert bench.wire.codes()[-3:] == [250, 250, 221]


async def test_a_disk_that_is_behind_holds_the_peer_back(bench: Bench) -> None:
    bench.desk.slow = asyncio.get_running_loop().create_future()
    bench.say(ENVELOPE + b"a: b\r\n")
    assert not bench.wire.reading
    bench.desk.slow.set_result(None)
    bench.desk.slow = None
    await _settle()
    assert bench.wire.reading
    assert bench.say(b"\r\nx\r\n.\r\n")[-1] == 250


async def test_a_peer_that_hangs_up_during_the_commit_changes_nothing_of_it(bench: Bench) -> None:
    bench.desk.commit = asyncio.get_running_loop().create_future()
    bench.say(ENVELOPE + BODY)
    bench.connection.connection_lost(None)
    bench.desk.commit.set_result(None)
    await _settle()
    assert bench.desk.aborted == 0
    assert bench.log.lines == []


@pytest.mark.parametrize("said", [ENVELOPE, ENVELOPE + b"From: a\r\n", ENVELOPE.removesuffix(b"DATA\r\n")])
async def test_a_peer_that_hangs_up_before_the_end_leaves_nothing(bench: Bench, said: bytes) -> None:
    bench.say(said)
    bench.connection.connection_lost(None)
    assert bench.desk.aborted == 1


async def test_a_peer_that_hangs_up_while_the_disk_is_behind_leaves_nothing(bench: Bench) -> None:
    bench.desk.slow = asyncio.get_running_loop().create_future()
    bench.say(ENVELOPE + b"a: b\r\n")
    bench.connection.connection_lost(None)
    assert bench.desk.aborted == 0
    bench.desk.slow.set_result(None)
    await _settle()
    assert bench.desk.aborted == 1


@pytest.mark.parametrize("order", [b"RSET\r\n", b"EHLO encore\r\n"])
async def test_a_message_that_is_taken_back_is_forgotten(bench: Bench, order: bytes) -> None:
    bench.say(ENVELOPE.removesuffix(b"DATA\r\n") + order)
    assert bench.desk.aborted == 1
    assert bench.say(b"DATA\r\n")[-1] == 503


@pytest.mark.parametrize("step", ["sender", "recipient", "finish"])
@pytest.mark.parametrize("error", [StoreError("disk"), RuntimeError("bug")], ids=["store", "bug"])
async def test_an_accident_of_ours_is_a_421_and_never_a_250(bench: Bench, step: str, error: Exception) -> None:
    bench.desk.fails[step] = error
    bench.say(ENVELOPE + BODY)
    await _settle()
    assert bench.wire.codes()[-1] == 421
    assert bench.wire.codes().count(250) == {"sender": 1, "recipient": 2, "finish": 3}[step]
    assert bench.wire.closed
    assert [event for event, _facts in bench.log.lines] == ["connection-failed"]
    assert bench.desk.aborted == (0 if step == "finish" else 1)
    bench.say(b"NOOP\r\n")
    assert bench.wire.codes()[-1] == 421


async def test_an_accident_after_a_wait_is_a_421_too(bench: Bench) -> None:
    bench.desk.commit = asyncio.get_running_loop().create_future()
    bench.desk.fails["finish"] = StoreError("disk")
    bench.say(ENVELOPE + BODY)
    bench.desk.commit.set_result(None)
    await _settle()
    assert bench.wire.codes()[-1] == 421
    assert bench.wire.closed


async def test_a_peer_that_does_not_read_is_not_read(bench: Bench) -> None:
    bench.connection.pause_writing()
    assert not bench.wire.reading
    bench.connection.resume_writing()
    assert bench.wire.reading
    bench.desk.commit = asyncio.get_running_loop().create_future()
    bench.say(ENVELOPE + BODY)
    bench.connection.resume_writing()
    assert not bench.wire.reading, "the commit is still to come"
    bench.desk.commit.set_result(None)
    await _settle()


async def test_an_end_from_outside_waits_for_the_commit(bench: Bench) -> None:
    stop = Refusal(Kind.SHUTTING_DOWN, "stop", "Service is stopping")
    bench.desk.commit = asyncio.get_running_loop().create_future()
    bench.say(ENVELOPE + BODY)
    assert not bench.connection.is_idle
    bench.connection.end(stop)
    assert bench.wire.codes()[-1] == 354
    bench.desk.commit.set_result(None)
    await _settle()
    assert bench.connection.is_idle
    bench.connection.end(stop)
    assert bench.wire.codes()[-2:] == [250, 421]
