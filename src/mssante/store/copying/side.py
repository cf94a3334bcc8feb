"""One end of a copy of a store, as passes see it; the same on every engine."""

from collections.abc import Sequence
from typing import Any, Protocol

from mssante.store.blobs import BlobFolder
from mssante.store.copying.tables import Table
from mssante.store.in_service import Moving
from mssante.store.tx import Row, Work


class Side(Protocol):
    """One store, to be read from or to be written to by passes.

    Attributes:
        name: like no other's; also what errors call it.
        blobs: its large bodies.
    """

    name: str
    blobs: BlobFolder

    async def open(self, *, writes: bool) -> None:
        """Open it.

        Args:
            writes: make it when it is missing, bring its schema up to date; else it must be there as it should be.

        Raises:
            ConfigError: its settings cannot be used.
            StoreError: it cannot be opened.
        """
        ...

    async def moving(self) -> Moving | None:
        """Return what keeps it from being opened, None when it is in service or empty."""
        ...

    async def is_empty(self) -> bool:
        """Tell whether nothing was ever kept in it."""
        ...

    async def arrive(self, other: str) -> None:
        """Have it for this copy only, and mark it as an unfinished one.

        Raises:
            StoreError: a program works on it.
        """
        ...

    async def begin(self) -> None:
        """Read from one picture of it until `end`."""
        ...

    async def end(self) -> None:
        """Leave that picture; nothing without one."""
        ...

    async def freeze(self) -> None:
        """Keep everybody from writing, then `begin`.

        Raises:
            StoreError: a program works on it.
        """
        ...

    async def leave(self, other: str) -> None:
        """Mark a frozen one as moved, for good; nobody writes there any more."""
        ...

    async def finish(self, work: Work[Any]) -> None:
        """Open it for programs, with a last work in the same transaction."""
        ...

    async def count(self, table: Table) -> int:
        """Return how many rows there are."""
        ...

    async def rows(self, table: Table, columns: Sequence[str], after: Row | None, limit: int) -> list[Row]:
        """Return rows in the order of the key.

        Args:
            columns: begin with those of the key.
            after: key of the row before the first.
            limit: most rows.
        """
        ...

    async def rows_of(self, table: Table, columns: Sequence[str], numbers: Sequence[int]) -> list[Row]:
        """Return rows by number, of a table whose key is one."""
        ...

    async def put(self, table: Table, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows, or change those that have these keys; for good when it returns."""
        ...

    async def delete(self, table: Table, keys: Sequence[Row]) -> None:
        """Remove rows."""
        ...

    async def park(self, table: Table, keys: Sequence[Row]) -> None:
        """Move rows out of the way of others."""
        ...

    async def copied(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Return the paths here of bodies that were copied and read back."""
        ...

    async def note_copied(self, copied: dict[bytes, str]) -> None:
        """Note that bodies are here and were read back."""
        ...

    async def last_numbers(self) -> dict[str, int]:
        """Return the last numbers given to messages and folders."""
        ...

    async def continue_after(self, numbers: dict[str, int]) -> None:
        """Give higher numbers only, from now on."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
