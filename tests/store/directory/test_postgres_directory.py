"""The directory on PostgreSQL when something goes wrong, and on several nodes at once.

Source: reliability.md H05 to H07; issue 5 (bad input and faults).
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count

import pytest
from directory_files import CHU, DUPONT, LINES, NOW, extraction, load_sources, loaded, opened
from postgresql import Server, server, settle

from mssante.flows.directory.changing import changed
from mssante.flows.directory.rows import Source
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import AddMailbox, Caller, Holder, ListedMailbox, Target
from mssante.model.errors import DirectoryMissingError, StoreError
from mssante.model.mailbox import MailboxType
from mssante.store.directory import history
from mssante.store.directory.file import queries as shared_queries
from mssante.store.directory.postgres.shelf import PostgresShelf
from mssante.store.directory.postgres.versions import PROGRAM, enter, queries
from mssante.wire.annuaire.extraction import read_extraction
from mssante.wire.annuaire.lines import Batch

_NUMBERS = count(1)
AGENT = Caller("agent", operator="chu")


@pytest.fixture
async def database(postgresql: Server) -> AsyncIterator[str]:
    name = f"faults_{next(_NUMBERS)}"
    await postgresql.ask(f"CREATE DATABASE {name}")
    yield name
    await postgresql.drop(name)


@pytest.fixture
def shelf(postgresql: Server, database: str) -> PostgresShelf:
    return PostgresShelf(postgresql.settings(database, wait_seconds=1))


async def loading(shelf: PostgresShelf, lines: object = LINES) -> None:
    await asyncio.to_thread(loaded, shelf, extraction=extraction(lines))


async def addresses(shelf: PostgresShelf) -> int:
    store = shelf.store()
    try:
        return (await store.read(lambda tx: tx.one("count_rows")))[3]
    finally:
        await store.close()


def test_every_query_has_the_parameters_that_the_functions_give() -> None:
    for name, query in queries().items():
        wanted = set(shared_queries()[name].parameters)
        assert set(query.parameters) - {"groups"} == wanted - ({"id", "word"} if name == "add_piece" else set()), name


async def test_the_server_understands_every_query(shelf: PostgresShelf, postgresql: Server, database: str) -> None:
    await loading(shelf)
    connection = await shelf._target.connect("test", read_only=False)
    await connection.execute("BEGIN")
    await enter(connection, "test")
    prepared = [await connection.prepare(query.sql) for query in queries().values()]
    names = await connection.fetch("SELECT name FROM pg_prepared_statements")
    assert {one.get_name() for one in prepared} <= {row[0] for row in names}
    assert len({one.get_name() for one in prepared}) == len(queries()) >= len(shared_queries()) > 0
    await connection.close()


async def test_an_import_whose_connection_is_cut_leaves_the_directory_as_it_was(
    shelf: PostgresShelf, postgresql: Server, database: str
) -> None:
    await loading(shelf)

    def batches() -> Iterator[Batch]:
        yield from read_extraction([extraction(LINES[:3])])
        asyncio.run(
            postgresql.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = $2",
                database,
                PROGRAM,
            )
        )

    with pytest.raises(StoreError):
        await asyncio.to_thread(load_sources, shelf, [Source("x", "extraction", batches())])
    assert await addresses(shelf) == 6
    names = await postgresql.ask("SELECT nspname FROM pg_namespace WHERE nspname ~ '^directory_'", database=database)
    assert [row[0] for row in names] == ["directory_000001"]
    await loading(shelf, LINES[:3])
    assert await addresses(shelf) == 3


async def test_a_second_import_waits_for_the_first(shelf: PostgresShelf, postgresql: Server) -> None:
    steps: list[str] = []
    waits = threading.Event()

    def first() -> Iterator[Batch]:
        steps.append("first begins")
        waits.wait(10)
        yield from read_extraction([extraction(LINES[:3])])
        steps.append("first ends")

    def second() -> Iterator[Batch]:
        steps.append("second begins")
        yield from read_extraction([extraction()])

    one = asyncio.create_task(asyncio.to_thread(load_sources, shelf, [Source("x", "extraction", first())]))
    await settle(lambda: steps)
    other = asyncio.create_task(asyncio.to_thread(load_sources, shelf, [Source("x", "extraction", second())]))
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    await settle(lambda: postgresql.ask(waiting))
    waits.set()
    await asyncio.gather(one, other)
    assert steps == ["first begins", "first ends", "second begins"]
    assert await addresses(shelf) == 6


async def test_a_version_that_somebody_reads_stays_until_nobody_does(shelf: PostgresShelf) -> None:
    store = shelf.store()
    await loading(shelf)
    reading, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def work(tx) -> tuple[int, int]:
        first = await tx.one("count_rows")
        loop.call_soon_threadsafe(reading.set)
        go_on.wait(20)
        return first[3], len(await tx.all("bad_lines", import_id=1, limit=5))

    asked = asyncio.create_task(store.read(work))
    await reading.wait()
    for _day in range(3):
        await loading(shelf, LINES[:3])
    go_on.set()
    assert await asked == (6, 0)
    await loading(shelf)
    connection = await shelf._target.connect("test", read_only=True)
    assert await connection.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname ~ '^directory_'") == 2
    await connection.close()
    await store.close()


async def test_two_nodes_change_at_once_and_the_feed_has_no_hole(shelf: PostgresShelf) -> None:
    await loading(shelf)
    nodes = [shelf.store(), shelf.store()]
    target = Target(Holder.PLACE, CHU.identifier)

    async def change(node: int, number: int) -> None:
        box = ListedMailbox(f"n{node}.{number}@chu.mssante.fr", MailboxType.ORG, service=f"Service {node} {number}")
        assert await nodes[node].write(lambda tx: changed(tx, AGENT, target, (AddMailbox(box),), NOW)) is None

    await asyncio.gather(*(change(node, number) for node in range(2) for number in range(10)))
    feed = await nodes[0].read(lambda tx: history.feed(tx, 0, 100))
    assert [one.seq for one in feed] == list(range(1, 21))
    assert len({one.address for one in feed}) == 20
    for node in nodes:
        await node.close()


async def test_a_refused_change_leaves_nothing(shelf: PostgresShelf) -> None:
    await loading(shelf)
    store, msg = shelf.store(), "no"

    async def broken(tx) -> None:
        await tx.run("add_word", word="unmotquinestpasla")
        raise StoreError(msg)

    with pytest.raises(StoreError, match="no"):
        await store.write(broken)
    assert await store.read(lambda tx: tx.one("word_exact", word="unmotquinestpasla")) is None
    await store.close()


async def test_a_directory_of_another_layout_is_as_good_as_none(shelf: PostgresShelf) -> None:
    await loading(shelf)
    connection = await shelf._target.connect("test", read_only=False)
    await connection.execute("UPDATE directory.in_force SET layout = 99")
    await connection.close()
    assert not await asyncio.to_thread(shelf.has_one)
    with pytest.raises(DirectoryMissingError):
        await addresses(shelf)
    await loading(shelf)
    assert await addresses(shelf) == 6


async def test_who_may_not_make_a_schema_is_told_what_to_do(
    shelf: PostgresShelf, postgresql: Server, database: str
) -> None:
    await postgresql.ask("CREATE ROLE nobody LOGIN")
    settings = replace(postgresql.settings(database), dsn=postgresql.dsn(database, user="nobody"))
    with pytest.raises(StoreError, match="GRANT CREATE ON DATABASE"):
        await loading(PostgresShelf(settings))


async def test_an_extension_that_cannot_be_had_is_named_with_what_to_do(
    shelf: PostgresShelf, postgresql: Server, database: str
) -> None:
    await postgresql.ask(
        "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE feature_not_supported USING MESSAGE = 'no such file'; END $$",
        database=database,
    )
    await postgresql.ask(
        "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION refuse()",
        database=database,
    )
    with pytest.raises(StoreError, match=r"pg_trgm manque \(no such file\).*CREATE EXTENSION pg_trgm"):
        await loading(shelf)


async def test_questions_go_on_after_a_restart_and_are_refused_for_a_while_without_a_server() -> None:
    with server() as own:
        await own.ask("CREATE DATABASE annuaire")
        shelf = PostgresShelf(own.settings("annuaire", wait_seconds=0.5))
        await loading(shelf)
        directory, store = opened(shelf)
        assert (await directory.search(AGENT, "dupont")).entries
        await asyncio.to_thread(own.stop, "immediate")
        answer = await directory.search(AGENT, "dupont")
        assert isinstance(answer, Refusal)
        assert answer.kind is Kind.DIRECTORY_UNAVAILABLE
        target = Target(Holder.PERSON, DUPONT.identifier)
        box = ListedMailbox("jean.dupont3@chu.mssante.fr", MailboxType.PER)
        answer = await directory.change(AGENT, target, (AddMailbox(box),))
        assert isinstance(answer, Refusal)
        with pytest.raises(StoreError):
            await loading(shelf)
        await asyncio.to_thread(own.start)
        assert (await directory.search(AGENT, "dupont")).entries
        assert not isinstance(await directory.change(AGENT, target, (AddMailbox(box),)), Refusal)
        await store.close()


async def test_a_closed_store_says_so(shelf: PostgresShelf) -> None:
    await loading(shelf)
    store = shelf.store()
    await store.close()
    with pytest.raises(StoreError, match="fermé"):
        await store.read(lambda tx: tx.one("count_rows"))
    await store.close()


async def test_two_names_of_one_version_are_never_used(shelf: PostgresShelf) -> None:
    for lines in (LINES, LINES[:4], LINES[:5]):
        await loading(shelf, lines)
        assert await addresses(shelf) == len(lines)
