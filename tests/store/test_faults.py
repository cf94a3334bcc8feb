"""What the store does when its disk, its file or its program is not as it should be.

Source: reliability.md H01 to H04.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from store_world import NOW, mailbox, message

from mssante.model.errors import StoreDamagedError, StoreError, StoreFullError, StoreSchemaError
from mssante.model.settings import StoreSettings
from mssante.store import connection, domains, listing
from mssante.store.blobs import Spool
from mssante.store.engine import Store
from mssante.store.health import check
from mssante.store.migrate import load_migrations
from mssante.store.tx import Tx

MOUNT = "/usr/bin/mount"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 6 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run([MOUNT, "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)], check=False, capture_output=True)
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.decode().strip()}")
    yield disk
    subprocess.run(["/usr/bin/umount", "-l", str(disk)], check=True)


class FlushFails:
    """A connection whose COMMIT ends with an input/output error, as a failed fsync makes it."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str) -> object:
        if sql == "COMMIT":
            msg = "disk I/O error"
            raise apsw.IOError(msg)
        return self._connection.execute(sql)

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


async def _publish(tx: Tx, size: int = 600_000) -> None:
    await listing.save_publication(tx, raw=os.urandom(size), generated_at=NOW, now=NOW)


async def _outcome(writing: asyncio.Future[None]) -> BaseException | None:
    await asyncio.wait({writing})
    return writing.exception()


async def _pour(spool: Spool) -> None:
    for _ in range(200):
        waiting = spool.write(bytes(65536))
        if waiting is not None:
            await waiting


async def test_a_full_disk_keeps_nothing_of_the_refused_and_works_again_with_room(small_disk: Path) -> None:
    store = await Store.open(small_disk / "data", StoreSettings())
    await store.write(lambda tx: domains.add_domain(tx, "before.fr", NOW))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2 * 1024 * 1024))
    results = [await _outcome(store.write(_publish)) for _ in range(12)]
    assert results[0] is None
    assert "plus de place" in str(results[-1])
    assert "mssante.db" in str(results[-1])
    results = await asyncio.gather(*(store.write(_publish) for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {StoreFullError}
    assert await store.read(domains.list_domains) == ("before.fr",)
    ballast.unlink()
    await store.write(_publish)
    await store.close()
    again = await Store.open(small_disk / "data", StoreSettings())
    assert await again.read(listing.publication) is not None
    assert (await check(again)).findings == ()
    await again.close()


async def test_a_disk_full_for_a_large_body_keeps_nothing(small_disk: Path) -> None:
    store = await Store.open(small_disk / "data", StoreSettings())
    spool = store.blobs.spool(256 * 1024, 128 * 1024)
    with pytest.raises(StoreFullError):
        await _pour(spool)
    await spool.discard()
    assert list(store.blobs.spool_path.iterdir()) == []
    await store.write(lambda tx: domains.add_domain(tx, "after.fr", NOW))
    await store.close()


async def test_a_read_only_disk_is_named_with_the_fix(small_disk: Path) -> None:
    store = await Store.open(small_disk / "data", StoreSettings())
    await store.close()
    await asyncio.to_thread(subprocess.run, [MOUNT, "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match=r"mssante\.db.*(cet utilisateur y écrit|le droit d'écrire)"):
        await Store.open(small_disk / "data", StoreSettings())
    with pytest.raises(StoreError, match="cet utilisateur y écrit"):
        await Store.open(small_disk / "other", StoreSettings())


async def test_refuses_every_write_after_a_flush_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    await store.write(lambda tx: domains.add_domain(tx, "good.fr", NOW))
    with monkeypatch.context() as patch:
        patch.setattr(store._writer, "_connection", FlushFails(store._writer._connection))
        with pytest.raises(StoreError, match="disque"):
            await store.write(lambda tx: domains.add_domain(tx, "lost.fr", NOW))
    with pytest.raises(StoreError, match="redémarrez ce programme"):
        await store.write(lambda tx: domains.add_domain(tx, "later.fr", NOW))
    assert await store.read(domains.list_domains) == ("good.fr",)
    await store.close()
    again = await Store.open(tmp_path, StoreSettings())
    await again.write(lambda tx: domains.add_domain(tx, "later.fr", NOW))
    await again.close()


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mssante.db").write_bytes(b"not a database, but longer than a header of one" * 100)
    before = (tmp_path / "mssante.db").read_bytes()
    with pytest.raises(StoreDamagedError, match=r"mssante\.db est abîmé ou n'est pas une base"):
        await Store.open(tmp_path, StoreSettings())
    assert (tmp_path / "mssante.db").read_bytes() == before


async def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "mssante.db"))
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreSchemaError, match="d'un autre programme"):
        await Store.open(tmp_path, StoreSettings())


async def test_a_damaged_page_is_found_and_the_rest_stays_readable(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    await store.write(lambda tx: domains.add_domain(tx, "good.fr", NOW))
    for number in range(30):
        await store.write(lambda tx, number=number: message(tx, f"r{number}", os.urandom(6000)))
    await store.close()
    whole = bytearray((tmp_path / "mssante.db").read_bytes())
    whole[-8192 * 3 : -8192 * 2] = bytes(8192)
    (tmp_path / "mssante.db").write_bytes(whole)
    damaged = await Store.open(tmp_path, StoreSettings())
    assert await damaged.read(domains.list_domains) == ("good.fr",)
    found = await check(damaged)
    assert found.findings
    assert all("remettez la dernière bonne copie" in finding.text for finding in found.findings)
    await damaged.close()


async def test_a_flipped_bit_in_a_body_names_its_message(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    await store.write(lambda tx: message(tx, "sound", b"a" * 500))
    await store.write(lambda tx: message(tx, "hurt", b"needle" * 500))
    await store.close()
    whole = (tmp_path / "mssante.db").read_bytes()
    assert b"needle" in whole
    (tmp_path / "mssante.db").write_bytes(whole.replace(b"needleneedle", b"needleneedlf", 1))
    hurt = await Store.open(tmp_path, StoreSettings())
    found = await check(hurt, low_bytes=2**62)
    assert (found.damaged, found.bodies_checked) == (("hurt",), 2)
    assert [finding.subject for finding in found.findings] == ["hurt", str(tmp_path)]
    await hurt.close()


async def test_a_sound_store_is_well(tmp_path: Path) -> None:
    store = await Store.open(tmp_path, StoreSettings())
    await store.write(mailbox)
    found = await check(store)
    assert (found.findings, found.schema_version, found.damaged) == ((), len(load_migrations()), ())
    assert found.free_bytes > 0
    assert set(found.queue.values()) == {0}
    await store.close()


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_refuses_an_sqlite_whose_log_may_be_reset(
    version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connection.apsw, "sqlite_lib_version", lambda: version)
    with pytest.raises(StoreSchemaError, match=rf"SQLite {version} .* installez apsw"):
        connection.connect(tmp_path / "x.db", reader=False)


@pytest.mark.parametrize("step", ["K08", "K09"])
async def test_a_kill_around_the_commit_keeps_all_or_nothing(tmp_path: Path, step: str) -> None:
    program = """
import asyncio, os, sys
from pathlib import Path
from mssante.model.settings import StoreSettings
from mssante.store import domains
from mssante.store.blobs import Spool
from mssante.store.engine import Store
sys.path.insert(0, sys.argv[3])
from store_world import NOW
armed = False
def probe(step):
    if armed and step == sys.argv[2]:
        os.kill(os.getpid(), 9)
async def main():
    global armed
    store = await Store.open(Path(sys.argv[1]), StoreSettings(), probe=probe)
    await store.write(lambda tx: domains.add_domain(tx, "first.fr", NOW))
    armed = True
    async def both(tx):
        await domains.add_domain(tx, "second.fr", NOW)
        await domains.add_domain(tx, "third.fr", NOW)
    await store.write(both)
asyncio.run(main())
"""
    support = Path(__file__).parent.parent / "support"
    run = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, str(tmp_path), step, str(support)], check=False
    )
    assert run.returncode == -9
    store = await Store.open(tmp_path, StoreSettings())
    expected = {"K08": ("first.fr",), "K09": ("first.fr", "second.fr", "third.fr")}[step]
    assert await store.read(domains.list_domains) == expected
    await store.close()
