"""Each message is read once after its delivery; words are kept for each mailbox that files it."""

import asyncio

from library import Library
from standins import ANNE, BRUNO, letter

from mssante.flows.folders.indexing import Indexing
from mssante.flows.folders.values import Found
from mssante.model.search import HasText, Where
from mssante.store import indexes

WORD = HasText(Where.TEXT, "bonjour")


async def test_what_was_delivered_before_is_indexed_once(library: Library) -> None:
    await library.office.receive(letter("Bonjour", sender="claire@ville.mssante.fr"), ANNE, BRUNO)
    assert await library.reading.indexing.catch_up() == 1
    assert await library.reading.indexing.catch_up() == 0
    for who in (ANNE, BRUNO):
        found = await (await library.open(who)).find(WORD)
        assert isinstance(found, Found)
        assert found.uids == (1,)


async def test_a_copy_in_another_mailbox_is_searchable_there(library: Library) -> None:
    await library.add(letter("Bonjour"))
    opened = await library.open()
    await opened.find(WORD)
    await opened.transfer([1], "Autres boîtes/urgences@chu.mssante.fr/INBOX", move=True)
    found = await (await library.open(name="Autres boîtes/urgences@chu.mssante.fr/INBOX")).find(WORD)
    assert isinstance(found, Found)
    assert found.uids == (1,)


async def test_the_task_finds_what_was_committed_at_its_next_look(library: Library) -> None:
    indexing = Indexing(library.office.store, look_seconds=0.001)
    task = asyncio.create_task(indexing.run())
    await library.add(letter("Bonjour"))
    async with asyncio.timeout(5):
        while await library.office.store.read(lambda tx: indexes.unindexed_anywhere(tx, after=0, limit=1)):  # noqa: ASYNC110 - the store has no event
            await asyncio.sleep(0)
    task.cancel()
    opened = await library.open()
    there = await library.office.store.read(
        lambda tx: indexes.search_text(tx, opened.snapshot.mailbox_id, "bonjour", body_only=False)
    )
    assert len(there) == 1


async def test_a_damaged_body_stops_nothing(library: Library) -> None:
    await library.add(b"Subject: grand\r\n\r\n" + b"z" * 300_000)
    for file in library.office.store.blobs.path.rglob("*"):
        if file.is_file():
            file.write_bytes(b"autre chose")
    assert await library.reading.indexing.catch_up() == 1
