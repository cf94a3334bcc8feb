"""What the functions of the store see of a transaction; the same on every engine.

A store function is ``async def f(tx: Tx, ...)`` and awaits nothing but `Tx` methods, so that the very same function
runs on an engine that suspends. On the embedded engine nothing suspends and `drive` runs it to its end at once.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from mssante.model.errors import StoreError

T = TypeVar("T")

Value = str | bytes | int | float | None
"""What a parameter of a query may be."""

Row = tuple[Any, ...]
"""One row of an answer, in the order of the columns of the query."""


class Tx(Protocol):
    """One open transaction; queries are named, their text stands in ``store/queries/*.sql``."""

    async def run(self, name: str, /, **params: Value) -> int:
        """Run a query and leave its rows; return how many it changed."""
        ...

    async def insert(self, name: str, /, **params: Value) -> int:
        """Add one row, with a query that is a plain INSERT; return the number that its table gave it."""
        ...

    async def one(self, name: str, /, **params: Value) -> Row | None:
        """Return the first row, or None when there is none."""
        ...

    async def all(self, name: str, /, **params: Value) -> list[Row]:
        """Return every row; the query bounds their number."""
        ...


def joins(tx: Tx) -> bool:
    """Tell whether the engine does several steps in one query, because each query costs a way there and back."""
    return getattr(tx, "joins", False)


Work = Callable[[Tx], Coroutine[Any, Any, T]]
"""What is done in one transaction: a function of the transaction only, because it may be called a second time."""


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never suspends.

    Raises:
        StoreError: it awaited something else than its transaction (a bug in the caller).
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    name = getattr(coroutine, "__qualname__", "this work")
    msg = f"{name} waits for something else than its transaction: do that before or after"
    raise StoreError(msg)
