"""Read each message once, after its delivery, and keep what lists and searches need of it.

Off the path of acceptance: a message is indexed right after its commit, or when a reader needs it first.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from mssante.flows.documents.recognising import recognise, words_of
from mssante.model.errors import StoreDamagedError
from mssante.model.filed_document import FiledDocument
from mssante.model.folder import Snapshot
from mssante.model.mailbox import FolderId
from mssante.model.message import Body, MessageId
from mssante.store import documents, indexes
from mssante.store.engine import Store
from mssante.store.times import to_micros
from mssante.store.tx import Tx, Value
from mssante.wire.mime.index import MessageIndex, index_message
from mssante.wire.mime.parts import encode_parts

BATCH: Final = 50
FOLDERS_KNOWN: Final = 20_000


_Made = tuple[MessageId, MessageIndex, tuple[FiledDocument, ...]]


class Indexing:
    """Makes the indexes that are missing; one batch at a time."""

    def __init__(self, store: Store, *, look_seconds: float = 1.0, allow_test: bool = False) -> None:
        """Keep the store; `run` is the background task.

        Args:
            allow_test: patients of the national test domains count as identified.
        """
        self._allow_test = allow_test
        self._store = store
        self._look_seconds = look_seconds
        # Folder and its UIDVALIDITY -> the UID below which every message of it has its index: UIDs only grow.
        self._whole: OrderedDict[tuple[FolderId, int], int] = OrderedDict()
        # Everything up to this message was looked at; what is filed again later is indexed when a reader needs it.
        self._after = 0

    async def run(self) -> None:
        """Index what is missing, for ever, by a look each second.

        Not at each commit: a batch then costs the writer one flush, not one for each message (APPEND: 240/s to 700/s).
        """
        while True:
            await self.catch_up()
            await asyncio.sleep(self._look_seconds)

    async def catch_up(self) -> int:
        """Index what is missing anywhere; return how many messages."""
        count = 0
        while True:
            batch = await self._store.read_long(self._next)
            if not batch:
                return count
            await self._index(batch)
            self._after, count = batch[-1], count + len(batch)

    async def _next(self, tx: Tx) -> list[MessageId]:
        return await indexes.unindexed_anywhere(tx, after=self._after, limit=BATCH)

    async def ensure(self, snapshot: Snapshot) -> None:
        """Index what is missing in one folder, as far as this picture of it goes."""
        key = (snapshot.folder_id, snapshot.uid_validity)
        known = self._whole.get(key, 0)
        if snapshot.uid_next <= known:
            return
        while batch := await self._store.read(
            lambda tx: indexes.unindexed(tx, snapshot.folder_id, from_uid=known, limit=BATCH)
        ):
            await self._index(batch)
        self._whole[key] = snapshot.uid_next
        if len(self._whole) > FOLDERS_KNOWN:
            self._whole.popitem(last=False)

    async def _index(self, batch: list[MessageId]) -> None:
        # Read and parsed in a thread; only the rows themselves take the writer's time.
        bodies = await self._store.read_long(lambda tx: _bodies(tx, batch))
        # Batches of small messages do not stand in line behind those that wait for an object store.
        if any(body.data is None for _message, body in bodies):
            made = await self._store.blobs.aside(self._made, bodies)
        else:
            made = await asyncio.to_thread(self._made, bodies)

        async def work(tx: Tx) -> None:
            for message, index, found in made:
                text = f"{index.text}\n{words_of(found)}" if found else index.text
                await indexes.add_index(tx, message, _columns(index), index.header_text, text)
                await documents.add_documents(tx, message, found)

        await self._store.write_long(work)

    def _made(self, bodies: list[tuple[MessageId, Body]]) -> list[_Made]:
        made: list[_Made] = []
        for message, body in bodies:
            try:
                data = self._store.blobs.read(body)
            except StoreDamagedError:
                # Listed as an empty message; who opens it hears what is wrong.
                data = b""
            index = index_message(data)
            made.append((message, index, recognise(index.parts, data, allow_test=self._allow_test)))
        return made


async def _bodies(tx: Tx, batch: list[MessageId]) -> list[tuple[MessageId, Body]]:
    found = [(message, await indexes.body_of(tx, message)) for message in batch]
    return [(message, body) for message, body in found if body is not None]


def _columns(index: MessageIndex) -> dict[str, Value]:
    return {
        "envelope": index.envelope,
        "bodystructure": index.bodystructure,
        "body": index.body,
        "parts": encode_parts(index.parts),
        "sent_at": None if index.sent_at is None else to_micros(index.sent_at),
        "sent_day": None if index.sent_at is None else index.sent_at.toordinal(),
        "base_subject": index.base_subject,
        "is_answer": int(index.is_answer),
        "from_key": index.from_key,
        "to_key": index.to_key,
        "cc_key": index.cc_key,
        "internet_id": index.message_id,
        "answers": "\n".join(index.references),
        "cached_header": index.cached_header,
        "preview": index.preview,
    }
