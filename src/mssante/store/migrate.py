"""Brings the schema of the embedded database to the version of this program, one numbered file after another.

Each file is one transaction, recorded with its hash: a stop in the middle leaves the version before, and the next
start goes on from there.

Source: reliability.md K19; reliability.md H24.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import apsw

from mssante.model.errors import StoreError, StoreSchemaError
from mssante.store.connection import translate

APPLICATION_ID: Final = 0x4D535321
_FILE_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `version` counts from 1 without holes."""

    version: int
    name: str
    sql: str

    @property
    def digest(self) -> bytes:
        """Return what is recorded to notice that a step was changed after the fact."""
        return hashlib.sha256(self.sql.encode()).digest()


@cache
def load_migrations() -> tuple[Migration, ...]:
    """Return the steps of this program in order.

    Raises:
        StoreError: the numbers have a hole or stand twice (a fault of the package).
    """
    return read_migrations(resources.files("mssante.store").joinpath("migrations"))


def read_migrations(folder: Traversable) -> tuple[Migration, ...]:
    """Return the steps of a folder in order.

    Raises:
        StoreError: the numbers have a hole or stand twice (a fault of the package).
    """
    found: list[Migration] = []
    for file in folder.iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), file.name, file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        msg = f"les migrations de ce programme ne vont pas de 1 à {len(found)} : réinstallez-le"
        raise StoreError(msg)
    return tuple(found)


def migrate(
    connection: apsw.Connection,
    path: Path,
    *,
    migrations: tuple[Migration, ...],
    probe: Callable[[str], None],
) -> int:
    """Bring the database to the last version; return that version.

    Args:
        connection: in no transaction.
        path: of the database, for errors.
        migrations: the steps this program knows.
        probe: called with ``K19`` after each statement.

    Raises:
        StoreSchemaError: the database is newer than this program, is another program's, or a step was changed.
        StoreError: a step failed; the version before is in force.
    """
    try:
        _check_known(connection, path, migrations)
        for migration in migrations:
            _apply(connection, path, migration, probe)
        return schema_version(connection)
    except apsw.Error as error:
        raise translate(error, path) from error


def schema_version(connection: apsw.Connection) -> int:
    """Return the number of the last step that was applied; 0 in an empty database."""
    return int(str(connection.pragma("user_version")))


def _check_known(connection: apsw.Connection, path: Path, migrations: tuple[Migration, ...]) -> None:
    owner = connection.execute("PRAGMA application_id").fetchall()[0][0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
    if owner != APPLICATION_ID and (owner or tables):
        msg = f"{path} est la base d'un autre programme : choisissez un autre dossier"
        raise StoreSchemaError(msg)
    version = schema_version(connection)
    if version > len(migrations):
        known = f"ce programme connaît jusqu'au {len(migrations)}"
        msg = f"{path} a le schéma {version}, {known} : reprenez le programme plus récent"
        raise StoreSchemaError(msg)
    if not version:
        return
    for number, name, digest in connection.execute("SELECT version, name, sha256 FROM migration ORDER BY version"):
        if migrations[number - 1].digest != digest:
            fix = "reprenez le programme qui l'a fait, ou une sauvegarde"
            msg = f"{path} a été fait avec un autre texte de {name} : {fix}"
            raise StoreSchemaError(msg)


def _apply(connection: apsw.Connection, path: Path, migration: Migration, probe: Callable[[str], None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Read again under the lock: another process may have been faster.
        if schema_version(connection) < migration.version:
            for statement in _statements(migration.sql):
                connection.execute(statement)
                probe("K19")
            connection.execute(
                "INSERT INTO migration (version, name, sha256) VALUES (?, ?, ?)",
                (migration.version, migration.name, migration.digest),
            )
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={migration.version}")
            probe("K19")
        connection.execute("COMMIT")
    except apsw.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        reason = translate(error, path)
        msg = f"{migration.name} a échoué, le schéma {migration.version - 1} reste en vigueur : {reason}"
        raise type(reason)(msg) from error


def _statements(sql: str) -> Iterator[str]:
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if apsw.complete(pending):
            yield pending
            pending = ""
