"""Nodes that share a store: each hears of the others, knows its clock, and gives up when it is too old."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from postgresql import Server, postgresql
from standins import KeptLog

from mssante.app.presence import Presence, this_node
from mssante.model.errors import StoreAwayError
from mssante.model.node import NodeState
from mssante.model.settings import StoreSettings
from mssante.rules.nodes import SILENT_BEATS
from mssante.store import nodes
from mssante.store.engine import Store

__all__ = ["postgresql"]


@dataclass
class Machine:
    """A node with a clock that may be off."""

    store: Store
    run: str
    ahead: timedelta = timedelta(0)
    log: KeptLog = field(default_factory=KeptLog)
    stopped: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.presence = Presence(
            self.store,
            this_node(self.run, Path(f"/data/{self.run}"), {"smtp": 25, "ldap": None}),
            clock=lambda: datetime.now(UTC) + self.ahead,
            log=self.log,
            give_up=lambda: self.stopped.append(True),
        )

    @property
    def said(self) -> list[str]:
        return [event for _level, event, _facts in self.log.lines]


@pytest.fixture
async def stores(postgresql: Server, tmp_path: Path) -> AsyncIterator[tuple[Store, Store]]:
    database = await postgresql.lend_database()
    made = [await Store.open(tmp_path / name, postgresql.settings(database)) for name in ("one", "two")]
    yield made[0], made[1]
    for store in made:
        await store.close()
    await postgresql.take_back(database)


def test_machine_and_folder_name_a_node_and_a_new_start_does_not_change_that() -> None:
    first, again = (this_node(run, Path("/var/lib/mssante"), {"smtp": 25}) for run in "ab")
    other = this_node("c", Path("/srv/mssante"), {"smtp": 25, "imaps": 993, "ldap": None})
    assert first.name == again.name != other.name
    assert "/" not in first.run
    assert other.doors == "smtp 25, imaps 993"


async def test_a_node_that_goes_on_saying_nothing_is_gone_until_it_speaks_again(stores: tuple[Store, Store]) -> None:
    one, two = Machine(stores[0], "r1"), Machine(stores[1], "r2")
    await two.presence.beat()
    for _ in range(SILENT_BEATS):
        await one.presence.beat()
        assert one.presence.gone() == frozenset()
    await one.presence.beat()
    assert one.presence.gone() == {"r2"}
    assert one.said.count("node-silent") == 1
    await stores[0].write(lambda tx: nodes.forget_node(tx, two.presence._node.name))
    await one.presence.beat()
    assert one.presence.gone() == {"r2"}, "its leases may still run"
    await two.presence.beat()
    await one.presence.beat()
    assert one.presence.gone() == frozenset()


async def test_a_goodbye_and_a_new_start_are_known_at_once(stores: tuple[Store, Store]) -> None:
    one, two = Machine(stores[0], "r1"), Machine(stores[1], "r2")
    await two.presence.beat()
    await one.presence.beat()
    await two.presence.leave()
    await one.presence.beat()
    assert one.presence.gone() == {"r2"}
    found = {heard.node.run: heard for heard in await stores[0].read(nodes.list_nodes)}
    assert found["r2"].state is NodeState.STOPPED


async def test_the_difference_of_the_clocks_is_measured_and_told_once(stores: tuple[Store, Store]) -> None:
    one = Machine(stores[0], "r1")
    assert not one.presence.may_lead(), "before its clock was looked at"
    for ahead, leads, said in ((0, True, []), (-3, True, ["clock-differs"]), (20, False, ["clock-off"])):
        one.log.lines.clear()
        one.ahead = timedelta(seconds=ahead)
        for _ in range(2):
            await one.presence.beat()
        (heard,) = await stores[0].read(nodes.list_nodes)
        assert heard.clock is not None
        assert abs(heard.clock - one.ahead) < timedelta(seconds=0.6)
        assert (one.presence.may_lead(), one.said) == (leads, said)
    one.ahead = timedelta(0)
    await one.presence.beat()
    assert (one.presence.may_lead(), one.said[-1]) == (True, "clock-right")


async def test_an_answer_that_took_long_says_nothing_about_the_clock(stores: tuple[Store, Store]) -> None:
    one = Machine(stores[0], "r1")
    await one.presence.beat()
    moment = datetime.now(UTC)

    def leaps() -> datetime:
        nonlocal moment
        moment += timedelta(seconds=30)
        return moment

    one.presence._clock = leaps
    await one.presence.beat()
    assert one.presence.may_lead()


async def test_two_machines_of_one_name_are_told(stores: tuple[Store, Store]) -> None:
    one, two = Machine(stores[0], "r1"), Machine(stores[1], "r1")
    two.presence._node = this_node("r2", Path("/data/r1"), {})
    await one.presence.beat()
    await two.presence.beat()
    await one.presence.beat()
    assert one.said == ["node-name-twice"]


async def test_a_node_that_a_new_step_of_the_schema_leaves_behind_gives_up_once_and_says_why(
    stores: tuple[Store, Store], postgresql: Server
) -> None:
    one, two = Machine(stores[0], "r1"), Machine(stores[1], "r2")
    await one.presence.beat()
    database = stores[0].name.rpartition("/")[2]
    add = "INSERT INTO migration SELECT max(version) + 1, 'x.sql', '', {} FROM migration"
    try:
        await postgresql.ask(add.format("9"), database=database)
        await one.presence.beat()
        assert one.stopped == []
        await postgresql.ask(add.format("max(version) + 1"), database=database)
        await one.presence.watch()
        await two.presence.beat()
    finally:
        await postgresql.ask("DELETE FROM migration WHERE name = 'x.sql'", database=database)
    assert (one.stopped, one.said) == ([True], ["node-gives-up"])
    assert not one.presence.may_lead()
    await one.presence.leave()
    heard = next(heard for heard in await stores[1].read(nodes.list_nodes) if heard.node.run == "r1")
    assert heard.state is NodeState.STOPPED
    assert "le schéma demande un programme" in heard.reason
    assert two.stopped == [True]


async def test_a_store_that_is_away_is_told_once_and_tried_again(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Machine(stores[0], "r1")

    async def away(_work: object) -> None:
        msg = "la base ne répond pas"
        raise StoreAwayError(msg)

    with monkeypatch.context() as patch:
        patch.setattr(stores[0], "glance", away)
        for _ in range(2):
            await one.presence.beat()
    assert one.said == ["node-not-heard"]
    await one.presence.beat()
    assert one.presence.may_lead()


async def test_a_store_of_one_node_needs_no_signs(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    one = Machine(store, "r1")
    assert one.presence.may_lead()
    await one.presence.leave()
    assert await store.read(nodes.list_nodes) == []
    await store.close()
