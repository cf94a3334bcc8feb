"""Versions of the directory in a PostgreSQL database: their schemas, the one in force, queries, locks.

Not for connections and their errors (see `mssante.store.postgres`).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final, Protocol

from mssante.model.errors import DirectoryMissingError, StoreError, StoreSchemaError
from mssante.store.directory.engine import SCHEMA
from mssante.store.directory.file import script as shared_script
from mssante.store.directory.postgres.expressions import as_tsquery
from mssante.store.named import Query, parse_queries
from mssante.store.postgres.driver import Connection
from mssante.store.postgres.errors import FOREIGN, translate
from mssante.store.tx import Value

PROGRAM: Final = "mssante-annuaire"
"""Name under which the server shows our connections."""
LOCKS: Final = 0x6D737364
"""First number of our advisory locks; the second one says which lock it is."""
END_SECONDS: Final = 5.0
WRITE_LOCK: Final = 1
IMPORT_LOCK: Final = 2
VERSION_LOCKS: Final = 1000
"""A version is held by who reads it, with this number and its own."""
_NUMBERS: Final = frozenset({"after", "below", "box", "entry_id", "holder", "id", "limit"})
"""Parameters of which the server could not tell everywhere that they are whole numbers."""
_IN_FORCE: Final = f"""
    SELECT layout, set_config('search_path', 'directory_' || lpad(number::text, 6, '0'), true),
        set_config('plan_cache_mode', 'force_generic_plan', true),
        pg_advisory_xact_lock_shared({LOCKS}, {VERSION_LOCKS} + number)
    FROM directory.in_force
"""  # noqa: S608 - numbers of ours


class Loading(Connection, Protocol):
    """What we use of an asyncpg connection beside what the store does."""

    async def copy_records_to_table(
        self,
        table_name: str,
        *,
        records: Iterable[tuple[Value, ...]],
        columns: Iterable[str] | None = None,
        schema_name: str | None = None,
    ) -> str:
        """Add rows in bulk."""
        ...


@cache
def queries() -> Mapping[str, Query]:
    """Return the named queries in the dialect of PostgreSQL, read once."""
    shared = parse_queries(shared_script("queries.sql"), "directory/queries.sql", _place)
    own = parse_queries(script("queries.sql"), "directory/postgres/queries.sql", _place)
    unknown = sorted(own.keys() - shared.keys())
    if unknown:
        msg = f"directory/postgres/queries.sql: query {unknown[0]} is not in directory/queries.sql"
        raise StoreError(msg)
    found = {**shared, **own}
    return {name: _asking(query) if "expression" in query.parameters else query for name, query in found.items()}


def script(name: str) -> str:
    """Return the text of a script of this folder."""
    return resources.files("mssante.store.directory.postgres").joinpath(name).read_text(encoding="utf-8")


def schema_name(number: int) -> str:
    """Return the name of the schema of a version."""
    return f"directory_{number:06d}"


async def enter(connection: Connection, database: str) -> None:
    """Let the transaction of a connection see the version in force, which stays as long as it lasts.

    One plan for each query, whatever its values: a plan of its own for each question would take longer than the
    answer, and the queries say themselves how they are to be answered.

    Args:
        database: what errors call it.

    Raises:
        DirectoryMissingError: there is none, or it has another layout.
        StoreError: PostgreSQL does not answer.
    """
    try:
        rows = await connection.fetch(_IN_FORCE)
    except FOREIGN as error:
        said = translate(error, database)
        if isinstance(said, StoreSchemaError):
            raise DirectoryMissingError from error
        raise said from error
    if not rows or next(iter(rows[0])) != SCHEMA:
        raise DirectoryMissingError


async def end(connection: Connection) -> None:
    """End a connection; what it had not committed is given up."""
    try:
        await connection.close(timeout=END_SECONDS)
    except FOREIGN:
        connection.terminate()


def _place(number: int, name: str) -> str:
    return f"${number}::bigint" if name in _NUMBERS else f"${number}"


def _asking(query: Query) -> Query:
    """Return a query that is given an expression of the full-text engine of SQLite, and asks for a tsquery."""
    bind: Callable[[Mapping[str, Value]], tuple[Value, ...]] = query.bind

    def bound(params: Mapping[str, Value]) -> tuple[Value, ...]:
        expression, groups = as_tsquery(str(params["expression"]))
        return bind({**params, "expression": expression, "groups": groups})

    return Query(query.sql, query.parameters, bound, query.caption)


def whole(row: Iterable[Any]) -> tuple[Any, ...]:
    """Return a row of the driver as a tuple."""
    return tuple(row)
