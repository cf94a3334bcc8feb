"""A dsn with several hosts: a silent one holds nobody up, and the one that writes is found.

Source: RFC 8305 section 5; decision 0020.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from postgresql import Server

from mssante.model.errors import ConfigError, StoreAwayError
from mssante.model.settings import StoreSettings
from mssante.store import domains
from mssante.store.engine import Store
from mssante.store.postgres import hosts as module
from mssante.store.postgres.driver import read_target
from mssante.store.postgres.hosts import Host, Hosts

ONE, TWO, THREE = (Host(name, None) for name in ("un", "deux", "trois"))


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """Give the port of a server that takes connections and never answers."""
    over = asyncio.Event()

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        over.set()


def settings(database: str, *ports: int, **changes: object) -> StoreSettings:
    places = ",".join(f"127.0.0.1:{port}" for port in ports)
    values = {"dsn": f"postgresql://mssante@{places}/{database}", "connect_seconds": 60.0, **changes}
    return StoreSettings(engine="postgresql", **values)


@pytest.mark.parametrize("silent_first", [True, False])
async def test_a_host_that_never_answers_holds_nobody_up(
    postgresql: Server, tmp_path: Path, *, silent_first: bool
) -> None:
    database = await postgresql.lend_database()
    async with silent() as port, asyncio.timeout(20):
        ports = (port, postgresql.port) if silent_first else (postgresql.port, port)
        store = await Store.open(tmp_path, settings(database, *ports))
        assert await store.read(domains.list_domains) == ()
        await store.close()
    await postgresql.take_back(database)


async def test_when_no_host_answers_it_is_said_in_bounded_time(tmp_path: Path) -> None:
    async with silent() as first, silent() as second, asyncio.timeout(20):
        asked = settings("mssante", first, second, connect_seconds=0.2, wait_seconds=0.1)
        with pytest.raises(StoreAwayError, match=f"127.0.0.1:{first},127.0.0.1:{second}/mssante ne répond pas à temps"):
            await Store.open(tmp_path, asked)


async def test_an_answer_says_more_than_silence(postgresql: Server, tmp_path: Path) -> None:
    async with silent() as port, asyncio.timeout(20):
        asked = settings("nowhere", port, postgresql.port, connect_seconds=0.2, wait_seconds=0.1)
        with pytest.raises(Exception, match="créez cette base"):
            await Store.open(tmp_path, asked)


@dataclass
class Made:
    """A connection of a stand-in."""

    host: Host
    ended: bool = False

    def terminate(self) -> None:
        self.ended = True


@dataclass
class Cluster:
    """Stand-in servers: each answers when it is let, with a connection or an error.

    Attributes:
        stubborn: hosts whose attempt succeeds although it is given up.
    """

    errors: dict[Host, Exception] = field(default_factory=dict)
    slow: dict[Host, asyncio.Event] = field(default_factory=dict)
    stubborn: frozenset[Host] = frozenset()
    asked: list[Host] = field(default_factory=list)
    given_up: list[Host] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)

    async def connect(self, host: Host) -> Made:
        self.asked.append(host)
        try:
            if host in self.slow:
                await self.slow[host].wait()
        except asyncio.CancelledError:
            self.given_up.append(host)
            if host not in self.stubborn:
                raise
        if host in self.errors:
            raise self.errors[host]
        self.made.append(Made(host))
        return self.made[-1]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STAGGER_SECONDS", 0.01)


async def test_a_host_that_answers_at_once_is_the_only_one_asked() -> None:
    cluster = Cluster()
    assert (await Hosts((ONE, TWO)).first(cluster.connect)).host == ONE
    assert cluster.asked == [ONE]


async def test_a_host_that_refuses_is_followed_at_once_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STAGGER_SECONDS", 60)
    cluster = Cluster(errors={ONE: ConnectionRefusedError(), TWO: ValueError("a copy")})
    async with asyncio.timeout(10):
        assert (await Hosts((ONE, TWO, THREE)).first(cluster.connect)).host == THREE


async def test_who_loses_is_given_up_and_what_it_made_in_spite_of_that_is_ended() -> None:
    never = asyncio.Event()
    cluster = Cluster(slow={ONE: never, TWO: never}, stubborn=frozenset({TWO}))
    made = await Hosts((ONE, TWO, THREE)).first(cluster.connect)
    assert (made.host, made.ended) == (THREE, False)
    assert cluster.given_up == [ONE, TWO]
    assert [(one.host, one.ended) for one in cluster.made] == [(THREE, False), (TWO, True)]


async def test_who_answered_last_is_asked_first() -> None:
    never = asyncio.Event()
    cluster = Cluster(slow={ONE: never})
    hosts = Hosts((ONE, TWO))
    await hosts.first(cluster.connect)
    cluster.asked.clear()
    assert (await hosts.first(cluster.connect)).host == TWO
    assert cluster.asked == [TWO]


async def test_when_all_fail_an_answer_goes_before_silence() -> None:
    cluster = Cluster(errors={ONE: TimeoutError(), TWO: ValueError("a copy"), THREE: OSError()})
    with pytest.raises(ValueError, match="a copy"):
        await Hosts((ONE, TWO, THREE)).first(cluster.connect)


async def test_who_stops_waiting_leaves_no_attempt_behind() -> None:
    never = asyncio.Event()
    cluster = Cluster(slow={ONE: never, TWO: never}, stubborn=frozenset({ONE}))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await Hosts((ONE, TWO)).first(cluster.connect)
    assert cluster.given_up == [ONE, TWO]
    assert [one.ended for one in cluster.made] == [True]


@pytest.mark.parametrize(
    ("dsn", "found"),
    [
        ("postgresql://m@/x", ()),
        ("postgresql://m@db/x", (("db", None),)),
        ("postgresql://m@db1:5433,db2/x", (("db1", 5433), ("db2", None))),
        ("postgresql://m@[::1]:5433,[fe80::1]/x", (("::1", 5433), ("fe80::1", None))),
        ("postgresql://m@/x?host=db1,db2&port=5433", (("db1", 5433), ("db2", 5433))),
        ("postgresql://m@/x?host=db1&host=/run/pg&port=1,2", (("db1", 1), ("/run/pg", 2))),
        ("postgresql://m@%2Frun%2Fpg,db/x?port=7", (("/run/pg", 7), ("db", 7))),
        ("postgresql://m@db1,db2/x?host=other", (("db1", None), ("db2", None))),
    ],
)
def test_the_hosts_of_a_dsn_are_those_that_it_names(dsn: str, found: tuple[tuple[str, int | None], ...]) -> None:
    target = read_target(StoreSettings(engine="postgresql", dsn=dsn))
    assert tuple((host.name, host.port) for host in target.hosts) == found


@pytest.mark.parametrize("dsn", ["postgresql://m@db1,db2,db3/x?port=1,2", "postgresql://m@db1:x,db2/x"])
def test_ports_that_cannot_be_used_are_named(dsn: str) -> None:
    with pytest.raises(ConfigError, match=r"\[store\] dsn : ports"):
        read_target(StoreSettings(engine="postgresql", dsn=dsn))
