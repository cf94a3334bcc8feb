"""Nodes on a real database: a sign of life by its own clock, a new start takes the place of the one before."""

from datetime import UTC, datetime, timedelta

from store_world import by_hand

from mssante.model.node import Heard, Node, NodeState
from mssante.store import nodes
from mssante.store.engine import Store
from mssante.store.migrate import load_migrations
from mssante.store.tx import Tx

LAST = len(load_migrations())


def start(run: str, name: str = "mss1") -> Node:
    return Node(run, name, f"{name}.chu.fr", "0.1.0", LAST, "smtp 25")


async def beaten(store: Store, node: Node, clock: timedelta | None = None) -> bool:
    return await store.write(lambda tx: nodes.beat(tx, node, clock))


async def listed(store: Store) -> dict[str, Heard]:
    return {one.node.run: one for one in await store.read(nodes.list_nodes)}


async def test_the_database_tells_its_time_at_each_question(store: Store) -> None:
    async def twice(tx: Tx) -> tuple[datetime, datetime]:
        return await nodes.database_now(tx), await nodes.database_now(tx)

    before = datetime.now(UTC)
    first, second = await store.read(twice)
    after = datetime.now(UTC)
    margin = timedelta(milliseconds=2)
    assert before - margin <= first <= second <= after + margin


async def test_a_node_says_what_it_is_and_goes_on_saying_so(store: Store) -> None:
    one = start("r1")
    assert not await beaten(store, one, timedelta(milliseconds=-1500))
    first = (await listed(store))["r1"]
    assert (first.node, first.state, first.reason) == (one, NodeState.RUNNING, "")
    assert first.clock == timedelta(milliseconds=-1500)
    assert first.started_at == first.beat_at
    assert not await beaten(store, one)
    again = (await listed(store))["r1"]
    assert (again.started_at, again.clock) == (first.started_at, None)
    assert again.beat_at > first.beat_at


async def test_a_new_start_takes_the_place_of_earlier_ones_of_its_name_only(store: Store) -> None:
    await beaten(store, start("r1"))
    await beaten(store, start("x1", "mss2"))
    await beaten(store, start("r2"))
    states = {run: one.state for run, one in (await listed(store)).items()}
    assert states == {"r1": NodeState.REPLACED, "r2": NodeState.RUNNING, "x1": NodeState.RUNNING}
    # The earlier one lives: two machines have one name, and both are told.
    assert await beaten(store, start("r1"))
    assert (await listed(store))["r1"].state is NodeState.RUNNING
    assert not await beaten(store, start("r2"))


async def test_a_goodbye_says_why(store: Store) -> None:
    for run in ("r1", "r2"):
        await beaten(store, start(run, run))
    await store.write(lambda tx: nodes.stop(tx, "r1"))
    await store.write(lambda tx: nodes.stop(tx, "r2", "le schéma"))
    await store.write(lambda tx: nodes.stop(tx, "never"))
    found = await listed(store)
    assert [(one.state, one.reason) for one in found.values()] == [
        (NodeState.STOPPED, ""),
        (NodeState.STOPPED, "le schéma"),
    ]


async def test_nodes_are_forgotten_by_name_or_by_their_silence(store: Store) -> None:
    for run, name in (("r1", "mss1"), ("r2", "mss1"), ("x1", "mss2"), ("y1", "mss3")):
        await beaten(store, start(run, name))
    assert await store.write(lambda tx: nodes.forget_node(tx, "mss1")) == 2
    assert await store.write(lambda tx: nodes.forget_node(tx, "mss1")) == 0
    await store.write(lambda tx: by_hand(tx, "UPDATE node SET beat_at = beat_at - ? WHERE run = 'x1'", 3_600_000_000))
    assert await store.write(lambda tx: nodes.forget_silent(tx, timedelta(hours=2))) == 0
    assert await store.write(lambda tx: nodes.forget_silent(tx, timedelta(minutes=50))) == 1
    assert set(await listed(store)) == {"y1"}


async def test_a_program_learns_up_to_which_step_it_must_know_the_schema(store: Store) -> None:
    assert await store.read(lambda tx: nodes.schema_needed(tx, LAST)) == 0
    assert await store.read(lambda tx: nodes.schema_needed(tx, LAST - 1)) in {9, LAST}
    assert await store.read(lambda tx: nodes.schema_needed(tx, 8)) == (9 if store.is_shared else LAST)
