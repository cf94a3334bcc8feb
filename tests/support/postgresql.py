"""A real PostgreSQL server for tests, from Debian's package: one for each test process, one database for each test.

It starts when it is first asked for, on a Unix socket in a temporary folder, and keeps nothing on the disk for long:
tests where a flush is the point ask for a server of their own.
"""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mssante.model.settings import FILES, StoreSettings
from mssante.store.postgres.engine import open_store

USER = "mssante"
TEMPLATE = "template_mssante"
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "autovacuum": "off"}
_PATIENCE_SECONDS = 30
_EMPTY = """
DO $$ BEGIN EXECUTE (
    SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY'
    FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'
); END $$
"""


def programs() -> Path | None:
    """Return the folder of the newest server of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """A server that can be stopped, killed and started again."""

    def __init__(self, **options: str) -> None:
        """Make its files."""
        found = programs()
        if found is None:
            pytest.skip("PostgreSQL is not installed (Debian package postgresql)")
        self._bin = found
        # The path of a Unix socket has 107 characters at most.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._data = self.folder / "data"
        self._user = None if os.geteuid() else "postgres"
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.port = _free_port()
        self._options = {**FAST, **options}
        self._numbers = count(1)
        self._clean: list[str] = []
        self._do("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        self.start()

    def dsn(self, database: str, *, user: str = USER) -> str:
        """Return the address of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            "shared_buffers": "64MB",
            **self._options,
        }
        text = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._do("pg_ctl", "start", "-w", "-D", self._data, "-l", self.folder / "log", "-o", text)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: "fast" ends its connections, "immediate" is as a loss of power."""
        self._do("pg_ctl", "stop", "-w", "-D", self._data, "-m", mode)

    def remove(self) -> None:
        """Stop it for good."""
        if (self._data / "postmaster.pid").exists():
            os.kill(int((self._data / "postmaster.pid").read_text().split("\n")[0]), signal.SIGQUIT)
            self._do("pg_ctl", "stop", "-w", "-D", self._data, "-m", "immediate", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    async def ask(self, sql: str, *args: object, database: str = "postgres") -> list[Any]:
        """Run a statement, as somebody beside us."""
        connection = await asyncpg.connect(self.dsn(database))
        try:
            return list(await connection.fetch(sql, *args))
        finally:
            await connection.close()

    async def lend_database(self) -> str:
        """Return the name of an empty database with our schema, for a test that gives it back as it should be."""
        return self._clean.pop() if self._clean else await self.new_database()

    async def take_back(self, database: str) -> None:
        """Empty a database for the next test: a fifth of what a new one costs."""
        await self.ask(_EMPTY, database=database)
        self._clean.append(database)

    async def new_database(self) -> str:
        """Return the name of a new database with our schema."""
        if not await self.ask("SELECT 1 FROM pg_database WHERE datname = $1", TEMPLATE):
            await self.ask(f"CREATE DATABASE {TEMPLATE}")
            store = await open_store(
                self.folder / "template",
                self.settings(TEMPLATE),
                blobs=FILES,
                probe=lambda _step: None,
                must_be_there=False,
            )
            await store.close()
        name = f"test_{next(self._numbers)}"
        await self.ask(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    async def drop(self, database: str) -> None:
        """Drop a database, whoever is there."""
        await self.ask(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def settings(self, database: str, **changes: object) -> StoreSettings:
        """Return the settings for a database."""
        return StoreSettings(**{"engine": "postgresql", "dsn": self.dsn(database), **changes})

    def _do(self, program: str, *args: object, check: bool = True) -> None:
        # A file and not a pipe: the server inherits it and would hold it open.
        with (self.folder / "out").open("ab") as out:
            done = subprocess.run(
                [str(self._bin / program), *(str(arg) for arg in args)],
                check=False,
                user=self._user,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=_PATIENCE_SECONDS,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            )
        if check and done.returncode:
            said = (self.folder / "out").read_text()[-2000:]
            log = self.folder / "log"
            pytest.fail(f"{program} failed: {said}\n{log.read_text()[-2000:] if log.exists() else ''}")


@contextmanager
def server(**options: str) -> Iterator[Server]:
    """Give a server that nobody else uses."""
    made = Server(**options)
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Return the server of this test process, or skip."""
    with server() as made:
        yield made


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def settle(condition: Callable[[], object], *, seconds: float = 10) -> None:
    """Wait until the condition, which may be a coroutine function, is true."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        found = condition()
        if await found if isinstance(found, Awaitable) else found:
            return
        assert asyncio.get_running_loop().time() < end, "waited in vain"
        await asyncio.sleep(0.01)
