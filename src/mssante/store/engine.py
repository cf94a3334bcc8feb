"""What every engine of the store does; `Store.open` gives the one that the settings name.

Store functions (``mailboxes.create_mailbox(tx, ...)`` and so on) run through `Store.write`, `Store.read`,
`Store.glance` or `Store.read_long`, the same on each engine.

Source: design.md section 4; decision 0020.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mssante.model.mailbox import AccountId, FolderId, MailboxId
from mssante.model.settings import FILES, BlobSettings, StoreSettings
from mssante.store.blobs import BlobFolder
from mssante.store.tx import Work

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What another node has committed: one of these is said, or `missed`.

    Attributes:
        folder: messages of this folder changed: its mailbox, the folder, its modification number now.
        mailbox_id: names of folders of this mailbox, or rights on them, changed.
        account_id: what this account may do, chose or noted changed.
        queue: there is something due.
        trust: the white list, the revocation lists or our domains changed.
        missed: there may have been any of these.
    """

    folder: tuple[MailboxId, FolderId, int] | None = None
    mailbox_id: MailboxId | None = None
    account_id: AccountId | None = None
    queue: bool = False
    trust: bool = False
    missed: bool = False


def _no_probe(_step: str) -> None:
    """Do nothing at the named steps."""


class Store(ABC):
    """An open store.

    Attributes:
        is_shared: several nodes may work on it.
        folder: where this process keeps what is not in the database.
        name: what findings call the database.
        blobs: holds the bodies that are too large for the database.
    """

    is_shared = False

    def __init__(self, folder: Path, name: str, blobs: BlobFolder) -> None:
        """Keep what every engine has; use `open`."""
        self.folder = folder
        self.name = name
        self.blobs = blobs

    @staticmethod
    async def open(
        data_dir: Path,
        settings: StoreSettings,
        *,
        blobs: BlobSettings = FILES,
        probe: Callable[[str], None] = _no_probe,
        must_be_there: bool = False,
        is_copy: bool = False,
    ) -> "Store":
        """Open the store; bring its schema up to date.

        Args:
            data_dir: only this program writes there; several processes of it may.
            settings: section [store].
            blobs: section [blobs].
            probe: called at the named steps of a write; tests stop the process there.
            must_be_there: refuse an empty database, which a wrong dsn leads to; for a file see `mssante.app.stored`.
            is_copy: what is opened may be the unfinished copy of another store.

        Raises:
            ConfigError: a setting cannot be used.
            StoreSchemaError: a newer schema, another program's database, or an unsound engine.
            StoreDamagedError: the database is not readable.
            StoreFullError: no room.
            StoreError: the folder or the database cannot be used, or is not in service (`mssante.store.in_service`).
        """
        # Each engine is loaded when it is chosen: its library costs time and memory.
        if settings.engine == "postgresql":
            from mssante.store.postgres import engine as postgres

            return await postgres.open_store(
                data_dir, settings, blobs=blobs, probe=probe, must_be_there=must_be_there, is_copy=is_copy
            )
        from mssante.store import embedded

        return await embedded.open_store(data_dir, settings, blobs=blobs, probe=probe, is_copy=is_copy)

    @abstractmethod
    async def close(self) -> None:
        """Finish what is queued, then close everything."""

    @abstractmethod
    def write(self, work: Work[T]) -> "asyncio.Future[T]":
        """Run the work in a transaction, grouped with others; the result comes after the flush.

        One transaction writes at a time, over all processes and nodes.

        Args:
            work: touches nothing but its transaction; called again when another work of its group fails.

        Returns:
            A future with the result of the work, or with its exception: then nothing of it was kept, unless the text
            says that this is not known.
        """

    @abstractmethod
    def write_long(self, work: Work[T]) -> "asyncio.Future[T]":
        """Do as `write` does, alone and beside the event loop: for works that would hold others up."""

    @abstractmethod
    async def read(self, work: Work[T]) -> T:
        """Run a short reading work in one snapshot."""

    @abstractmethod
    async def glance(self, work: Work[T]) -> T:
        """Run a short reading work without one snapshot over its queries, which would cost as much as a query."""

    @abstractmethod
    async def read_long(self, work: Work[T]) -> T:
        """Run a long reading work in one snapshot, where it holds nobody up."""

    @abstractmethod
    async def commits_elsewhere(self) -> int:
        """Return a number that changes when another process has committed.

        On a database of several nodes only for what processes keep in memory (the white list, revocation lists, our
        domains): of the rest `listen` tells.
        """

    @abstractmethod
    def listen(self, told: Callable[[Elsewhere], None]) -> Callable[[], None]:
        """Call it at each commit of another process, on engines that tell; returns what ends it.

        Not a queue: `commits_elsewhere` is the net below it.
        """
