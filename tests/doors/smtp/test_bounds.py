"""The bounds of the doors: numbers, time, and an orderly stop. The clock is handed in, nothing waits.

Source: reliability.md B12, A15 and section 6 (Python traps); design.md law 11.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from proofs import FRIEND, HERE, LETTER, THERE, USER, Stage, closed, events, kept, one_site, talking
from world import Talk

from mssante.app.serve import _operator_door
from mssante.doors.smtp.connection import Connection
from mssante.doors.smtp.door import Door
from mssante.model.decision import Kind
from mssante.model.settings import LimitSettings

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = LimitSettings(connections=6, connections_per_address=4, unknown_recipients=5, data_seconds=60)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, pki) -> AsyncIterator[Stage]:
    async with one_site(tmp_path_factory.mktemp("bounds"), pki, limits=LIMITS) as made:
        yield made


@dataclass
class Held:
    """A door of its own, whose connections can be looked at."""

    stage: Stage
    door: Door
    port: int

    @property
    def connection(self) -> Connection:
        [found] = self.door._crowd.inside
        return found

    def pass_time(self, seconds: float) -> None:
        """Look at every connection as the sweep will in so many seconds."""
        for connection in self.door._crowd.inside:
            connection.check(self.door.loop.time() + seconds)

    @asynccontextmanager
    async def peer(self) -> AsyncIterator[Talk]:
        talk = await Talk.secure(self.port, self.stage.context)
        async with talking(talk):
            yield talk


@pytest_asyncio.fixture(loop_scope="module")
async def held(stage: Stage) -> AsyncIterator[Held]:
    door = _operator_door(stage.site.operator)
    port = await door.open("127.0.0.1", 0)
    yield Held(stage, door, port)
    await door.close()


async def gone(held: Held) -> None:
    """Wait until the door has counted every connection out."""
    async with asyncio.timeout(10):
        while held.door._crowd.inside:  # noqa: ASYNC110 - the door rings no bell for this
            await asyncio.sleep(0.005)


# -- numbers -------------------------------------------------------------------------------------------------------


async def _open_from(stack: AsyncExitStack, port: int, address: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    talk = await stack.enter_async_context(talking(Talk(reader, writer)))
    return await talk.reply()


async def test_connections_are_bounded_for_one_address_and_in_all(held: Held) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(4):
            assert (await _open_from(stack, held.port, "127.0.0.1")).startswith("220")
        refused = await _open_from(stack, held.port, "127.0.0.1")
        assert refused.startswith("421 4.7.0 Too many connections from your address")
        for _ in range(2):
            assert (await _open_from(stack, held.port, "127.0.0.2")).startswith("220")
        assert (await _open_from(stack, held.port, "127.0.0.3")).startswith("421 4.7.0 Too many connections, try")
    await gone(held)
    async with held.peer() as talk:
        assert (await talk.say("NOOP")).startswith("250")


@pytest.mark.parametrize(
    ("recipient", "kind"), [(f"personne%d@{HERE}", Kind.MAILBOX_UNKNOWN), (f"x%d@{THERE}", Kind.RELAY)]
)
async def test_a_peer_that_guesses_recipients_is_closed_and_each_guess_is_in_the_audit(
    stage: Stage, held: Held, recipient: str, kind: Kind
) -> None:
    before = await kept(stage.site)
    async with held.peer() as talk:
        assert (await talk.say(f"MAIL FROM:<{FRIEND}>")).startswith("250")
        for number in range(LIMITS.unknown_recipients):
            assert (await talk.say(f"RCPT TO:<{recipient % number}>"))[:3] in {"550", "554"}
        assert (await talk.say(f"RCPT TO:<{recipient % 99}>"))[:3] in {"550", "554"}
        assert (await talk.reply()).startswith("421 4.7.0 Too many unknown recipients")
        assert await closed(talk)
    refused = await events(stage.site, before.seq, "peer.refused")
    assert [event.outcome for event in refused] == [kind.value] * (LIMITS.unknown_recipients + 1)


async def test_bad_commands_end_the_connection(held: Held) -> None:
    async with held.peer() as talk:
        replies = [await talk.say("WIZARD") for _ in range(LIMITS.bad_commands)]
        assert {reply[:3] for reply in replies} == {"500"}
        assert (await talk.reply()).startswith("421 4.7.0")
        assert await closed(talk)


# -- time ----------------------------------------------------------------------------------------------------------


async def test_a_peer_that_says_nothing_is_told_to_go(held: Held) -> None:
    talk = await Talk.open(held.port)
    async with talking(talk):
        held.pass_time(LIMITS.greeting_seconds - 1)
        assert (await talk.say("EHLO x")).startswith("250")
        held.pass_time(LIMITS.greeting_seconds + 1)
        assert (await talk.reply()).startswith("421 4.4.2")
        assert await closed(talk)


async def test_single_bytes_do_not_stretch_the_time_for_the_greeting(held: Held) -> None:
    talk = await Talk.open(held.port)
    async with talking(talk):
        connection = held.connection
        opened_at = connection._opened_at
        connection.data_received(b"E")
        connection.data_received(b"H")
        assert connection._deadline == opened_at + LIMITS.greeting_seconds


async def test_a_peer_may_rest_between_commands_only_so_long(held: Held) -> None:
    async with held.peer() as talk:
        held.pass_time(LIMITS.command_seconds - 1)
        assert (await talk.say("NOOP")).startswith("250")
        held.pass_time(LIMITS.command_seconds + 1)
        assert (await talk.reply()).startswith("421 4.4.2")
        assert await closed(talk)


async def test_a_session_ends_some_day_but_never_within_a_transaction(held: Held) -> None:
    async with held.peer() as talk:
        connection = held.connection
        assert (await talk.say(f"MAIL FROM:<{FRIEND}>")).startswith("250")
        connection._opened_at -= LIMITS.session_seconds + 1
        held.pass_time(0)
        assert (await talk.say(f"RCPT TO:<{USER}>")).startswith("250")
        assert (await talk.say("RSET")).startswith("250")
        held.pass_time(0)
        assert (await talk.reply()).startswith("421 4.4.2 Session too long")
        assert await closed(talk)


async def _in_data(talk: Talk, data: bytes, held: Held) -> None:
    for command in (f"MAIL FROM:<{FRIEND}>", f"RCPT TO:<{USER}>", "DATA"):
        assert (await talk.say(command))[0] in "23"
    talk.writer.write(data)
    async with asyncio.timeout(10):
        while held.connection._data_bytes < len(data) - 4:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("lines", "seconds", "text"),
    [
        (10, 9, ""),
        (10, 11, "Message data too slow"),
        (400, 59, ""),
        (400, 61, "Message data takes too long"),
    ],
)
async def test_a_message_has_a_least_rate_and_a_longest_time(
    stage: Stage, held: Held, lines: int, seconds: float, text: str
) -> None:
    before = await kept(stage.site)
    async with held.peer() as talk:
        await _in_data(talk, LETTER % FRIEND.encode() + b"\r\n" + (b"a" * 98 + b"\r\n") * lines, held)
        held.pass_time(seconds)
        if text:
            assert (await talk.reply()).startswith(f"421 4.4.2 {text}")
            assert await closed(talk)
        else:
            assert (await talk.say(".")).startswith("250 2.0.0")
    after = await kept(stage.site)
    assert after.messages - before.messages == int(not text)


# -- an orderly stop -----------------------------------------------------------------------------------------------


async def test_a_stop_says_421_to_who_rests_and_lets_a_message_under_way_end(stage: Stage, held: Held) -> None:
    before = await kept(stage.site)
    async with held.peer() as busy, held.peer() as idle:
        for command in (f"MAIL FROM:<{FRIEND}>", f"RCPT TO:<{USER}>", "DATA"):
            assert (await busy.say(command))[0] in "23"
        busy.writer.write(LETTER % FRIEND.encode())
        stop = asyncio.create_task(held.door.close())
        assert (await idle.reply()).startswith("421 4.3.2")
        assert await closed(idle)
        assert not stop.done()
        with pytest.raises(ConnectionError):
            await Talk.open(held.port)
        assert (await busy.say("\r\n.")).startswith("250 2.0.0")
        assert (await busy.reply()).startswith("421 4.3.2")
        assert await closed(busy)
        await stop
    assert (await kept(stage.site)).messages == before.messages + 1
