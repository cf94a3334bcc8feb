"""The extraction is fetched from its address when it has changed, and imported under the guard of every import.

Source: operators.md 4.4; reliability.md C09; issue of the directory (truncated or shrunken files refused).
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from directory_files import ANY_LOSS, CHU, DUPONT, LINES, Line, activities, box, extraction, opened
from forge import DAY, Order, authority_name, issue, server_name
from processes import until
from standins import KeptLog

from mssante.app import directory_source
from mssante.app.config import Config, read_config
from mssante.app.directory_source import fetch_source, read_last, source_of, watch_source
from mssante.app.sandbox.layout import Section, toml_text
from mssante.doors.manager.app import EXTRACTION_PATH, build_app
from mssante.doors.net.https import open_door
from mssante.flows.directory.loading import Guard, ImportRefusedError, Report
from mssante.flows.publish import Published
from mssante.model.directory import Caller
from mssante.model.errors import ConfigError, LinkError, TheirProtocolError

NOW = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
MANY = tuple(box(f"boite{number}@chu-nantes.mssante.fr", None, CHU) for number in range(40))


class Shelf:
    async def current(self) -> Published | None:
        return None


@dataclass
class Source:
    """A publisher of extractions, and an operator that looks at it."""

    folder: Path
    config: Config

    def put(self, name: str, data: bytes) -> Path:
        (self.folder / name).write_bytes(data)
        return self.folder / name

    def left_over(self) -> list[Path]:
        return list((self.folder / "annuaire").glob("*.zip"))

    def lose(self) -> None:
        (self.folder / "annuaire" / "current").unlink()

    def publish(self, lines: tuple[Line, ...], *, cut: int | None = None) -> None:
        new = self.folder / "new"
        new.write_bytes(extraction(lines)[:cut])
        new.replace(self.folder / "extraction.zip")

    async def fetch(self, guard: Guard = ANY_LOSS, config: Config | None = None) -> Report | None:
        return await asyncio.to_thread(
            fetch_source, config or self.config, guard, lambda: NOW, lambda _step, _lines: None
        )

    async def addresses(self) -> set[str]:
        directory, store = opened(self.folder / "annuaire")
        try:
            found = await directory.search(Caller("essai"), "nantes", limit=50)
            return {one.entry.address for one in found.entries}
        finally:
            await store.close()


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Source]:
    now = datetime.now(UTC)
    dates = {"not_before": now - DAY, "not_after": now + DAY}
    anchor = issue(Order(subject=authority_name("AC WEB"), authority=True, key_name="root", **dates))
    server = issue(Order(subject=server_name("localhost"), dns=("localhost",), **dates), anchor)
    names = {"anchors.pem": anchor.pem, "server.pem": server.pem, "server.key": server.key_pem}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    app = build_app(Shelf(), None, tmp_path / "extraction.zip")
    async with open_door(app, host="localhost", port=0, certificate=certificate, key=key) as port:
        yield Source(tmp_path, configured(tmp_path, f"https://localhost:{port}{EXTRACTION_PATH}"))


def configured(folder: Path, url: str) -> Config:
    sections: dict[str, Section] = {
        "operator": {"name": "Essai", "hostname": "localhost", "postmaster": "postmaster@essai.fr", "data_dir": "data"},
        "tls": {"certificate": "server.pem", "key": "server.key", "anchors": "anchors.pem", "intermediates": "x.pem"},
        "trust": {"list_url": "https://localhost/liste.xml"},
        "secrets": {"credential_key": "a.bin", "trace_key": "b.bin"},
        "directory": {"folder": "annuaire", "source": url},
    }
    (folder / "mssante.toml").write_text(toml_text(sections))
    return read_config(folder / "mssante.toml")


async def test_what_is_published_is_imported_once_and_again_when_it_changes(source: Source) -> None:
    source.publish(LINES)
    report = await source.fetch()
    assert report is not None
    assert (report.after.mailboxes, report.delta.created) == (len(LINES), len(LINES))
    assert await source.fetch() is None
    source.publish((*LINES, box("neuve@chu-nantes.mssante.fr", None, CHU, service="Pharmacie")))
    report = await source.fetch()
    assert report is not None
    assert (report.delta.created, report.delta.removed) == (1, 0)
    assert "neuve@chu-nantes.mssante.fr" in await source.addresses()
    assert not source.left_over()


async def test_a_directory_that_was_lost_is_fetched_again(source: Source) -> None:
    source.publish(LINES)
    await source.fetch()
    source.lose()
    assert await source.fetch() is not None


async def test_a_shrunken_one_is_refused_and_looked_at_again_the_next_time(source: Source) -> None:
    source.publish(MANY)
    await source.fetch()
    last = read_last(source.folder / "annuaire")
    source.publish(MANY[:20])
    for _ in range(2):
        with pytest.raises(ImportRefusedError, match="20 boîtes au lieu de 40"):
            await source.fetch(Guard())
    assert read_last(source.folder / "annuaire") == last
    assert len(await source.addresses()) == 40
    assert await source.fetch() is not None


async def test_what_is_no_extraction_is_refused(source: Source) -> None:
    source.publish(LINES, cut=40)
    with pytest.raises(TheirProtocolError, match="colonne 3"):
        await source.fetch()
    source.put("extraction.zip", activities([(DUPONT, CHU)]))
    with pytest.raises(ConfigError, match="pas une extraction"):
        await source.fetch()
    assert read_last(source.folder / "annuaire") is None


async def test_a_publisher_that_is_away_unknown_or_endless_gives_nothing(source: Source, monkeypatch) -> None:
    with pytest.raises(LinkError, match="404"):
        await source.fetch()
    source.publish(LINES)
    other = issue(Order(subject=authority_name("AC AUTRE"), authority=True, key_name="other"))
    anchors = source.put("other.pem", other.pem)
    config = replace(source.config, trust=replace(source.config.trust, list_anchors=anchors))
    with pytest.raises(LinkError, match="cannot be fetched"):
        await source.fetch(config=config)
    monkeypatch.setattr(directory_source, "SOURCE_MAX_BYTES", 100)
    with pytest.raises(LinkError, match="longer than 100"):
        await source.fetch()


async def test_the_address_is_https_or_none(source: Source) -> None:
    plain = replace(source.config, directory=replace(source.config.directory, source="http://localhost/x.zip"))
    with pytest.raises(ConfigError, match="https://"):
        source_of(plain)
    none = replace(source.config, directory=replace(source.config.directory, source=""))
    assert source_of(none) == ""
    with pytest.raises(ConfigError, match="source"):
        await source.fetch(config=none)


async def test_what_cannot_be_read_of_the_last_time_is_nothing(source: Source) -> None:
    source.publish(LINES)
    await source.fetch()
    source.put("annuaire/source.json", b"{")
    assert read_last(source.folder / "annuaire") is None
    assert await source.fetch() is not None


async def test_a_running_operator_fetches_by_itself_and_tells_what_fails(source: Source) -> None:
    for lines, event in (((), "directory-not-fetched"), (LINES, "directory-fetched")):
        if lines:
            source.publish(lines)
        log = KeptLog()
        watch = asyncio.create_task(watch_source(source.config, lambda: datetime.now(UTC), log, start_seconds=0))
        try:
            await until(lambda: watch.done() or event in {line[1] for line in log.lines}, event)  # noqa: B023
            assert not watch.done()
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
    assert await source.addresses()
