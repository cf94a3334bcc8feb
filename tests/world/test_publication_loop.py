"""The manager holds the directory, the hospital publishes there, another operator finds what it published; all real.

Three programs as an administrator starts them, with the layout of the sandbox: the manager and the hospital serve, the
private practitioners fetch the extraction over HTTPS.

Source: operators.md 4.4 (extraction), 4.6 (FHIR Patch), 5 (a suspended mailbox leaves the directory).
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mssante.app.chance import utc_now
from mssante.app.cli.opened import Opened, open_store
from mssante.app.config import read_config, read_secret
from mssante.app.directory_place import open_directory
from mssante.app.sandbox import published, space
from mssante.app.sandbox.layout import Layout, lay_out
from mssante.app.sandbox.letters import DOCTOR
from mssante.app.sandbox.places import space_activities, space_extraction
from mssante.app.sandbox.stores import fill_manager, fill_operator
from mssante.app.tls import read_chain
from mssante.flows.directory.reading import Directory
from mssante.flows.mailboxes import MailboxOrder
from mssante.links.documents import HttpDocuments
from mssante.model.address import parse_address
from mssante.model.directory import Caller
from mssante.model.directory_search import Ranked
from mssante.model.mailbox import MailboxState, MailboxType
from mssante.model.publication import Listing
from mssante.store import publication

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1
PEOPLE = "300"
RED = "direction@chu-valdore.mssante.fr"


@dataclass
class Scene:
    """The laid-out space; what is typed in it."""

    layout: Layout

    @property
    def manager(self) -> Path:
        return self.layout.manager_config

    def config(self, plan: space.PlannedOperator) -> Path:
        return self.layout.operator_of(plan.postmaster.domain).config

    async def type(self, config: Path, *arguments: str) -> Any:  # noqa: ANN401 - what a command says
        """Run a command on a configuration; return what it says, as JSON when it is."""
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mssante.app", *arguments, "--config", str(config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, wrong = await program.communicate()
        assert program.returncode == 0, wrong.decode()
        return json.loads(said) if "--json" in arguments else said.decode()

    @asynccontextmanager
    async def hospital(self) -> AsyncIterator[Opened]:
        """Open the store of the hospital, which serves, as a command does."""
        config = read_config(self.config(space.HOSPITAL))
        async with open_store(config) as store:
            yield Opened(config, store, "essai", read_secret(config.secrets.trace_key))

    async def states(self) -> dict[str, str]:
        """Return the state of the publication of each mailbox of the hospital."""
        async with self.hospital() as opened:
            listed = await opened.store.read(lambda tx: publication.list_announced(tx, limit=50))
        return {str(one.mailbox.address): one.state.value for one in listed}

    async def found(self, words: str) -> Ranked:
        """Return what the private practitioners' directory finds."""
        async with aclosing(open_directory(read_config(self.config(space.PRACTITIONERS)))) as store:
            answer = await Directory(store, utc_now, daily_entries=0).search(Caller("essai"), words)
        assert isinstance(answer, Ranked)
        return answer

    async def has(self, address: str) -> bool:
        """Tell whether the private practitioners' directory has an address."""
        return address in {one.entry.address for one in (await self.found(address)).entries}

    async def extraction_differs(self, etag: str) -> str:
        """Return the validator of the manager's extraction when it is another one than that, else ""."""
        url = read_config(self.config(space.PRACTITIONERS)).directory.source
        documents = HttpDocuments(read_chain(self.layout.anchors, "anchors"))
        fetched = await documents.fetch(url, etag=etag)
        return "" if fetched is None else fetched.etag


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[None]:
    """Run ``mssante serve`` until the block ends."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mssante.app", "serve", "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert program.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert json.loads(await program.stdout.readline())["event"] == "ready"
        yield
    finally:
        program.send_signal(signal.SIGTERM)
        await program.communicate()
        assert program.returncode == 0


async def until(look: Callable[[], Awaitable[Any]], what: str) -> Any:  # noqa: ANN401 - what the look gives
    """Look until there is something; return it."""
    end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not (found := await look()):
        assert asyncio.get_running_loop().time() < end, f"waited in vain for: {what}"
        await asyncio.sleep(LOOK_SECONDS)
    return found


def put(folder: Path, name: str, data: bytes) -> None:
    folder.joinpath(name).write_bytes(data)


def set_extraction_seconds(config: Path, seconds: int) -> None:
    text = config.read_text()
    assert "\n[manager]\n" in text
    config.write_text(text.replace("\n[manager]\n", f"\n[manager]\nextraction_seconds = {seconds}\n"))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    now = utc_now()
    layout = await asyncio.to_thread(lay_out, tmp_path / "space", now)
    scene = Scene(layout)
    set_extraction_seconds(scene.manager, 2)
    await fill_manager(layout)
    for plan in (space.HOSPITAL, space.PRACTITIONERS):
        await fill_operator(layout.operator_of(plan.postmaster.domain), now)
    nation = tmp_path / "nation"
    await generated(nation)
    put(nation, "espace-boites.txt", space_extraction())
    put(nation, "espace-personnes.txt", space_activities())
    files = [str(one) for one in nation.iterdir() if one.suffix in {".txt", ".csv"}]
    await scene.type(scene.manager, "directory", "import", *files, "--json")
    async with serving(scene.manager), serving(scene.config(space.HOSPITAL)):
        yield scene


async def generated(folder: Path) -> None:
    command = ("directory", "generate", str(folder), "--professionals", PEOPLE)
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mssante.app", *command), stdout=asyncio.subprocess.DEVNULL
    )
    assert await program.wait() == 0


def service(address: str, name: str, *, is_red: bool = False) -> MailboxOrder:
    listing = Listing(service=name, is_red=is_red)
    return MailboxOrder(
        parse_address(address), MailboxType.ORG, name, space.HOSPITAL_FINESS, 10**9, (str(DOCTOR),), listing=listing
    )


@pytest.mark.world
async def test_a_box_is_published_extracted_fetched_found_and_leaves_the_same_way(scene: Scene) -> None:
    address = str(published.BOX)
    async with scene.hospital() as opened:
        await opened.administering.create(service(address, published.SERVICE))
        await opened.administering.create(service(RED, "Direction", is_red=True))

    async def is_accepted() -> bool:
        states = await scene.states()
        return states[address] == states[RED] == states["claire.martel@chu-valdore.mssante.fr"] == "accepted"

    await until(is_accepted, "the directory accepts the hospital's mailboxes")
    etag = await until(lambda: scene.extraction_differs(""), "an extraction")
    # The first may have been begun before that.
    await until(lambda: scene.extraction_differs(etag), "the next extraction")
    report = await scene.type(scene.config(space.PRACTITIONERS), "directory", "fetch", "--json")
    assert report["delta"]["created"] == report["after"]["mailboxes"] > 100
    (first, *_others) = (await scene.found(published.WORDS)).entries
    assert first.entry.address == address
    assert "boîte du service demandé" in first.reasons
    assert not await scene.has(RED)

    async with scene.hospital() as opened:
        await opened.administering.change_state(published.BOX, MailboxState.SUSPENDED)

    async def is_withdrawn() -> bool:
        return (await scene.states())[address] == "withdrawn"

    await until(is_withdrawn, "the directory no longer has the mailbox")
    await scene.type(scene.manager, "directory", "export")
    report = await scene.type(scene.config(space.PRACTITIONERS), "directory", "fetch", "--json")
    assert report["delta"]["removed"] == 1
    assert not await scene.has(address)
