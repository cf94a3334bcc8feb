"""Bodies on a real object store of three devices: the same promises as on ours of tests/store, and devices are lost.

Source: reliability.md H08; libraries.md (distributed engine, note 6).
"""

import asyncio
import hashlib
import shutil
import signal
import sys
import tempfile
import textwrap
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from clusters import processes_in
from processes import until

from mssante.app.sandbox.swift.layout import INSTALL, check_installed
from mssante.app.sandbox.swift.swift import Swift, open_swift
from mssante.model.errors import ConfigError, MssError, StoreDamagedError, StoreError
from mssante.model.message import Body
from mssante.model.settings import BlobSettings
from mssante.store.blobs import BlobFolder, open_blobs
from mssante.store.s3 import PART_BYTES

KIB = 1024
MEMORY = 256 * KIB
INLINE = 128 * KIB
LARGE = bytes(range(251)) * 1200
DAY = timedelta(days=1)


def _why_not() -> str:
    try:
        check_installed()
    except ConfigError as error:
        return str(error)
    return ""


pytestmark = [
    pytest.mark.world,
    pytest.mark.slow,
    pytest.mark.skipif(bool(_why_not()), reason=_why_not() or "there"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Swift]:
    async with open_swift() as swift:
        yield swift


@pytest_asyncio.fixture(loop_scope="module")
async def swift(running: Swift) -> AsyncIterator[Swift]:
    """Return the store, all of it at work, and put it back afterwards."""
    yield running
    for name in set(running.devices) - set(running.running):
        await running.start(name)


@pytest.fixture
def settings(swift: Swift, tmp_path: Path, request: pytest.FixtureRequest) -> BlobSettings:
    """Return a section [blobs] with a part of the bucket for this test alone."""
    prefix = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:16]
    return replace(swift.settings(tmp_path), prefix=prefix, retries=1)


@pytest_asyncio.fixture(loop_scope="module")
async def blobs(settings: BlobSettings, tmp_path: Path) -> AsyncIterator[BlobFolder]:
    made = open_blobs(tmp_path, settings, probe=lambda _step: None)
    yield made
    made.close()


async def put(blobs: BlobFolder, data: bytes) -> Body:
    spool = blobs.spool(MEMORY, INLINE)
    for start in range(0, len(data), 64 * KIB):
        waiting = spool.write(data[start : start + 64 * KIB])
        if waiting is not None:
            await waiting
    return await spool.finish()


@pytest.mark.parametrize("size", [INLINE + 1, PART_BYTES, 2 * PART_BYTES + 7])
async def test_a_large_body_comes_back_as_it_was(blobs: BlobFolder, size: int) -> None:
    data = (LARGE * (size // len(LARGE) + 1))[:size]
    body = await put(blobs, data)
    assert body.path is not None
    assert body.data is None
    assert await asyncio.to_thread(blobs.read, body) == data
    assert await asyncio.to_thread(blobs.head, body, 10) == data[:10]
    assert not any(blobs.spool_path.iterdir())


async def test_what_one_node_wrote_another_reads_and_may_write_again(
    blobs: BlobFolder, settings: BlobSettings, tmp_path: Path
) -> None:
    (tmp_path / "autre").mkdir()
    other = open_blobs(tmp_path / "autre", settings, probe=lambda _step: None)
    body = await put(blobs, LARGE)
    assert await asyncio.to_thread(other.read, body) == LARGE
    assert await put(other, LARGE) == body
    assert await asyncio.to_thread(blobs.read, body) == LARGE
    other.close()


async def test_the_sweep_takes_what_nothing_refers_to(blobs: BlobFolder) -> None:
    kept, lost = await put(blobs, LARGE), await put(blobs, LARGE + b"2")
    referenced, now = {kept.path or ""}, datetime.now(UTC)
    assert await asyncio.to_thread(blobs.sweep, referenced, DAY, now) == 0
    assert await asyncio.to_thread(blobs.sweep, referenced, DAY, now + 3 * DAY) == 1
    assert await asyncio.to_thread(blobs.read, kept) == LARGE
    with pytest.raises(StoreDamagedError, match="n'est plus"):
        await asyncio.to_thread(blobs.read, lost)


async def test_a_body_in_parts_is_swept_too(blobs: BlobFolder) -> None:
    body = await put(blobs, LARGE * (PART_BYTES // len(LARGE) + 1))
    assert await asyncio.to_thread(blobs.sweep, set(), DAY, datetime.now(UTC) + 3 * DAY) == 1
    with pytest.raises(StoreDamagedError, match="n'est plus"):
        await asyncio.to_thread(blobs.read, body)


async def test_trying_it_out_tells_the_time_there(blobs: BlobFolder) -> None:
    there = await asyncio.to_thread(blobs.try_out)
    assert there is not None
    assert abs((there - datetime.now(UTC)).total_seconds()) < 30


async def test_a_wrong_key_and_a_wrong_bucket_are_named(settings: BlobSettings, tmp_path: Path) -> None:
    (tmp_path / "fausse").write_text("fausse\n")
    for wrong, said in (
        (replace(settings, secret_key=tmp_path / "fausse"), "secret_key"),
        (replace(settings, bucket="autre"), "le bucket existe"),
    ):
        blobs = open_blobs(tmp_path, wrong, probe=lambda _step: None)
        with pytest.raises(StoreError, match=said):
            await put(blobs, LARGE)
        blobs.close()


async def test_reads_and_writes_go_on_while_a_device_is_lost(swift: Swift, blobs: BlobFolder) -> None:
    for lost in swift.devices:
        before = await put(blobs, LARGE + lost.encode())
        await swift.kill(lost)
        assert set(swift.running) == set(swift.devices) - {lost}
        assert await asyncio.to_thread(blobs.read, before) == LARGE + lost.encode()
        between = await put(blobs, LARGE * 30 + lost.encode())
        assert await asyncio.to_thread(blobs.read, between) == LARGE * 30 + lost.encode()
        await swift.start(lost)
        assert await asyncio.to_thread(blobs.read, between) == LARGE * 30 + lost.encode()
    with pytest.raises(MssError, match="runs already"):
        await swift.start("d1")


async def test_a_write_that_one_device_alone_would_hold_is_refused(swift: Swift, blobs: BlobFolder) -> None:
    before = await put(blobs, LARGE)
    await swift.kill("d2")
    await swift.kill("d3")
    assert await asyncio.to_thread(blobs.read, before) == LARGE
    with pytest.raises(StoreError, match="ne répond pas bien"):
        await put(blobs, LARGE + b"2")
    await swift.start("d2")
    after = await put(blobs, LARGE + b"2")
    assert await asyncio.to_thread(blobs.read, after) == LARGE + b"2"


async def test_a_body_whose_copies_are_all_away_is_not_called_lost(swift: Swift, blobs: BlobFolder) -> None:
    await swift.kill("d1")
    body = await put(blobs, LARGE)
    await swift.start("d1")
    await swift.kill("d2")
    await swift.kill("d3")
    with pytest.raises(StoreError) as refused:
        await asyncio.to_thread(blobs.read, body)
    assert not isinstance(refused.value, StoreDamagedError)
    await swift.start("d2")
    assert await asyncio.to_thread(blobs.read, body) == LARGE


async def test_its_keys_are_for_us_alone_and_its_logs_tell_what_was_asked(
    swift: Swift, settings: BlobSettings, blobs: BlobFolder
) -> None:
    for key in (settings.access_key, settings.secret_key):
        assert key is not None
        assert key.stat().st_mode & 0o077 == 0
    body = await put(blobs, LARGE)
    for device in swift.devices:
        assert f"{settings.prefix}/{body.path}" in swift.log(device).read_text()


async def test_what_is_missing_is_named_with_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="swift-object-server") as missing:
        check_installed(tmp_path)
    assert INSTALL in str(missing.value)


async def test_nothing_is_left_running_when_whoever_started_it_is_killed() -> None:
    source = """
        import asyncio
        from mssante.app.sandbox.swift.swift import open_swift
        async def main():
            async with open_swift() as swift:
                print(swift.log("d1").parent.parent, flush=True)
                await asyncio.Event().wait()
        asyncio.run(main())
    """
    started = await asyncio.create_subprocess_exec(*(sys.executable, "-c", textwrap.dedent(source)), stdout=PIPE)
    assert started.stdout is not None
    folder = Path((await started.stdout.readline()).decode().strip())
    assert folder.parent == Path(tempfile.gettempdir())
    assert len(processes_in(folder)) >= 10
    started.send_signal(signal.SIGKILL)
    await started.communicate()
    await until(lambda: not processes_in(folder), "the end of all")
    await asyncio.to_thread(shutil.rmtree, folder)
