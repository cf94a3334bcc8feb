"""Bodies: small ones stay in memory, large ones are files that are flushed before anybody sees them."""

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.model.errors import StoreDamagedError, StoreError, StoreFullError
from mssante.model.message import Body
from mssante.store.blobs import BlobFolder, Spool

KIB = 1024
MEMORY = 256 * KIB
INLINE = 128 * KIB


class Steps(list[str]):
    """The named steps that were passed."""

    def __call__(self, step: str) -> None:
        self.append(step)


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[BlobFolder]:
    folder = BlobFolder(tmp_path, probe=Steps())
    yield folder
    folder.close()


async def _fill(spool: Spool, data: bytes, chunk_bytes: int) -> Body:
    for start in range(0, len(data), chunk_bytes):
        waiting = spool.write(data[start : start + chunk_bytes])
        if waiting is not None:
            await waiting
    return await spool.finish()


def _files(folder: BlobFolder) -> list[str]:
    found = [file for top in (folder.path, folder.spool_path) for file in top.rglob("*") if file.is_file()]
    return sorted(file.relative_to(folder.path.parent).as_posix() for file in found)


@pytest.mark.parametrize("size", [0, 1, INLINE - 1, INLINE])
async def test_a_small_body_never_leaves_memory_and_never_suspends(blobs: BlobFolder, size: int) -> None:
    spool = blobs.spool(MEMORY, INLINE)
    data = bytes(size)
    assert spool.write(data) is None
    with pytest.raises(StopIteration) as end:
        spool.finish().send(None)
    assert end.value.value == Body(hashlib.sha256(data).digest(), size, data, None)
    assert _files(blobs) == []
    assert blobs.probe == ["K04"]


@pytest.mark.parametrize("size", [INLINE + 1, MEMORY, MEMORY + 1, 3 * 1024 * KIB + 7])
@pytest.mark.parametrize("chunk_bytes", [1000, 64 * KIB, 4 * 1024 * KIB])
async def test_a_large_body_is_a_file_named_after_its_content(blobs: BlobFolder, size: int, chunk_bytes: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    body = await _fill(blobs.spool(MEMORY, INLINE), data, chunk_bytes)
    name = hashlib.sha256(data).hexdigest()
    assert body == Body(bytes.fromhex(name), size, None, f"{name[:2]}/{name[2:]}")
    assert _files(blobs) == [f"blobs/{name[:2]}/{name[2:]}"]
    assert blobs.read(body) == data
    assert blobs.head(body, 10) == data[:10]
    assert blobs.probe == ["K04", "K05", "K06", "K07"]
    for file in (blobs.path / body.path if body.path else blobs.path, blobs.path / name[:2], blobs.path):
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077


async def test_the_same_body_twice_is_one_file(blobs: BlobFolder) -> None:
    bodies = await asyncio.gather(*(_fill(blobs.spool(MEMORY, INLINE), bytes(400 * KIB), 64 * KIB) for _ in range(4)))
    assert len(set(bodies)) == len(_files(blobs)) == 1


@settings(max_examples=15, deadline=None)
@given(chunks=st.lists(st.integers(0, 700 * KIB), max_size=8))
async def test_any_cut_into_chunks_gives_the_same_body(tmp_path_factory, chunks: list[int]) -> None:
    folder = BlobFolder(tmp_path_factory.mktemp("b"), probe=Steps())
    data = b"".join(bytes([number % 256]) * size for number, size in enumerate(chunks))
    spool = folder.spool(MEMORY, INLINE)
    start = 0
    for size in chunks:
        waiting = spool.write(data[start : start + size])
        start += size
        if waiting is not None:
            await waiting
    assert folder.read(await spool.finish()) == data
    folder.close()


async def test_asks_to_wait_when_more_than_a_mebibyte_waits_for_the_disk(blobs: BlobFolder) -> None:
    spool = blobs.spool(MEMORY, INLINE)
    waits = [spool.write(bytes(256 * KIB)) for _ in range(8)]
    assert waits[0] is waits[1] is None
    waiting = waits[-1]
    assert waiting is not None
    waiting.cancel()
    await spool.discard()
    assert _files(blobs) == []


async def test_discards_at_any_moment_and_twice(blobs: BlobFolder) -> None:
    for size in (0, 10, 300 * KIB, 3 * 1024 * KIB):
        spool = blobs.spool(MEMORY, INLINE)
        spool.write(bytes(size))
        await spool.discard()
        await spool.discard()
    spool = blobs.spool(MEMORY, INLINE)
    finishing = asyncio.ensure_future(_fill(spool, bytes(400 * KIB), 400 * KIB))
    await asyncio.sleep(0)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    await spool.discard()
    assert [name for name in _files(blobs) if name.startswith("spool")] == []


async def test_abandons_what_was_written_when_the_store_was_closed_meanwhile(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path, probe=Steps())
    spool = folder.spool(MEMORY, INLINE)
    waiting = None
    while waiting is None:
        waiting = spool.write(bytes(MEMORY))
    await waiting
    folder.close()
    while spool._job is not None:
        await asyncio.wait({spool._job})
    assert len(_files(folder)) == 1
    spool.abandon()
    assert _files(folder) == []


async def test_abandons_without_waiting(blobs: BlobFolder) -> None:
    for size in (10, 300 * KIB, 3 * 1024 * KIB):
        spool = blobs.spool(MEMORY, INLINE)
        spool.write(bytes(size))
        spool.abandon()
        while spool._job is not None:
            await asyncio.wait({spool._job})
    blobs.close()
    assert _files(blobs) == []


@pytest.mark.parametrize(
    ("call", "number", "expected"),
    [
        ("write", errno.ENOSPC, StoreFullError),
        ("write", errno.EIO, StoreError),
        ("fsync", errno.EIO, StoreError),
        ("fsync", errno.ENOSPC, StoreFullError),
    ],
)
async def test_keeps_nothing_when_the_disk_refuses(
    blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch, call: str, number: int, expected: type[StoreError]
) -> None:
    def refuse(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(expected) as early:
            await _fill(blobs.spool(MEMORY, INLINE), bytes(200 * KIB), 64 * KIB)
        assert str(blobs.path) in str(early.value)
        spool = blobs.spool(MEMORY, INLINE)
        with pytest.raises(expected):
            await _fill(spool, bytes(3 * 1024 * KIB), 64 * KIB)
        await spool.discard()
    assert _files(blobs) == []
    assert blobs.read(await _fill(blobs.spool(MEMORY, INLINE), bytes(300 * KIB), 64 * KIB)) == bytes(300 * KIB)


async def test_a_short_write_is_continued(blobs: BlobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:1000]))
    body = await _fill(blobs.spool(MEMORY, INLINE), bytes(300 * KIB), 64 * KIB)
    assert blobs.read(body) == bytes(300 * KIB)


async def test_names_a_body_that_is_missing_or_changed(blobs: BlobFolder) -> None:
    body = await _fill(blobs.spool(MEMORY, INLINE), bytes(300 * KIB), 64 * KIB)
    assert body.path is not None
    file = blobs.path / body.path
    file.write_bytes(bytes(299 * KIB) + b"x" * KIB)
    with pytest.raises(StoreDamagedError, match=body.sha256.hex()):
        blobs.read(body)
    file.unlink()
    with pytest.raises(StoreDamagedError, match="introuvable"):
        blobs.read(body)
    assert blobs.head(body, 10) == b""
    with pytest.raises(StoreDamagedError):
        blobs.read(replace(body, data=b"changed"))


async def test_sweeps_what_is_old_and_unreferenced_only(blobs: BlobFolder) -> None:
    bodies = [await _fill(blobs.spool(MEMORY, INLINE), bytes([n]) * 300 * KIB, 64 * KIB) for n in range(3)]
    kept, orphan, young = (body.path or "" for body in bodies)
    leftover = blobs.spool_path / "tmpleft"
    leftover.write_bytes(b"half a message")
    for old in (blobs.path / kept, blobs.path / orphan, leftover):
        os.utime(old, (1_000_000_000, 1_000_000_000))
    now = datetime.now(UTC)
    assert blobs.sweep({kept}, timedelta(hours=1), now) == 1
    assert blobs.sweep_spool(timedelta(hours=1), now) == 1
    assert _files(blobs) == sorted(f"blobs/{name}" for name in (kept, young))
    assert blobs.sweep({kept}, timedelta(hours=1), now) == 0


def test_says_how_much_room_is_left(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path, probe=Steps())
    assert folder.free_bytes() > 0
    folder.close()


def test_names_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file in the way")
    with pytest.raises(StoreError, match="blobs"):
        BlobFolder(tmp_path / "blobs", probe=Steps())
