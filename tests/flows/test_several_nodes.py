"""Two nodes of one operator on one PostgreSQL: budgets, lanes and lists are those of the operator, not of a node.

Source: design.md law 6; reliability.md E11, H14, H25.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from forge import NOW
from postgresql import Server, postgresql, settle
from standins import ANNE, BRUNO, FAR, HOSTS, LOIN, NEAR, VILLE, Office, letter, peer_of, save_list
from store_world import BOB, by_hand, message

from mssante.flows.deliver import LANE_COPIES
from mssante.flows.intake import Accepted
from mssante.model.address import parse_address
from mssante.model.decision import Kind, Permit, Refusal
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.message import Copy, CopyState
from mssante.rules.sign_in import FAILURES_PER_ADDRESS
from mssante.store import queue
from mssante.store.tx import Tx

__all__ = ["postgresql"]
IP, ELSEWHERE, HOME = "192.0.2.1", "198.51.100.9", "203.0.113.4"
MSS_NEAR = HOSTS[NEAR]
PATIENCE_SECONDS = 20
Nodes = tuple[Office, Office]


@dataclass
class Node(Office):
    """An office whose store others have filled."""

    is_first: bool = True

    async def _populate(self, tx: Tx) -> None:
        if self.is_first:
            await super()._populate(tx)


@pytest.fixture
async def nodes(postgresql: Server, tmp_path: Path) -> AsyncIterator[Nodes]:
    database = await postgresql.lend_database()
    storing = postgresql.settings(database, free_bytes=0)
    one = await Node(tmp_path / "one", storing=storing).open()
    two = Node(
        tmp_path / "two",
        storing=storing,
        clock=one.clock,
        courier=one.courier,
        numbers=one.numbers,
        is_first=False,
    )
    await two.open()
    for office, run in ((one, "r1"), (two, "r2")):
        office.delivering.share(run, tuple)
    yield one, two
    for office in (one, two):
        await office.close()
    await postgresql.take_back(database)


# -- sign-in (E11) -------------------------------------------------------------------------------------------------


async def _kind(office: Office, password: str, login: str = ANNE, ip: str = IP) -> Kind | None:
    found = await office.sign_in.password(login, password, "", ip)
    return found.kind if isinstance(found, Refusal) else None


async def test_a_guesser_has_one_budget_whatever_the_nodes_he_goes_to(nodes: Nodes) -> None:
    chance = random.Random(1)
    told = [await _kind(chance.choice(nodes), "faux", f"u{number}") for number in range(FAILURES_PER_ADDRESS + 20)]
    assert told == [Kind.SIGN_IN_FAILED] * FAILURES_PER_ADDRESS + [Kind.SIGN_IN_THROTTLED] * 20
    assert [await _kind(office, f"pass{ANNE}") for office in nodes] == [Kind.SIGN_IN_THROTTLED] * 2
    assert [await _kind(office, f"pass{ANNE}", ip=ELSEWHERE) for office in nodes] == [None, None]
    assert len(await nodes[0].events("sign-in.failed")) == FAILURES_PER_ADDRESS
    nodes[0].clock.now += timedelta(minutes=11)
    assert [await _kind(office, f"pass{ANNE}") for office in nodes] == [None, None]


async def test_guesses_at_the_same_time_on_all_nodes_find_no_gap(nodes: Nodes) -> None:
    count = FAILURES_PER_ADDRESS * 2
    told = await asyncio.gather(*(_kind(nodes[number % 2], "faux", f"u{number}") for number in range(count)))
    assert told.count(Kind.SIGN_IN_FAILED) == FAILURES_PER_ADDRESS
    assert told.count(Kind.SIGN_IN_THROTTLED) == count - FAILURES_PER_ADDRESS
    assert len(await nodes[1].events("sign-in.failed")) == FAILURES_PER_ADDRESS


async def test_a_source_that_signed_in_on_one_node_is_known_on_the_other_whatever_was_guessed_from_it(
    nodes: Nodes,
) -> None:
    assert await _kind(nodes[0], f"pass{ANNE}") is None
    for number in range(FAILURES_PER_ADDRESS):
        await _kind(nodes[number % 2], "faux", f"u{number}")
    assert await _kind(nodes[1], f"pass{ANNE}") is None
    assert await _kind(nodes[1], f"pass{BRUNO}", BRUNO) is Kind.SIGN_IN_THROTTLED, "known to another account only"
    # Both are told the same, by nodes that were begun anew too.
    for office in nodes:
        office.build()
    assert await _kind(nodes[0], f"pass{ANNE}") is None
    assert [await _kind(office, "faux", login) for office in nodes for login in (ANNE, "nobody")] == [
        Kind.SIGN_IN_THROTTLED
    ] * 4


async def test_a_known_source_is_written_down_once_a_day(nodes: Nodes) -> None:
    writes = 0
    for hours in (0, 1, 23, 25):
        office = nodes[hours % 2]
        nodes[0].clock.now = NOW + timedelta(hours=hours)
        before = await _noted_at(office)
        assert await _kind(office, f"pass{ANNE}", ip=HOME) is None
        writes += await _noted_at(office) != before
    assert writes == 2


async def _noted_at(office: Office) -> object:
    return await office.store.read(
        lambda tx: by_hand(tx, "SELECT max(seen_at) FROM sign_in_source WHERE ?::int = 1", 1)
    )


# -- lanes (H14) ---------------------------------------------------------------------------------------------------


async def _letters(office: Office, count: int, *recipients: str) -> None:
    for _ in range(count):
        assert isinstance(await office.submit(letter(), *recipients), Accepted)


async def test_one_destination_never_gets_more_connections_than_the_setting_from_all_nodes(nodes: Nodes) -> None:
    one, _two = nodes
    for office, run in zip(nodes, ("r1", "r2"), strict=True):
        office.queue = replace(office.queue, per_destination=2)
        office.build()
        office.delivering.share(run, tuple)
    gate = asyncio.Event()
    one.courier.gate = lambda host: gate.wait() if host == MSS_NEAR else asyncio.sleep(0)
    await _letters(one, 5 * LANE_COPIES, VILLE)
    await _letters(one, 3, LOIN)
    working = [asyncio.create_task(office.delivering.run()) for office in nodes]
    try:
        await settle(lambda: len(one.courier.to(MSS_NEAR)) == 2 and len(one.courier.to(HOSTS[FAR])) == 3)
        assert one.courier.open_now[MSS_NEAR] == 2
        gate.set()

        async def all_gone() -> bool:
            return (await one.states()) == {CopyState.RELAYED: 5 * LANE_COPIES + 3}

        await settle(all_gone, seconds=PATIENCE_SECONDS)
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    assert one.courier.open_most[MSS_NEAR] == 2


async def test_lanes_of_a_dead_node_are_free_when_it_is_known_to_be_gone_or_when_its_leases_end(nodes: Nodes) -> None:
    one, two = nodes
    for office, run in zip(nodes, ("r1", "r2"), strict=True):
        office.queue = replace(office.queue, per_destination=1)
        office.build()
        office.delivering.share(run, tuple)
    await _letters(one, 2 * LANE_COPIES, VILLE)
    # It claims its twenty and dies.
    dead = await one.store.write(lambda tx: _claim(tx, "r1/x", one, lanes=1))
    assert len(dead) == LANE_COPIES
    await two.delivering.drain()
    assert one.courier.parcels == []
    gone = two.new_worker()
    gone.share("r3", lambda: ("r1",))
    await gone.drain()
    assert await one.states() == {CopyState.RELAYED: LANE_COPIES, CopyState.SENDING: LANE_COPIES}
    one.clock.step(seconds=one.queue.lease_seconds + 1)
    await two.delivering.drain()
    assert await one.states() == {CopyState.RELAYED: 2 * LANE_COPIES}


async def test_our_own_domain_has_no_lanes(nodes: Nodes) -> None:
    one, two = nodes
    await _letters(one, 8, BRUNO)
    for number in range(4):
        assert len(await one.store.write(lambda tx, n=number: _claim(tx, f"r1/{n}", one, lanes=1, copies=1))) == 1
    await two.delivering.drain()
    assert await two.states() == {CopyState.SENDING: 4, CopyState.DELIVERED: 4}


async def _claim(tx: Tx, lease: str, office: Office, *, lanes: int, copies: int = LANE_COPIES) -> list[Copy]:
    now = office.clock()
    return await queue.claim_due(
        tx,
        now=now,
        limit=60,
        lease=lease,
        lease_until=now + timedelta(seconds=office.queue.lease_seconds),
        busy={},
        per_destination=copies,
        lanes=lanes,
    )


@pytest.mark.parametrize("lanes", [1, 2, 3])
async def test_never_more_lanes_of_a_domain_than_the_setting_whatever_ends_when(nodes: Nodes, lanes: int) -> None:
    chance = random.Random(lanes)
    domains = [f"d{number}.fr" for number in range(3)]
    await nodes[0].store.write(lambda tx: _queued(tx, domains, 12))
    open_lanes: dict[str, dict[str, list[Copy]]] = defaultdict(dict)
    most = 0

    async def worker(node: Office, name: str) -> None:
        nonlocal most
        for turn in range(8):
            lease = f"{name}/{turn}"
            claimed = await node.store.write(lambda tx, lease=lease: _claim(tx, lease, node, lanes=lanes, copies=3))
            for copy in claimed:
                open_lanes[copy.recipient.address.domain].setdefault(lease, []).append(copy)
            most = max(most, *(len(found) for found in open_lanes.values()), 0)
            assert most <= lanes
            await asyncio.sleep(chance.random() / 200)
            for copy in claimed:
                domain = copy.recipient.address.domain
                left = open_lanes[domain][lease]
                # No lane any more before the store is told: who is told in its place may begin at once.
                left.remove(copy)
                if not left:
                    del open_lanes[domain][lease]
                await node.store.write(lambda tx, copy=copy: _finished(tx, copy, node))

    await asyncio.gather(*(worker(node, f"w{n}{k}") for n, node in enumerate(nodes) for k in range(3)))
    assert 0 < most <= lanes
    while (await nodes[0].states()).get(CopyState.WAITING):
        await worker(nodes[1], "last")
    assert await nodes[0].states() == {CopyState.RELAYED: 36}


async def _queued(tx: Tx, domains: list[str], count: int) -> None:
    kept = await message(tx, f"ref-{domains[0]}")
    for domain in domains:
        for number in range(count):
            await queue.add_copy(
                tx,
                message=kept,
                reference="ref-1",
                sender=BOB,
                recipient=Recipient(parse_address(f"u{number}@{domain}")),
                options=MailOptions(),
                prefix=b"",
                dsn=False,
                due_at=NOW,
                now=NOW,
            )


async def _finished(tx: Tx, copy: Copy, office: Office) -> bool:
    return await queue.finish_copy(
        tx,
        copy_id=copy.copy_id,
        lease=copy.lease,
        state=CopyState.RELAYED,
        due_at=None,
        kind=None,
        detail="",
        reply="",
        peer="",
        rule="",
        now=office.clock(),
    )


async def test_who_is_at_a_destination_is_counted_by_an_index(nodes: Nodes) -> None:
    async def plan(tx: Tx) -> str:
        await by_hand(tx, "SET LOCAL enable_seqscan = off")
        rows = await by_hand(
            tx,
            "EXPLAIN SELECT count(DISTINCT lease) FROM copy"
            " WHERE state = 'sending' AND domain = 'x.fr' AND due_at > ?::bigint",
            1,
        )
        return " ".join(str(row[0]) for row in rows)

    assert "copy_lanes" in await nodes[0].store.write(plan)


# -- the lists (law 6) ---------------------------------------------------------------------------------------------


async def test_a_delisting_on_one_node_refuses_at_mail_from_on_the_other_within_a_second(nodes: Nodes) -> None:
    one, two = nodes
    looks: list[float] = []
    loaded = asyncio.Event()
    asked = two.store.commits_elsewhere
    loop = asyncio.get_running_loop()

    async def counted() -> int:
        looks.append(loop.time())
        return await asked()

    two.store.commits_elsewhere = counted  # type: ignore[method-assign]
    watching = asyncio.create_task(two.trust.watch(loaded.set))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await loaded.wait()
            assert isinstance(_mail_from(two), Permit)
            loaded.clear()
            one.clock.step(seconds=1)
            await one.store.write(lambda tx: save_list(tx, (FAR,), one.clock()))
            done = len(looks)
            await loaded.wait()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    refused = _mail_from(two)
    assert isinstance(refused, Refusal)
    assert refused.rule == "R1"
    # Four looks a second: it may have been looking at the moment of the commit, the next look finds it.
    assert len(looks) - done <= 2


def _mail_from(office: Office) -> Permit | Refusal:
    return office.trust.judge_sender(peer_of(MSS_NEAR), parse_address(VILLE))
