"""Read messages: FETCH. Lists come from the picture and the index, never from the messages themselves.

Many messages are rendered by comprehensions, batch after batch, each batch one write; only bodies are read one by one.

Source: RFC 9051 section 6.4.5; RFC 7162 section 3.1.4; RFC 8474; RFC 8514; RFC 8970.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from mssante.doors.imap import section
from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State
from mssante.doors.imap.updates import tell
from mssante.flows.folders.values import Row
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import StoreDamagedError
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r
from mssante.wire.mime.strings import imap_string

# What the picture of the folder says without asking the store.
_PICTURE: Final = frozenset({"FLAGS", "UID", "MODSEQ", "EMAILID", "THREADID"})
_INDEX: Final = frozenset({"ENVELOPE", "BODY", "BODYSTRUCTURE", "PREVIEW"})
BATCH: Final = 1000
GROUP: Final = 64
GROUP_BYTES: Final = 1024 * 1024
_EPOCH_MICROS: Final = 1_000_000
_DAMAGED: Final = Refusal(Kind.STORE_UNAVAILABLE, "damaged", "A message cannot be read")

Column = Callable[[int, Row | None], bytes]


async def do_fetch(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say what was asked of messages; those that are gone meanwhile are left out."""
    assert isinstance(command, c.Fetch)  # noqa: S101 - see the table
    uids = state.uids_of(command.numbers, by_uid=command.by_uid)
    if command.changed_since is not None:
        state.enabled.add("CONDSTORE")
        if command.vanished:
            await _say_vanished(state, command)
        uids = _changed(state, uids, command.changed_since)
    elif command.vanished:
        return Answer("BAD", "VANISHED needs CHANGEDSINCE")
    if "MODSEQ" in command.items:
        state.enabled.add("CONDSTORE")
    if not uids:
        return Answer("OK", "Done")
    items = _items_of(state, command)
    if command.bodies:
        return await _bodies(state, command, items, uids)
    if set(items) <= _PICTURE:
        await _from_picture(state, items, uids)
    else:
        await _from_rows(state, items, uids)
    return Answer("OK", "Done")


def _items_of(state: State, command: c.Fetch) -> list[str]:
    """Return what each answer holds: UID and MODSEQ come unasked where the standards say so."""
    items = list(command.items)
    if (command.by_uid or "QRESYNC" in state.enabled) and "UID" not in items:
        items.insert(0, "UID")
    if command.changed_since is not None and "MODSEQ" not in items:
        items.append("MODSEQ")
    return items


async def _say_vanished(state: State, command: c.Fetch) -> None:
    opened = state.folder
    missed = await opened.resync(opened.snapshot.uid_validity, command.changed_since or 0, command.numbers)
    if missed is not None:
        state.line.write(r.vanished_line(missed.vanished, earlier=True))


def _changed(state: State, uids: list[int], modseq: int) -> list[int]:
    snapshot = state.folder.snapshot
    newer = {uid for uid, at in zip(snapshot.uids, snapshot.modseqs, strict=True) if at > modseq}
    return [uid for uid in uids if uid in newer]


# -- from the picture ------------------------------------------------------------------------------------------------


async def _from_picture(state: State, items: list[str], uids: list[int]) -> None:
    for start in range(0, len(uids), BATCH):
        places = _places(state, uids[start : start + BATCH])
        state.line.write(_lines(state, items, places, None))
        await state.line.drain()


def _places(state: State, uids: Sequence[int]) -> list[int]:
    known = state.folder.snapshot.uids
    if not uids:
        return []
    first = bisect_left(known, uids[0])
    # As a rule they stand one after the other.
    if first + len(uids) <= len(known) and known[first + len(uids) - 1] == uids[-1]:
        return list(range(first, first + len(uids)))
    return [bisect_left(known, uid) for uid in uids]


def _lines(state: State, items: list[str], places: list[int], rows: list[Row] | None) -> bytes:
    """Return the answers for messages by their place in the picture; `rows` in the same order."""
    made: list[list[bytes]] = [_column(state, item, places, rows) for item in items]
    joined = made[0] if len(made) == 1 else [b" ".join(one) for one in zip(*made, strict=True)]
    return r.fetch_lines([place + 1 for place in places], joined)


def _column(state: State, item: str, places: list[int], rows: list[Row] | None) -> list[bytes]:
    snapshot = state.folder.snapshot
    if item == "FLAGS":
        flags = snapshot.flags
        return [b"FLAGS (%b)" % flags[place].encode() for place in places]
    if item == "UID":
        return [b"UID %d" % snapshot.uids[place] for place in places]
    if item == "MODSEQ":
        return [b"MODSEQ (%d)" % snapshot.modseqs[place] for place in places]
    if item == "EMAILID":
        return [b"EMAILID (M%d)" % snapshot.messages[place] for place in places]
    if item == "THREADID":
        return [b"THREADID NIL"] * len(places)
    return _row_column(item, rows or [])


def _row_column(item: str, rows: list[Row]) -> list[bytes]:
    if item == "ENVELOPE":
        return [b"ENVELOPE " + row.envelope for row in rows]
    if item == "BODYSTRUCTURE":
        return [b"BODYSTRUCTURE " + row.bodystructure for row in rows]
    if item == "BODY":
        return [b"BODY " + row.body for row in rows]
    if item == "RFC822.SIZE":
        return [b"RFC822.SIZE %d" % row.size_bytes for row in rows]
    if item == "INTERNALDATE":
        return [b"INTERNALDATE " + r.date_time(_moment(row.internal_at)) for row in rows]
    if item == "SAVEDATE":
        return [b"SAVEDATE " + r.date_time(_moment(row.saved_at)) for row in rows]
    # RFC 8970: the preview is UTF-8, which stands in a literal.
    return [b"PREVIEW " + imap_string(row.preview.encode()) for row in rows]


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros // _EPOCH_MICROS, UTC)


# -- from the index ---------------------------------------------------------------------------------------------------


async def _from_rows(state: State, items: list[str], uids: list[int]) -> None:
    async for rows in state.folder.rows(uids, whole=bool(_INDEX & set(items))):
        places = _places(state, [row.uid for row in rows])
        state.line.write(_lines(state, items, places, rows))
        await state.line.drain()


async def _bodies(state: State, command: c.Fetch, items: list[str], uids: list[int]) -> Answer:
    """Answer message by message with what is asked of its bytes; marks as seen what was not only peeked at."""
    answer = Answer("OK", "Done")
    if any(not body.peek for body in command.bodies):
        marked = await state.folder.mark_seen(uids)
        if isinstance(marked, Refusal):
            return refused(marked)
        if marked.changed:
            await tell(state, expunges=False, uid=command.by_uid)
    async for rows in state.folder.rows(uids, whole=True):
        for group in _groups(rows):
            refusal = await _group(state, command.bodies, items, group)
            if refusal is not None:
                answer = refused(refusal, code="UNKNOWN-CTE" if refusal.rule == "unknown-cte" else "")
    return answer


def _groups(rows: list[Row]) -> Iterator[list[Row]]:
    """Cut rows into groups whose messages are read at once: few enough bytes to hold, many enough to be fast."""
    group: list[Row] = []
    size = 0
    for row in rows:
        if group and (size + row.size_bytes > GROUP_BYTES or len(group) >= GROUP):
            yield group
            group, size = [], 0
        group.append(row)
        size += row.size_bytes
    if group:
        yield group


async def _group(state: State, bodies: tuple[c.BodyItem, ...], items: list[str], rows: list[Row]) -> Refusal | None:
    """Say what is asked of some messages; returns the last refusal, the other messages are said all the same."""
    told = [row.uid for row in rows if section.is_cached(row, bodies)]
    await state.folder.trace(told)
    cached = set(told)
    opened = [row.uid for row in rows if row.uid not in cached]
    contents = await state.folder.contents(opened) if opened else {}
    if isinstance(contents, Refusal):
        return contents
    kept = [row for row in rows if row.uid in cached or row.uid in contents]
    places = _places(state, [row.uid for row in kept])
    columns = [_column(state, item, places, kept) for item in items]
    heads: list[tuple[bytes, ...]] = list(zip(*columns, strict=True)) if columns else [()] * len(kept)
    refusal = None
    for place, row, head in zip(places, kept, heads, strict=True):
        try:
            pieces = await section.body_items(row, contents.get(row.uid), bodies)
        except StoreDamagedError:
            pieces = _DAMAGED
        if isinstance(pieces, Refusal):
            refusal = pieces
            continue
        state.line.write(b"* %d FETCH (%b)\r\n" % (place + 1, b" ".join([*head, *pieces])))
        await state.line.drain()
    return refusal
