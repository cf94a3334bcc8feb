"""Versions of the white list, revocation lists, and what the manager admits and publishes."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from store_world import NOW

from mssante.store import listing, lists
from mssante.store.engine import Store
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Tx

HOUR = timedelta(hours=1)


async def _save(tx: Tx, number: int) -> None:
    await lists.save_list(
        tx,
        version=f"v{number}",
        generated_at=NOW - HOUR,
        raw=b"<x/>" * number,
        etag='"e"',
        last_modified="Mon",
        now=NOW + number * HOUR,
    )


async def test_the_list_saved_last_is_in_force(store: Store) -> None:
    assert await store.read(lists.active_list) is None
    await store.write(lambda tx: lists.touch_list(tx, NOW))
    for number in (1, 2):
        await store.write(lambda tx, number=number: _save(tx, number))
    await store.write(lambda tx: lists.touch_list(tx, NOW + 9 * HOUR))
    found = await store.read(lists.active_list)
    assert found == lists.SavedList("v2", NOW - HOUR, b"<x/><x/>", '"e"', "Mon", NOW + 2 * HOUR, NOW + 9 * HOUR)
    versions = await store.read(lists.list_versions)
    assert [(one.version, one.size_bytes) for one in versions] == [("v2", 8), ("v1", 4)]
    assert versions[1].checked_at == NOW + HOUR


async def test_keeps_a_hundred_versions(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for number in range(1, 131):
            await _save(tx, number)
            await listing.save_publication(tx, raw=b"%d" % number, generated_at=NOW, now=NOW)

    await store.write(work)
    versions = await store.read(lists.list_versions)
    assert (len(versions), versions[0].version, versions[-1].version) == (100, "v130", "v31")


async def test_keeps_one_revocation_list_per_authority(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for issuer, der, end in (("CN=b", b"1", None), ("CN=a", b"2", NOW), ("CN=b", b"3", NOW + HOUR)):
            await lists.save_crl(tx, issuer=issuer, url="http://x/", der=der, this_update=NOW, next_update=end, now=NOW)

    await store.write(work)
    found = await store.read(lists.crls)
    assert [(crl.issuer, crl.der, crl.next_update) for crl in found] == [
        ("CN=a", b"2", NOW),
        ("CN=b", b"3", NOW + HOUR),
    ]


async def test_the_manager_admits_changes_and_removes_entries(store: Store) -> None:
    async def work(tx: Tx) -> None:
        for domain, dn, text in (
            ("b.fr", "CN=1", "x"),
            ("a.fr", "CN=1", "x"),
            ("a.fr", "CN=2", "x"),
            ("a.fr", "CN=2", "y"),
        ):
            await listing.admit(tx, domain=domain, dn_text=dn, description=text, responsible="r", support="s", now=NOW)
        found = await listing.entries(tx)
        assert [(one.domain, one.dn_text, one.description) for one in found] == [
            ("a.fr", "CN=1", "x"),
            ("a.fr", "CN=2", "y"),
            ("b.fr", "CN=1", "x"),
        ]
        assert await listing.remove(tx, "a.fr", "CN=1") == 1
        assert await listing.remove(tx, "a.fr", "CN=1") == 0
        assert await listing.remove(tx, "b.fr", None) == 1
        assert len(await listing.entries(tx)) == 1

    await store.write(work)


async def test_the_last_publication_is_given(store: Store) -> None:
    assert await store.read(listing.publication) is None
    for raw in (b"1", b"2"):
        await store.write(lambda tx, raw=raw: listing.save_publication(tx, raw=raw, generated_at=NOW, now=NOW + HOUR))
    assert await store.read(listing.publication) == listing.Publication(NOW, NOW + HOUR, b"2")


@given(st.integers(-(2**50), 2**53))
def test_times_are_kept_to_the_microsecond(micros: int) -> None:
    assert to_micros(from_micros(micros)) == micros
