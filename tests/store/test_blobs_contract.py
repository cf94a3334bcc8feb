"""What every place of bodies promises, asked of each with equal answers: a folder, and an object store.

Source: reliability.md R19.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from s3 import FakeS3, fake_s3

from mssante.model.errors import StoreDamagedError
from mssante.model.message import Body
from mssante.model.settings import FILES
from mssante.store.blobs import BlobFolder, Spool, open_blobs
from mssante.store.s3 import PART_BYTES

KIB = 1024
MEMORY = 256 * KIB
INLINE = 128 * KIB
DAY = timedelta(days=1)
LARGE = bytes(range(251)) * 1200


class Place:
    """Where bodies go, reached behind its back: what a fault of a disk or of a bucket would do to them."""

    def __init__(self, folder: Path, s3: FakeS3 | None) -> None:
        self.folder = folder
        self.s3 = s3

    def open(self) -> BlobFolder:
        given = self.s3.settings(self.folder) if self.s3 else FILES
        return open_blobs(self.folder, given, probe=lambda _step: None)

    def change(self, path: str, data: bytes | None) -> None:
        """Put other bytes in the place of a body, or none."""
        if self.s3 is None:
            file = self.folder / "blobs" / path
            file.unlink() if data is None else file.write_bytes(data)
        elif data is None:
            del self.s3.objects[path]
        else:
            self.s3.objects[path] = data

    def kept(self) -> dict[str, bytes]:
        """Return what is at rest, by name."""
        if self.s3 is not None:
            return dict(self.s3.objects)
        top = self.folder / "blobs"
        return {file.relative_to(top).as_posix(): file.read_bytes() for file in top.rglob("*") if file.is_file()}


@pytest.fixture(params=["files", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, stack.enter_context(fake_s3()) if request.param == "s3" else None)


@pytest.fixture
async def blobs(place: Place) -> AsyncIterator[BlobFolder]:
    made = place.open()
    yield made
    made.close()


async def fill(spool: Spool, data: bytes, chunk_bytes: int = 64 * KIB) -> Body:
    for start in range(0, len(data), chunk_bytes):
        waiting = spool.write(data[start : start + chunk_bytes])
        if waiting is not None:
            await waiting
    return await spool.finish()


def on_their_way(blobs: BlobFolder) -> list[Path]:
    return list(blobs.spool_path.iterdir())


@pytest.mark.parametrize("size", [0, 1, INLINE])
async def test_a_small_body_comes_back_with_its_bytes(blobs: BlobFolder, place: Place, size: int) -> None:
    body = await fill(blobs.spool(MEMORY, INLINE), bytes(size))
    assert body == Body(hashlib.sha256(bytes(size)).digest(), size, bytes(size), None)
    assert blobs.read(body) == bytes(size)
    assert place.kept() == {}


@pytest.mark.parametrize("size", [INLINE + 1, MEMORY, MEMORY + 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES])
@pytest.mark.parametrize("chunk_bytes", [64 * KIB, PART_BYTES])
async def test_a_large_body_is_kept_before_it_is_given(
    blobs: BlobFolder, place: Place, size: int, chunk_bytes: int
) -> None:
    data = (LARGE * (size // len(LARGE) + 1))[:size]
    body = await fill(blobs.spool(MEMORY, INLINE), data, chunk_bytes)
    assert (body.sha256, body.size_bytes, body.data) == (hashlib.sha256(data).digest(), size, None)
    assert place.kept() == {body.path: data}
    assert blobs.read(body) == data
    assert on_their_way(blobs) == []


async def test_a_head_is_the_first_bytes_and_never_more_than_there_are(blobs: BlobFolder, place: Place) -> None:
    small, large = [await fill(blobs.spool(MEMORY, INLINE), data) for data in (b"abc", LARGE)]
    for limit in (1, 2, 3, 4, 10**9):
        assert blobs.head(small, limit) == b"abc"[:limit]
        assert blobs.head(large, limit) == LARGE[:limit]
    place.change(large.path or "", None)
    assert blobs.head(large, 10) == b""


async def test_what_one_process_kept_another_reads_and_keeps_once(blobs: BlobFolder, place: Place) -> None:
    other = place.open()
    bodies = [await fill(one.spool(MEMORY, INLINE), LARGE) for one in (blobs, other, blobs)]
    assert len(set(bodies)) == len(place.kept()) == 1
    assert other.read(bodies[0]) == LARGE
    other.close()


async def test_the_same_body_at_the_same_time_is_kept_once(blobs: BlobFolder, place: Place) -> None:
    bodies = await asyncio.gather(*(fill(blobs.spool(MEMORY, INLINE), LARGE) for _ in range(8)))
    assert len(set(bodies)) == len(place.kept()) == 1
    assert blobs.read(bodies[0]) == LARGE


@pytest.mark.parametrize("size", [len(LARGE), PART_BYTES + 3])
@pytest.mark.parametrize(
    "damage",
    [
        lambda data: None,
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data + b"x",
        lambda data: bytes(len(data)),
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    ],
    ids=["gone", "empty", "half", "longer", "other", "one-bit"],
)
async def test_what_is_not_what_was_kept_is_damaged_and_named(
    blobs: BlobFolder, place: Place, size: int, damage: Callable[[bytes], bytes | None]
) -> None:
    data = (LARGE * (size // len(LARGE) + 1))[:size]
    body = await fill(blobs.spool(MEMORY, INLINE), data)
    assert body.path is not None
    place.change(body.path, damage(data))
    with pytest.raises(StoreDamagedError, match=body.path) as found:
        blobs.read(body)
    assert "remettez sa dernière bonne copie" in str(found.value)
    place.change(body.path, data)
    assert blobs.read(body) == data


async def test_a_wrong_hash_in_the_row_is_damage_too(blobs: BlobFolder) -> None:
    body = await fill(blobs.spool(MEMORY, INLINE), LARGE)
    for wrong in (replace(body, sha256=bytes(32)), replace(body, size_bytes=len(LARGE) - 1)):
        with pytest.raises(StoreDamagedError):
            blobs.read(wrong)


async def test_the_sweep_takes_what_nothing_refers_to_after_its_age(blobs: BlobFolder, place: Place) -> None:
    kept, orphan = [await fill(blobs.spool(MEMORY, INLINE), LARGE + bytes([n])) for n in range(2)]
    now = datetime.now(UTC)
    assert blobs.sweep({kept.path or ""}, DAY, now) == 0
    assert blobs.sweep({kept.path or ""}, DAY, now + 3 * DAY) == 1
    assert set(place.kept()) == {kept.path}
    with pytest.raises(StoreDamagedError):
        blobs.read(orphan)
    assert blobs.sweep({kept.path or ""}, DAY, now + 3 * DAY) == 0


async def test_what_is_given_up_leaves_nothing(blobs: BlobFolder, place: Place) -> None:
    for size in (0, 10, MEMORY + 1, 3 * 1024 * KIB):
        discarded, abandoned = blobs.spool(MEMORY, INLINE), blobs.spool(MEMORY, INLINE)
        for spool in (discarded, abandoned):
            spool.write(bytes(size))
        await discarded.discard()
        await discarded.discard()
        abandoned.abandon()
        await abandoned.discard()
    assert on_their_way(blobs) == []
    assert place.kept() == {}


async def test_trying_it_out_leaves_nothing(blobs: BlobFolder, place: Place) -> None:
    there = blobs.try_out()
    assert there is None or abs(there - datetime.now(UTC)) < timedelta(seconds=30)
    assert place.kept() == {}
    assert on_their_way(blobs) == []


async def test_threads_read_while_others_keep(blobs: BlobFolder) -> None:
    bodies = [await fill(blobs.spool(MEMORY, INLINE), LARGE + bytes([n])) for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(blobs.read, body) for body in bodies * 4]
        more = await asyncio.gather(*(fill(blobs.spool(MEMORY, INLINE), LARGE + b"x" + bytes([n])) for n in range(4)))
    assert [read.result() for read in reads] == [LARGE + bytes([n]) for n in range(4)] * 4
    assert len({body.path for body in more}) == 4


def test_there_is_room_to_receive(place: Place) -> None:
    made = place.open()
    assert made.free_bytes() > 0
    made.close()


@settings(max_examples=12, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 400 * KIB), max_size=6),
    cut=st.integers(1, 500 * KIB),
    used=st.lists(st.booleans(), min_size=6, max_size=6),
    damaged=st.integers(0, 10**6),
)
async def test_a_folder_and_an_object_store_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cut: int, used: list[bool], damaged: int
) -> None:
    with fake_s3() as s3:
        seen = [
            await story(Place(tmp_path_factory.mktemp("lieu"), one), sizes, cut, used, damaged) for one in (None, s3)
        ]
    assert seen[0] == seen[1]


async def story(place: Place, sizes: list[int], cut: int, used: list[bool], damaged: int) -> list[object]:
    """Keep bodies, read them, sweep, change one: return all that was seen, with what may differ (names) left out."""
    blobs = place.open()
    datas = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    bodies = [await fill(blobs.spool(MEMORY, INLINE), data, cut) for data in datas]
    seen: list[object] = [(body.sha256, body.size_bytes, body.data, body.path is None) for body in bodies]
    seen += [blobs.read(body) == data for body, data in zip(bodies, datas, strict=True)]
    seen += [blobs.head(body, cut) for body in bodies]
    large = [body for body in bodies if body.path is not None]
    referenced = {body.path or "" for body, is_used in zip(large, used, strict=False) if is_used}
    now = datetime.now(UTC)
    seen += [blobs.sweep(referenced, DAY, when) for when in (now, now + 3 * DAY)]
    rest = [body for body in large if body.path in referenced]
    seen.append(sorted(hashlib.sha256(data).digest() for data in place.kept().values()))
    for body in rest:
        data = bytearray(blobs.read(body))
        data[damaged % len(data)] ^= 0xFF
        place.change(body.path or "", bytes(data))
        with pytest.raises(StoreDamagedError):
            blobs.read(body)
    blobs.close()
    return seen
