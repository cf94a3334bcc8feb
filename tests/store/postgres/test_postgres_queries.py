"""Every named query is one that PostgreSQL understands, with parameters as wide as the values that we give."""

from pathlib import Path

import asyncpg
from postgresql import Server

from mssante.store.connection import connect
from mssante.store.migrate import load_migrations as embedded_migrations
from mssante.store.migrate import migrate
from mssante.store.postgres.migrate import load_migrations
from mssante.store.postgres.queries import load_queries

ONLY_EMBEDDED = {"last_number"}
ONLY_HERE = {"migration", "store_writer", "store_change", "message_text", "message_folded"}
NARROW = {"int2", "int4", "float4", "bool"}


async def test_prepares_every_query_and_takes_no_number_for_a_smaller_one(postgresql: Server) -> None:
    database = await postgresql.new_database()
    connection = await asyncpg.connect(postgresql.dsn(database))
    faults = []
    for name, query in load_queries().items():
        try:
            prepared = await connection.prepare(query.sql)
        except asyncpg.PostgresError as error:
            faults.append(f"{name}: {error}")
            continue
        kinds = zip(query.parameters, prepared.get_parameters(), strict=True)
        faults += [f"{name}: {key} is {kind.name}" for key, kind in kinds if kind.name in NARROW]
        faults += [
            f"{name}: column {column.name} is {column.type.name}"
            for column in prepared.get_attributes()
            if column.type.name in {"numeric", "float8"}
        ]
    assert not faults, "\n".join(faults)
    await connection.close()
    await postgresql.drop(database)


async def test_has_the_tables_and_columns_of_the_embedded_engine(postgresql: Server, tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    connection = connect(tmp_path / "x.db", reader=False)
    migrate(connection, tmp_path / "x.db", migrations=embedded_migrations(), probe=lambda _step: None)
    rows = connection.execute(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
        " AND t.sql NOT LIKE 'CREATE VIRTUAL%' AND t.name NOT LIKE 'message_text_%'"
    ).fetchall()
    connection.close()
    database = await postgresql.lend_database()
    found = await postgresql.ask(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'",
        database=database,
    )
    ours = {(row[0], row[1]) for row in found}
    assert {row for row in set(rows) - ours if row[0] not in ONLY_EMBEDDED} == set()
    assert {table for table, _column in ours - set(rows)} == ONLY_HERE
    names = [migration.name for migration in embedded_migrations()]
    assert [migration.name for migration in load_migrations()] == names, "each step of one engine is one of the other"
    await postgresql.take_back(database)
