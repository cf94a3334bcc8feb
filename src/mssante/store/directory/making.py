"""A new file of the directory being made: rows in bulk, then its indexes, then what differs from the file before it.

Nothing is flushed while it is made: a file that is not whole is thrown away.
"""

import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from mssante.model.errors import StoreError
from mssante.store.connection import PAGE_BYTES, check_engine, translate
from mssante.store.directory.file import SCHEMA, DirectoryFolder, queries, schema_of, script
from mssante.store.directory.numbers import number_of_box
from mssante.store.tx import Row, Value

CACHE_KIB: Final = 96 * 1024
FEED_ROWS: Final = 1_000_000
_COLUMNS: Final = {"professional": 12, "structure": 22, "situation": 7, "mailbox": 16, "speciality": 3}


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a file holds."""

    professionals: int
    structures: int
    situations: int
    mailboxes: int


@dataclass(frozen=True, slots=True)
class Delta:
    """How many mailboxes differ from the file before."""

    created: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0


class Making:
    """One file being made; use `begin`, then `add_*`, `index`, `compare`, `finish`, or `discard`."""

    def __init__(self, path: Path, connection: apsw.Connection, before: Path | None) -> None:
        """Put the parts together; use `begin`."""
        self.path = path
        self._connection = connection
        self._before = before
        self._inserts = {
            table: f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * columns)})"  # noqa: S608 - names of ours
            for table, columns in _COLUMNS.items()
        }

    @classmethod
    def begin(cls, folder: DirectoryFolder) -> "Making":
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
        return cls(path, connection, before)

    def add(self, table: str, rows: Iterable[tuple[Value, ...]]) -> int:
        """Add rows to a table, in the order of its columns; one that is there already stays. Returns how many were new.

        Raises:
            StoreError: no room.
        """
        before = self._connection.total_changes()
        try:
            self._connection.executemany(self._inserts[table], rows)
        except apsw.Error as error:
            raise translate(error, self.path) from error
        return self._connection.total_changes() - before

    def keep(self, table: str, source: str = "") -> int:
        """Take the rows of a table over from the file before, those of one source only when it is named."""
        if self._before is None:
            return 0
        where = " WHERE source = ?" if source else ""
        sql = f"INSERT OR IGNORE INTO main.{table} SELECT * FROM old.{table}{where}"  # noqa: S608 - names of ours
        before = self._connection.total_changes()
        self._run(sql, (source,) if source else ())
        return self._connection.total_changes() - before

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

    def index(self, step: Callable[[str], None]) -> None:
        """Make indexes, search and vocabulary; `step` is told the name of each."""
        for statement in script("indexes.sql").split(";\n"):
            words = statement.split()
            if words:
                step(" ".join(words[:4]))
                self._run(statement, ())

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

    def compare(self, at: int, who: str) -> Delta:
        """Keep the moments of change and the feed of the file before, and write down what differs."""
        if self._before is None:
            self._run("UPDATE mailbox SET changed_at = ? WHERE changed_at IS NULL", (at,))
            return Delta(created=self.counts().mailboxes)
        self._run("INSERT INTO main.feed SELECT * FROM old.feed WHERE seq > ?", (self._feed_top() - FEED_ROWS,))
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

    def catch_up(self, since: int) -> int:
        """Do again what operators changed in the file before while this one was made; returns how many mailboxes.

        The file before is seen as it is now: until here, it was seen as it was when this one was begun.
        """
        if self._before is None:
            return 0
        self._run("COMMIT", ())
        self._run("BEGIN", ())
        rows = self._connection.execute(
            "SELECT DISTINCT address FROM old.feed WHERE seq > ? AND who <> 'import'", (since,)
        ).fetchall()
        for (address,) in rows:
            self._take_over(str(address))
        self._run("INSERT OR IGNORE INTO main.feed SELECT * FROM old.feed WHERE seq > ?", (since,))
        return len(rows)

    def feed_top(self) -> int:
        """Return the number of the last change of the file before."""
        return 0 if self._before is None else self._feed_top()

    def note_import(self, at: int, sources: str, lines: int, bad: int, report: str) -> int:
        """Write the import down; returns its number."""
        self._run(
            "INSERT INTO import (at, sources, lines, bad, report) VALUES (?, ?, ?, ?, ?)",
            (at, sources, lines, bad, report),
        )
        return self._connection.last_insert_rowid()

    def finish(self) -> None:
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

    def discard(self, folder: DirectoryFolder) -> None:
        """Throw the file away."""
        with contextlib.suppress(apsw.Error):
            self._connection.close(True)  # noqa: FBT003 - force
        folder.remove(self.path)

    def _take_over(self, address: str) -> None:
        """Put the mailboxes of an address as the file before has them now."""
        key = (address.lower(),)
        for (number,) in self._connection.execute(
            "SELECT id FROM main.mailbox WHERE lower(address) = ?", key
        ).fetchall():
            self._run("DELETE FROM main.mailbox WHERE id = ?", (number,))
            self._run("DELETE FROM main.entry WHERE rowid = ?", (number,))
        for row in self._connection.execute("SELECT * FROM old.mailbox WHERE lower(address) = ?", key).fetchall():
            self._run(self._inserts["mailbox"], row)
            self._run(queries()["index_box"].sql, (row[0],))

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


def box_number(address: str, professional: int, structure: int) -> int:
    """Return the number of a mailbox line: an address may stand on several lines, with other holders or places."""
    return number_of_box(f"{address.lower()}|{professional}|{structure}")


def as_json(value: object) -> str:
    """Return a report as it is kept."""
    return json.dumps(value, ensure_ascii=False)


__all__ = ["Counts", "Delta", "Making", "StoreError", "as_json", "box_number"]
