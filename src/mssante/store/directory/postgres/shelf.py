"""The versions of the directory in a PostgreSQL database: `mssante.store.directory.engine.DirectoryShelf`.

Each stands in a schema of its own (``directory_000001``); one row of ``directory.in_force`` tells which one serves.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mssante.model.errors import DirectoryMissingError
from mssante.model.settings import StoreSettings
from mssante.store.directory.engine import Making
from mssante.store.directory.postgres.loop import LoopThread
from mssante.store.directory.postgres.making import PostgresMaking
from mssante.store.directory.postgres.store import PostgresDirectoryStore
from mssante.store.directory.postgres.versions import PROGRAM, end, enter
from mssante.store.postgres.driver import read_target
from mssante.store.postgres.errors import FOREIGN, translate


class PostgresShelf:
    """Names the database; nothing is kept open."""

    def __init__(self, settings: StoreSettings) -> None:
        """Name it: that of section [store].

        Raises:
            ConfigError: the dsn or a file that it needs cannot be used.
        """
        self._settings = settings
        self._target = read_target(settings)

    def has_one(self) -> bool:
        """Tell whether a version is in force."""
        thread = LoopThread("directory-look")
        try:
            return thread.run(self._has_one())
        finally:
            thread.stop()

    @contextmanager
    def making(self) -> Iterator[Making]:
        """Make the next version, one at a time on all nodes.

        All of it is one transaction: whatever stops it leaves nothing behind.
        """
        thread = LoopThread("directory-import")
        try:
            making = PostgresMaking(thread, self._settings)
            try:
                making.begin()
                yield making
            finally:
                making.end()
        finally:
            thread.stop()

    def store(self, *, readers: int = 2) -> PostgresDirectoryStore:
        """Return what asks and changes the version in force."""
        return PostgresDirectoryStore(self._target, readers=readers)

    async def _has_one(self) -> bool:
        name = self._target.name
        try:
            connection = await self._target.connect(PROGRAM, read_only=True)
            try:
                await enter(connection, name)
            finally:
                await end(connection)
        except DirectoryMissingError:
            return False
        except FOREIGN as error:
            raise translate(error, name) from error
        return True
