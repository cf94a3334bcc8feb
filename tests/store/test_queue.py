"""The queue: due copies are claimed fairly, under a lease, and finished by whoever still holds them."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from store_world import BOB, NOW, inline, message

from mssante.model.address import parse_address
from mssante.model.decision import Kind
from mssante.model.envelope import MailOptions, Notify, Recipient, Return
from mssante.model.message import Copy, CopyId, CopyState
from mssante.store import domains, queue
from mssante.store.engine import Store
from mssante.store.messages import free_if_unused
from mssante.store.named import load_queries
from mssante.store.tx import Tx

MINUTE = timedelta(minutes=1)


async def _add(tx: Tx, recipient: str, reference: str = "ref-1", *, due: timedelta = timedelta(0)) -> CopyId:
    kept = await message(tx, f"{reference}-{recipient}")
    return await queue.add_copy(
        tx,
        message=kept,
        reference=reference,
        sender=BOB,
        recipient=Recipient(parse_address(recipient), Notify.SUCCESS, "rfc822;x@y.fr"),
        options=MailOptions(smtputf8=True, ret=Return.HEADERS, envelope_id="e"),
        prefix=b"Received: x\r\n",
        dsn=True,
        due_at=NOW + due,
        now=NOW,
    )


async def _claim(
    tx: Tx,
    lease: str = "w1",
    *,
    at: timedelta = timedelta(0),
    limit: int = 20,
    per_destination: int = 4,
    busy: Mapping[str, int] | None = None,
) -> list[Copy]:
    return await queue.claim_due(
        tx,
        now=NOW + at,
        limit=limit,
        lease=lease,
        lease_until=NOW + at + 15 * MINUTE,
        busy=busy or {},
        per_destination=per_destination,
    )


async def _finish(
    tx: Tx, copy_id: CopyId, lease: str, state: CopyState = CopyState.RELAYED, *, at: timedelta = timedelta(0)
) -> bool:
    return await queue.finish_copy(
        tx,
        copy_id=copy_id,
        lease=lease,
        state=state,
        due_at=None if state.is_final else NOW + at + MINUTE,
        kind=None if state.is_final else Kind.HOST_UNREACHABLE,
        detail="d",
        reply="250 ok",
        peer="mx",
        rule="R6",
        now=NOW + at,
    )


async def test_gives_a_copy_back_as_it_was_queued(store: Store) -> None:
    copy_id = await store.write(lambda tx: _add(tx, '"a b"@x.fr'))
    (copy,) = await store.write(_claim)
    assert copy.copy_id == copy_id
    assert copy.recipient == Recipient(parse_address('"a b"@x.fr'), Notify.SUCCESS, "rfc822;x@y.fr")
    assert copy.options == MailOptions(smtputf8=True, ret=Return.HEADERS, envelope_id="e")
    assert (copy.sender, copy.prefix, copy.dsn, copy.tries) == (BOB, b"Received: x\r\n", True, 1)
    assert (copy.state, copy.lease, copy.warned) == (CopyState.SENDING, "w1", False)
    assert copy.body == inline(b"Subject: x\r\n\r\nBonjour\r\n")
    assert await store.read(lambda tx: queue.show_copy(tx, copy_id)) == copy


async def test_claims_nothing_twice_while_the_lease_runs_and_again_when_it_has_ended(store: Store) -> None:
    copy_id = await store.write(lambda tx: _add(tx, "a@x.fr"))

    async def work(tx: Tx) -> None:
        assert len(await _claim(tx, "w1")) == 1
        assert await _claim(tx, "w2", at=14 * MINUTE) == []
        assert await queue.next_due(tx) == NOW + 15 * MINUTE
        (again,) = await _claim(tx, "w2", at=16 * MINUTE)
        assert again.tries == 2
        assert not await _finish(tx, copy_id, "w1")
        assert await _finish(tx, copy_id, "w2")
        assert not await _finish(tx, copy_id, "w2")
        assert await queue.next_due(tx) is None

    await store.write(work)


async def test_claims_only_what_is_due(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await _add(tx, "a@x.fr", due=MINUTE)
        assert await _claim(tx) == []
        (copy,) = await _claim(tx, at=MINUTE)
        assert await _finish(tx, copy.copy_id, "w1", CopyState.DEFERRED, at=MINUTE)
        assert await queue.next_due(tx) == NOW + 2 * MINUTE
        shown = await queue.show_copy(tx, copy.copy_id)
        assert shown is not None
        assert (shown.state, shown.last_kind, shown.last_detail) == (CopyState.DEFERRED, Kind.HOST_UNREACHABLE, "d")
        last = await queue.last_attempt(tx, copy.copy_id)
        assert last is not None
        assert (last.reply, last.peer, last.rule, last.at) == ("250 ok", "mx", "R6", NOW + MINUTE)
        assert await queue.last_attempt(tx, CopyId(99)) is None

    await store.write(work)


async def test_a_full_destination_does_not_starve_the_others(store: Store) -> None:
    async def work(tx: Tx) -> None:
        kept = await message(tx)
        for number in range(300):
            await queue.add_copy(
                tx,
                message=kept,
                reference="ref-1",
                sender=BOB,
                recipient=Recipient(parse_address(f"u{number}@dead.fr")),
                options=MailOptions(),
                prefix=b"",
                dsn=False,
                due_at=NOW - timedelta(days=1),
                now=NOW,
            )
        await _add(tx, "a@alive.fr")
        await _add(tx, "b@alive.fr")
        domains = [copy.recipient.address.domain for copy in await _claim(tx, limit=3)]
        assert domains == ["dead.fr", "alive.fr", "dead.fr"]
        domains = [copy.recipient.address.domain for copy in await _claim(tx, limit=9, busy={"dead.fr": 2})]
        assert domains == ["alive.fr", "dead.fr", "dead.fr"]
        assert await _claim(tx, busy={"dead.fr": 4}) == []

    await store.write(work)


async def test_holds_releases_and_retries_by_hand(store: Store) -> None:
    async def work(tx: Tx) -> None:
        copy_id = await _add(tx, "a@x.fr", due=MINUTE)
        other = await _add(tx, "b@x.fr")
        assert await queue.retry_now(tx, copy_id, NOW)
        assert len(await _claim(tx, "w1")) == 2
        assert not await queue.retry_now(tx, copy_id, NOW)
        assert await queue.hold(tx, copy_id, "à vérifier", NOW)
        assert not await _finish(tx, copy_id, "w1"), "a held copy is no worker's"
        assert not await queue.hold(tx, copy_id, "again", NOW)
        assert await queue.hold_domain(tx, "x.fr", "destination arrêtée", NOW) == 1
        assert [copy.copy_id for copy in await queue.list_copies(tx, state=CopyState.HELD, limit=9)] == [other, copy_id]
        assert len(await queue.list_copies(tx, limit=1)) == 1
        assert await queue.release(tx, copy_id, NOW)
        assert not await queue.release(tx, copy_id, NOW)
        assert [copy.copy_id for copy in await _claim(tx, "w2")] == [copy_id]
        assert await queue.mark_warned(tx, copy_id)
        assert not await queue.mark_warned(tx, copy_id)
        assert [copy.copy_id for copy in await queue.copies_of(tx, "ref-1")] == [copy_id, other]
        states = await queue.count_states(tx)
        assert (states[CopyState.SENDING], states[CopyState.HELD], states[CopyState.FAILED]) == (1, 1, 0)

    await store.write(work)


async def test_a_copy_that_another_operator_accepted_is_taken_back_once(store: Store) -> None:
    async def take_back(at: timedelta) -> datetime | None:
        return await store.write(
            lambda tx: queue.take_back_copy(
                tx, copy_id, kind=Kind.MAILBOX_UNKNOWN, detail="returned: 5.1.1", rule="returned", now=NOW + at
            )
        )

    copy_id = await store.write(lambda tx: _add(tx, "a@x.fr"))
    assert await take_back(MINUTE) is None, "it waits"
    await store.write(_claim)
    assert await take_back(MINUTE) is None, "it is being sent"
    assert await store.write(lambda tx: _finish(tx, copy_id, "w1", at=2 * MINUTE))
    assert await take_back(5 * MINUTE) == NOW + 2 * MINUTE
    assert await take_back(6 * MINUTE) is None
    last = await store.read(lambda tx: queue.last_attempt(tx, copy_id))
    assert last is not None
    assert (last.state, last.kind, last.detail, last.at) == (
        CopyState.FAILED,
        Kind.MAILBOX_UNKNOWN,
        "returned: 5.1.1",
        NOW + 5 * MINUTE,
    )


async def test_forgets_finished_copies_with_the_bytes_that_nothing_needs(store: Store) -> None:
    async def work(tx: Tx) -> None:
        copy_id = await _add(tx, "a@x.fr")
        (copy,) = await _claim(tx)
        await free_if_unused(tx, copy.message)
        assert await queue.forget_finished(tx, NOW + MINUTE) == 0
        assert await _finish(tx, copy_id, "w1")
        assert await queue.forget_finished(tx, NOW) == 0
        assert await queue.forget_finished(tx, NOW + MINUTE) == 1
        assert await queue.show_copy(tx, copy_id) is None
        assert await tx.all("newest_messages", before_id=99, limit=9) == []

    await store.write(work)


@pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
async def test_claims_through_the_index_whatever_the_length_of_the_queue(store: Store) -> None:
    await store.read(queue.next_due)
    reader = store._local.reader.connection
    for name in ("due_domains", "due_copies", "next_due"):
        query = load_queries()[name]
        steps = reader.execute(f"EXPLAIN QUERY PLAN {query.sql}", (None,) * len(query.parameters)).fetchall()
        # Who is at a destination is counted on a shared store only.
        text = " / ".join(step[3] for step in steps if "count(DISTINCT)" not in step[3])
        assert "USING COVERING INDEX copy_" in text or "USING INDEX copy_" in text, text
        assert "TEMP B-TREE" not in text, text
        assert "SCAN copy" not in text.replace("SCAN copy USING", "").replace("SEARCH copy", ""), text
        assert "SCAN o" not in text, text


async def test_no_more_leases_run_for_a_domain_than_there_are_lanes(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for number in range(9):
            await _add(tx, f"u{number}@x.fr")
        for run in ("a/1", "b/1", "a/2", "b/2"):
            claimed = await queue.claim_due(tx, **_lane(run, lanes=3))
            assert len(claimed) == (0 if run == "b/2" else 2)
        # One of three ends: another may begin.
        for copy in await queue.list_copies(tx, state=CopyState.SENDING, limit=9):
            if copy.lease == "a/1":
                await _finish(tx, copy.copy_id, "a/1")
        assert len(await queue.claim_due(tx, **_lane("b/3", lanes=3))) == 2
        assert await queue.claim_due(tx, **_lane("a/3", lanes=3)) == []
        # A node is gone: its two lanes are free, and its copies keep their lease.
        (one,) = await queue.claim_due(tx, **_lane("a/4", lanes=3, gone=("c", "b")))
        assert await queue.claim_due(tx, **_lane("a/5", lanes=3, at=16 * MINUTE, limit=99)) != []
        assert one.lease == "a/4"

    await store.write(work)


async def test_lanes_do_not_bound_our_own_domains_nor_keep_others_back(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await domains.add_domain(tx, "ici.fr", NOW)
        for number in range(4):
            await _add(tx, f"u{number}@ici.fr")
            await _add(tx, f"u{number}@x.fr", due=-MINUTE)
            await _add(tx, f"u{number}@y.fr", due=-MINUTE)
        for number in range(2):
            await queue.claim_due(tx, **_lane(f"w{number}", lanes=1, limit=6))
        # Two destinations are older and full; the third one gets its turn although the limit is two.
        claimed = await queue.claim_due(tx, **_lane("w3", lanes=1, limit=1))
        assert {copy.recipient.address.domain for copy in claimed} <= {"ici.fr"}
        found = {copy.recipient.address.domain: set() for copy in await queue.list_copies(tx, limit=99)}
        for copy in await queue.list_copies(tx, state=CopyState.SENDING, limit=99):
            found[copy.recipient.address.domain].add(copy.lease)
        assert found == {"ici.fr": {"w0", "w1"}, "x.fr": {"w0"}, "y.fr": {"w0"}}

    await store.write(work)


def _lane(
    lease: str, *, lanes: int, at: timedelta = timedelta(0), limit: int = 2, gone: Collection[str] = ()
) -> dict[str, Any]:
    return {
        "now": NOW + at,
        "limit": limit,
        "lease": lease,
        "lease_until": NOW + at + 15 * MINUTE,
        "busy": {},
        "per_destination": 2,
        "lanes": lanes,
        "gone": gone,
    }


async def test_a_copy_that_is_given_back_is_due_at_once_unless_it_ended_or_went_to_another(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for number in range(3):
            await _add(tx, f"u{number}@x.fr")
        first, second, third = claimed = await _claim(tx, "w1")
        await _finish(tx, first.copy_id, "w1")
        await _finish(tx, second.copy_id, "w1", CopyState.DEFERRED)
        await queue.give_back(tx, claimed, NOW)
        assert [copy.copy_id for copy in await _claim(tx, "w2")] == [third.copy_id]
        await queue.give_back(tx, claimed, NOW)
        assert await _finish(tx, third.copy_id, "w2")
        assert len(await _claim(tx, "w3", at=MINUTE)) == 1

    await store.write(work)


async def test_takes_the_oldest_of_many_destinations_and_the_idle_before_the_busy(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for number in range(12):
            await _add(tx, f"a@d{number:02}.fr", due=-number * MINUTE)
        busy = {"d11.fr": 1, "d10.fr": 4}
        claimed = await _claim(tx, limit=5, busy=busy)
        assert [copy.recipient.address.domain for copy in claimed] == [f"d{n:02}.fr" for n in (9, 8, 7, 6, 5)]
        claimed = await _claim(tx, limit=9, busy=busy)
        assert [copy.recipient.address.domain for copy in claimed][-1] == "d11.fr"
        assert len(claimed) == 6

    await store.write(work)
