"""Brings the schema of a PostgreSQL database to the version of this program; the numbers are those of the embedded one.

Each file is one transaction under a lock, recorded with its hash: nodes that start together migrate once. A program
also works on a newer schema that says so, so that nodes can be upgraded one after the other.

Source: reliability.md H24, H25, K19.
"""

import re
from functools import cache
from importlib import resources
from typing import Final

from mssante.model.errors import StoreSchemaError
from mssante.store.migrate import Migration, read_migrations
from mssante.store.postgres.driver import OLDEST_SERVER, Connection
from mssante.store.postgres.errors import FOREIGN, translate

LOCK: Final = 0x4D5353_6D69
_WORKS_WITH: Final = re.compile(r"^-- works with: (\d+)$", re.MULTILINE)


@cache
def load_migrations() -> tuple[Migration, ...]:
    """Return the steps of this program in order.

    Raises:
        StoreError: the numbers have a hole or stand twice (a fault of the package).
    """
    return read_migrations(resources.files("mssante.store.postgres").joinpath("migrations"))


async def migrate(
    connection: Connection, name: str, migrations: tuple[Migration, ...], *, must_be_there: bool = False
) -> int:
    """Bring the database to the last version; return the version it has then.

    Args:
        connection: in no transaction.
        name: what errors call the database.
        migrations: the steps this program knows.
        must_be_there: an empty database is refused: it is the wrong one.

    Raises:
        StoreSchemaError: the database is newer than this program, is another program's, or a step was changed.
        StoreError: a step failed; the version before is in force.
    """
    try:
        await _check_server(connection, name)
        version = await _check_known(connection, name, migrations)
        if must_be_there and not version:
            fix = "vérifiez [store] dsn, ou remplissez-la avec `mssante init` ou `mssante store copy`"
            msg = f"{name} est une base vide : {fix}"
            raise StoreSchemaError(msg)
        for migration in migrations[version:]:
            await _apply(connection, name, migration)
        return max(version, len(migrations))
    except FOREIGN as error:
        raise translate(error, name) from error


async def _check_server(connection: Connection, name: str) -> None:
    number = int(await connection.fetchval("SHOW server_version_num")) // 10000
    if number < OLDEST_SERVER:
        msg = f"{name} est un PostgreSQL {number} : il faut la version {OLDEST_SERVER} ou une plus récente"
        raise StoreSchemaError(msg)
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        msg = f"{name} est en {encoding} : refaites la base avec createdb --encoding=UTF8 --template=template0"
        raise StoreSchemaError(msg)


async def _check_known(connection: Connection, name: str, migrations: tuple[Migration, ...]) -> int:
    """Return the version of the database."""
    tables = {
        str(row)
        for (row,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    }
    if not tables:
        return 0
    if not tables >= {"migration", "store_writer"}:
        msg = f"{name} contient les tables d'un autre programme : choisissez une autre base"
        raise StoreSchemaError(msg)
    rows = await connection.fetch("SELECT version, name, sha256, works_with FROM migration ORDER BY version")
    version = 0
    for version, text_name, digest, works_with in rows:
        if version > len(migrations):
            if works_with > len(migrations):
                known = f"ce programme connaît jusqu'au {len(migrations)}"
                msg = f"{name} a le schéma {version}, {known} : reprenez le programme plus récent"
                raise StoreSchemaError(msg)
        elif migrations[version - 1].digest != digest:
            fix = "reprenez le programme qui l'a fait, ou une sauvegarde"
            msg = f"{name} a été fait avec un autre texte de {text_name} : {fix}"
            raise StoreSchemaError(msg)
    return int(version)


async def _apply(connection: Connection, name: str, migration: Migration) -> None:
    found = _WORKS_WITH.search(migration.sql)
    try:
        await connection.execute(f"BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock({LOCK})")
        # Read again under the lock: another node may have been faster.
        if await _version(connection) < migration.version:
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO migration (version, name, sha256, works_with) VALUES ($1, $2, $3, $4)",
                migration.version,
                migration.name,
                migration.digest,
                int(found[1]) if found else migration.version,
            )
        await connection.execute("COMMIT")
    except FOREIGN as error:
        reason = translate(error, name)
        msg = f"{migration.name} a échoué, le schéma {migration.version - 1} reste en vigueur : {reason}"
        raise type(reason)(msg) from error


async def _version(connection: Connection) -> int:
    if await connection.fetchval("SELECT to_regclass('migration')") is None:
        return 0
    return int(await connection.fetchval("SELECT coalesce(max(version), 0) FROM migration"))
