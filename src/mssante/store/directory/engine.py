"""What a directory is made of, whatever the engine: the shelf of its versions, the one in force, a new one being made.

One version is a whole directory. An import makes the next one beside the one in force, which serves until the new one
is whole; the one before is kept. Files do it (`mssante.store.directory.file`), PostgreSQL does
(`mssante.store.directory.postgres`): the same works give the same answers on both.

Source: decision 0019; issue of the directory (atomic replacement).
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from mssante.store.tx import Value, Work

T = TypeVar("T")

SCHEMA: Final = 1
"""Number of the layout of a version; one of another layout is as good as none."""

FEED_ROWS: Final = 1_000_000
"""Most changes of the versions before that a new one remembers."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a version holds."""

    professionals: int
    structures: int
    situations: int
    mailboxes: int


@dataclass(frozen=True, slots=True)
class Delta:
    """How many mailboxes differ from the version before."""

    created: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0


class Making(Protocol):
    """One version being made, by the thread that began it: `add` and `keep`, then `complete`, then `put_in_force`."""

    def add(self, table: str, rows: Iterable[tuple[Value, ...]]) -> None:
        """Add rows to a table, in the order of its columns; one that is there already stays.

        Raises:
            StoreError: no room.
        """
        ...

    def merge_specialities(self) -> None:
        """Give each professional the savoir-faire that a file of their own told of, in place of any other."""
        ...

    def keep(self, table: str, source: str = "") -> None:
        """Take the rows of a table over from the version before, those of one source only when it is named."""
        ...

    def counts(self, *, old: bool = False) -> Counts:
        """Return how much this version holds, or the one before it (zeros when there is none)."""
        ...

    def complete(self, at: int, who: str, step: Callable[[str], None]) -> Delta:
        """Make indexes, search and vocabulary; keep the feed of the version before and write down what differs from it.

        Args:
            at: seconds since 1970.
            who: stands in the feed.
            step: told the name of each step.
        """
        ...

    def note_import(self, at: int, sources: str, lines: int, bad: int, report: str) -> int:
        """Write the import down; returns its number."""
        ...

    def add_bad_lines(self, import_id: int, source: str, lines: Iterable[tuple[int, str, str]]) -> None:
        """Keep lines that were left out: number, reason, text."""
        ...

    def put_in_force(self) -> int:
        """Do again what operators changed meanwhile, then let readers use this version; flushed when it returns.

        Returns:
            How many mailboxes were changed meanwhile.
        """
        ...


class DirectoryStore(Protocol):
    """Asks and changes the version in force, whichever it is at that moment."""

    async def read(self, work: Work[T]) -> T:
        """Run a reading work in one snapshot of the version in force.

        Raises:
            DirectoryMissingError: no directory was ever imported.
            StoreError: it cannot be read.
        """
        ...

    async def write(self, work: Work[T]) -> T:
        """Run a changing work in one transaction, alone; flushed when it returns."""
        ...

    def read_now(self, work: Work[T]) -> T:
        """Do as `read` does; the calling thread waits."""
        ...

    def write_now(self, work: Work[T]) -> T:
        """Do as `write` does; the calling thread waits."""
        ...

    async def close(self) -> None:
        """Wait for what runs, then close every connection."""
        ...

    async def aclose(self) -> None:
        """Do as `close`, for `contextlib.aclosing`."""
        ...


class DirectoryShelf(Protocol):
    """Where the versions of one directory stand; keeps nothing open."""

    def has_one(self) -> bool:
        """Tell whether a version is in force.

        Raises:
            StoreError: that cannot be told.
        """
        ...

    def making(self) -> AbstractContextManager[Making]:
        """Make the next version, one at a time; thrown away when the block ends before it is in force.

        Raises:
            StoreError: nothing can be made here.
        """
        ...

    def store(self, *, readers: int = 2) -> DirectoryStore:
        """Return what asks and changes the version in force; nothing is opened before it is asked.

        Args:
            readers: most works that read at the same time.
        """
        ...
