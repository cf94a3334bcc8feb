import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from forge import DAY, Issued, Order, authority_name, issue, server_name

from mssante.doors.manager.app import LIST_PATH, build_app
from mssante.doors.net.https import open_door
from mssante.flows.publish import Published
from mssante.links.documents import HttpDocuments
from mssante.model.errors import ConfigError, LinkError

LIST = Published(b"<list/>", "tag1", datetime(2026, 6, 15, 12, 0, 0, 5, tzinfo=UTC))


@dataclass
class Shelf:
    held: Published | None = LIST

    async def current(self) -> Published | None:
        return self.held


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    (tmp_path / "crl").mkdir()
    (tmp_path / "crl" / "org.crl").write_bytes(b"der")
    (tmp_path / "crl" / "link.crl").symlink_to(tmp_path / "secret.crl")
    (tmp_path / "secret.crl").write_bytes(b"secret")
    transport = httpx2.ASGITransport(app=build_app(Shelf(), tmp_path / "crl"))
    async with httpx2.AsyncClient(transport=transport, base_url="https://manager.test") as client:
        yield client


async def test_serves_the_list_with_its_validators_and_closed_headers(client: httpx2.AsyncClient) -> None:
    answer = await client.get(LIST_PATH)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (200, b"<list/>", '"tag1"')
    assert answer.headers["last-modified"] == "Mon, 15 Jun 2026 12:00:00 GMT"
    assert answer.headers["content-type"].startswith("application/xml")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_answers_head_without_the_bytes(client: httpx2.AsyncClient) -> None:
    answer = await client.head(LIST_PATH)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "7")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": '"tag1"'}, 304),
        ({"If-None-Match": 'W/"x", W/"tag1"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"old"'}, 200),
        ({"If-None-Match": '"old"', "If-Modified-Since": "Mon, 15 Jun 2026 12:00:00 GMT"}, 200),
        ({"If-Modified-Since": "Mon, 15 Jun 2026 12:00:00 GMT"}, 304),
        ({"If-Modified-Since": "Mon, 15 Jun 2026 11:59:59 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Mon, 15 Jun 2026 12:00:00 -0000"}, 200),
    ],
)
async def test_answers_conditional_questions(client: httpx2.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await client.get(LIST_PATH, headers=headers)
    assert answer.status_code == status
    assert answer.headers["etag"] == '"tag1"'


async def test_serves_revocation_lists_of_its_folder(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/CRL/org.crl")
    assert (answer.content, answer.headers["content-type"]) == (b"der", "application/pkix-crl")
    again = await client.get("/CRL/org.crl", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/CRL/",
        "/CRL/missing.crl",
        "/CRL/link.crl",
        "/CRL/..%2fsecret.crl",
        "/CRL/%2e%2e%2fsecret.crl",
        "/CRL/..%5csecret.crl",
        "/CRL/org.crl%00",
        "/CRL/.hidden.crl",
        "/CRL/org.txt",
        "/CRL/" + "a" * 300 + ".crl",
        "/docs",
        "/listeblanchemssante.xml/",
    ],
)
async def test_serves_nothing_else(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code in {404, 307}
    assert b"secret" not in answer.content


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_takes_nothing(client: httpx2.AsyncClient, method: str) -> None:
    assert (await client.request(method, LIST_PATH)).status_code == 405


async def test_says_404_when_nothing_was_published() -> None:
    transport = httpx2.ASGITransport(app=build_app(Shelf(None), None))
    async with httpx2.AsyncClient(transport=transport, base_url="https://manager.test") as client:
        assert (await client.get(LIST_PATH)).status_code == 404
        assert (await client.get("/CRL/org.crl")).status_code == 404


@dataclass
class Https:
    """An open door with real TLS."""

    url: str
    shelf: Shelf
    anchor: Issued


def _certificates(folder: Path) -> Issued:
    now = datetime.now(UTC)
    dates = {"not_before": now - DAY, "not_after": now + DAY}
    anchor = issue(Order(subject=authority_name("AC WEB"), authority=True, key_name="root", **dates))
    server = issue(Order(subject=server_name("localhost"), dns=("localhost",), **dates), anchor)
    (folder / "server.pem").write_bytes(server.pem)
    (folder / "server.key").write_bytes(server.key_pem)
    return anchor


@pytest.fixture
async def https(tmp_path: Path) -> AsyncIterator[Https]:
    anchor = _certificates(tmp_path)
    shelf = Shelf()
    door = open_door(
        build_app(shelf, None),
        host="localhost",
        port=0,
        certificate=tmp_path / "server.pem",
        key=tmp_path / "server.key",
    )
    async with door as port:
        yield Https(f"https://localhost:{port}{LIST_PATH}", shelf, anchor)


async def test_an_operator_fetches_over_tls_and_conditionally(https: Https) -> None:
    documents = HttpDocuments((https.anchor.der,))
    fetched = await documents.fetch(https.url)
    assert fetched is not None
    assert (fetched.data, fetched.etag) == (b"<list/>", '"tag1"')
    assert await documents.fetch(https.url, etag=fetched.etag) is None
    assert await documents.fetch(https.url, last_modified=fetched.last_modified) is None
    https.shelf.held = Published(b"<new/>", "tag2", LIST.published_at + timedelta(days=1))
    fetched = await documents.fetch(https.url, etag='"tag1"')
    assert fetched is not None
    assert fetched.data == b"<new/>"


async def test_a_publisher_that_is_not_trusted_gives_nothing(https: Https) -> None:
    other = issue(Order(subject=authority_name("AC AUTRE"), authority=True, key_name="other"))
    with pytest.raises(LinkError, match="cannot be fetched"):
        await HttpDocuments((other.der,)).fetch(https.url)


async def test_a_publisher_with_another_name_gives_nothing(https: Https) -> None:
    with pytest.raises(LinkError):
        await HttpDocuments((https.anchor.der,)).fetch(https.url.replace("localhost", "127.0.0.1"))


async def test_a_document_too_long_or_missing_is_refused(https: Https) -> None:
    documents = HttpDocuments((https.anchor.der,), max_bytes=3)
    with pytest.raises(LinkError, match="longer than 3"):
        await documents.fetch(https.url)
    with pytest.raises(LinkError, match="404"):
        await documents.fetch(https.url + "x")


@pytest.mark.parametrize("url", ["https://localhost:1/x", "not an address", "https://", "ftp://localhost/x"])
async def test_a_publisher_that_cannot_be_reached_is_a_link_error(https: Https, url: str) -> None:
    with pytest.raises(LinkError):
        await HttpDocuments((https.anchor.der,)).fetch(url)


async def test_a_slow_publisher_is_given_up(https: Https) -> None:
    with pytest.raises(LinkError, match="within 0 seconds"):
        await HttpDocuments((https.anchor.der,), timeout_seconds=0).fetch(https.url)


async def test_a_door_that_cannot_open_says_why(tmp_path: Path) -> None:
    _certificates(tmp_path)
    app = build_app(Shelf(), None)
    with pytest.raises(ConfigError, match="impossible d'écouter"):
        async with open_door(
            app, host="localhost", port=0, certificate=tmp_path / "no.pem", key=tmp_path / "server.key"
        ):
            pass
    with pytest.raises(ConfigError, match="impossible d'écouter"):
        async with open_door(
            app, host="256.0.0.1", port=0, certificate=tmp_path / "server.pem", key=tmp_path / "server.key"
        ):
            pass


async def test_old_tls_is_not_spoken(https: Https) -> None:
    context = ssl.create_default_context(cadata=https.anchor.der)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with httpx2.AsyncClient(verify=context, trust_env=False) as client:
        with pytest.raises(httpx2.HTTPError):
            await client.get(https.url)
