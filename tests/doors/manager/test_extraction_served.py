"""The manager serves the extraction of its directory to everybody, whole, whatever takes its place meanwhile.

Source: operators.md 4.4; RFC 9110 section 13.1.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from mssante.doors.manager.app import CHUNK_BYTES, EXTRACTION_PATH, build_app
from mssante.flows.publish import Published


class Shelf:
    async def current(self) -> Published | None:
        return None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "extraction.zip"


@pytest.fixture
async def client(file: Path) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=build_app(Shelf(), None, file))
    async with httpx2.AsyncClient(transport=transport, base_url="https://manager.test") as client:
        yield client


def put(file: Path, data: bytes) -> None:
    file.write_bytes(data)


def read(file: Path) -> bytes:
    return file.read_bytes()


def replaced(file: Path, data: bytes) -> None:
    new = file.with_name("new")
    new.write_bytes(data)
    new.replace(file)


async def test_there_is_nothing_before_the_first_and_it_is_served_when_it_comes(
    client: httpx2.AsyncClient, file: Path
) -> None:
    assert (await client.get(EXTRACTION_PATH)).status_code == 404
    put(file, b"PK" * CHUNK_BYTES)
    answer = await client.get(EXTRACTION_PATH)
    assert (answer.status_code, answer.content) == (200, b"PK" * CHUNK_BYTES)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-length"] == str(2 * CHUNK_BYTES)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_who_has_it_is_told_so_until_another_takes_its_place(client: httpx2.AsyncClient, file: Path) -> None:
    put(file, b"one")
    first = await client.get(EXTRACTION_PATH)
    known = {"If-None-Match": first.headers["etag"]}
    again = await client.get(EXTRACTION_PATH, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    since = {"If-Modified-Since": first.headers["last-modified"]}
    assert (await client.get(EXTRACTION_PATH, headers=since)).status_code == 304
    replaced(file, b"two")
    answer = await client.get(EXTRACTION_PATH, headers=known)
    assert (answer.status_code, answer.content) == (200, b"two")


async def test_who_reads_gets_the_file_that_was_opened(file: Path) -> None:
    put(file, b"a" * 3 * CHUNK_BYTES)
    sent: list[bytes] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message) -> None:
        if message["type"] == "http.response.body":
            sent.append(message.get("body", b""))
            if len(sent) == 1:
                replaced(file, b"b")

    scope = {"type": "http", "method": "GET", "path": EXTRACTION_PATH, "headers": [], "query_string": b""}
    scope |= {"asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "scheme": "https"}
    await build_app(Shelf(), None, file)(scope, receive, send)
    assert b"".join(sent) == b"a" * 3 * CHUNK_BYTES
    assert max(len(one) for one in sent) == CHUNK_BYTES
    assert read(file) == b"b"


async def test_answers_head_without_the_bytes_and_takes_nothing(client: httpx2.AsyncClient, file: Path) -> None:
    put(file, b"12345")
    answer = await client.head(EXTRACTION_PATH)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "5")
    assert (await client.put(EXTRACTION_PATH, content=b"x")).status_code == 405


async def test_a_manager_without_it_serves_nothing_there() -> None:
    transport = httpx2.ASGITransport(app=build_app(Shelf(), None))
    async with httpx2.AsyncClient(transport=transport, base_url="https://manager.test") as client:
        assert (await client.get(EXTRACTION_PATH)).status_code == 404
