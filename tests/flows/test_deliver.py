"""Deliveries: the way out, the way next door, when to try again, who holds a copy.

Source: reliability.md H09, H14, H15, H22, B04; RFC 5321 section 4.5.4.1.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from forge import NOW, Order, intermediate, issue, server_name
from standins import (
    ANNE,
    BRUNO,
    FAR,
    HOSTS,
    LOIN,
    NEAR,
    TRACE_KEY,
    VILLE,
    Office,
    StandInCourier,
    always,
    letter,
    parsed,
    peer_of,
    said,
)

from mssante.flows import copies
from mssante.flows.intake import Accepted
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import StoreFullError
from mssante.model.mailbox import MailboxState, Role
from mssante.model.message import CopyState, Deferred, Failed
from mssante.model.outside import Answer, Host, Parcel
from mssante.model.peer import PeerFacts
from mssante.model.settings import QueueSettings
from mssante.store import mailboxes, queue

BUSY = Deferred(Refusal(Kind.PEER_DEFERRED, "peer", "450 4.3.2 Busy"), "450 4.3.2 Busy")
NEVER = Failed(Refusal(Kind.PEER_REFUSED, "peer", "550 5.1.1 Unknown"), "550 5.1.1 Unknown")
DEAD = Deferred(Refusal(Kind.HOST_UNREACHABLE, "connect", "No answer"))
MSS_NEAR, MSS_FAR = HOSTS[NEAR], HOSTS[FAR]


async def _accepted(answer: Awaitable[object]) -> str:
    found = await answer
    assert isinstance(found, Accepted), found
    return found.reference


def _written_schedule(settings: QueueSettings) -> list[datetime]:
    """Return the attempts as the documentation writes them: the wait doubles to the longest, the last at the end."""
    at, wait, end = NOW, settings.first_retry_seconds, NOW + timedelta(seconds=settings.give_up_seconds)
    found = [at]
    while at < end:
        at = min(at + timedelta(seconds=wait), end)
        wait = min(wait * 2, settings.longest_retry_seconds)
        found.append(at)
    return found


# -- five days (H22) -----------------------------------------------------------------------------------------------


async def test_a_dead_peer_gives_one_warning_and_one_failure_in_five_days_with_restarts(office: Office) -> None:
    tried: list[datetime] = []

    def busy(parcel: Parcel) -> tuple[Answer, ...]:
        tried.append(office.clock())
        return always(BUSY)(parcel)

    office.courier.answers[MSS_NEAR] = busy
    await _accepted(office.submit(letter()))
    end = NOW + timedelta(days=6)
    day = NOW
    while day < end:
        day += timedelta(hours=7)
        await office.deliver_until(day)
        await office.restart()
    assert tried == _written_schedule(office.queue)
    notices = await office.notices_to(ANNE)
    assert [said(notice)["action"] for notice in notices] == ["delayed", "failed"]
    assert await office.states() == {CopyState.FAILED: 1, CopyState.DELIVERED: 2}
    warned, failed = [row.received_at for row in await office.listed(ANNE)]
    assert timedelta(hours=4) <= warned - NOW < timedelta(hours=6)
    assert failed == NOW + timedelta(days=5), "no early bounce"
    assert [said(notice)["status"][1:] for notice in notices] == [".3.2", ".4.7"]


async def test_a_peer_that_comes_back_gets_the_message_and_nobody_hears_of_a_failure(office: Office) -> None:
    office.courier.down[MSS_NEAR] = DEAD
    await _accepted(office.submit(letter()))
    await office.deliver_until(NOW + timedelta(days=4, hours=23))
    assert [said(one)["action"] for one in await office.notices_to(ANNE)] == ["delayed"]
    office.courier.down.clear()
    await office.deliver_until(NOW + timedelta(days=6))
    assert len(office.courier.to(MSS_NEAR)) == 1
    assert [said(one)["action"] for one in await office.notices_to(ANNE)] == ["delayed"]


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=2)])
async def test_a_clock_that_jumps_neither_stops_the_tries_nor_loses_the_copy(office: Office, jump: timedelta) -> None:
    office.courier.down[MSS_NEAR] = DEAD
    await _accepted(office.submit(letter()))
    await office.delivering.drain()
    office.clock.now += jump
    await office.deliver_until(office.clock() + timedelta(hours=3))
    office.courier.down.clear()
    await office.deliver_until(office.clock() + timedelta(hours=3))
    assert len(office.courier.to(MSS_NEAR)) == 1


# -- several destinations (H14) ------------------------------------------------------------------------------------


async def _work_until(office: Office, reached: Callable[[], Awaitable[bool]]) -> None:
    worker = asyncio.get_running_loop().create_task(office.delivering.run())
    try:
        async with asyncio.timeout(10):
            while True:
                if await reached():
                    break
                await asyncio.sleep(0)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_a_destination_that_hangs_does_not_delay_another(office: Office) -> None:
    hang = asyncio.Event()
    office.courier.gate = lambda host: hang.wait() if host == MSS_FAR else asyncio.sleep(0)
    for _ in range(3):
        await _accepted(office.submit(letter(), LOIN))
    await _accepted(office.submit(letter(), VILLE, BRUNO))

    async def reached() -> bool:
        states = await office.states()
        return states == {CopyState.RELAYED: 1, CopyState.DELIVERED: 1, CopyState.SENDING: 3}

    await _work_until(office, reached)


async def test_one_destination_never_gets_more_connections_than_the_setting(office: Office) -> None:
    office.queue = replace(office.queue, per_destination=2)
    office.build()
    gate = asyncio.Event()
    office.courier.gate = lambda _host: gate.wait()
    for _ in range(70):
        await _accepted(office.submit(letter()))

    async def two_wait() -> bool:
        return len(office.courier.parcels) == 2

    async def all_gone() -> bool:
        return (await office.states()).get(CopyState.RELAYED) == 70

    await _work_until(office, two_wait)
    assert office.courier.open_most[MSS_NEAR] == 2
    gate.set()
    await _work_until(office, all_gone)
    assert office.courier.open_most[MSS_NEAR] == 2


async def test_copies_for_one_domain_share_a_transaction_each_keeps_its_own_answer(office: Office) -> None:
    office.courier.answers[MSS_NEAR] = lambda parcel: tuple(
        NEVER if one.address.local == "personne" else always(BUSY)(parcel)[0] for one in parcel.recipients
    )
    await _accepted(office.submit(letter(), VILLE, f"personne@{NEAR}"))
    await office.delivering.drain()
    assert [len(parcel.recipients) for parcel in office.courier.to(MSS_NEAR)] == [2]
    found = {str(copy.recipient.address): copy.state for copy in await office.copies() if not copy.dsn}
    assert found == {VILLE: CopyState.DEFERRED, f"personne@{NEAR}": CopyState.FAILED}
    office.courier.answers.clear()
    await office.deliver_until(NOW + timedelta(hours=1))
    last = office.courier.to(MSS_NEAR)[-1]
    assert [str(one.address) for one in last.recipients] == [VILLE], "only the remaining one is tried again"


# -- leases (K11) --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [NEVER, BUSY], ids=["failed", "deferred"])
async def test_a_result_that_comes_after_its_lease_changes_nothing(office: Office, late: Deferred | Failed) -> None:
    slow = StandInCourier(answers={MSS_NEAR: always(late)})
    gate = asyncio.Event()
    slow.gate = lambda _host: gate.wait()
    await _accepted(office.submit(letter()))
    frozen = asyncio.get_running_loop().create_task(office.new_worker(slow).drain())
    await slow.arrived.wait()
    await office.delivering.drain()
    assert office.courier.parcels == [], "the copy is held by the first worker"
    office.clock.step(seconds=office.queue.lease_seconds + 1)
    await office.delivering.drain()
    assert await office.states() == {CopyState.RELAYED: 1}
    rows = len(await office.events())
    gate.set()
    await frozen
    assert await office.states() == {CopyState.RELAYED: 1}
    assert len(await office.events()) == rows
    assert await office.notices_to(ANNE) == []


async def test_what_is_under_way_at_a_stop_is_given_back_and_goes_on_at_once(office: Office) -> None:
    gate = asyncio.Event()
    office.courier.gate = lambda _host: gate.wait()
    for _ in range(3):
        await _accepted(office.submit(letter()))

    async def under_way() -> bool:
        return office.courier.arrived.is_set()

    await _work_until(office, under_way)
    assert await office.states() == {CopyState.WAITING: 3}
    gate.set()
    await office.delivering.drain()
    assert await office.states() == {CopyState.RELAYED: 3}


# -- by hand -------------------------------------------------------------------------------------------------------


async def test_a_held_copy_waits_until_it_is_released(office: Office) -> None:
    await _accepted(office.submit(letter()))
    (copy,) = await office.copies()
    by = {"actor": "admin", "trace_key": TRACE_KEY}
    await copies.hold(office.store, copy.copy_id, "enquête", now=NOW, **by)
    await office.deliver_until(NOW + timedelta(days=6))
    assert await office.states() == {CopyState.HELD: 1}
    assert office.courier.parcels == []
    await copies.release(office.store, copy.copy_id, now=office.clock(), **by)
    await office.delivering.drain()
    assert await office.states() == {CopyState.RELAYED: 1}


async def test_a_copy_held_while_it_is_sent_stays_held(office: Office) -> None:
    gate = asyncio.Event()
    office.courier.gate = lambda _host: gate.wait()
    await _accepted(office.submit(letter()))
    under_way = asyncio.get_running_loop().create_task(office.delivering.drain())
    await office.courier.arrived.wait()
    (copy,) = await office.copies()
    await copies.hold(office.store, copy.copy_id, "enquête", actor="admin", trace_key=TRACE_KEY, now=NOW)
    gate.set()
    await under_way
    assert await office.states() == {CopyState.HELD: 1}


async def test_a_retry_by_hand_does_not_wait(office: Office) -> None:
    office.courier.down[MSS_NEAR] = DEAD
    await _accepted(office.submit(letter()))
    await office.delivering.drain()
    office.courier.down.clear()
    await office.delivering.drain()
    assert office.courier.parcels == []
    (copy,) = await office.copies()
    await copies.retry(office.store, copy.copy_id, actor="admin", trace_key=TRACE_KEY, now=office.clock())
    await office.delivering.drain()
    assert await office.states() == {CopyState.RELAYED: 1}


# -- next door -----------------------------------------------------------------------------------------------------


async def test_one_submission_reaches_a_neighbour_and_another_operator(office: Office) -> None:
    data = letter()
    await _accepted(office.submit(data, BRUNO, VILLE))
    await office.delivering.drain()
    assert await office.states() == {CopyState.DELIVERED: 1, CopyState.RELAYED: 1}
    (here,) = await office.read(BRUNO)
    (there,) = office.courier.to(MSS_NEAR)
    assert here.startswith(b"Return-Path: <anne@chu.mssante.fr>\r\nReceived: ")
    assert here.endswith(data)
    assert b"".join(there.data).endswith(data)
    assert len(await office.read(ANNE, Role.SENT)) == 1


async def test_a_full_neighbour_gets_the_message_when_there_is_room(office: Office) -> None:
    box = await office.mailbox(BRUNO)
    await _accepted(office.submit(letter(), BRUNO))
    await office.store.write(lambda tx: mailboxes.set_quota(tx, box.mailbox_id, 10))
    await office.delivering.drain()
    assert await office.states() == {CopyState.DEFERRED: 1}
    await office.store.write(lambda tx: mailboxes.set_quota(tx, box.mailbox_id, 100_000))
    await office.deliver_until(NOW + timedelta(hours=1))
    assert await office.states() == {CopyState.DELIVERED: 1}
    assert len(await office.read(BRUNO)) == 1


@pytest.mark.parametrize("state", [MailboxState.SUSPENDED, MailboxState.CLOSED])
async def test_a_neighbour_suspended_after_the_acceptance_is_told_to_the_sender(
    office: Office, state: MailboxState
) -> None:
    box = await office.mailbox(BRUNO)
    await _accepted(office.submit(letter(), BRUNO))
    await office.store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, state, NOW))
    await office.delivering.drain()
    assert await office.read(BRUNO) == []
    assert [said(one)["action"] for one in await office.notices_to(ANNE)] == ["failed"]


# -- the way out ---------------------------------------------------------------------------------------------------


async def test_the_next_host_is_tried_when_the_first_does_not_answer(office: Office) -> None:
    office.resolver.table[NEAR] = (Host("mss.panne.fr", "192.0.2.1", 25), Host(MSS_NEAR, "192.0.2.2", 25))
    office.courier.down["mss.panne.fr"] = DEAD
    await _accepted(office.submit(letter()))
    await office.delivering.drain()
    assert await office.states() == {CopyState.RELAYED: 1}


async def test_a_domain_without_hosts_for_now_waits(office: Office) -> None:
    del office.resolver.table[NEAR]
    await _accepted(office.submit(letter()))
    await office.delivering.drain()
    (copy,) = await office.copies()
    assert (copy.state, copy.last_kind) == (CopyState.DEFERRED, Kind.HOST_UNKNOWN)


async def test_a_domain_that_takes_no_mail_fails_at_once(office: Office) -> None:
    office.resolver.table[NEAR] = ()
    await _accepted(office.submit(letter()))
    await office.delivering.drain()
    assert [said(one)["action"] for one in await office.notices_to(ANNE)] == ["failed"]


async def test_a_domain_that_leaves_the_list_is_not_even_looked_up(office: Office) -> None:
    await _accepted(office.submit(letter()))
    office.clock.step(seconds=1)
    await office.list_domains(FAR)
    await office.deliver_until(NOW + timedelta(hours=2))
    assert office.resolver.asked == []
    (copy,) = await office.copies()
    assert (copy.state, copy.last_kind) == (CopyState.DEFERRED, Kind.RECIPIENT_DOMAIN_UNLISTED)
    await office.list_domains(FAR, NEAR)
    await office.deliver_until(NOW + timedelta(hours=5))
    assert await office.states() == {CopyState.RELAYED: 1}


async def test_a_domain_that_leaves_the_list_during_a_connection_gets_nothing_more(office: Office) -> None:
    for _ in range(2):
        await _accepted(office.submit(letter()))
    office.clock.step(seconds=1)
    office.courier.gate = lambda _host: office.list_domains(FAR)
    await office.delivering.drain()
    assert len(office.courier.to(MSS_NEAR)) == 1
    assert await office.states() == {CopyState.RELAYED: 1, CopyState.DEFERRED: 1}


@pytest.mark.parametrize(
    "peer",
    [
        PeerFacts("192.0.2.7", 25),
        replace(peer_of(MSS_NEAR), certificate=None),
        peer_of("mss.autre.fr"),
        replace(peer_of(MSS_NEAR), certificate=issue(Order(subject=server_name(MSS_NEAR), dns=(MSS_NEAR,))).value),
        replace(
            peer_of(MSS_NEAR),
            certificate=issue(
                Order(subject=server_name(MSS_NEAR), dns=(MSS_NEAR,), not_after=NOW - timedelta(days=1)), intermediate()
            ).value,
        ),
    ],
    ids=["clear text", "no certificate", "another name", "no authority", "expired"],
)
async def test_nothing_is_given_to_a_host_that_is_not_who_it_should_be(office: Office, peer: PeerFacts) -> None:
    office.courier.peers[MSS_NEAR] = peer
    await _accepted(office.submit(letter()))
    await office.delivering.drain()
    assert office.courier.parcels == []
    assert await office.states() == {CopyState.DEFERRED: 1}
    (row,) = await office.events("copy.deferred")
    assert row.rule.startswith("R")


async def test_what_was_relayed_names_host_rule_and_protection(office: Office) -> None:
    reference = await _accepted(office.submit(letter()))
    await office.delivering.drain()
    (copy,) = await office.store.read(lambda tx: queue.copies_of(tx, reference))
    last = await office.store.read(lambda tx: queue.last_attempt(tx, copy.copy_id))
    assert last is not None
    assert last.peer == f"{MSS_NEAR} [192.0.2.7]"
    assert last.rule.startswith("R")
    assert last.reply == "250 2.0.0 Ok"
    (row,) = await office.events("copy.relayed")
    assert row.facts["tls"] == "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384"


async def test_a_body_that_is_gone_waits_and_is_told_to_the_sender_at_the_end(office: Office) -> None:
    big = letter("x" * 300_000)
    reference = await _accepted(office.submit(big, LOIN))
    await _accepted(office.submit(letter(), VILLE))
    for path in office.store.blobs.path.rglob("*"):
        if path.is_file():
            path.unlink()
    await office.delivering.drain()
    assert office.courier.to(MSS_FAR) == []
    assert len(office.courier.to(MSS_NEAR)) == 1
    assert ("error", "body-damaged") in [(level, event) for level, event, _facts in office.log.lines]
    (waiting,) = [copy for copy in await office.copies() if copy.reference == reference]
    assert (waiting.state, waiting.last_kind) == (CopyState.DEFERRED, Kind.STORE_UNAVAILABLE)
    await office.deliver_until(NOW + timedelta(seconds=office.queue.give_up_seconds + 60))
    (waiting,) = [copy for copy in await office.copies() if copy.reference == reference]
    assert waiting.state is CopyState.FAILED


async def test_a_store_that_fails_is_asked_again_at_the_slow_look_only(office: Office) -> None:
    await _accepted(office.submit(letter(), VILLE))
    asked = 0
    waited: list[float] = []
    second_look = asyncio.Event()

    def fails(_work: object) -> asyncio.Future[None]:
        nonlocal asked
        asked += 1
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failed.set_exception(StoreFullError("no room"))
        return failed

    async def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 2:
            second_look.set()
            await asyncio.Event().wait()

    office.store.write = fails  # type: ignore[method-assign,assignment]
    office.notifier.wait_queue = wait  # type: ignore[method-assign]
    running = asyncio.create_task(office.delivering.run())
    async with asyncio.timeout(10):
        await second_look.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    del office.store.write
    assert asked == 2
    assert waited == [office.queue.poll_seconds] * 2


async def test_the_letter_in_sent_is_what_was_sent(office: Office) -> None:
    await _accepted(office.submit(letter(ident="x@y")))
    (sent,) = await office.read(ANNE, Role.SENT)
    assert parsed(sent)["Message-ID"] == "<x@y>"
