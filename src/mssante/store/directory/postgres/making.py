"""A new version of the directory being made on PostgreSQL: `mssante.store.directory.engine.Making`.

One transaction holds the whole version, from its tables to the row that puts it in force: what stops it leaves nothing
behind. It sees the version before as it was when this one was begun; a second connection watches what operators change
meanwhile, and holds the lock between two imports.
"""

import re
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from mssante.model.errors import StoreError
from mssante.model.settings import StoreSettings
from mssante.store.directory import editing
from mssante.store.directory.engine import FEED_ROWS, SCHEMA, Counts, Delta
from mssante.store.directory.postgres.loop import LoopThread
from mssante.store.directory.postgres.versions import (
    IMPORT_LOCK,
    LOCKS,
    PROGRAM,
    VERSION_LOCKS,
    WRITE_LOCK,
    Loading,
    end,
    queries,
    schema_name,
    script,
    whole,
)
from mssante.store.postgres.driver import read_target
from mssante.store.postgres.errors import FOREIGN, LostError, translate
from mssante.store.postgres.tx import PostgresTx
from mssante.store.tx import Value

T = TypeVar("T")

STEP_SECONDS: Final = 3600.0
"""Longest time of one step: an index of a whole nation takes a minute."""
_TABLES: Final = ("professional", "structure", "situation", "mailbox")
_NO_OLD_MAILBOX: Final = "(SELECT * FROM mailbox WHERE false)"
# One transaction a day may take memory, and wait. Who is gone without a word must not hold the lock between two
# imports for hours.
_SETTINGS: Final = """
    SET LOCAL work_mem = '64MB';
    SET LOCAL maintenance_work_mem = '256MB';
    SET LOCAL lock_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0;
    SET LOCAL tcp_keepalives_idle = 30;
    SET LOCAL tcp_keepalives_interval = 10;
    SET LOCAL tcp_keepalives_count = 3;
"""


class PostgresMaking:
    """Guards the two connections; use `PostgresShelf.making`."""

    def __init__(self, thread: LoopThread, settings: StoreSettings) -> None:
        """Open nothing yet."""
        self._thread = thread
        self._target = read_target(replace(settings, answer_seconds=STEP_SECONDS))
        self._connections: list[Loading] = []
        self._number = 0
        self._before = 0
        self._since = 0
        self._trigrams = ""
        self._columns: dict[str, list[str]] = {}

    def begin(self) -> None:
        """Wait for whoever makes a version, then make the tables of the next one.

        Raises:
            StoreError: PostgreSQL does not answer, or refuses.
        """
        self._do(self._begin())

    def end(self) -> None:
        """Close everything; what is not in force by now is forgotten."""
        self._do(self._end())

    def add(self, table: str, rows: Iterable[tuple[Value, ...]]) -> None:
        """Add rows to a table, in the order of its columns; one that is there already stays."""
        records = rows if isinstance(rows, list) else list(rows)
        if records:
            self._do(
                self._connection.copy_records_to_table(
                    f"raw_{table}", schema_name=schema_name(self._number), columns=self._columns[table], records=records
                )
            )

    def merge_specialities(self) -> None:
        """Give each professional the savoir-faire that a file of their own told of, in place of any other."""
        self._run(
            "UPDATE raw_professional p SET specialities = s.codes, work = p.work || ' ' || s.words FROM "
            "(SELECT professional, string_agg(coded, '|' ORDER BY place) AS codes, "
            "string_agg(words, ' ' ORDER BY place) AS words FROM raw_speciality GROUP BY professional) s "
            "WHERE s.professional = p.id"
        )

    def keep(self, table: str, source: str = "") -> None:
        """Take the rows of a table over from the version before, those of one source only when it is named."""
        if self._before:
            names = ", ".join(self._columns[table])
            where = " WHERE source = $1" if source else ""
            sql = f"INSERT INTO raw_{table} ({names}) SELECT {names} FROM old.{table}{where}"  # noqa: S608 - our names
            self._run(sql, *([source] if source else []))

    def counts(self, *, old: bool = False) -> Counts:
        """Return how much this version holds, or the one before it (zeros when there is none)."""
        if old and not self._before:
            return Counts(0, 0, 0, 0)
        where = "SELECT count(*) FROM old." if old else "SELECT count(DISTINCT id) FROM raw_"
        return Counts(*[self._value(where + table) for table in _TABLES])

    def complete(self, at: int, who: str, step: Callable[[str], None]) -> Delta:
        """Make indexes, search and vocabulary; keep the feed of the version before and write down what differs."""
        for statement in script("indexes.sql").split(";\n"):
            sql = re.sub(r"^--.*\n", "", statement, flags=re.MULTILINE).strip()
            if sql:
                step(" ".join(sql.split()[:4]))
                self._run(sql.replace(":at", "$1::bigint"), *([at] if ":at" in sql else []))
        if not self._before:
            return Delta(created=self._value("SELECT count(*) FROM mailbox"))
        self._run(
            "INSERT INTO feed SELECT * FROM old.feed WHERE seq > $1 AND seq <= $2", self._since - FEED_ROWS, self._since
        )
        self._run("INSERT INTO import SELECT * FROM old.import")
        compared = [one for one in script("compare.sql").split(";\n") if one.strip()]
        return Delta(*[self._run(one.replace(":at", "$1::bigint").replace(":who", "$2"), at, who) for one in compared])

    def note_import(self, at: int, sources: str, lines: int, bad: int, report: str) -> int:
        """Write the import down; returns its number."""
        number: int = self._value(
            "INSERT INTO import (id, at, sources, lines, bad, report) "
            "SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5 FROM import RETURNING id",
            *(at, sources, lines, bad, report),
        )
        return number

    def add_bad_lines(self, import_id: int, source: str, lines: Iterable[tuple[int, str, str]]) -> None:
        """Keep lines that were left out: number, reason, text."""
        records = [(import_id, source, *line) for line in lines]
        self._do(
            self._connection.copy_records_to_table("bad_line", schema_name=schema_name(self._number), records=records)
        )

    def put_in_force(self) -> int:
        """Do again what operators changed meanwhile, then let readers use this version; flushed when it returns."""
        return self._do(self._put_in_force())

    @property
    def _connection(self) -> Loading:
        return self._connections[1]

    @property
    def _watch(self) -> Loading:
        return self._connections[0]

    async def _connect(self) -> None:
        self._connections.append(cast("Loading", await self._target.connect(PROGRAM, read_only=False)))

    async def _begin(self) -> None:
        await self._connect()
        await self._watch.execute(f"BEGIN; {_SETTINGS}")
        await self._watch.execute(f"SELECT pg_advisory_xact_lock({LOCKS}, {IMPORT_LOCK})")
        await self._connect()
        await self._check_rights()
        await self._connection.execute(script("control.sql"))
        self._trigrams = await _trigrams(self._connection)
        await self._connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ; {_SETTINGS}")
        rows = await self._connection.fetch("SELECT number, layout FROM directory.in_force")
        number, layout = rows[0] if rows else (0, SCHEMA)
        used = await self._connection.fetchval(
            r"SELECT max(substr(nspname, 11)::integer) FROM pg_namespace WHERE nspname ~ '^directory_\d{6}$'"
        )
        self._before = number if layout == SCHEMA else 0
        self._number = max(used or 0, number) + 1
        name = schema_name(self._number)
        await self._connection.execute(f"CREATE SCHEMA {name}; SET LOCAL search_path = {name}; {script('schema.sql')}")
        for table in (*_TABLES, "speciality"):
            rows = await self._connection.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND attname <> 'place' "
                "ORDER BY attnum",
                f"{name}.raw_{table}",
            )
            self._columns[table] = [str(one) for (one,) in rows]
        if self._before:
            self._since = await self._connection.fetchval(self._placed("SELECT coalesce(max(seq), 0) FROM old.feed"))

    async def _put_in_force(self) -> int:
        await self._watch.execute(f"SELECT pg_advisory_xact_lock({LOCKS}, {WRITE_LOCK})")
        caught_up = await self._catch_up() if self._before else 0
        await self._connection.execute(
            "INSERT INTO directory.in_force (number, layout) VALUES ($1, $2) ON CONFLICT (only_row) DO UPDATE "
            "SET before = in_force.number, number = excluded.number, layout = excluded.layout, put_at = now()",
            *(self._number, SCHEMA),
        )
        try:
            await self._connection.execute("COMMIT")
        except FOREIGN as error:
            said = translate(error, self._target.name)
            if isinstance(said, LostError):
                msg = (
                    f"on ne sait pas si le nouvel annuaire est en service : voyez `mssante directory imports` ({said})"
                )
                raise StoreError(msg) from error
            raise said from error
        await self._watch.execute("ROLLBACK")
        await self._tidy()
        return caught_up

    async def _catch_up(self) -> int:
        """Do again what operators changed meanwhile.

        In the feed, what they did keeps its numbers, and what this import did comes behind: who has read the feed of
        the version before misses nothing.
        """
        changes = [
            whole(row)
            for row in await self._watch.fetch(
                self._placed("SELECT seq, at, what, address, detail, who FROM old.feed WHERE seq > $1"), self._since
            )
        ]
        if not changes:
            return 0
        tx = PostgresTx(self._connection, queries(), self._target.name, writes=True)
        addresses = {address for _seq, _at, _what, address, _detail, who in changes if who != "import"}
        for address in addresses:
            boxes = await self._watch.fetch(
                self._placed("SELECT * FROM old.mailbox WHERE lower(address) = $1"), address.lower()
            )
            await editing.put(tx, address, [whole(one) for one in boxes])
        shift = max(row[0] for row in changes) - self._since
        await self._connection.execute("UPDATE feed SET seq = -(seq + $1) WHERE seq > $2", shift, self._since)
        await self._connection.execute("UPDATE feed SET seq = -seq WHERE seq < 0")
        await self._connection.copy_records_to_table("feed", schema_name=schema_name(self._number), records=changes)
        return len(addresses)

    async def _tidy(self) -> None:
        """Let the engine see that the new rows are all there is, and drop versions behind the one before.

        A version that somebody reads stays until the next import. The new one serves already: what goes wrong here is
        left to the engine's own cleaning and to the next import.
        """
        with suppress(*FOREIGN):
            name = schema_name(self._number)
            tables = ", ".join(f"{name}.{table}" for table in (*_TABLES, "entry", "word"))
            await self._connection.execute(f"VACUUM {tables}")
            rows = await self._connection.fetch(
                r"SELECT substr(nspname, 11)::integer FROM pg_namespace WHERE nspname ~ '^directory_\d{6}$'"
            )
            for (number,) in rows:
                if number < (self._before or self._number):
                    await self._drop(number)

    async def _drop(self, number: int) -> None:
        """Drop a version that nobody reads."""
        await self._connection.execute("BEGIN")
        locked = await self._connection.fetchval(
            f"SELECT pg_try_advisory_xact_lock({LOCKS}, {VERSION_LOCKS} + {number})"
        )
        if locked:
            await self._connection.execute(f"DROP SCHEMA {schema_name(number)} CASCADE")
        await self._connection.execute("COMMIT")

    async def _end(self) -> None:
        for one in self._connections:
            await end(one)

    async def _check_rights(self) -> None:
        if not await self._connection.fetchval("SELECT has_database_privilege(current_database(), 'CREATE')"):
            fix = "donnez-lui ce droit (GRANT CREATE ON DATABASE … TO …)"
            msg = f"{self._target.name} : cet utilisateur ne peut pas y créer le schéma d'un annuaire ; {fix}"
            raise StoreError(msg)

    def _placed(self, sql: str) -> str:
        """Return SQL with the names of schemas in it."""
        if not self._before:
            sql = sql.replace("old.mailbox", _NO_OLD_MAILBOX)
        return sql.replace("old.", f"{schema_name(self._before)}.").replace("trgm.", f"{self._trigrams}.")

    def _run(self, sql: str, *values: Value) -> int:
        """Run a statement; return how many rows it touched."""
        status: str = self._do(self._connection.execute(self._placed(sql), *values))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    def _value(self, sql: str, *values: Value) -> Any:  # noqa: ANN401 - whatever is asked
        return self._do(self._connection.fetchval(self._placed(sql), *values))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._thread.run(work)
        except FOREIGN as error:
            raise translate(error, self._target.name) from error


async def _trigrams(connection: Loading) -> str:
    """Return the schema of the extension pg_trgm, which is made when it is missing.

    Raises:
        StoreError: it cannot be made.
    """
    find = (
        "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'pg_trgm'"
    )
    found: str | None = await connection.fetchval(find)
    if found is None:
        try:
            await connection.execute("CREATE EXTENSION pg_trgm SCHEMA directory")
        except FOREIGN as error:
            fix = "installez les extensions de PostgreSQL (Debian : paquet postgresql) et, propriétaire de la base,"
            msg = f"l'extension pg_trgm manque ({error}) ; {fix} exécutez CREATE EXTENSION pg_trgm"
            raise StoreError(msg) from error
        found = await connection.fetchval(find)
    return str(found)
