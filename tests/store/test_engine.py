"""Every engine: groups, failures, restarts, readers, other processes; at the end what is of the embedded one alone."""

import asyncio
import contextlib
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from store_world import NOW

from mssante.doors.net.eager import Done, start
from mssante.model.errors import StoreError
from mssante.model.settings import StoreSettings
from mssante.store import domains
from mssante.store.engine import Store
from mssante.store.tx import Tx

Opening = Callable[..., Awaitable[Store]]


async def test_keeps_what_was_written_over_a_restart(open_store: Opening) -> None:
    first = await open_store()
    await first.write(lambda tx: domains.add_domain(tx, "chu.mssante.fr", NOW))
    await first.close()
    second = await open_store()
    assert await second.read(domains.list_domains) == ("chu.mssante.fr",)
    assert await second.read_long(domains.list_domains) == ("chu.mssante.fr",)
    await second.close()


async def test_commits_a_hundred_writers_in_few_groups(open_store: Opening) -> None:
    steps: list[str] = []
    store = await open_store(probe=steps.append)
    steps.clear()
    await asyncio.gather(*(store.write(lambda tx, n=n: domains.add_domain(tx, f"d{n}.fr", NOW)) for n in range(100)))
    assert len(await store.read(domains.list_domains)) == 100
    assert steps.count("K08") == steps.count("K09") < 50
    await store.close()


async def test_one_failing_work_does_not_hurt_its_group(store: Store) -> None:
    async def fails(tx: Tx) -> None:
        await domains.add_domain(tx, "half.fr", NOW)
        msg = "an accident in the middle"
        raise ValueError(msg)

    works = [store.write(lambda tx, n=n: domains.add_domain(tx, f"d{n}.fr", NOW)) for n in range(20)]
    works.insert(10, store.write(fails))
    results = await asyncio.gather(*works, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [ValueError]
    assert len(await store.read(domains.list_domains)) == 20
    with pytest.raises(ValueError, match="accident"):
        await store.write(fails)
    assert "half.fr" not in await store.read(domains.list_domains)


async def test_refuses_a_work_that_waits_for_something_else(store: Store) -> None:
    async def waits(tx: Tx) -> None:
        await domains.add_domain(tx, "late.fr", NOW)
        await asyncio.sleep(0)

    with pytest.raises(StoreError, match="waits for something else"):
        await store.write(waits)
    with pytest.raises(StoreError, match="waits for something else"):
        await store.read(lambda _tx: asyncio.sleep(0))
    assert await store.read(domains.list_domains) == ()


async def test_a_work_that_goes_on_after_a_failed_statement_keeps_all_or_nothing(store: Store) -> None:
    async def stubborn(tx: Tx) -> None:
        await domains.add_domain(tx, "before.fr", NOW)
        with contextlib.suppress(StoreError):
            await tx.run("add_body", message_id=99, data=b"of no message")
        await domains.add_domain(tx, "after.fr", NOW)

    outcome = await asyncio.gather(store.write(stubborn), return_exceptions=True)
    kept = await store.read(domains.list_domains)
    assert kept == (("after.fr", "before.fr") if outcome == [None] else ())


async def test_gives_a_row_number_and_counts_rows_as_every_engine_does(store: Store) -> None:
    async def work(tx: Tx) -> tuple[int, int, int]:
        first = await tx.insert("add_publication", generated_at=1, published_at=1, raw=b"1")
        second = await tx.insert("add_publication", generated_at=2, published_at=2, raw=b"2")
        gone = await tx.run("forget_publications", last_id=second)
        return second - first, gone, await tx.run("forget_publications", last_id=second)

    assert await store.write(work) == (1, 2, 0)


async def test_a_snapshot_does_not_move_and_a_glance_does(store: Store) -> None:
    async def look(tx: Tx) -> tuple[str, ...]:
        first = await domains.list_domains(tx)
        return (*first, *await domains.list_domains(tx))

    writes = [asyncio.ensure_future(store.write(lambda tx: domains.add_domain(tx, "a.fr", NOW)))]
    found = await store.read_long(look)
    assert len(found) % 2 == 0
    await asyncio.gather(*writes)
    assert await store.glance(look) == ("a.fr", "a.fr")


async def test_keeps_a_text_with_a_nul_readable(store: Store) -> None:
    async def work(tx: Tx) -> None:
        await tx.run("annotate", account_id=0, entry="/a\0b", value=b"\0")

    await store.write(work)
    ((entry, value),) = await store.read(lambda tx: tx.all("annotations", account_id=0))
    assert entry in {"/a\0b", "/a\N{REPLACEMENT CHARACTER}b"}
    assert value == b"\0"


async def test_may_be_asked_by_a_step_that_a_door_begins_outside_of_any_task(store: Store) -> None:
    loop = asyncio.get_running_loop()
    await store.write(lambda tx: domains.add_domain(tx, "a.fr", NOW))
    for ask in (store.read, store.glance, store.read_long):
        begun: asyncio.Future[object] = loop.create_future()
        loop.call_soon(lambda ask=ask, begun=begun: begun.set_result(start(ask(domains.list_domains))))
        step = await begun
        assert (step.value if isinstance(step, Done) else await loop.create_task(step)) == ("a.fr",)


async def test_refuses_to_write_through_a_reader(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.read(lambda tx: domains.add_domain(tx, "sly.fr", NOW))


async def test_sees_the_commits_of_another_process_only(open_store: Opening) -> None:
    ours = await open_store()
    # A second store on the same database has its own connections, as another process would.
    theirs = await open_store()
    before = await ours.commits_elsewhere()
    await ours.write(lambda tx: domains.add_domain(tx, "ours.fr", NOW))
    assert await ours.commits_elsewhere() == before
    await theirs.write(lambda tx: domains.add_domain(tx, "theirs.fr", NOW))
    assert await ours.commits_elsewhere() != before
    assert await ours.read(domains.list_domains) == ("ours.fr", "theirs.fr")
    await theirs.close()
    await ours.close()


async def test_finishes_what_is_queued_before_it_closes_and_refuses_later(store: Store) -> None:
    works = [store.write(lambda tx, n=n: domains.add_domain(tx, f"d{n}.fr", NOW)) for n in range(50)]
    aside = asyncio.ensure_future(store.commits_elsewhere())
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*works)
    await aside
    for refused in (
        store.write(domains.list_domains),
        store.read(domains.list_domains),
        store.read_long(domains.list_domains),
        store.commits_elsewhere(),
    ):
        with pytest.raises(StoreError, match="est fermé"):
            await refused
    await store.close()


async def test_is_readable_by_its_user_only(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "data", StoreSettings())
    await store.write(lambda tx: domains.add_domain(tx, "chu.fr", NOW))
    await store.read(domains.list_domains)
    for file in (tmp_path / "data").rglob("*"):
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file
    await store.close()


async def test_copies_the_log_into_the_database_before_it_grows_without_end(tmp_path: Path) -> None:
    steps: list[str] = []
    store = await Store.open(tmp_path, StoreSettings(), probe=steps.append)

    async def big(tx: Tx) -> None:
        await tx.run("add_publication", generated_at=0, published_at=0, raw=bytes(12 * 1024 * 1024))

    for _ in range(8):
        await store.write(big)
    assert "K18" in steps
    assert (tmp_path / "mssante.db-wal").stat().st_size < 60 * 1024 * 1024
    await store.close()
