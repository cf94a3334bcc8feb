"""What the store does when PostgreSQL is away, restarts, gives up or is not the right one.

Source: reliability.md H05, H07, H24, H25, R8.
"""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Self

import asyncpg
import pytest
from postgresql import Server, server, settle
from store_world import NOW, by_hand, message

from mssante.model.errors import ConfigError, StoreError, StoreSchemaError
from mssante.model.settings import StoreSettings
from mssante.store import domains
from mssante.store.engine import Store
from mssante.store.health import check
from mssante.store.migrate import Migration
from mssante.store.postgres.driver import read_target
from mssante.store.postgres.errors import LostError
from mssante.store.postgres.migrate import load_migrations, migrate
from mssante.store.tx import Tx

LAST = len(load_migrations())


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """Give a server that may be stopped; it flushes, as a loss of power is played."""
    with server(fsync="on", full_page_writes="on") as made:
        yield made


@pytest.fixture
async def database(postgresql: Server) -> AsyncIterator[str]:
    name = await postgresql.new_database()
    yield name
    await postgresql.drop(name)


@pytest.fixture
async def store(postgresql: Server, database: str, tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path, postgresql.settings(database))
    yield opened
    await opened.close()


class Ledger:
    """What was acknowledged, kept outside of the store."""

    def __init__(self) -> None:
        self.tried: list[str] = []
        self.acknowledged: set[str] = set()
        self.refused: dict[str, str] = {}

    async def load(self, store: Store, worker: int, stop: asyncio.Event) -> None:
        """Write until told to stop."""
        number = 0
        while not stop.is_set():
            number += 1
            name = f"w{worker}-{number}"
            self.tried.append(name)
            try:
                await store.write(lambda tx, name=name: _add(tx, name))
            except StoreError as error:
                self.refused[name] = str(error)
                await asyncio.sleep(0.01)
            else:
                self.acknowledged.add(name)

    async def judge(self, store: Store) -> None:
        """Check that nothing acknowledged is lost, that nothing is there twice or was refused for sure."""
        rows = await store.read(lambda tx: by_hand(tx, "SELECT reference FROM message"))
        kept = [row[0] for row in rows]
        assert len(kept) == len(set(kept))
        assert self.acknowledged <= set(kept)
        sure = {name for name, text in self.refused.items() if "on ne sait pas" not in text}
        assert not sure & set(kept)


async def _add(tx: Tx, name: str) -> None:
    await message(tx, name)
    # Something that would be counted twice if the work were done twice.
    await tx.run("add_spent", caller="all", what="messages", day="2026-11-23", amount=1)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_restart_in_the_middle_of_a_load_loses_and_doubles_nothing(
    own_server: Server, tmp_path: Path, mode: str
) -> None:
    database = await own_server.new_database()
    nodes = [await Store.open(tmp_path / name, own_server.settings(database, wait_seconds=8)) for name in ("a", "b")]
    ledger, stop = Ledger(), asyncio.Event()
    load = [asyncio.create_task(ledger.load(nodes[n % 2], n, stop)) for n in range(8)]
    for _round in range(3):
        before = len(ledger.acknowledged)
        await settle(lambda before=before: len(ledger.acknowledged) > before + 50)
        await asyncio.to_thread(own_server.stop, mode)
        with contextlib.suppress(StoreError, TimeoutError):
            await asyncio.wait_for(nodes[0].glance(domains.list_domains), 0.05)
        await asyncio.to_thread(own_server.start)
        before = len(ledger.acknowledged)
        await settle(lambda before=before: len(ledger.acknowledged) > before)
    stop.set()
    await asyncio.gather(*load)
    await ledger.judge(nodes[0])
    spent = await nodes[1].read(lambda tx: tx.one("spent_on", caller="all", what="messages", day="2026-11-23"))
    rows = await nodes[1].read(lambda tx: by_hand(tx, "SELECT count(*) FROM message"))
    assert spent == rows[0]
    for store in nodes:
        await store.close()


async def test_a_server_that_stays_away_is_a_temporary_error_and_is_found_again_without_a_restart(
    own_server: Server, tmp_path: Path
) -> None:
    database = await own_server.new_database()
    store = await Store.open(tmp_path, own_server.settings(database, wait_seconds=0.3))
    await store.write(lambda tx: domains.add_domain(tx, "before.fr", NOW))
    await asyncio.to_thread(own_server.stop)
    works = [store.write(lambda tx, n=n: domains.add_domain(tx, f"d{n}.fr", NOW)) for n in range(200)]
    results = await asyncio.gather(*works, return_exceptions=True)
    assert {type(result) for result in results} == {LostError}
    assert "vérifiez que PostgreSQL tourne" in str(results[0])
    with pytest.raises(StoreError, match="vérifiez que PostgreSQL tourne"):
        await store.read(domains.list_domains)
    with pytest.raises(StoreError, match="vérifiez que PostgreSQL tourne"):
        await store.commits_elsewhere()
    with pytest.raises(StoreError, match="vérifiez que PostgreSQL tourne"):
        await Store.open(tmp_path, own_server.settings(database, wait_seconds=0.1))
    await asyncio.to_thread(own_server.start)
    await store.write(lambda tx: domains.add_domain(tx, "after.fr", NOW))
    assert await store.read(domains.list_domains) == ("after.fr", "before.fr")
    await store.close()


async def test_back_ends_that_are_ended_at_random_lose_and_double_nothing(
    postgresql: Server, database: str, tmp_path: Path
) -> None:
    nodes = [await Store.open(tmp_path / name, postgresql.settings(database, wait_seconds=8)) for name in ("a", "b")]
    ledger, stop, chance = Ledger(), asyncio.Event(), random.Random(7)
    load = [asyncio.create_task(ledger.load(nodes[n % 2], n, stop)) for n in range(8)]
    for _round in range(25):
        before = len(ledger.acknowledged)
        await settle(lambda before=before: len(ledger.acknowledged) > before + chance.randrange(20))
        await postgresql.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND random() < 0.7", database
        )
        assert isinstance(await nodes[0].read(domains.list_domains), tuple)
    stop.set()
    await asyncio.gather(*load)
    assert not ledger.refused
    await ledger.judge(nodes[0])
    assert await nodes[0].read(lambda tx: by_hand(tx, "SELECT count(*), max(spent) FROM message, directory_budget"))
    spent = await nodes[1].read(lambda tx: tx.one("spent_on", caller="all", what="messages", day="2026-11-23"))
    assert spent == (len(ledger.acknowledged),)
    for store in nodes:
        await store.close()


class Wire:
    """The way to the server, cut around a COMMIT when asked to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut = ""
        self.port = 0
        self.cuts = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        there, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        mute = asyncio.Event()
        tasks = [
            asyncio.create_task(self._up(client, to_server, mute)),
            asyncio.create_task(self._down(there, back, mute)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in (back, to_server):
            writer.transport.abort()

    async def _up(self, client: asyncio.StreamReader, to_server: asyncio.StreamWriter, mute: asyncio.Event) -> None:
        while data := await client.read(65536):
            if b"; COMMIT" in data and self.cut:
                cut, self.cut = self.cut, ""
                self.cuts += 1
                if cut == "before":
                    return
                mute.set()
            to_server.write(data)

    async def _down(self, there: asyncio.StreamReader, back: asyncio.StreamWriter, mute: asyncio.Event) -> None:
        while data := await there.read(65536):
            if mute.is_set():
                return
            back.write(data)


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_commit_whose_answer_is_lost_is_looked_up_and_neither_lost_nor_done_twice(
    postgresql: Server, database: str, tmp_path: Path, cut: str
) -> None:
    async with Wire(postgresql.port) as wire:
        settings = postgresql.settings(database, dsn=f"postgresql://mssante@127.0.0.1:{wire.port}/{database}")
        store = await Store.open(tmp_path, settings)
        for number in range(5):
            wire.cut = cut
            works = [store.write(lambda tx, n=n, number=number: _add(tx, f"{number}-{n}")) for n in range(3)]
            await asyncio.gather(*works)
        assert wire.cuts == 5
        rows = await store.read(lambda tx: by_hand(tx, "SELECT count(*) FROM message"))
        spent = await store.read(lambda tx: tx.one("spent_on", caller="all", what="messages", day="2026-11-23"))
        assert rows == [spent] == [(15,)]
        await store.close()


async def test_a_commit_in_doubt_that_cannot_be_looked_up_in_time_says_so(
    postgresql: Server, database: str, tmp_path: Path
) -> None:
    async with Wire(postgresql.port) as wire:
        dsn = f"postgresql://mssante@127.0.0.1:{wire.port}/{database}"
        store = await Store.open(tmp_path, postgresql.settings(database, dsn=dsn, wait_seconds=0.2))
        await store.write(lambda tx: domains.add_domain(tx, "first.fr", NOW))
        wire.cut = "after"
        assert wire._server is not None
        wire._server.close()
        with pytest.raises(StoreError, match="on ne sait pas si elle a été gardée"):
            await store.write(lambda tx: domains.add_domain(tx, "second.fr", NOW))
        await store.close()


async def test_a_commit_that_its_replicas_may_not_have_is_not_acknowledged(own_server: Server, tmp_path: Path) -> None:
    database = await own_server.new_database()
    store = await Store.open(tmp_path, own_server.settings(database, wait_seconds=60))
    await store.write(lambda tx: domains.add_domain(tx, "first.fr", NOW))
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    await own_server.ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await own_server.ask("SELECT pg_reload_conf()")
    try:
        writing = store.write(lambda tx: _add(tx, "second"))
        await settle(lambda: own_server.ask(waiting))
        ((first,),) = await own_server.ask(waiting)
        # The server reports a commit then, with a warning only.
        await own_server.ask("SELECT pg_cancel_backend($1)", first)
        await settle(lambda: own_server.ask(f"{waiting} AND pid <> $1", first))
        assert not writing.done()
    finally:
        await own_server.ask("ALTER SYSTEM RESET synchronous_standby_names")
        await own_server.ask("SELECT pg_reload_conf()")
    await writing
    assert await store.read(lambda tx: by_hand(tx, "SELECT count(*) FROM message")) == [(1,)]
    await store.close()


async def test_a_serialization_failure_is_done_again_and_given_up_in_the_end(
    postgresql: Server, database: str, tmp_path: Path
) -> None:
    store = await Store.open(tmp_path, postgresql.settings(database, wait_seconds=1))
    calls = 0

    async def clashes(tx: Tx, state: str, times: int) -> None:
        nonlocal calls
        calls += 1
        await domains.add_domain(tx, f"d{state.lower()}.fr", NOW)
        if calls <= times:
            await by_hand(tx, f"DO $$ BEGIN RAISE EXCEPTION 'clash' USING ERRCODE = '{state}'; END $$")

    for state in ("40001", "40P01"):
        calls = 0
        await store.write(lambda tx, state=state: clashes(tx, state, 3))
        assert calls == 4
    calls = 0
    others = [store.write(lambda tx, n=n: domains.add_domain(tx, f"o{n}.fr", NOW)) for n in range(3)]
    with pytest.raises(StoreError, match="deux opérations se sont gênées"):
        await store.write(lambda tx: clashes(tx, "40001", 10**6))
    assert 3 < calls < 40
    await asyncio.gather(*others, return_exceptions=True)
    await store.write(lambda tx: domains.add_domain(tx, "after.fr", NOW))
    assert {"d40001.fr", "d40p01.fr", "after.fr"} <= set(await store.read(domains.list_domains))
    await store.close()


async def test_a_statement_that_takes_too_long_is_ended_and_the_next_one_works(
    postgresql: Server, database: str, tmp_path: Path
) -> None:
    store = await Store.open(tmp_path, postgresql.settings(database, answer_seconds=0.2))
    with pytest.raises(StoreError, match="answer_seconds"):
        await store.write(lambda tx: by_hand(tx, "SELECT pg_sleep(20), ?::text", "x"))
    with pytest.raises(StoreError, match="answer_seconds"):
        await store.read(lambda tx: by_hand(tx, "SELECT pg_sleep(20), ?::text", "x"))
    await store.write(lambda tx: domains.add_domain(tx, "after.fr", NOW))
    assert await store.read(domains.list_domains) == ("after.fr",)
    await store.close()


async def test_a_reader_that_is_cancelled_leaves_its_connection_usable(
    postgresql: Server, database: str, tmp_path: Path
) -> None:
    store = await Store.open(tmp_path, postgresql.settings(database, connections=1))
    for _round in range(5):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.read(lambda tx: by_hand(tx, "SELECT pg_sleep(20), ?::text", "x")), 0.1)
        assert await store.read(domains.list_domains) == ()
    await store.close()


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://personne@/{database}?host={folder}&port={port}", "refuse cet utilisateur"),
        ("postgresql://mssante@/nowhere?host={folder}&port={port}", "créez cette base"),
        ("postgresql://mssante@127.0.0.1:1/{database}", "vérifiez que PostgreSQL tourne"),
        ("postgresql://mssante@/{database}?host=/nowhere&port=1", "vérifiez que PostgreSQL tourne"),
        ("postgresql://mssante:secret@/{database}", "ne doit pas contenir le mot de passe"),
        ("postgresql://mssante@/{database}?sslmode=disable", "tls_anchors"),
        ("mysql://mssante@/{database}", "postgresql://mssante@serveur/mssante"),
    ],
)
async def test_a_wrong_address_is_named_with_the_fix(
    postgresql: Server, database: str, tmp_path: Path, dsn: str, said: str
) -> None:
    text = dsn.format(database=database, folder=postgresql.folder, port=postgresql.port)
    settings = StoreSettings(engine="postgresql", dsn=text, wait_seconds=0.05)
    with pytest.raises((StoreError, ConfigError), match=said):
        await Store.open(tmp_path, settings)


def test_the_way_to_another_machine_is_always_verified(tmp_path: Path) -> None:
    def protected(dsn: str, **more: object) -> object:
        return read_target(StoreSettings(engine="postgresql", dsn=dsn, **more)).options["ssl"]  # type: ignore[arg-type]

    for here in ("/x", "127.0.0.1:5433/x", "localhost/x", "[::1]:5433/x", "/x?host=/run/postgresql"):
        assert protected(f"postgresql://mssante@{here}") is False
    for there in ("db.chu.fr/x", "127.0.0.1,db.chu.fr/x", "10.0.0.1/x", "/x?host=db.chu.fr"):
        context = protected(f"postgresql://mssante@{there}")
        assert context is not False
        assert context.check_hostname  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="certificats inutilisables"):
        protected("postgresql://mssante@db/x", tls_anchors=tmp_path / "none.pem")


def test_the_password_stands_in_a_file_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "password"
    settings = StoreSettings(engine="postgresql", dsn="postgresql://mssante@/x", password=file)
    with pytest.raises(ConfigError, match="donnez le fichier"):
        read_target(settings)
    file.write_text("é secret\n")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_target(settings)
    file.chmod(0o600)
    assert read_target(settings).options["password"] == "é secret"
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="pas du texte"):
        read_target(settings)


async def _migrated(postgresql: Server, database: str, *extra: Migration) -> int:
    connection = await asyncpg.connect(postgresql.dsn(database))
    try:
        return await migrate(connection, "the base", (*load_migrations(), *extra))
    finally:
        await connection.close()


def _step(sql: str) -> Migration:
    return Migration(LAST + 1, f"{LAST + 1:04}_more.sql", sql)


async def test_refuses_a_newer_schema_unless_it_says_that_it_works_with_this_program(
    postgresql: Server, database: str, tmp_path: Path
) -> None:
    assert (
        await _migrated(postgresql, database, _step(f"-- works with: {LAST}\nCREATE TABLE more (x int);")) == LAST + 1
    )
    store = await Store.open(tmp_path, postgresql.settings(database))
    await store.write(lambda tx: domains.add_domain(tx, "x.fr", NOW))
    await store.close()
    with pytest.raises(StoreSchemaError, match="un autre texte"):
        await _migrated(postgresql, database, _step("SELECT 1"))
    await postgresql.ask("UPDATE migration SET works_with = version", database=database)
    with pytest.raises(StoreSchemaError, match=f"a le schéma {LAST + 1}, ce programme connaît jusqu'au {LAST}"):
        await Store.open(tmp_path, postgresql.settings(database))


async def test_a_step_that_fails_leaves_the_version_before_in_force(postgresql: Server, database: str) -> None:
    broken = _step("CREATE TABLE more (x int); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(StoreError, match=f"le schéma {LAST} reste en vigueur"):
        await _migrated(postgresql, database, broken)
    assert await _migrated(postgresql, database, _step("CREATE TABLE more (x int)")) == LAST + 1


async def test_nodes_that_start_together_migrate_once(postgresql: Server) -> None:
    await postgresql.ask("CREATE DATABASE fresh")
    assert await asyncio.gather(*(_migrated(postgresql, "fresh") for _ in range(4))) == [LAST] * 4
    assert len(await postgresql.ask("SELECT 1 FROM migration", database="fresh")) == LAST
    await postgresql.drop("fresh")


async def test_an_empty_database_is_refused_where_a_store_must_be_there(postgresql: Server, tmp_path: Path) -> None:
    await postgresql.ask("CREATE DATABASE hollow")
    with pytest.raises(StoreSchemaError, match=r"base vide : vérifiez \[store\] dsn"):
        await Store.open(tmp_path, postgresql.settings("hollow"), must_be_there=True)
    assert await postgresql.ask("SELECT 1 FROM pg_tables WHERE schemaname = 'public'", database="hollow") == []
    for must_be_there in (False, True):
        store = await Store.open(tmp_path, postgresql.settings("hollow"), must_be_there=must_be_there)
        await store.close()
    await postgresql.drop("hollow")


async def test_refuses_the_database_of_another_program_and_one_in_another_encoding(
    postgresql: Server, tmp_path: Path
) -> None:
    await postgresql.ask("CREATE DATABASE theirs")
    await postgresql.ask("CREATE TABLE theirs (x int)", database="theirs")
    with pytest.raises(StoreSchemaError, match="d'un autre programme"):
        await Store.open(tmp_path, postgresql.settings("theirs"))
    await postgresql.ask("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(StoreSchemaError, match="--encoding=UTF8"):
        await Store.open(tmp_path, postgresql.settings("latin"))
    await postgresql.drop("theirs")
    await postgresql.drop("latin")


async def test_a_server_that_does_not_flush_is_a_finding(store: Store, own_server: Server, tmp_path: Path) -> None:
    found = await check(store)
    (finding,) = found.findings
    assert "fsync est off" in finding.text
    database = await own_server.new_database()
    sound = await Store.open(tmp_path / "sound", own_server.settings(database))
    assert (await check(sound)).findings == ()
    assert (await check(sound)).schema_version == LAST
    await sound.close()


async def test_asks_for_a_flush_where_the_server_would_do_without(postgresql: Server, tmp_path: Path) -> None:
    database = await postgresql.new_database()
    await postgresql.ask(f"ALTER DATABASE {database} SET synchronous_commit = off")
    store = await Store.open(tmp_path, postgresql.settings(database))
    assert await store.write(lambda tx: by_hand(tx, "SELECT current_setting(?)", "synchronous_commit")) == [("on",)]
    await store.close()
    await postgresql.drop(database)


@pytest.mark.parametrize("step", ["K08", "K09"])
async def test_a_kill_around_the_commit_keeps_all_or_nothing(
    postgresql: Server, database: str, tmp_path: Path, step: str
) -> None:
    program = """
import asyncio, os, sys
from pathlib import Path
from mssante.model.settings import StoreSettings
from mssante.store import domains
from mssante.store.engine import Store
sys.path.insert(0, sys.argv[3])
from store_world import NOW
armed = False
def probe(step):
    if armed and step == sys.argv[2]:
        os.kill(os.getpid(), 9)
async def main():
    global armed
    settings = StoreSettings(engine="postgresql", dsn=sys.argv[4])
    store = await Store.open(Path(sys.argv[1]), settings, probe=probe)
    await store.write(lambda tx: domains.add_domain(tx, "first.fr", NOW))
    armed = True
    async def both(tx):
        await domains.add_domain(tx, "second.fr", NOW)
        await domains.add_domain(tx, "third.fr", NOW)
    await store.write(both)
asyncio.run(main())
"""
    support = Path(__file__).parents[2] / "support"
    command = [sys.executable, "-c", program, str(tmp_path), step, str(support), postgresql.dsn(database)]
    run = await asyncio.to_thread(subprocess.run, command, check=False, env=dict(os.environ))
    assert run.returncode == -9
    store = await Store.open(tmp_path, postgresql.settings(database))
    expected = {"K08": ("first.fr",), "K09": ("first.fr", "second.fr", "third.fr")}[step]
    # The server notices by itself that the program is gone: the turn to write is free again.
    await store.write(lambda tx: domains.add_domain(tx, "first.fr", NOW))
    assert await store.read(domains.list_domains) == expected
    await store.close()


async def test_the_due_ones_are_found_by_their_index(store: Store) -> None:
    async def plans(tx: Tx) -> list[str]:
        await by_hand(tx, "SET LOCAL enable_seqscan = off")
        found = []
        for sql in (
            "SELECT copy_id FROM copy WHERE state IN ('waiting', 'deferred', 'sending') AND domain = ? LIMIT 4",
            "SELECT min(due_at) FROM copy WHERE state IN ('waiting', 'deferred', 'sending') AND domain <> ?",
            "SELECT mailbox_id FROM box_listing WHERE due_at <= 1 AND lease <> ? ORDER BY due_at LIMIT 4",
        ):
            rows = await by_hand(tx, f"EXPLAIN {sql}", "x")
            found.append("\n".join(row[0] for row in rows))
        return found

    due, first, listing = await store.write(plans)
    assert "copy_due" in due
    assert "Seq Scan" not in first
    assert "box_listing_due" in listing
