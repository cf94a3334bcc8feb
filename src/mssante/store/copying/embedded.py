"""One end of a copy on the embedded engine; the file is read beside a running operator, and written by nobody else."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import apsw

from mssante.model.errors import StoreError, StoreSchemaError
from mssante.model.settings import BlobSettings
from mssante.store.blobs import open_blobs
from mssante.store.connection import FILE_NAME, SqliteTx, connect, translate
from mssante.store.copying.tables import Table, tables
from mssante.store.in_service import ARRIVING, ASKED, LEFT, Moving
from mssante.store.migrate import load_migrations, migrate, schema_version
from mssante.store.named import load_queries
from mssante.store.tx import Row, Work, drive

T = TypeVar("T")


class EmbeddedSide:
    """`mssante.store.copying.side.Side` on a file.

    Guards its one connection, which one thread uses at a time.
    """

    def __init__(self, folder: Path, blobs: BlobSettings) -> None:
        """Name it; `open` opens it."""
        self.path = folder / FILE_NAME
        self.name = str(self.path)
        self._folder = folder
        self._blob_settings = blobs
        self._turn = asyncio.Lock()

    async def open(self, *, writes: bool) -> None:
        """Open it; with `writes`, bring its schema up to date first."""
        if writes:
            await asyncio.to_thread(self._make)
        elif not self.path.is_file():
            msg = f"{self.path} n'existe pas : vérifiez [operator] data_dir de la configuration de départ"
            raise StoreError(msg)
        self.blobs = await asyncio.to_thread(open_blobs, self._folder, self._blob_settings, probe=lambda _step: None)
        self._connection = await asyncio.to_thread(connect, self.path, reader=not writes)
        if writes:
            await asyncio.to_thread(
                migrate, self._connection, self.path, migrations=load_migrations(), probe=lambda _step: None
            )
        elif schema_version(self._connection) != len(load_migrations()):
            msg = f"{self.path} n'a pas le schéma de ce programme : démarrez d'abord l'opérateur avec cette version"
            raise StoreSchemaError(msg)

    async def moving(self) -> Moving | None:
        """Return what keeps it from being opened."""
        rows = await self._ask(ASKED)
        return Moving(*rows[0]) if rows else None

    async def is_empty(self) -> bool:
        """Tell whether nothing was ever kept in it."""
        return not any([await self._ask(f"SELECT 1 FROM {table.name} LIMIT 1") for table in tables()])  # noqa: S608

    async def arrive(self, other: str) -> None:
        """Have it for this copy only, and mark it as an unfinished one."""
        await self._alone()
        await self._write([(_MARK, (ARRIVING, other))])

    async def begin(self) -> None:
        """Read from one picture of it."""
        await self._ask("BEGIN")

    async def end(self) -> None:
        """Leave that picture."""
        if self._connection.in_transaction:
            await self._ask("ROLLBACK")

    async def freeze(self) -> None:
        """Keep everybody from writing; nobody may have it open."""
        await self._alone()
        await self._ask("BEGIN IMMEDIATE")

    async def leave(self, other: str) -> None:
        """Mark a frozen one as moved, for good."""
        await self._ask(_MARK, (LEFT, other))
        await self._ask("COMMIT")

    async def finish(self, work: Work[Any]) -> None:
        """Open it for programs, with a last work in the same transaction."""

        def finishing() -> None:
            self._connection.execute("BEGIN IMMEDIATE")
            drive(work(SqliteTx(self._connection, load_queries(), self.path)))
            self._connection.execute("DELETE FROM copied_body")
            self._connection.execute("DELETE FROM copying")
            self._connection.execute("COMMIT")
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)

        await self._run(finishing)

    async def count(self, table: Table) -> int:
        """Return how many rows there are."""
        return int((await self._ask(f"SELECT count(*) FROM {table.name}"))[0][0])  # noqa: S608 - a table of ours

    async def rows(self, table: Table, columns: Sequence[str], after: Row | None, limit: int) -> list[Row]:
        """Return rows in the order of the key."""
        key, places = ", ".join(table.key), ", ".join("?" * len(table.key))
        where = f"WHERE ({key}) > ({places})" if after is not None else ""
        sql = f"SELECT {', '.join(columns)} FROM {table.name} {where} ORDER BY {key} LIMIT {limit}"  # noqa: S608
        return _storable(await self._ask(sql, after or ()))

    async def rows_of(self, table: Table, columns: Sequence[str], numbers: Sequence[int]) -> list[Row]:
        """Return rows by number."""
        wanted = "IN (SELECT value FROM json_each(?))"
        sql = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {table.key[0]} {wanted}"  # noqa: S608
        return _storable(await self._ask(sql, (json.dumps(list(numbers)),)))

    async def put(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, or change those that have these keys."""
        rest = [f"{name} = excluded.{name}" for name in columns if name not in table.key]
        does = f"DO UPDATE SET {', '.join(rest)}" if rest else "DO NOTHING"
        sql = (
            f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608
            f" ON CONFLICT ({', '.join(table.key)}) {does}"
        )
        await self._write([(sql, row) for row in rows])

    async def delete(self, table: Table, keys: Sequence[Row]) -> None:
        """Remove rows."""
        await self._write([(f"DELETE FROM {table.name} WHERE {_same(table)}", key) for key in keys])  # noqa: S608

    async def park(self, table: Table, keys: Sequence[Row]) -> None:
        """Move rows out of the way of others."""
        sql = f"UPDATE {table.name} SET {table.parked} WHERE {_same(table)}"  # noqa: S608 - names of ours
        await self._write([(sql, key) for key in keys])

    async def copied(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Return the paths here of bodies that were copied and read back."""
        sql = "SELECT sha256, path FROM copied_body WHERE sha256 IN (SELECT unhex(value) FROM json_each(?))"
        return dict(await self._ask(sql, (json.dumps([one.hex() for one in digests]),)))

    async def note_copied(self, copied: dict[bytes, str]) -> None:
        """Note that bodies are here and were read back."""
        await self._write([("INSERT OR REPLACE INTO copied_body VALUES (?, ?)", one) for one in copied.items()])

    async def last_numbers(self) -> dict[str, int]:
        """Return the last numbers given to messages and folders."""
        return dict(
            await self._ask(
                "SELECT kind, max(value, coalesce(iif(kind = 'message', (SELECT max(message_id) FROM message),"
                " (SELECT max(folder_id) FROM folder)), 0)) FROM last_number"
            )
        )

    async def continue_after(self, numbers: dict[str, int]) -> None:
        """Give higher numbers only, from now on."""
        sql = "UPDATE last_number SET value = max(value, ?) WHERE kind = ?"
        await self._write([(sql, (number, kind)) for kind, number in numbers.items()])

    async def close(self) -> None:
        """Let go of everything."""
        async with self._turn:
            self._connection.close()
        await asyncio.to_thread(self.blobs.close)

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.touch(mode=0o600)

    async def _alone(self) -> None:
        """Be the only one that has the file open, until `close`."""

        def lock() -> None:
            # Opened anew: this mode is chosen before the first look at the log. The other connection must be gone
            # first, because it holds the file as any program would.
            self._connection.close()
            self._connection = apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF")
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("ROLLBACK")

        try:
            async with self._turn:
                await asyncio.to_thread(lock)
        except apsw.BusyError as error:
            msg = f"{self.path} est ouvert par un programme : arrêtez l'opérateur et ses commandes, puis recommencez"
            raise StoreError(msg) from error
        except apsw.Error as error:
            raise translate(error, self.path) from error

    async def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return await self._run(lambda: self._connection.execute(sql, tuple(values)).fetchall())

    async def _write(self, statements: list[tuple[str, Sequence[Any]]]) -> None:
        """Run statements in one transaction."""

        def write() -> None:
            with self._connection:
                for sql, values in statements:
                    self._connection.execute(sql, tuple(values))

        await self._run(write)

    async def _run(self, work: Callable[[], T]) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(work)
            except apsw.Error as error:
                raise translate(error, self.path) from error


_MARK = (
    "INSERT INTO copying (one, state, other) VALUES (1, ?, ?)"
    " ON CONFLICT (one) DO UPDATE SET state = excluded.state, other = excluded.other"
)


def _same(table: Table) -> str:
    return " AND ".join(f"{name} = ?" for name in table.key)


def _storable(rows: list[Row]) -> list[Row]:
    """Return rows as every engine can keep them: PostgreSQL has no text with a NUL in it (see its `tx`)."""
    return [
        tuple(value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value for value in row)
        for row in rows
    ]
