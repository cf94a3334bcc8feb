"""What a stranger or a bad client can make the door do: little, never without end, and nothing to the others.

Source: reliability.md D01, D02, D08, D09; RFC 4511 sections 4.3, 4.4.1 and 4.11.
"""

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from directory_shelf import DirectoryShelf, many_entries
from ldap_talk import SETTINGS, USER, Doors, LdapTalk, ldap_doors, ldap_talk, search
from wires import Wire

from mssante.doors.ldap.connection import Connection
from mssante.model.directory import Caller, Condition, EntryId, Selected, Subject
from mssante.model.mailbox import AccountId, Identity, Method
from mssante.wire.ldap import ber
from mssante.wire.ldap.filters import And, Filter, Not, Present
from mssante.wire.ldap.messages import Abandon, Extended, Message, Scope, Search, Unbind
from mssante.wire.ldap.requests import write_message
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import WHO_AM_I, ResultCode

R = ResultCode


@dataclass
class HeldShelf(DirectoryShelf):
    """A directory that waits to be let go, and says when it was asked and when it was stopped."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected:
        self.asked.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        return Selected(())


def nested(count: int) -> Filter:
    found: Filter = Present("cn")
    for _ in range(count):
        found = Not(found)
    return found


async def notice(talk: LdapTalk) -> Done:
    found = await talk.answer()
    assert found is not None
    assert isinstance(found.answer, Done)
    assert found.message_id == 0
    return found.answer


@pytest.mark.parametrize("wanted", [nested(100), And(tuple(Present("cn") for _ in range(2000)))], ids=["deep", "wide"])
async def test_a_filter_that_is_too_large_is_refused_and_the_session_goes_on(doors: Doors, wanted: Filter) -> None:
    async with ldap_talk(doors) as talk:
        assert await talk.code(Search("", Scope.SUBTREE, wanted)) is R.ADMIN_LIMIT_EXCEEDED
        assert await talk.names("(sn=dupont)") != []
        assert len(doors.shelf.callers) == 1


async def test_ten_thousand_nested_filters_are_refused(doors: Doors) -> None:
    deep = b"\x87\x02cn"
    for _ in range(10_000):
        deep = ber.element(0xA2, deep)
    facts = ber.sequence(
        ber.text(""),
        ber.number(2, ber.ENUMERATED),
        ber.number(0, ber.ENUMERATED),
        ber.number(0),
        ber.number(0),
        ber.flag(value=False),
        deep,
        ber.sequence(),
        tag=0x63,
    )
    message = ber.sequence(ber.number(77), facts)
    async with ldap_talk(doors) as talk:
        await talk.raw(message)
        found = (await talk.until_done(77))[1].answer
        assert isinstance(found, Done)
        assert found.code is R.ADMIN_LIMIT_EXCEEDED


@pytest.mark.parametrize(("signed_in", "size"), [(False, 20_000), (True, 70_000), (True, 2**31 - 1), (False, 2**63)])
async def test_a_message_that_is_too_long_ends_the_session_before_it_comes(
    doors: Doors, signed_in: bool, size: int
) -> None:
    async with ldap_talk(doors, signed_in=signed_in) as talk:
        await talk.raw(b"\x30\x88" + size.to_bytes(8, "big"))
        assert (await notice(talk)).code is R.PROTOCOL_ERROR
        assert await talk.is_over


async def test_requests_that_wait_are_bounded_and_the_rest_is_busy(pem_folder: Path) -> None:
    shelf = HeldShelf()
    settings = replace(SETTINGS, waiting=3)
    async with ldap_doors(pem_folder, settings=settings, shelf=shelf) as doors, ldap_talk(doors) as talk:
        first = await talk.send(search("(sn=x)"))
        await shelf.asked.wait()
        later = [await talk.send(Extended(WHO_AM_I)) for _ in range(5)]
        for number in later[3:]:
            found = (await talk.until_done(number))[1].answer
            assert isinstance(found, Done)
            assert found.code is R.BUSY
        shelf.go.set()
        for number in (first, *later[:3]):
            found = (await talk.until_done(number))[1].answer
            assert isinstance(found, Done)
            assert found.code is R.SUCCESS


async def test_an_abandoned_search_is_stopped_without_an_answer(pem_folder: Path) -> None:
    shelf = HeldShelf()
    async with ldap_doors(pem_folder, shelf=shelf) as doors, ldap_talk(doors) as talk:
        first = await talk.send(search("(sn=x)"))
        await shelf.asked.wait()
        waiting = await talk.send(search("(sn=y)"))
        await talk.send(Abandon(waiting))
        await talk.send(Abandon(9999))
        await talk.send(Abandon(first))
        async with asyncio.timeout(10):
            await shelf.stopped.wait()
        assert await talk.code(Extended(WHO_AM_I)) is R.SUCCESS


async def test_what_is_no_search_is_not_abandoned(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        number = talk.numbers()
        who = write_message(Message(number, Extended(WHO_AM_I)))
        abandon = write_message(Message(talk.numbers(), Abandon(number)))
        await talk.raw(who + abandon)
        found = (await talk.until_done(number))[1].answer
        assert isinstance(found, Done)
        assert found.value == f"u:{USER}".encode()


@pytest.mark.parametrize("says_goodbye", [True, False])
async def test_a_search_for_somebody_who_is_gone_is_stopped(pem_folder: Path, says_goodbye: bool) -> None:
    shelf = HeldShelf()
    async with ldap_doors(pem_folder, shelf=shelf) as doors, ldap_talk(doors) as talk:
        await talk.send(search("(sn=x)"))
        await shelf.asked.wait()
        assert not shelf.stopped.is_set()
        if says_goodbye:
            await talk.send(Unbind())
        else:
            talk.writer.close()
        async with asyncio.timeout(10):
            await shelf.stopped.wait()
            if says_goodbye:
                assert await talk.is_over
        async with ldap_talk(doors) as other:
            assert await other.code(Extended(WHO_AM_I)) is R.SUCCESS


async def test_many_searches_in_one_go_are_all_answered_and_the_others_are_served(pem_folder: Path) -> None:
    shelf = DirectoryShelf(tuple(many_entries(200)))
    async with ldap_doors(pem_folder, shelf=shelf) as doors, ldap_talk(doors) as talk, ldap_talk(doors) as other:
        numbers = [await talk.send(search("(sn=dup*)", base="", size_limit=150)) for _ in range(12)]
        assert await other.code(Extended(WHO_AM_I)) is R.SUCCESS
        for number in numbers:
            entries, done = await talk.until_done(number)
            assert isinstance(done.answer, Done)
            assert (len(entries), done.answer.code) == (150, R.SIZE_LIMIT_EXCEEDED)


class FullWire(Wire):
    """A transport whose client reads nothing of what is written."""

    connection: Connection

    def write(self, data: bytes) -> None:
        super().write(data)
        self.connection.pause_writing()


async def test_a_client_that_does_not_read_gets_no_further_entries_until_it_does(pem_folder: Path) -> None:
    shelf = DirectoryShelf(tuple(many_entries(1000)))
    settings = replace(SETTINGS, entries=1000)
    async with ldap_doors(pem_folder, settings=settings, shelf=shelf) as doors:
        wire, connection = FullWire(), Connection(doors.ldap, doors.desk, implicit_tls=False)
        wire.connection = connection
        connection.connection_made(wire)  # type: ignore[arg-type]
        connection.session.state.who = Identity(AccountId(1), USER, Method.PLAIN, {}, frozenset())
        connection.data_received(write_message(Message(1, search("(sn=dup*)"))))
        sizes = [0]
        async with asyncio.timeout(10):
            while not connection.is_idle:
                for _turn in range(30):
                    await asyncio.sleep(0)
                sizes.append(len(wire.written))
                connection.resume_writing()
        # One piece of a hundred entries at a time, about 130 kB, however often the loop turned meanwhile.
        assert max(after - before for before, after in itertools.pairwise(sizes)) < 200_000
        assert sizes[-1] > 1_000_000
        connection.connection_lost(None)


async def test_one_address_has_a_bounded_number_of_connections(pem_folder: Path) -> None:
    settings = replace(SETTINGS, connections_per_address=2)
    async with (
        ldap_doors(pem_folder, settings=settings) as doors,
        ldap_talk(doors),
        ldap_talk(doors),
        ldap_talk(doors, tls=False) as talk,
    ):
        assert (await notice(talk)).code is R.UNAVAILABLE
        assert await talk.is_over


async def test_who_does_not_sign_in_is_sent_away_and_so_is_who_is_idle(pem_folder: Path) -> None:
    settings = replace(SETTINGS, greeting_seconds=0.1, idle_seconds=0.1)
    async with (
        ldap_doors(pem_folder, settings=settings) as doors,
        ldap_talk(doors, tls=False) as stranger,
        ldap_talk(doors) as known,
    ):
        assert (await notice(stranger)).text == "Too slow to sign in"
        assert await stranger.is_over
        assert (await notice(known)).text == "Idle for too long"
        assert await known.is_over


async def test_a_stop_tells_everybody_and_lets_a_search_end(pem_folder: Path) -> None:
    shelf = HeldShelf()
    async with AsyncExitStack() as talks, AsyncExitStack() as site:
        doors = await site.enter_async_context(ldap_doors(pem_folder, shelf=shelf))
        idle = await talks.enter_async_context(ldap_talk(doors))
        busy = await talks.enter_async_context(ldap_talk(doors, implicit=True))
        number = await busy.send(search("(sn=x)"))
        await shelf.asked.wait()
        closing = asyncio.ensure_future(site.aclose())
        assert (await notice(idle)).code is R.UNAVAILABLE
        shelf.go.set()
        found = (await busy.until_done(number))[1].answer
        assert isinstance(found, Done)
        assert found.code is R.SUCCESS
        assert (await notice(busy)).code is R.UNAVAILABLE
        await closing


class BrokenShelf(DirectoryShelf):
    """A directory with an accident."""

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected:
        raise RuntimeError("DUPONT")  # noqa: EM101 - what a text of an accident may hold


async def test_an_accident_closes_one_connection_and_its_text_stays_out_of_the_log(pem_folder: Path) -> None:
    async with (
        ldap_doors(pem_folder, shelf=BrokenShelf()) as doors,
        ldap_talk(doors) as talk,
        ldap_talk(doors) as other,
    ):
        await talk.send(search("(sn=dupont)"))
        assert (await notice(talk)).code is R.UNAVAILABLE
        assert await talk.is_over
        assert await other.code(Extended(WHO_AM_I)) is R.SUCCESS
        assert [name for name, _facts in doors.log.events] == ["connection-failed"]
        assert "DUPONT" not in str(doors.log.events)


async def test_a_client_that_never_takes_its_answers_is_cut_after_a_while(doors: Doors) -> None:
    wire, connection = Wire(), Connection(doors.ldap, doors.desk, implicit_tls=False)
    connection.connection_made(wire)  # type: ignore[arg-type]
    connection.pause_writing()
    assert not wire.reading
    connection.check(doors.ldap.loop.time() + SETTINGS.write_seconds + 1)
    assert wire.aborted
    connection.connection_lost(None)


async def test_a_client_that_reads_again_is_heard_again(doors: Doors) -> None:
    wire, connection = Wire(), Connection(doors.ldap, doors.desk, implicit_tls=False)
    connection.connection_made(wire)  # type: ignore[arg-type]
    connection.pause_writing()
    connection.data_received(write_message(Message(1, Extended(WHO_AM_I))))
    assert connection.is_idle is False
    assert wire.written == b""
    connection.resume_writing()
    assert wire.reading
    async with asyncio.timeout(10):
        while not wire.written:  # noqa: ASYNC110 - a pretended wire rings no bell
            await asyncio.sleep(0)
    assert connection.is_idle
    connection.connection_lost(None)


async def test_requests_cut_at_every_byte_are_answered_the_same(doors: Doors) -> None:
    data = write_message(Message(1, search("(objectClass=*)", base="", scope=Scope.BASE))) + write_message(
        Message(2, Extended(WHO_AM_I))
    )
    answers = set()
    for cut in range(len(data) + 1):
        wire, connection = Wire(), Connection(doors.ldap, doors.desk, implicit_tls=False)
        connection.connection_made(wire)  # type: ignore[arg-type]
        for piece in (data[:cut], data[cut:]):
            connection.data_received(piece)
        async with asyncio.timeout(10):
            while not connection.is_idle:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0)
        answers.add(wire.written)
        connection.connection_lost(None)
    assert len(answers) == 1
    assert b"namingContexts" in answers.pop()
