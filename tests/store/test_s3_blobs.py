"""Bodies in an object store: there before the row, what was written when read, and clear about every fault.

Source: reliability.md H08.
"""

import hashlib
import os
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from s3 import FakeS3, fake_s3

from mssante.model.errors import ConfigError, StoreAwayError, StoreDamagedError, StoreError
from mssante.model.message import Body
from mssante.store.blobs import BlobFolder, Spool, open_blobs
from mssante.store.s3 import PART_BYTES, BucketBlobs

KIB = 1024
MEMORY = 256 * KIB
INLINE = 128 * KIB
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
LARGE = bytes(range(251)) * 1200


@pytest.fixture
def s3() -> Iterator[FakeS3]:
    with fake_s3() as store:
        yield store


@pytest.fixture
async def blobs(s3: FakeS3, tmp_path: Path) -> AsyncIterator[BucketBlobs]:
    made = open_blobs(tmp_path, s3.settings(tmp_path), probe=lambda _step: None)
    assert isinstance(made, BucketBlobs)
    yield made
    made.close()


async def fill(spool: Spool, data: bytes) -> Body:
    for start in range(0, len(data), 64 * KIB):
        waiting = spool.write(data[start : start + 64 * KIB])
        if waiting is not None:
            await waiting
    return await spool.finish()


def here(blobs: BlobFolder) -> list[str]:
    return [file.name for top in (blobs.path, blobs.spool_path) for file in top.rglob("*") if file.is_file()]


@pytest.mark.parametrize("size", [INLINE + 1, MEMORY + 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES + 7])
async def test_a_large_body_is_an_object_named_after_its_content_and_day(
    blobs: BucketBlobs, s3: FakeS3, size: int
) -> None:
    data = (LARGE * (size // len(LARGE) + 1))[:size]
    body = await fill(blobs.spool(MEMORY, INLINE), data)
    name = hashlib.sha256(data).hexdigest()
    assert body.path is not None
    assert body.path.startswith(f"{name[:2]}/{name[2:]}-20")
    assert s3.objects == {body.path: data}
    assert here(blobs) == []
    assert blobs.read(body) == data
    assert blobs.head(body, 10) == data[:10]
    assert len(blobs.head(body, 10**9)) == size


async def test_a_small_body_goes_into_the_transaction(blobs: BucketBlobs, s3: FakeS3) -> None:
    body = await fill(blobs.spool(MEMORY, INLINE), b"x" * INLINE)
    assert (body.data, body.path) == (b"x" * INLINE, None)
    assert blobs.read(body) == b"x" * INLINE
    assert s3.asked == []


async def test_two_nodes_write_the_same_object_once(blobs: BucketBlobs, s3: FakeS3, tmp_path: Path) -> None:
    (tmp_path / "autre").mkdir()
    other = open_blobs(tmp_path / "autre", s3.settings(tmp_path), probe=lambda _step: None)
    bodies = [await fill(one.spool(MEMORY, INLINE), LARGE) for one in (blobs, other)]
    assert bodies[0] == bodies[1]
    assert len(s3.objects) == 1
    assert other.read(bodies[0]) == LARGE
    other.close()


async def test_a_prefix_shares_the_bucket(s3: FakeS3, tmp_path: Path) -> None:
    made = open_blobs(tmp_path, s3.settings(tmp_path, prefix="mss"), probe=lambda _step: None)
    s3.objects["aa/autre-20200101"] = b"d'un autre"
    body = await fill(made.spool(MEMORY, INLINE), LARGE)
    assert list(s3.objects) == ["aa/autre-20200101", f"mss/{body.path}"]
    assert made.read(body) == LARGE
    assert made.sweep(set(), timedelta(days=1), NOW + timedelta(days=9)) == 1
    assert list(s3.objects) == ["aa/autre-20200101"]
    made.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_few_errors_are_tried_again(blobs: BucketBlobs, s3: FakeS3, status: int) -> None:
    s3.faults.refuse, s3.faults.status = 2, status
    body = await fill(blobs.spool(MEMORY, INLINE), LARGE)
    s3.faults.refuse = 2
    assert blobs.read(body) == LARGE


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"refuse": 99}, "ne répond pas bien"),
        ({"closes": 99}, "ne répond pas bien"),
        ({"denied": True}, "access_key"),
        ({"denied": True, "code": "RequestTimeTooSkewed"}, "horloge"),
        ({"lose_puts": True}, "introuvable"),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_leaves_nothing(
    blobs: BucketBlobs, s3: FakeS3, fault: dict[str, object], said: str
) -> None:
    s3.faults = replace(s3.faults, **fault)
    with pytest.raises(StoreError, match=said) as refused:
        await fill(blobs.spool(MEMORY, INLINE), LARGE)
    assert not isinstance(refused.value, StoreDamagedError)
    assert "/corps" in str(refused.value)
    assert here(blobs) == []
    s3.faults = type(s3.faults)()
    body = await fill(blobs.spool(MEMORY, INLINE), LARGE)
    assert blobs.read(body) == LARGE


async def test_a_server_that_keeps_half_is_found_out_before_the_row(blobs: BucketBlobs, s3: FakeS3) -> None:
    s3.faults.truncate = True
    with pytest.raises(StoreError, match="au lieu de"):
        await fill(blobs.spool(MEMORY, INLINE), LARGE)


@pytest.mark.parametrize("fault", [{"truncate": True}, {"other": True}])
async def test_what_is_not_what_was_written_is_damaged(
    blobs: BucketBlobs, s3: FakeS3, fault: dict[str, object]
) -> None:
    body = await fill(blobs.spool(MEMORY, INLINE), LARGE)
    s3.faults = replace(s3.faults, **fault)
    with pytest.raises(StoreDamagedError, match=body.sha256.hex()[2:20]):
        blobs.read(body)


async def test_a_lost_object_is_damage_and_a_silent_server_is_not(blobs: BucketBlobs, s3: FakeS3) -> None:
    body = await fill(blobs.spool(MEMORY, INLINE), LARGE)
    s3.faults.refuse = 99
    with pytest.raises(StoreError) as silent:
        blobs.read(body)
    assert not isinstance(silent.value, StoreDamagedError)
    s3.faults.refuse = 99
    with pytest.raises(StoreAwayError):
        blobs.head(body, 10)
    s3.faults.refuse = 0
    s3.objects.clear()
    assert blobs.head(body, 10) == b""
    with pytest.raises(StoreDamagedError, match="n'est plus"):
        blobs.read(body)


async def test_nothing_answers_at_a_wrong_address(tmp_path: Path) -> None:
    with fake_s3() as gone:
        given = gone.settings(tmp_path, retries=0)
    made = open_blobs(tmp_path, given, probe=lambda _step: None)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1"):
        await fill(made.spool(MEMORY, INLINE), LARGE)
    made.close()


async def test_a_wrong_bucket_is_named(s3: FakeS3, tmp_path: Path) -> None:
    made = open_blobs(tmp_path, s3.settings(tmp_path, bucket="autre"), probe=lambda _step: None)
    assert isinstance(made, BucketBlobs)
    with pytest.raises(StoreError, match=r"autre.*le bucket existe"):
        await fill(made.spool(MEMORY, INLINE), LARGE)
    with pytest.raises(StoreError, match="le bucket existe") as read:
        made.read(Body(bytes(32), 5, None, "00/00-20260101"))
    assert not isinstance(read.value, StoreDamagedError)
    made.close()


async def test_the_sweep_takes_what_nothing_refers_to_of_days_that_are_over(blobs: BucketBlobs, s3: FakeS3) -> None:
    kept = await fill(blobs.spool(MEMORY, INLINE), LARGE)
    lost = await fill(blobs.spool(MEMORY, INLINE), LARGE + b"2")
    s3.objects["autre chose"] = b"pas de nous"
    (blobs.spool_path / "reste").write_bytes(b"x")
    os.utime(blobs.spool_path / "reste", (1, 1))
    referenced = {kept.path}
    assert blobs.sweep_spool(timedelta(days=1), NOW) == 1
    assert blobs.sweep(referenced, timedelta(days=1), NOW) == 0
    assert len(s3.objects) == 3
    assert blobs.sweep(referenced, timedelta(days=1), NOW + timedelta(days=1)) == 0
    assert blobs.sweep(referenced, timedelta(days=1), NOW + timedelta(days=3)) == 1
    assert set(s3.objects) == {kept.path, "autre chose"}
    assert lost.path not in s3.objects


async def test_trying_it_out_tells_the_time_there_and_leaves_nothing(blobs: BucketBlobs, s3: FakeS3) -> None:
    s3.faults.clock = 90
    assert 80 <= (blobs.try_out() - datetime.now(UTC)).total_seconds() <= 95
    assert s3.objects == {}
    s3.faults.other = True
    with pytest.raises(StoreError, match="ne rend pas"):
        blobs.try_out()


def test_keys_that_cannot_be_read_are_named(s3: FakeS3, tmp_path: Path) -> None:
    given = s3.settings(tmp_path)
    for wrong in (replace(given, access_key=None), replace(given, access_key=tmp_path / "rien")):
        with pytest.raises(ConfigError, match="access_key"):
            open_blobs(tmp_path, wrong, probe=lambda _step: None)


@pytest.mark.parametrize("prefix", ["mss", "/mss", "mss/", "a b", "é/x"])
async def test_no_way_to_write_a_prefix_makes_the_sweep_take_a_body_in_use(
    s3: FakeS3, tmp_path: Path, prefix: str
) -> None:
    made = open_blobs(tmp_path, s3.settings(tmp_path, prefix=prefix), probe=lambda _step: None)
    body = await fill(made.spool(MEMORY, INLINE), LARGE)
    assert made.sweep({body.path}, DAY, NOW + 9 * DAY) == 0
    assert made.read(body) == LARGE
    assert made.sweep(set(), DAY, NOW + 9 * DAY) == 1
    made.close()


async def test_the_sweep_leaves_what_only_looks_like_ours(blobs: BucketBlobs, s3: FakeS3) -> None:
    digest = "ab" * 32
    ours = f"{digest[:2]}/{digest[2:]}-20200101"
    others = ("sauvegarde-20200101", f"x/{ours}", f"{digest}-20200101", ours.upper(), f"{ours[:-1]}x", f"{ours}/1")
    s3.objects |= dict.fromkeys((ours, *others), b"x")
    assert blobs.sweep(set(), DAY, NOW) == 1
    assert set(s3.objects) == set(others)


async def test_the_sweep_goes_through_every_page(blobs: BucketBlobs, s3: FakeS3) -> None:
    names = [f"{number:02x}/{number:062x}-20200101" for number in range(25)]
    s3.objects |= dict.fromkeys(names, b"x")
    s3.page_rows = 4
    assert blobs.sweep(set(names[::2]), DAY, NOW) == 12
    assert set(s3.objects) == set(names[::2])
    assert blobs.sweep(set(names[::2]), DAY, NOW) == 0


@pytest.mark.parametrize("prefix", ["", "mss"])
async def test_the_sweep_of_a_part_neither_lists_nor_takes_anything_else(
    s3: FakeS3, tmp_path: Path, prefix: str
) -> None:
    made = open_blobs(tmp_path, s3.settings(tmp_path, prefix=prefix), probe=lambda _step: None)
    top = f"{prefix}/" if prefix else ""
    names = [f"{top}{part}/{'c' * 61}{number}-20200101" for part in ("ab", "ac", "a0") for number in range(5)]
    s3.objects |= dict.fromkeys(names, b"x")
    s3.page_rows = 2
    assert made.sweep({names[0].removeprefix(top)}, DAY, NOW, part="ab") == 4
    assert set(s3.objects) == {names[0], *names[5:]}
    assert all(f"prefix={top.replace('/', '%2F')}ab%2F" in one for one in s3.asked if one.startswith("GET "))
    made.close()


@pytest.mark.parametrize("fault", [{"refuse": 99}, {"closes": 99}, {"denied": True}])
async def test_a_sweep_that_cannot_list_says_so_in_our_words(
    blobs: BucketBlobs, s3: FakeS3, fault: dict[str, Any]
) -> None:
    s3.objects["ab/" + "c" * 62 + "-20200101"] = b"x"
    s3.faults = replace(s3.faults, **fault)
    with pytest.raises(StoreError, match="/corps"):
        blobs.sweep(set(), DAY, NOW)
    assert len(s3.objects) == 1


@pytest.mark.parametrize("size", [len(LARGE), PART_BYTES + len(LARGE)])
async def test_a_connection_that_is_lost_is_made_again(blobs: BucketBlobs, s3: FakeS3, size: int) -> None:
    data = (LARGE * (size // len(LARGE) + 1))[:size]
    s3.faults.closes = 2
    body = await fill(blobs.spool(MEMORY, INLINE), data)
    assert s3.objects == {body.path: data}
    s3.faults.closes = 2
    assert blobs.read(body) == data
    s3.faults.cut = 2
    assert blobs.read(body) == data


async def test_an_answer_that_is_always_cut_is_away_and_not_damaged(blobs: BucketBlobs, s3: FakeS3) -> None:
    body = await fill(blobs.spool(MEMORY, INLINE), LARGE)
    s3.faults.cut = 99
    with pytest.raises(StoreAwayError):
        blobs.read(body)
    assert s3.faults.cut >= 99 - 8


async def test_a_large_body_may_take_longer_than_one_answer_while_it_comes(s3: FakeS3, tmp_path: Path) -> None:
    made = open_blobs(tmp_path, s3.settings(tmp_path, answer_seconds=1.0), probe=lambda _step: None)
    body = await fill(made.spool(MEMORY, INLINE), bytes(2 * PART_BYTES + 5))
    s3.faults.drip = 0.8 / (PART_BYTES / (64 * KIB))
    began = time.monotonic()
    assert made.read(body) == bytes(2 * PART_BYTES + 5)
    assert time.monotonic() - began > 1.0
    made.close()


async def test_a_server_that_does_not_answer_in_time_is_given_up(s3: FakeS3, tmp_path: Path) -> None:
    made = open_blobs(tmp_path, s3.settings(tmp_path, answer_seconds=0.2), probe=lambda _step: None)
    body = await fill(made.spool(MEMORY, INLINE), LARGE)
    s3.faults.slow = 0.6
    for ask in (lambda: made.read(body), lambda: made.sweep(set(), DAY, NOW), made.try_out):
        began = time.monotonic()
        with pytest.raises(StoreAwayError):
            ask()
        assert time.monotonic() - began < 3
    with pytest.raises(StoreAwayError):
        await fill(made.spool(MEMORY, INLINE), LARGE)
    with pytest.raises(StoreAwayError):
        made.head(body, 10)
    assert here(made) == []
    made.close()


async def test_an_empty_object_in_place_of_a_body_is_damaged(blobs: BucketBlobs, s3: FakeS3) -> None:
    for data in (LARGE, bytes(PART_BYTES + 1)):
        body = await fill(blobs.spool(MEMORY, INLINE), data)
        s3.objects[body.path or ""] = b""
        with pytest.raises(StoreDamagedError, match=body.path):
            blobs.read(body)


async def test_several_nodes_try_it_out_at_the_same_time(blobs: BucketBlobs, s3: FakeS3) -> None:
    with ThreadPoolExecutor(8) as pool:
        for told in [pool.submit(blobs.try_out) for _ in range(40)]:
            told.result()
    assert s3.objects == {}


async def test_what_a_stopped_try_leaves_is_swept(blobs: BucketBlobs, s3: FakeS3) -> None:
    blobs.try_out()
    written = next(one for one in s3.asked if one.startswith("PUT ")).removeprefix("PUT ")
    s3.objects[written] = b"essai"
    assert blobs.sweep(set(), DAY, NOW) == 0
    assert blobs.sweep(set(), DAY, NOW + 3 * DAY) == 1


async def test_a_node_that_writes_while_another_sweeps_keeps_its_body(
    blobs: BucketBlobs, s3: FakeS3, tmp_path: Path
) -> None:
    (tmp_path / "autre").mkdir()
    other = open_blobs(tmp_path / "autre", s3.settings(tmp_path), probe=lambda _step: None)
    body = await fill(other.spool(MEMORY, INLINE), LARGE)
    # Its row is not committed yet: nothing refers to it, and a sweep of whatever age leaves it alone.
    assert blobs.sweep(set(), timedelta(0), datetime.now(UTC)) == 0
    assert blobs.sweep(set(), timedelta(0), datetime.now(UTC) + DAY) == 0
    assert other.read(body) == LARGE
    other.close()
