"""One connection to the embedded database: its pragmas, its transactions, its errors as ours.

Not for deciding when to write (see `mssante.store.writer`).

Source: reliability.md A (``synchronous=FULL``), reliability.md B (SQLite 3.51.3 or later).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import apsw

from mssante.model.errors import StoreDamagedError, StoreError, StoreFullError, StoreSchemaError
from mssante.store.named import Query
from mssante.store.tx import Row, Value

FILE_NAME: Final = "mssante.db"
OLDEST_ENGINE: Final = (3, 51, 3)
BUSY_MILLISECONDS: Final = 10_000
PAGE_BYTES: Final = 8192
_CACHE_KIB: Final = 16 * 1024
_STATEMENTS: Final = 300
# What ENOSPC looks like when the shared memory file of the log cannot grow.
_NO_ROOM_CODES: Final = frozenset(
    {apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_SHMMAP, apsw.SQLITE_IOERR_SHMOPEN, apsw.SQLITE_IOERR_WRITE}
)
_ROOM_BYTES: Final = 1024 * 1024


def check_engine(version: str) -> None:
    """Do nothing when the SQLite library is one whose log is known to be sound.

    Raises:
        StoreSchemaError: it is older than 3.51.3, whose log may be reset under a second connection.

    Source: reliability.md B.
    """
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_ENGINE:
        msg = f"SQLite {version} peut abîmer une base : installez apsw 3.51.3 ou après (pip install --upgrade apsw)"
        raise StoreSchemaError(msg)


def connect(path: Path, *, reader: bool) -> apsw.Connection:
    """Return a connection with every setting made.

    Args:
        path: the database file, which exists.
        reader: it will only read.

    Raises:
        StoreError: the file cannot be opened, is damaged, or its folder has no room.
    """
    check_engine(apsw.sqlite_lib_version())
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=_STATEMENTS)
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        if not reader:
            connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA mmap_size=0")
        connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        connection.execute("PRAGMA trusted_schema=OFF")
        if reader:
            connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_schema")
    except apsw.Error as error:
        raise translate(error, path) from error
    # The writer thread checkpoints between groups; a checkpoint in the middle of a commit would delay its answers.
    connection.wal_autocheckpoint(0)
    return connection


def translate(error: apsw.Error, path: Path) -> StoreError:
    """Return the error of the engine as one of ours, naming the file and the fix in one line."""
    match error:
        case apsw.FullError():
            return StoreFullError(no_room(path))
        case apsw.CorruptError() | apsw.NotADBError():
            fix = f"remettez sa dernière bonne copie ({error})"
            return StoreDamagedError(f"{path} est abîmé ou n'est pas une base : {fix}")
        case apsw.ReadOnlyError():
            fix = f"donnez à cet utilisateur le droit d'écrire dans {path.parent}"
            return StoreError(f"{path} est en lecture seule : {fix}")
        case apsw.CantOpenError():
            return StoreError(
                f"{path} ne s'ouvre pas : vérifiez que {path.parent} existe et que cet utilisateur y écrit ({error})"
            )
        case apsw.BusyError():
            return StoreError(
                f"{path} est tenu par un autre programme depuis plus de {BUSY_MILLISECONDS // 1000} s : réessayez"
            )
        case apsw.IOError() if (
            getattr(error, "extendedresult", 0) in _NO_ROOM_CODES and room_bytes(path.parent) < _ROOM_BYTES
        ):
            return StoreFullError(no_room(path))
        case apsw.IOError():
            return StoreError(f"{path} : le disque ne répond pas bien, vérifiez-le avant toute chose ({error})")
        case _:
            return StoreError(f"{path}: {error}")


def no_room(path: Path) -> str:
    """Return what is said when the disk is full."""
    return f"{path} : plus de place ; libérez-en sur ce disque, rien de cette opération n'a été gardé"


def room_bytes(folder: Path) -> int:
    """Return how many bytes this program may still write in the folder."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


class SqliteTx:
    """`mssante.store.tx.Tx` on one connection; its methods never suspend."""

    __slots__ = ("_connection", "_path", "_queries")

    joins = False

    def __init__(self, connection: apsw.Connection, queries: Mapping[str, Query], path: Path) -> None:
        """Make it for the life of the connection."""
        self._connection = connection
        self._queries = queries
        self._path = path

    async def run(self, name: str, /, **params: Value) -> int:
        """Run a query and leave its rows; return how many it changed."""
        query = self._queries[name]
        try:
            self._connection.execute(query.sql, query.bind(params))
        except apsw.Error as error:
            raise translate(error, self._path) from error
        return self._connection.changes()

    async def insert(self, name: str, /, **params: Value) -> int:
        """Add one row; return its number. Costs half of what RETURNING does."""
        query = self._queries[name]
        try:
            self._connection.execute(query.sql, query.bind(params))
        except apsw.Error as error:
            raise translate(error, self._path) from error
        return self._connection.last_insert_rowid()

    async def one(self, name: str, /, **params: Value) -> Row | None:
        """Return the first row, or None when there is none."""
        query = self._queries[name]
        try:
            # Read to the end, so that a query with RETURNING has done all of its work.
            return next(iter(self._connection.execute(query.sql, query.bind(params)).fetchall()), None)
        except apsw.Error as error:
            raise translate(error, self._path) from error

    async def all(self, name: str, /, **params: Value) -> list[Row]:
        """Return every row."""
        query = self._queries[name]
        try:
            return self._connection.execute(query.sql, query.bind(params)).fetchall()
        except apsw.Error as error:
            raise translate(error, self._path) from error
