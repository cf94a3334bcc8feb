"""Read messages: FETCH. Lists come from the picture and the index, never from the messages themselves.

Many messages are rendered by comprehensions, batch after batch, each batch one write; only bodies are read one by one.

Source: RFC 9051 section 6.4.5; RFC 7162 section 3.1.4; RFC 8474; RFC 8514; RFC 8970.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
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
# Bodies that are in the database come together: 32 of at most 128 KiB.
OPENED: Final = 32
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
    return await say(state, command, uids)


async def say(state: State, command: c.Fetch, uids: list[int]) -> Answer:
    """Say what is asked of those messages.

    Args:
        state: of the session.
        command: what is asked.
        uids: ascending.
    """
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
            await tell(state, expunges=False, uid=command.by_uid, own=True)
    whole = bool(_INDEX & set(items)) or section.needs_index(command.bodies)
    async for rows in state.folder.rows(uids, whole=whole):
        for start in range(0, len(rows), OPENED):
            failed = await _some_bodies(state, command, items, rows[start : start + OPENED])
            answer = failed or answer
    return answer


async def _some_bodies(state: State, command: c.Fetch, items: list[str], rows: list[Row]) -> Answer | None:
    """Say what is asked of a few messages; return why some of them could not be read."""
    opened = {row.uid for row in rows if section.needs_opening(row, command.bodies)}
    contents = await state.folder.contents([row.uid for row in rows if row.uid in opened])
    if isinstance(contents, Refusal):
        return refused(contents)
    await state.folder.trace([row.uid for row in rows])
    failed: Answer | None = None
    for row in rows:
        content = contents.get(row.uid)
        if content is None and row.uid in opened:
            # It went meanwhile.
            continue
        try:
            pieces = await section.body_items(content, row, command.bodies)
        except StoreDamagedError:
            failed = refused(_DAMAGED)
            continue
        if isinstance(pieces, Refusal):
            failed = refused(pieces, code="UNKNOWN-CTE" if pieces.rule == "unknown-cte" else "")
            continue
        places = _places(state, [row.uid])
        head = [_column(state, item, places, [row])[0] for item in items]
        state.line.write(r.fetch_lines([places[0] + 1], [b" ".join([*head, *pieces])]))
        await state.line.drain()
    return failed
