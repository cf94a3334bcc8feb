"""Who wrote to whom and what bounced, on a real database."""

from datetime import timedelta

from store_world import ALICE, BOB, NOW

from mssante.model.address import parse_address
from mssante.store import correspondents
from mssante.store.engine import Store

CARL = parse_address("Carl@ville.mssante.fr")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def arrived(store: Store, after: timedelta = timedelta(), sender=ALICE, recipient=BOB) -> None:
    await store.write(lambda tx: correspondents.note_arrival(tx, sender, recipient, NOW + after))


async def failed(store: Store, after: timedelta, bounce: str = "mailbox-unknown", sender=ALICE, recipient=BOB) -> None:
    await store.write(lambda tx: correspondents.note_failure(tx, sender, recipient, NOW + after, bounce))


async def told(store: Store, recipient=BOB) -> correspondents.Bounced | None:
    return await store.read(lambda tx: correspondents.bounced(tx, recipient.key))


async def test_deliveries_are_counted_by_correspondent_and_leave_no_row_of_health(store: Store) -> None:
    await arrived(store)
    await arrived(store, HOUR)
    await failed(store, 2 * HOUR, bounce="")
    (one,) = await store.read(lambda tx: correspondents.written_by(tx, ALICE.key, 10))
    assert one == correspondents.Correspondent(ALICE.key, BOB.key, NOW + 2 * HOUR, NOW + HOUR, 2)
    assert await told(store) is None


async def test_bounces_are_counted_from_the_last_success_of_anybody(store: Store) -> None:
    await arrived(store, sender=CARL)
    await failed(store, HOUR)
    await failed(store, DAY, "mailbox-suspended")
    bounced = correspondents.Bounced(BOB.key, NOW, NOW + HOUR, NOW + DAY, 2, "mailbox-suspended")
    assert await told(store) == bounced
    assert await store.read(lambda tx: correspondents.failing(tx, 10)) == [bounced]


async def test_a_success_ends_the_failures_and_the_next_one_begins_anew(store: Store) -> None:
    await failed(store, HOUR)
    await failed(store, DAY)
    await arrived(store, 2 * DAY)
    found = await told(store)
    assert found is not None
    assert (found.failures, found.delivered_at) == (0, NOW + 2 * DAY)
    assert await store.read(lambda tx: correspondents.failing(tx, 10)) == []
    await failed(store, 3 * DAY)
    found = await told(store)
    assert found is not None
    assert (found.failures, found.first_failed_at) == (1, NOW + 3 * DAY)


async def returned(store: Store, accepted: timedelta, after: timedelta, bounce: str = "mailbox-unknown") -> None:
    await store.write(lambda tx: correspondents.note_return(tx, ALICE, BOB, NOW + accepted, NOW + after, bounce))


async def test_an_address_that_is_accepted_and_comes_back_each_time_goes_on_failing(store: Store) -> None:
    for day in range(3):
        await arrived(store, day * DAY)
        await returned(store, day * DAY, day * DAY + HOUR)
    found = await told(store)
    assert found == correspondents.Bounced(BOB.key, None, NOW + HOUR, NOW + 2 * DAY + HOUR, 3, "mailbox-unknown")
    assert await store.read(lambda tx: correspondents.written_by(tx, ALICE.key, 10)) == [], "nothing ever arrived"


async def test_a_true_success_stays_one_when_a_later_copy_comes_back(store: Store) -> None:
    await failed(store, HOUR)
    await failed(store, DAY)
    await arrived(store, 2 * DAY)
    await arrived(store, 3 * DAY)
    await returned(store, 3 * DAY, 3 * DAY + HOUR)
    found = await told(store)
    assert found is not None
    assert (found.failures, found.first_failed_at) == (1, NOW + 3 * DAY + HOUR)
    (one,) = await store.read(lambda tx: correspondents.written_by(tx, ALICE.key, 10))
    assert (one.delivered, one.delivered_at) == (1, NOW + 3 * DAY)


async def test_two_copies_accepted_together_that_both_come_back_are_two_failures_more(store: Store) -> None:
    await failed(store, HOUR)
    await arrived(store, DAY)
    await arrived(store, DAY + HOUR)
    await returned(store, DAY + HOUR, DAY + 2 * HOUR)
    await returned(store, DAY, DAY + 3 * HOUR)
    found = await told(store)
    assert found is not None
    assert (found.failures, found.first_failed_at) == (3, NOW + HOUR)


async def test_what_comes_back_for_another_reason_only_takes_the_success_away(store: Store) -> None:
    await arrived(store)
    await returned(store, timedelta(), HOUR, bounce="")
    assert await told(store) is None
    await failed(store, DAY)
    await arrived(store, 2 * DAY)
    await returned(store, 2 * DAY, 3 * DAY, bounce="")
    found = await told(store)
    assert found is not None
    assert (found.failures, found.first_failed_at, found.delivered_at) == (1, NOW + DAY, None)


async def test_lists_are_bounded_and_the_last_comes_first(store: Store) -> None:
    others = [parse_address(f"un{number}@ville.mssante.fr") for number in range(4)]
    for place, one in enumerate(others):
        await arrived(store, place * HOUR, recipient=one)
        await failed(store, place * DAY, recipient=one)
    written = await store.read(lambda tx: correspondents.written_by(tx, ALICE.key, 2))
    assert [one.recipient for one in written] == [others[3].key, others[2].key]
    failing = await store.read(lambda tx: correspondents.failing(tx, 3))
    assert [one.recipient for one in failing] == [one.key for one in others[:0:-1]]


async def test_somebody_who_never_reached_an_address_still_writes_there(store: Store) -> None:
    await failed(store, DAY)
    await arrived(store, -DAY, sender=CARL)
    found = await store.read(lambda tx: correspondents.written_to(tx, BOB.key, NOW, 10))
    assert [(one.sender, one.delivered_at) for one in found] == [(ALICE.key, None)]
    assert await store.read(lambda tx: correspondents.written_by(tx, ALICE.key, 10)) == []


async def test_what_is_old_is_forgotten_some_at_a_time(store: Store) -> None:
    await arrived(store)
    await failed(store, HOUR, recipient=CARL)
    await arrived(store, 9 * DAY, sender=CARL)
    before = NOW + DAY
    counts = [await store.write(lambda tx: correspondents.forget(tx, before, 1)) for _ in range(3)]
    assert counts == [2, 1, 0]
    assert await told(store, CARL) is None
    assert len(await store.read(lambda tx: correspondents.written_to(tx, BOB.key, NOW, 10))) == 1


async def test_only_the_last_comparison_is_kept(store: Store) -> None:
    assert await store.read(correspondents.last_comparison) is None
    await store.write(lambda tx: correspondents.keep_comparison(tx, NOW, 3, b"{}"))
    await store.write(lambda tx: correspondents.keep_comparison(tx, NOW + DAY, 1, b'{"a":1}'))
    kept = await store.read(correspondents.last_comparison)
    assert kept == correspondents.KeptComparison(NOW + DAY, 1, b'{"a":1}')
