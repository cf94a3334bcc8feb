"""A new file of the directory being made: rows in bulk, then its indexes, then what differs from the file before it.

Nothing is flushed while it is made: a file that is not whole is thrown away.
"""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import apsw

from mssante.store.connection import PAGE_BYTES, SqliteTx, check_engine, translate
from mssante.store.directory import editing
from mssante.store.directory.engine import FEED_ROWS, SCHEMA, Counts, Delta
from mssante.store.directory.file import DirectoryFolder, queries, schema_of, script
from mssante.store.tx import Row, Value, drive

CACHE_KIB: Final = 96 * 1024
_COLUMNS: Final = {"professional": 12, "structure": 22, "situation": 7, "mailbox": 16, "speciality": 3}


class FileMaking:
    """`mssante.store.directory.engine.Making` of one file; use `DirectoryFolder.making`."""

    def __init__(self, folder: DirectoryFolder, path: Path, connection: apsw.Connection, before: Path | None) -> None:
        """Put the parts together; use `begin`."""
        self.path = path
        self._folder = folder
        self._connection = connection
        self._before = before
        self._inserts = {
            table: f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 - names of ours
            for table, columns in _COLUMNS.items()
        }
        self._since = 0 if before is None else self._feed_top()

    @classmethod
    def begin(cls, folder: DirectoryFolder) -> "FileMaking":
        """Make the next file of the folder, with the one in force at hand for what is kept of it.

        Raises:
            StoreError: the folder cannot be used.
        """
        check_engine(apsw.sqlite_lib_version())
        path = folder.next()
        folder.remove(path)
        before = folder.current()
        if before is not None and schema_of(before) != SCHEMA:
            before = None
        try:
            connection = apsw.Connection(str(path))
            for pragma in (
                f"page_size={PAGE_BYTES}",
                "main.journal_mode=OFF",
                "main.synchronous=OFF",
                "main.locking_mode=EXCLUSIVE",
                f"main.cache_size=-{CACHE_KIB}",
                "temp_store=FILE",
            ):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute(script("schema.sql"))
            connection.execute(f"PRAGMA user_version={SCHEMA}")
            connection.execute("CREATE TEMP TABLE speciality (professional INTEGER, coded TEXT, words TEXT)")
            if before is not None:
                connection.execute("ATTACH ? AS old", (str(before),))
            connection.execute("BEGIN")
        except apsw.Error as error:
            raise translate(error, path) from error
        return cls(folder, path, connection, before)

    def add(self, table: str, rows: Iterable[tuple[Value, ...]]) -> None:
        """Add rows to a table, in the order of its columns; one that is there already stays."""
        try:
            self._connection.executemany(self._inserts[table], rows)
        except apsw.Error as error:
            raise translate(error, self.path) from error

    def keep(self, table: str, source: str = "") -> None:
        """Take the rows of a table over from the file before, those of one source only when it is named."""
        if self._before is None:
            return
        where = " WHERE source = ?" if source else ""
        sql = f"INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table}{where}"  # noqa: S608 - names of ours
        self._run(sql, (source,) if source else ())

    def merge_specialities(self) -> None:
        """Give each professional the savoir-faire that a file of their own told of, in place of any other."""
        self._run(
            "UPDATE professional SET specialities = s.codes, work = professional.work || ' ' || s.words FROM "
            "(SELECT professional, group_concat(coded, '|') AS codes, group_concat(words, ' ') AS words "
            "FROM temp.speciality GROUP BY professional) s WHERE s.professional = professional.id",
            (),
        )

    def add_bad_lines(self, import_id: int, source: str, lines: Iterable[tuple[int, str, str]]) -> None:
        """Keep lines that were left out: number, reason, text."""
        rows = [(import_id, source, *line) for line in lines]
        self._connection.executemany("INSERT INTO bad_line VALUES (?, ?, ?, ?, ?)", rows)

    def complete(self, at: int, who: str, step: Callable[[str], None]) -> Delta:
        """Make indexes, search and vocabulary; keep the feed of the file before and write down what differs from it."""
        for statement in script("indexes.sql").split(";\n"):
            words = statement.split()
            if words:
                step(" ".join(words[:4]))
                self._run(statement, ())
        return self._compare(at, who)

    def counts(self, *, old: bool = False) -> Counts:
        """Return how much this file holds, or the one before it (zeros when there is none)."""
        if old and self._before is None:
            return Counts(0, 0, 0, 0)
        schema = "old" if old else "main"
        found = [
            self._one(f"SELECT count(*) FROM {schema}.{table}")[0]  # noqa: S608 - names of ours
            for table in ("professional", "structure", "situation", "mailbox")
        ]
        return Counts(*found)

    def note_import(self, at: int, sources: str, lines: int, bad: int, report: str) -> int:
        """Write the import down; returns its number."""
        self._run(
            "INSERT INTO import (at, sources, lines, bad, report) VALUES (?, ?, ?, ?, ?)",
            (at, sources, lines, bad, report),
        )
        return self._connection.last_insert_rowid()

    def put_in_force(self) -> int:
        """Do again what operators changed meanwhile, then let readers use this file."""
        with self._folder.locked():
            caught_up = 0 if self._before is None else self._catch_up()
            self._finish()
            self._folder.put_in_force(self.path)
        return caught_up

    def discard(self) -> None:
        """Throw the file away."""
        with contextlib.suppress(apsw.Error):
            self._connection.close(True)  # noqa: FBT003 - force
        self._folder.remove(self.path)

    def _compare(self, at: int, who: str) -> Delta:
        if self._before is None:
            self._run("UPDATE mailbox SET changed_at = ? WHERE changed_at IS NULL", (at,))
            return Delta(created=self.counts().mailboxes)
        self._run("INSERT INTO main.feed SELECT * FROM old.feed WHERE seq > ?", (self._since - FEED_ROWS,))
        self._run("INSERT INTO main.import SELECT * FROM old.import", ())
        counts = []
        for statement in script("compare.sql").split(";\n"):
            if statement.strip():
                before = self._connection.total_changes()
                values: dict[str, Value] = {"at": at, "who": who}
                self._run(statement, {name: value for name, value in values.items() if f":{name}" in statement})
                if "INSERT INTO main.feed" in statement:
                    counts.append(self._connection.total_changes() - before)
        return Delta(*counts)

    def _catch_up(self) -> int:
        """Do again what operators changed in the file before while this one was made; returns how many mailboxes.

        The file before is seen as it is now: until here, it was seen as it was when this one was begun. In the feed,
        what operators did keeps its numbers, and what this import did comes behind: who has read the feed of the file
        before misses nothing.
        """
        self._run("COMMIT", ())
        self._run("BEGIN", ())
        shift = self._feed_top() - self._since
        if not shift:
            return 0
        rows = self._connection.execute(
            "SELECT DISTINCT address FROM old.feed WHERE seq > ? AND who <> 'import'", (self._since,)
        ).fetchall()
        tx = SqliteTx(self._connection, queries(), self.path)
        for address in [str(row[0]) for row in rows]:
            boxes = self._connection.execute(
                "SELECT * FROM old.mailbox WHERE lower(address) = ?", (address.lower(),)
            ).fetchall()
            drive(editing.put(tx, address, boxes))
        self._run("UPDATE main.feed SET seq = -(seq + ?) WHERE seq > ?", (shift, self._since))
        self._run("UPDATE main.feed SET seq = -seq WHERE seq < 0", ())
        self._run("INSERT INTO main.feed SELECT * FROM old.feed WHERE seq > ?", (self._since,))
        self._run("UPDATE main.sqlite_sequence SET seq = (SELECT max(seq) FROM feed) WHERE name = 'feed'", ())
        return len(rows)

    def _finish(self) -> None:
        """Make the file one that is read and changed in the usual way, and close it."""
        try:
            self._connection.execute("COMMIT")
            if self._before is not None:
                self._connection.execute("DETACH old")
            self._connection.execute("PRAGMA main.locking_mode=NORMAL")
            self._connection.execute("PRAGMA main.journal_mode=WAL")
            self._connection.close()
        except apsw.Error as error:
            raise translate(error, self.path) from error

    def _feed_top(self) -> int:
        row = self._one("SELECT seq FROM old.sqlite_sequence WHERE name = 'feed'")
        return int(row[0]) if row else 0

    def _one(self, sql: str) -> Row:
        try:
            return next(iter(self._connection.execute(sql).fetchall()), ())
        except apsw.Error as error:
            raise translate(error, self.path) from error

    def _run(self, sql: str, values: tuple[Value, ...] | dict[str, Value]) -> None:
        try:
            self._connection.execute(sql, values)
        except apsw.Error as error:
            raise translate(error, self.path) from error
