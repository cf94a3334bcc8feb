"""Read the headers that a search needs and that stand in a file or an object: between two looks, in no transaction.

Source: design.md law 11; reliability.md D04.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

from mssante.flows.folders.finding import HEAD_MAX_BYTES, Question, Search, answers
from mssante.model.errors import StoreDamagedError
from mssante.model.message import Body, MessageId
from mssante.store.blobs import BlobFolder

AT_ONCE: Final = 4
"""Headers that one search reads at the same time: half of what all together may."""


async def read_heads(blobs: BlobFolder, search: Search) -> None:
    """Read what `search.unread` names, so that the next look finds the answers in `search.held`.

    Ends as soon as one cannot be read, or the wait is given up: at most `AT_ONCE` reads are under way then.

    Raises:
        StoreAwayError: the object store does not answer.
        StoreError: it refuses.
        StoppedError: nobody waits for the search any more.
    """
    todo = iter(search.unread.items())
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(search.unread))):
                group.create_task(_read(blobs, search, todo))
    except BaseExceptionGroup as errors:
        # One is enough: which one, of those that failed at the same time, does not matter.
        raise errors.exceptions[0] from errors


async def _read(blobs: BlobFolder, search: Search, todo: Iterator[tuple[MessageId, Body]]) -> None:
    for message, body in todo:
        search.tick()
        search.held[message] = await blobs.aside(_answered, blobs, body, search.questions)


def _answered(blobs: BlobFolder, body: Body, questions: frozenset[Question]) -> frozenset[Question]:
    """Return what one header answers; only that is kept of it."""
    try:
        return answers(blobs.head(body, HEAD_MAX_BYTES), questions)
    except StoreDamagedError:
        return frozenset()
