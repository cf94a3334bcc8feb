"""Read each message once, after its delivery, and keep what lists and searches need of it.

Off the path of acceptance: a message is indexed right after its commit, or when a reader needs it first.
"""

import asyncio
from datetime import UTC, datetime
from typing import Final

from mssante.model.errors import StoreDamagedError
from mssante.model.mailbox import FolderId
from mssante.model.message import MessageId
from mssante.store import indexes
from mssante.store.engine import Store
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Tx, Value
from mssante.wire.mime.index import MessageIndex, index_message
from mssante.wire.mime.parts import encode_parts

BATCH: Final = 50
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Indexing:
    """Makes the indexes that are missing; one batch at a time."""

    def __init__(self, store: Store, *, look_seconds: float = 1.0) -> None:
        """Keep the store; `run` is the background task."""
        self._store = store
        self._look_seconds = look_seconds
        self._wake = asyncio.Event()
        # Everything up to this message was looked at; what is filed again later is indexed when a reader needs it.
        self._after = 0

    def wake(self) -> None:
        """Say that messages were committed."""
        self._wake.set()

    async def run(self) -> None:
        """Index what is missing, for ever; what other processes commit is found by a slow look."""
        while True:
            self._wake.clear()
            await self.catch_up()
            try:
                async with asyncio.timeout(self._look_seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass

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

    async def ensure(self, folder_id: FolderId) -> None:
        """Index what is missing in one folder."""
        while batch := await self._store.read(lambda tx: indexes.unindexed(tx, folder_id, limit=BATCH)):
            await self._index(batch)

    async def _index(self, batch: list[MessageId]) -> None:
        # Read and parsed in a thread of readers; only the rows themselves take the writer's time.
        made = await self._store.read_long(lambda tx: self._read(tx, batch))

        async def work(tx: Tx) -> None:
            for message, index in made:
                await indexes.add_index(tx, message, _columns(index), index.header_text, index.text)

        await self._store.write_long(work)

    async def _read(self, tx: Tx, batch: list[MessageId]) -> list[tuple[MessageId, MessageIndex]]:
        made: list[tuple[MessageId, MessageIndex]] = []
        for message in batch:
            found = await indexes.body_of(tx, message)
            if found is not None:
                body, received_at = found
                try:
                    data = self._store.blobs.read(body)
                except StoreDamagedError:
                    # Listed as an empty message; who opens it hears what is wrong.
                    data = b""
                made.append((message, index_message(data, from_micros(received_at))))
        return made


def _columns(index: MessageIndex) -> dict[str, Value]:
    return {
        "envelope": index.envelope,
        "bodystructure": index.bodystructure,
        "body": index.body,
        "parts": encode_parts(index.parts),
        "sent_at": to_micros(index.sent_at) if index.sent_at >= _NEVER else 0,
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
