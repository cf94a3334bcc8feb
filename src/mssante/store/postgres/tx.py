"""One open transaction of PostgreSQL: `mssante.store.tx.Tx` on a connection of asyncpg, and how a work runs on it."""

import types
from collections.abc import Awaitable, Coroutine, Generator, Iterable, Mapping
from typing import Any, TypeVar

from mssante.model.errors import StoreError
from mssante.store.named import Query
from mssante.store.postgres.driver import Connection
from mssante.store.postgres.errors import FOREIGN, translate
from mssante.store.postgres.queries import returning_number
from mssante.store.tx import Row, Value

T = TypeVar("T")


class PostgresTx:
    """`mssante.store.tx.Tx` on one connection, for the life of the connection.

    `asks` is true while the server is asked: a work that waits at any other time waits for something else.
    """

    __slots__ = ("_connection", "_name", "_queries", "_writes", "asks", "failed")

    joins = True

    def __init__(self, connection: Connection, queries: Mapping[str, Query], name: str, *, writes: bool) -> None:
        """Make it; `name` is what errors call the database, `writes` that it may be written to."""
        self._writes = writes
        self._connection = connection
        self._queries = queries
        self._name = name
        self.asks = False
        self.failed: StoreError | None = None

    async def run(self, name: str, /, **params: Value) -> int:
        """Run a query and leave its rows; return how many it changed."""
        query = self._queries[name]
        status = await self._ask(self._connection.execute(query.sql, *_bound(query, params)))
        return int(status.rpartition(" ")[2]) if status[-1:].isdigit() else 0

    async def insert(self, name: str, /, **params: Value) -> int:
        """Add one row; return its number."""
        query = self._queries[name]
        return int(await self._ask(self._connection.fetchval(returning_number(query.sql), *_bound(query, params))))

    async def one(self, name: str, /, **params: Value) -> Row | None:
        """Return the first row, or None when there is none."""
        rows = await self._fetch(name, params)
        return tuple(rows[0]) if rows else None

    async def all(self, name: str, /, **params: Value) -> list[Row]:
        """Return every row."""
        return [tuple(row) for row in await self._fetch(name, params)]

    async def _fetch(self, name: str, params: Mapping[str, Value]) -> list[Iterable[Any]]:
        query = self._queries[name]
        return await self._ask(self._connection.fetch(query.sql, *_bound(query, params)))

    async def _ask(self, answer: Awaitable[T]) -> T:
        self.asks = True
        try:
            return await answer
        except FOREIGN as error:
            self.failed = translate(error, self._name, writes=self._writes)
            raise self.failed from error
        finally:
            self.asks = False


@types.coroutine
def drive(work: Coroutine[Any, Any, T], tx: PostgresTx) -> Generator[Any, Any, T]:
    """Return the result of a work that waits for nothing but its transaction.

    Raises:
        StoreError: it awaited something else (a bug in the caller).
    """
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            waits_for = work.send(answer) if error is None else work.throw(error)
        except StopIteration as end:
            result: T = end.value
            return result
        if not tx.asks:
            work.close()
            name = getattr(work, "__qualname__", "this work")
            msg = f"{name} waits for something else than its transaction: do that before or after"
            raise StoreError(msg)
        answer = error = None
        try:
            answer = yield waits_for
        except BaseException as thrown:  # noqa: BLE001 - it belongs to the work, which may go on
            error = thrown


def _bound(query: Query, params: Mapping[str, Value]) -> Iterable[Value]:
    for value in query.bind(params):
        # The one character that a text of PostgreSQL cannot hold.
        yield value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) and "\0" in value else value
