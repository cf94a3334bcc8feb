"""Searches whose headers stand in an object store: it may be slow or away, and nobody else waits for it.

Source: design.md law 2; reliability.md D04, R19.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from forge import NOW
from library import Library, open_library
from postgresql import Server, postgresql, settle
from s3 import FakeS3, fake_s3
from standins import ANNE, BRUNO, HOSTS, NEAR, VILLE, always, letter

from mssante.flows.folders import finding
from mssante.flows.folders.heads import AT_ONCE
from mssante.flows.folders.opened import Opened
from mssante.flows.folders.values import Found
from mssante.model.decision import Kind, Refusal
from mssante.model.envelope import Notify
from mssante.model.errors import StoreAwayError, StoreError
from mssante.model.message import Body, Deferred
from mssante.model.search import All, Condition, Either, HasHeader, HasText, Not, Where
from mssante.model.settings import StoreSettings
from mssante.store.blobs import READS_AT_ONCE

__all__ = ["postgresql"]
PADDING = b"x" * 140_000
RARE = HasHeader("X-Rare", "oui")
BUSY = Deferred(Refusal(Kind.PEER_DEFERRED, "peer", "450 4.3.2 Busy"), "450 4.3.2 Busy")
_NUMBERS = count()


def large(*fields: bytes) -> bytes:
    lines = [b"From: zoe@ville.mssante.fr", b"Subject: Long %d" % next(_NUMBERS), *fields, b"", PADDING, b""]
    return b"\r\n".join(lines)


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    with fake_s3() as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
async def far(request: pytest.FixtureRequest, s3: FakeS3, tmp_path: Path) -> AsyncIterator[Library]:
    """Open an operator whose large bodies are objects, on each engine."""
    storing = StoreSettings(free_bytes=0)
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        storing = server.settings(await server.new_database(), free_bytes=0)
    settings = s3.settings(tmp_path, answer_seconds=20.0, retries=0)
    made = await open_library(tmp_path / "data", storing=storing, blobs=settings)
    yield made
    s3.faults = type(s3.faults)()
    await made.office.close()


async def filled(far: Library, *datas: bytes) -> Opened:
    """Return the folder with these messages, indexed, so that only searches ask for their bodies."""
    await far.add(*datas)
    opened = await far.open()
    await far.reading.indexing.ensure(opened.snapshot)
    return opened


async def found(opened: Opened, condition: Condition) -> tuple[int, ...]:
    result = await opened.find(condition)
    assert isinstance(result, Found), result
    return result.uids


def gets(s3: FakeS3) -> list[str]:
    return [one for one in s3.asked if one.startswith("GET ") and "?" not in one]


@pytest.mark.parametrize(
    ("condition", "uids"),
    [
        (RARE, (1, 3)),
        (HasHeader("x-rare", ""), (1, 2, 3)),
        (Not(RARE), (2, 4)),
        (Either(RARE, HasHeader("X-Other", "b")), (1, 2, 3)),
        (All((Not(RARE), HasHeader("X-Other", "b"))), (2,)),
        (Not(Either(Not(RARE), HasHeader("X-Other", "a"))), (3,)),
        (All((HasText(Where.SUBJECT, "long"), RARE)), (1,)),
        (HasText(Where.FROM, "zoe"), (1, 2, 4)),
    ],
)
async def test_what_is_found_is_what_stands_in_the_headers_and_each_is_read_once(
    far: Library, s3: FakeS3, condition: Condition, uids: tuple[int, ...]
) -> None:
    opened = await filled(
        far,
        large(b"X-Rare: OUI", b"X-Other: a"),
        large(b"X-Rare: non", b"X-Other: b"),
        b"From: anne@chu.mssante.fr\r\nSubject: Court\r\nX-Rare: oui\r\n\r\nx\r\n",
        large(),
    )
    s3.asked.clear()
    assert await found(opened, condition) == uids
    assert len(gets(s3)) == len(set(gets(s3))) <= 3


async def test_a_slow_object_store_holds_up_no_other_session(
    far: Library, s3: FakeS3, request: pytest.FixtureRequest
) -> None:
    opened = await filled(far, *(large(b"X-Rare: oui") for _ in range(5)))
    searches = far.office.storing.readers + READS_AT_ONCE
    s3.asked.clear()
    s3.faults.gate = threading.Event()
    waiting = [asyncio.create_task(found(opened, RARE)) for _ in range(searches)]
    await settle(lambda: len(gets(s3)) == READS_AT_ONCE)
    async with asyncio.timeout(10):
        await far.add(b"Subject: Court\r\n\r\nmot rare\r\n", text=BRUNO)
        other = await far.open(BRUNO)
        assert await found(other, HasText(Where.BODY, "mot rare")) == (1,)
        assert await found(other, HasHeader("X-Rare", "")) == ()
    if far.office.storing.engine == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        database = far.office.storing.dsn.partition("@/")[2].partition("?")[0]
        rows = await server.ask(
            "SELECT query FROM pg_stat_activity WHERE datname = $1 AND state LIKE 'idle in transaction%'", database
        )
        assert rows == []
    assert not any(one.done() for one in waiting)
    s3.faults.gate.set()
    assert set(await asyncio.gather(*waiting)) == {(1, 2, 3, 4, 5)}


async def test_a_search_gives_up_when_the_object_store_is_away_and_goes_on_when_it_is_back(
    far: Library, s3: FakeS3
) -> None:
    opened = await filled(far, *(large(b"X-Rare: oui") for _ in range(6)))
    for fault in ("refuse", "closes", "cut"):
        s3.asked.clear()
        setattr(s3.faults, fault, 999)
        with pytest.raises(StoreAwayError):
            await found(opened, RARE)
        assert len(gets(s3)) <= 2 * AT_ONCE
        setattr(s3.faults, fault, 0)
    s3.faults.denied = True
    with pytest.raises(StoreError, match="access_key"):
        await found(opened, RARE)
    s3.faults.denied = False
    assert await found(opened, RARE) == (1, 2, 3, 4, 5, 6)
    s3.objects.pop(min(s3.objects))
    assert len(await found(opened, RARE)) == 5


async def test_a_search_that_nobody_waits_for_reads_no_further(far: Library, s3: FakeS3) -> None:
    opened = await filled(far, *(large(b"X-Rare: oui") for _ in range(6)))
    s3.asked.clear()
    s3.faults.gate = threading.Event()
    waiting = asyncio.create_task(found(opened, RARE))
    await settle(lambda: len(gets(s3)) == AT_ONCE)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    s3.faults.gate.set()
    assert await found(opened, RARE) == (1, 2, 3, 4, 5, 6)
    assert len(gets(s3)) == AT_ONCE + 6


async def test_many_headers_are_gathered_some_at_a_time(
    far: Library, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "UNREAD_MAX", 2)
    opened = await filled(far, *(large(b"X-Rare: oui") for _ in range(5)))
    s3.asked.clear()
    assert await found(opened, RARE) == (1, 2, 3, 4, 5)
    assert len(gets(s3)) == 5


async def test_what_a_notice_gives_back_is_read_before_the_transaction(
    far: Library, s3: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, threads = far.office, []
    head = office.store.blobs.head

    def seen(body: Body, limit_bytes: int) -> bytes:
        threads.append(threading.current_thread().name)
        return head(body, limit_bytes)

    monkeypatch.setattr(office.store.blobs, "head", seen)
    await office.receive(letter("x" * 200_000, VILLE), ANNE, BRUNO, notify=Notify.SUCCESS)
    assert [name.startswith("store-bodies") for name in threads] == [True]
    assert len(await office.copies()) == 2
    threads.clear()
    office.courier.answers[HOSTS[NEAR]] = always(BUSY)
    await office.submit(letter("x" * 200_000))
    await office.deliver_until(NOW.replace(day=NOW.day + 6))
    assert {name.partition("_")[0] for name in threads} == {"store-bodies"}


async def test_a_notice_that_cannot_be_read_now_is_refused_for_now(
    far: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bytes:
        msg = "le stockage objet ne répond pas"
        raise StoreAwayError(msg)

    monkeypatch.setattr(far.office.store.blobs, "head", away)
    result = await far.office.receive(letter("x" * 200_000, VILLE), ANNE, sender=None)
    assert isinstance(result, Refusal)
    assert result.kind is Kind.STORE_UNAVAILABLE
    assert result.is_temporary
