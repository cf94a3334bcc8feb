"""Our operator as one or more nodes on one PostgreSQL database; each start begins with an empty one."""

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import asyncpg

from bench import procs
from bench.credentials import Credentials
from bench.peers.operator import Operator, fill
from mssante.app.sandbox.ports import free_ports
from mssante.model.settings import StoreSettings

_STORE: Final = """
[store]
engine = "postgresql"
dsn = "{dsn}"
"""
_EMPTY: Final = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


class Nodes(Operator):
    """``mssante serve`` once for each node, with the same configuration but its doors and its folder."""

    def __init__(
        self, folder: Path, files: Credentials, *, documents: int, mailboxes: int, dsn: str, joining: str, count: int
    ) -> None:
        """Name its folder, which is made, and its files.

        Args:
            dsn: as `[store] dsn` wants it.
            joining: the same database, as the driver wants it.
            count: nodes.
        """
        super().__init__(folder, files, documents=documents, mailboxes=mailboxes)
        self.settings = replace(StoreSettings(), engine="postgresql", dsn=dsn)
        self._joining = joining
        self._count = count
        self._home = folder
        self._boxes = mailboxes
        self._others: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = [self.port]

    @property
    def name(self) -> str:
        """Return the name that tables show."""
        return f"PostgreSQL, {self._count} node{'s' if self._count > 1 else ''}"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Start every node on an empty database with the mailboxes; stop them at the end."""
        asyncio.run(self._empty())
        if not self._home.exists():
            self._prepare()
        else:
            key = (self._home / "credential.key").read_bytes()
            asyncio.run(fill(self._home / "prepared", self.settings, self._boxes, key))
        with super().running(), contextlib.ExitStack() as stack:
            self.ports = [self.port]
            for number in range(2, self._count + 1):
                self.ports.append(self._join(number, stack))
            yield

    def roots(self) -> tuple[int, ...]:
        """Return the process ids of the nodes."""
        return (*super().roots(), *[one.pid for one in self._others])

    def _prepare(self) -> None:
        super()._prepare()
        with (self._home / "mssante.toml").open("a") as file:
            file.write(_STORE.format(dsn=self.settings.dsn))

    async def _empty(self) -> None:
        connection = await asyncpg.connect(self._joining)
        try:
            await connection.execute(_EMPTY)
        finally:
            await connection.close()

    def _join(self, number: int, stack: contextlib.ExitStack) -> int:
        """Start one more node; return its SMTP port."""
        mine = (self.port, self._submission, self.imap_port)
        text = (self._home / "mssante.toml").read_text().replace('data_dir = "data"', f'data_dir = "data{number}"')
        ports = list(free_ports(3))
        for old, new in zip(mine, ports, strict=True):
            text = text.replace(f"port = {old}\n", f"port = {new}\n")
        config = self._home / f"node{number}.toml"
        config.write_text(text)
        output = self._home / f"output{number}.log"
        process = procs.start(
            self.command(config), log=self._home / f"error{number}.log", output=output, PYTHONPATH=self.program
        )
        self._others.append(process)
        stack.callback(self._others.remove, process)
        stack.callback(procs.stop, process)
        self.await_ready(process, output)
        return ports[0]
