"""One end of a copy on PostgreSQL: read beside running nodes, written while none of them runs."""

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from mssante.model.errors import StoreError, StoreSchemaError
from mssante.model.settings import BlobSettings, StoreSettings
from mssante.store.blobs import open_blobs
from mssante.store.copying.tables import Table, tables
from mssante.store.in_service import ARRIVING, ASKED, LEFT, Moving
from mssante.store.postgres.driver import read_target
from mssante.store.postgres.errors import FOREIGN, translate
from mssante.store.postgres.migrate import load_migrations, migrate
from mssante.store.postgres.queries import load_queries
from mssante.store.postgres.tx import PostgresTx, drive
from mssante.store.postgres.writer import LOCK as WRITING
from mssante.store.tx import Row, Work

T = TypeVar("T")

PROGRAM: Final = "mssante-copying"
LOCK: Final = 0x4D5353_636F
_TYPES: Final = {"INTEGER": "bigint", "TEXT": "text", "BLOB": "bytea"}
_MARK: Final = (
    "INSERT INTO copying (one, state, other) VALUES (1, $1, $2)"
    " ON CONFLICT (one) DO UPDATE SET state = excluded.state, other = excluded.other"
)
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name LIKE 'mssante-%' AND application_name <> $1"
)


class PostgresSide:
    """`mssante.store.copying.side.Side` on a database.

    Guards its one connection.
    """

    def __init__(self, folder: Path, settings: StoreSettings, blobs: BlobSettings) -> None:
        """Name it; `open` opens it."""
        self._target = read_target(settings)
        self.name = self._target.name
        self._folder = folder
        self._blob_settings = blobs
        self._in_picture = False

    async def open(self, *, writes: bool) -> None:
        """Open it; with `writes`, bring its schema up to date first."""
        await asyncio.to_thread(self._folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        self.blobs = await asyncio.to_thread(open_blobs, self._folder, self._blob_settings, probe=lambda _step: None)
        self._connection = await self._asked(self._target.connect(PROGRAM, read_only=False))
        # Long looks are the point here, and the other side may take its time.
        await self._do("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        if writes:
            await migrate(self._connection, self.name, load_migrations())
        elif await self._value("SELECT max(version) FROM migration") != len(load_migrations()):
            msg = f"{self.name} n'a pas le schéma de ce programme : démarrez d'abord l'opérateur avec cette version"
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
        if not await self._value("SELECT pg_try_advisory_lock($1)", LOCK):
            msg = f"{self.name} reçoit déjà une copie : attendez sa fin"
            raise StoreError(msg)
        await self._nobody_else()
        await self._ask(_MARK, (ARRIVING, other))

    async def begin(self) -> None:
        """Read from one picture of it."""
        await self._do("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._in_picture = True

    async def end(self) -> None:
        """Leave that picture."""
        if self._in_picture:
            self._in_picture = False
            await self._do("ROLLBACK")

    async def freeze(self) -> None:
        """Keep everybody from writing; no program may be connected."""
        # The lock of whoever writes (decision 0020), for this connection as long as it lives.
        await self._ask("SELECT pg_advisory_lock($1)", (WRITING,))
        await self._nobody_else()
        await self.begin()

    async def leave(self, other: str) -> None:
        """Mark a frozen one as moved, for good."""
        await self.end()
        # From here on a trigger refuses whoever came before the mark and has not read it.
        await self._ask(_MARK, (LEFT, other))

    async def finish(self, work: Work[Any]) -> None:
        """Open it for programs, with a last work in the same transaction."""
        await self._do("ANALYZE")
        await self._do(f"BEGIN; SELECT pg_advisory_xact_lock({WRITING})")
        tx = PostgresTx(self._connection, load_queries(), self.name, writes=True)
        await drive(work(tx), tx)
        await self._do("DELETE FROM copied_body; DELETE FROM copying; COMMIT")

    async def count(self, table: Table) -> int:
        """Return how many rows there are."""
        return int(await self._value(f"SELECT count(*) FROM {table.name}"))  # noqa: S608 - a table of ours

    async def rows(self, table: Table, columns: Sequence[str], after: Row | None, limit: int) -> list[Row]:
        """Return rows in the order of the key."""
        key = ", ".join(table.key)
        places = ", ".join(f"${number}" for number in range(1, len(table.key) + 1))
        where = f"WHERE ({key}) > ({places})" if after is not None else ""
        sql = f"SELECT {', '.join(columns)} FROM {table.name} {where} ORDER BY {key} LIMIT {limit}"  # noqa: S608
        return await self._ask(sql, after or ())

    async def rows_of(self, table: Table, columns: Sequence[str], numbers: Sequence[int]) -> list[Row]:
        """Return rows by number."""
        sql = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {table.key[0]} = ANY($1)"  # noqa: S608
        return await self._ask(sql, (list(numbers),))

    async def put(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, or change those that have these keys."""
        rest = [f"{name} = excluded.{name}" for name in columns if name not in table.key]
        does = f"DO UPDATE SET {', '.join(rest)}" if rest else "DO NOTHING"
        sql = (
            f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM {_given(table, columns)}"  # noqa: S608
            f" ON CONFLICT ({', '.join(table.key)}) {does}"
        )
        await self._ask(sql, _turned(columns, rows))

    async def delete(self, table: Table, keys: Sequence[Row]) -> None:
        """Remove rows."""
        sql = f"DELETE FROM {table.name} USING {_given(table, table.key)} WHERE {_same(table)}"  # noqa: S608
        await self._ask(sql, _turned(table.key, keys))

    async def park(self, table: Table, keys: Sequence[Row]) -> None:
        """Move rows out of the way of others."""
        parked = table.parked.replace("|| folder_id", f"|| {table.name}.folder_id")
        sql = f"UPDATE {table.name} SET {parked} FROM {_given(table, table.key)} WHERE {_same(table)}"  # noqa: S608
        await self._ask(sql, _turned(table.key, keys))

    async def copied(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Return the paths here of bodies that were copied and read back."""
        rows = await self._ask("SELECT sha256, path FROM copied_body WHERE sha256 = ANY($1)", (list(digests),))
        return dict(rows)

    async def note_copied(self, copied: dict[bytes, str]) -> None:
        """Note that bodies are here and were read back."""
        await self._ask(
            "INSERT INTO copied_body SELECT * FROM unnest($1::bytea[], $2::text[])"
            " ON CONFLICT (sha256) DO UPDATE SET path = excluded.path",
            (list(copied), list(copied.values())),
        )

    async def last_numbers(self) -> dict[str, int]:
        """Return the last numbers given to messages and folders."""
        sql = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass), 0)"
        return {kind: int(await self._value(sql, kind, f"{kind}_id")) for kind in ("message", "folder")}

    async def continue_after(self, numbers: dict[str, int]) -> None:
        """Give higher numbers only, from now on."""
        sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
        for table, column in await self._ask(f"{sql} AND is_identity = 'YES'"):
            last = await self._value(f"SELECT coalesce(max({column}), 0) FROM {table}")  # noqa: S608 - names of ours
            last = max(last, numbers.get(table, 0))
            setting = "SELECT setval(pg_get_serial_sequence($1, $2), greatest($3::bigint, 1), $3::bigint > 0)"
            await self._ask(setting, (table, column, last))

    async def close(self) -> None:
        """Let go of everything."""
        try:
            await self._connection.close(timeout=self._target.settings.wait_seconds)
        except FOREIGN:
            self._connection.terminate()
        await asyncio.to_thread(self.blobs.close)

    async def _nobody_else(self) -> None:
        others = await self._value(_OTHERS, PROGRAM)
        if others:
            msg = f"{self.name} est ouverte par {others} connexions de programmes : arrêtez tous les nœuds"
            raise StoreError(msg)

    async def _do(self, sql: str) -> None:
        await self._asked(self._connection.execute(sql))

    async def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return [tuple(row) for row in await self._asked(self._connection.fetch(sql, *values))]

    async def _value(self, sql: str, *values: object) -> Any:  # noqa: ANN401 - whatever the column holds
        return await self._asked(self._connection.fetchval(sql, *values))

    async def _asked(self, answer: Awaitable[T]) -> T:
        try:
            return await answer
        except FOREIGN as error:
            raise translate(error, self.name) from error


def _given(table: Table, columns: Sequence[str]) -> str:
    """Return rows that are given column by column, in one question whatever their number."""
    arrays = ", ".join(f"${at}::{_TYPES[table.columns[name]]}[]" for at, name in enumerate(columns, start=1))
    return f"unnest({arrays}) AS given({', '.join(columns)})"


def _turned(columns: Sequence[str], rows: Sequence[Row]) -> list[list[Any]]:
    return [[row[at] for row in rows] for at in range(len(columns))]


def _same(table: Table) -> str:
    return " AND ".join(f"{table.name}.{name} = given.{name}" for name in table.key)
