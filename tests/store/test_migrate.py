"""Migrations: numbered, whole or not at all, restartable, and never backwards."""

from pathlib import Path

import apsw
import pytest

from mssante.model.errors import StoreError, StoreSchemaError
from mssante.store.connection import connect
from mssante.store.migrate import Migration, load_migrations, migrate, schema_version

LAST = len(load_migrations())
MORE = LAST + 1
SECOND = Migration(MORE, f"{MORE:04}_more.sql", "CREATE TABLE more (x);\nINSERT INTO more VALUES (1);\n")
BROKEN = Migration(MORE, f"{MORE:04}_broken.sql", "CREATE TABLE more (x);\nINSERT INTO nowhere VALUES (1);\n")


class StoppedError(Exception):
    """Stands for a process that is killed."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "x.db").touch()
    return tmp_path / "x.db"


def _migrate(path: Path, *extra: Migration) -> int:
    connection = connect(path, reader=False)
    try:
        return migrate(connection, path, migrations=(*load_migrations(), *extra), probe=lambda _step: None)
    finally:
        connection.close()


def test_brings_an_empty_and_an_older_database_up_to_date(path: Path) -> None:
    assert _migrate(path) == len(load_migrations())
    assert _migrate(path) == len(load_migrations())
    assert _migrate(path, SECOND) == MORE


def test_refuses_a_database_that_is_newer_than_the_program(path: Path) -> None:
    _migrate(path, SECOND)
    with pytest.raises(StoreSchemaError, match=f"a le schéma {MORE}, ce programme connaît jusqu'au {LAST}"):
        _migrate(path)


def test_refuses_a_step_that_was_changed_after_the_fact(path: Path) -> None:
    _migrate(path, SECOND)
    with pytest.raises(StoreSchemaError, match=rf"un autre texte de {MORE:04}_more\.sql"):
        _migrate(path, Migration(MORE, SECOND.name, SECOND.sql + "-- changed"))


def test_a_step_that_fails_leaves_the_version_before_in_force(path: Path) -> None:
    with pytest.raises(StoreError, match=rf"{MORE:04}_broken\.sql a échoué, le schéma {LAST} reste en vigueur"):
        _migrate(path, BROKEN)
    assert _migrate(path, SECOND) == MORE


def test_a_stop_after_any_statement_leaves_old_or_new_and_the_next_start_goes_on(tmp_path: Path) -> None:
    stop_after = 0
    stopped = True
    while stopped:
        stop_after += 1
        path = tmp_path / f"{stop_after}.db"
        path.touch()
        stopped = _stop_after(path, stop_after)
        connection = connect(path, reader=False)
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
        version = schema_version(connection)
        assert (version == 0) == (tables == 0)
        assert (version < LAST) == stopped
        connection.close()
        assert _migrate(path) == len(load_migrations())
    assert stop_after > 20


def _stop_after(path: Path, statements: int) -> bool:
    seen = 0

    def probe(_step: str) -> None:
        nonlocal seen
        seen += 1
        if seen == statements:
            raise StoppedError

    connection = connect(path, reader=False)
    try:
        migrate(connection, path, migrations=load_migrations(), probe=probe)
    except StoppedError:
        return True
    finally:
        # Closing in the middle of a transaction is what a killed process leaves: no commit.
        connection.close()
    return False


def test_two_processes_that_start_together_migrate_once(path: Path) -> None:
    first, second = connect(path, reader=False), connect(path, reader=False)
    for connection in (first, second):
        assert migrate(connection, path, migrations=load_migrations(), probe=lambda _step: None) == LAST
    assert second.execute("SELECT count(*) FROM migration").fetchall() == [(LAST,)]
    first.close()
    second.close()


def test_the_schema_names_this_program(path: Path) -> None:
    _migrate(path)
    connection = apsw.Connection(str(path))
    assert connection.pragma("application_id") == int.from_bytes(b"MSS!", "big")
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("page_size") == 8192
    connection.close()
