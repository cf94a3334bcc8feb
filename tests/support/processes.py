"""Operators as processes that can be killed, and a look at their stores from outside."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import world
from ledger import ACKNOWLEDGED, SENDING, Found, Ledger, Letter
from world import PASSWORD, Talk

from mssante.app.chance import KILL_ENVIRONMENT
from mssante.app.sandbox.layout import toml_text
from mssante.model.mailbox import Role
from mssante.store import audit, health, mailboxes, messages
from mssante.store.engine import Store
from mssante.store.tx import Tx

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.01
KILLED = -signal.SIGKILL


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that another process does."""
    end = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not true():
        assert asyncio.get_running_loop().time() < end, f"waited in vain for: {what}"
        await asyncio.sleep(LOOK_SECONDS)


class Zygote:
    """The process that forks operators."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **order: object) -> int | None:
        """Give one order, return the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it, and whatever it still runs."""
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(PATIENCE_SECONDS)


@dataclass(frozen=True, slots=True)
class Plot:
    """Where an operator lives: made once, copied for each test."""

    folder: Path
    smtp: int
    submission: int
    sections: dict[str, dict[str, object]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "mssante.toml"

    @property
    def database(self) -> Path:
        return self.folder / "data" / "mssante.db"

    def write(self, **changes: dict[str, object]) -> None:
        """Write the configuration, some settings of it changed."""
        sections = {name: {**self.sections.get(name, {}), **changes.get(name, {})} for name in self.sections | changes}
        sections["operator"]["data_dir"] = self.folder / "data"
        sections["smtp"] = {"host": "127.0.0.1", "port": self.smtp}
        sections["submission"] = {"host": "127.0.0.1", "port": self.submission, "implicit_port": -1}
        sections["imap"] = {"port": -1, "implicit_port": -1}
        self.config.write_text(toml_text(sections))

    def settle(self, folder: Path, ports: list[int], **changes: dict[str, object]) -> "Plot":
        """Return a copy of it elsewhere."""
        shutil.copytree(self.folder / "data", folder / "data")
        plot = replace(self, folder=folder, smtp=ports.pop(), submission=ports.pop())
        plot.write(**changes)
        return plot

    def number(self, sql: str, *values: object) -> int:
        """Ask the database of a running operator for one number."""
        connection = apsw.Connection(str(self.database), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.set_busy_timeout(1000)
            return int(next(iter(connection.execute(sql, values)))[0])
        finally:
            connection.close()

    def held(self, ident: str) -> int:
        """Return in how many places a message lies, copies in Sent not counted."""
        sql = (
            "SELECT count(*) FROM filed f JOIN message m ON m.message_id = f.message_id JOIN folder d"
            " ON d.folder_id = f.folder_id WHERE d.role = 'INBOX' AND instr(m.summary, ?) > 0"
        )
        return self.number(sql, f'"{ident}"')

    def open_copies(self) -> int:
        """Return how many copies are on their way."""
        return self.number("SELECT count(*) FROM copy WHERE state IN ('waiting', 'deferred', 'sending')")


class Running:
    """One operator process."""

    def __init__(self, zygote: Zygote, plot: Plot, kill_at: str = "") -> None:
        self.plot = plot
        self._zygote = zygote
        self._out, self._err = plot.folder / "out", plot.folder / "err"
        self._out.unlink(missing_ok=True)
        pid = zygote.ask(
            start=str(plot.config), out=str(self._out), err=str(self._err), environment={KILL_ENVIRONMENT: kill_at}
        )
        assert pid is not None
        self.pid = pid
        self._code: int | None = None

    async def ready(self) -> None:
        """Wait until the doors are open."""
        await until(lambda: self.ended() or (self._out.exists() and "ready" in self._out.read_text()), "ready")
        assert self._code is None, self._err.read_text()

    def ended(self) -> bool:
        """Tell whether the process is over."""
        if self._code is None:
            self._code = self._zygote.ask(poll=self.pid)
        return self._code is not None

    async def end(self) -> int:
        """Wait for the end of the process; return its code, -9 when it was killed."""
        await until(self.ended, "the end of the process")
        assert self._code is not None
        return self._code

    async def stop(self) -> None:
        """Ask it to stop, as a supervisor does."""
        os.kill(self.pid, signal.SIGTERM)
        assert await self.end() == 0, self._err.read_text()

    async def kill(self) -> None:
        """End it as a power cut would end a program."""
        os.kill(self.pid, signal.SIGKILL)
        assert await self.end() == KILLED


async def started(zygote: Zygote, plot: Plot, kill_at: str = "") -> Running:
    """Start the operator of that place and wait until its doors are open."""
    running = Running(zygote, plot, kill_at)
    await running.ready()
    return running


async def hand_over(ledger: Ledger, letter: Letter, port: int, context: ssl.SSLContext, *, login: str = "") -> str:
    """Hand a letter over, with sign-in when a login is given; return the reply that acknowledged it, or ""."""
    ledger.note(letter, SENDING)
    talk: Talk | None = None
    try:
        talk = await Talk.secure(port, context)
        if login:
            secret = b64encode(f"\0{login}\0{PASSWORD}-{login}".encode()).decode()
            assert (await talk.say(f"AUTH PLAIN {secret}")).startswith("235")
        stuffed = letter.data.replace(b"\r\n.", b"\r\n..").removesuffix(b"\r\n")
        replies = await talk.message(letter.sender, letter.recipients, stuffed)
    except (OSError, AssertionError):
        return ""
    finally:
        if talk is not None:
            await hang_up(talk)
    if not replies[-1].startswith("250"):
        return ""
    ledger.note(letter, ACKNOWLEDGED)
    return replies[-1]


async def hang_up(talk: Talk) -> None:
    """Close the connection, whatever became of it."""
    talk.writer.close()
    with contextlib.suppress(OSError):
        await talk.writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Examined:
    """A store after everything: its inboxes, and what is wrong with it."""

    boxes: dict[str, list[Found]]
    faults: list[str]


async def examine(plot: Plot) -> Examined:
    """Open the store of a stopped operator and look at everything that must hold (reliability.md 3.1)."""
    store = await Store.open(plot.folder / "data", world.s.StoreSettings())
    try:
        boxes = await store.read(lambda tx: _inboxes(tx, store))
        faults = [finding.text for finding in (await health.check(store)).findings]
        chain = await store.read(audit.verify)
        faults += [f"audit: {chain.reason}"] if chain.broken_at is not None else []
        faults += await store.read(_counters)
        used = await store.read(messages.blob_paths)
        soon = datetime.now(UTC) + timedelta(hours=1)
        store.blobs.sweep(used, timedelta(0), soon)
        store.blobs.sweep_spool(timedelta(0), soon)
        left = {path.relative_to(store.blobs.path).as_posix() for path in store.blobs.path.rglob("*") if path.is_file()}
        faults += [f"orphan {path}" for path in left - used]
        faults += [f"temporary {path}" for path in store.blobs.spool_path.iterdir()]
        return Examined(boxes, faults)
    finally:
        await store.close()


async def _inboxes(tx: Tx, store: Store) -> dict[str, list[Found]]:
    found: dict[str, list[Found]] = {}
    for box in await mailboxes.list_mailboxes(tx):
        folder = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
        held = found.setdefault(str(box.address), [])
        for row in await messages.list_messages(tx, folder.folder_id, limit=10_000):
            content = await messages.message_content(tx, box.mailbox_id, folder.folder_id, row.uid)
            assert content is not None
            held.append(Found(row.summary.message_id, content[0] + store.blobs.read(content[1])))
    return found


async def _counters(tx: Tx) -> list[str]:
    """Return what is wrong with the numbers that readers rely on (F of the oracle)."""
    faults = []
    for box in await mailboxes.list_mailboxes(tx):
        total = 0
        for folder in await mailboxes.list_folders(tx, box.mailbox_id):
            rows = await messages.list_messages(tx, folder.folder_id, limit=10_000)
            total += sum(row.size_bytes for row in rows)
            if folder.messages != len(rows):
                faults.append(f"{box.address} {folder.name}: {folder.messages} counted, {len(rows)} there")
            if any(row.uid >= folder.uid_next or row.modseq > folder.highest_modseq for row in rows):
                faults.append(f"{box.address} {folder.name}: a number will be given twice")
        if total != box.used_bytes:
            faults.append(f"{box.address}: {box.used_bytes} bytes counted, {total} there")
    return faults


class DeafWire:
    """A wire between two operators that swallows what the far end says once enough has gone to it."""

    def __init__(self, port: int, limit_bytes: int) -> None:
        self._port = port
        self._limit = limit_bytes
        self._passed = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Cut the wire."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        for source, target, there in ((reader, far_writer, True), (far_reader, writer, False)):
            task = asyncio.get_running_loop().create_task(self._pass(source, target, there=there))
            self._tasks.add(task)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, there: bool) -> None:
        with contextlib.suppress(OSError):
            try:
                while data := await source.read(65536):
                    if there:
                        self._passed += len(data)
                    elif self._passed > self._limit:
                        continue
                    target.write(data)
                    await target.drain()
            finally:
                target.close()
