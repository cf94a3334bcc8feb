"""Run searches, sorts and threads off the loop, within a time, and stop them when nobody waits any more.

Source: RFC 9051 section 6.4.4; RFC 5256; reliability.md D04.
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from mssante.flows.folders.boxes import Who, find_spot
from mssante.flows.folders.finding import Search, StoppedError, cost, look, members
from mssante.flows.folders.heads import read_heads
from mssante.flows.folders.sorting import Sortable, sort_rows
from mssante.flows.folders.threading import make_threads
from mssante.flows.folders.values import Found
from mssante.model.decision import Kind, Refusal
from mssante.model.folder import Snapshot
from mssante.model.mailbox import FolderId
from mssante.model.search import Condition, SortKey, Thread, Threading
from mssante.rules.access import Act
from mssante.store import indexes
from mssante.store.tx import Row, Tx, Work

if TYPE_CHECKING:
    from mssante.flows.folders.reader import Reading

T = TypeVar("T")
_TOO_COSTLY: Final = Refusal(
    Kind.TOO_COSTLY,
    "work-seconds",
    "The search takes too long, narrow it down",
    french="La recherche est trop longue : précisez-la.",
)


class _Stop:
    """Says to the thread that its work is not wanted any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Stop the work at its next look."""
        self._event.set()

    def tick(self) -> None:
        """Go on, or raise."""
        if self._event.is_set():
            raise StoppedError


async def looked_for(
    reading: "Reading", who: Who, name: str, snapshot: Snapshot, condition: Condition, saved: Sequence[int]
) -> Found | Refusal:
    """Return what meets the condition among the messages that the session knows."""
    stop = _Stop()
    search = Search(snapshot, frozenset(saved), reading.clock(), stop.tick)
    dear = cost(condition)

    async def work(tx: Tx) -> Found | Refusal | None:
        spot = await find_spot(tx, who, name, Act.READ)
        if isinstance(spot, Refusal):
            return spot
        found = await look(tx, search, condition)
        if found is None:
            return None
        if found == search.everything:
            return Found(tuple(snapshot.uids), max(snapshot.modseqs, default=0))
        places = members(found)
        modseq = max([snapshot.modseqs[place] for place in places], default=0)
        return Found(tuple([snapshot.uids[place] for place in places]), modseq)

    async def whole() -> Found | Refusal:
        if dear:
            await reading.indexing.ensure(snapshot)
        while (found := await reading.store.read_long(work)) is None:
            await read_heads(reading.store.blobs, search)
        return found

    return await _in_time(whole(), reading.settings.work_seconds, stop)


async def sorted_found(
    reading: "Reading", snapshot: Snapshot, found: Found, keys: tuple[SortKey, ...]
) -> tuple[int, ...] | Refusal:
    """Return found messages in the order of the keys."""
    stop = _Stop()

    async def work(tx: Tx) -> tuple[int, ...]:
        return tuple(sort_rows(await _sortable(tx, snapshot.folder_id, found), keys))

    return await _off_loop(reading, snapshot, work, stop)


async def threads_found(
    reading: "Reading", snapshot: Snapshot, found: Found, threading_: Threading
) -> tuple[Thread, ...] | Refusal:
    """Return the threads of found messages."""
    stop = _Stop()

    async def work(tx: Tx) -> tuple[Thread, ...]:
        return make_threads(await _sortable(tx, snapshot.folder_id, found), threading_, tick=stop.tick)

    return await _off_loop(reading, snapshot, work, stop)


async def _off_loop(reading: "Reading", snapshot: Snapshot, work: Work[T], stop: _Stop) -> T | Refusal:
    async def whole() -> T:
        await reading.indexing.ensure(snapshot)
        return await reading.store.read_long(work)

    return await _in_time(whole(), reading.settings.work_seconds, stop)


async def _in_time(work: Coroutine[object, object, T], wait_seconds: float, stop: _Stop) -> T | Refusal:
    """Wait for a work of a thread; when time is over or the wait is given up, the thread stops at its next look."""
    try:
        async with asyncio.timeout(wait_seconds):
            return await work
    except (TimeoutError, StoppedError):
        return _TOO_COSTLY
    finally:
        stop.set()


async def _sortable(tx: Tx, folder_id: FolderId, found: Found) -> list[Sortable]:
    wanted = frozenset(found.uids)
    return [_row(row) for row in await indexes.sort_rows(tx, folder_id) if row[0] in wanted]


def _row(row: Row) -> Sortable:
    uid, internal_at, sent_at, size, from_key, to_key, cc_key, subject, is_answer, internet_id, answers = row[:11]
    references = tuple(answers.split("\n")) if answers else ()
    return Sortable(
        uid, internal_at, sent_at, size, from_key, to_key, cc_key, subject, bool(is_answer), internet_id, references
    )
