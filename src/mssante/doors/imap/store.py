"""Change messages: STORE, COPY, MOVE, EXPUNGE.

Source: RFC 9051 sections 6.4.3, 6.4.6 to 6.4.9; RFC 4315; RFC 6851; RFC 7162 section 3.1.3.
"""

from bisect import bisect_left

from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State
from mssante.doors.imap.updates import flag_items, news, render
from mssante.flows.folders.values import Updates
from mssante.model.decision import Refusal
from mssante.model.numbers import compact
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r


async def do_store(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Change flags; what they are now is said unless .SILENT was asked for."""
    assert isinstance(command, c.Store)  # noqa: S101 - see the table
    uids = state.uids_of(command.numbers, by_uid=command.by_uid)
    if command.unchanged_since is not None:
        state.enabled.add("CONDSTORE")
    done = await state.folder.store_flags(uids, command.mode.value, frozenset(command.flags), command.unchanged_since)
    if isinstance(done, Refusal):
        return refused(done)
    updates = await news(state, expunges=command.by_uid, own=True)
    own = {(uid, modseq) for uid, _flags, modseq in done.changed}
    others = tuple(row for row in updates.changed if state.tells_flags and (row[1], row[3]) not in own)
    state.line.write(render(state, Updates(updates.gone, updates.exists, others), uid=command.by_uid))
    told = uids if not command.silent else [uid for uid, _flags, _modseq in done.changed] if state.condstore else []
    _say_flags(state, [uid for uid in told if uid not in set(done.modified)], command)
    if not done.modified:
        return Answer("OK", "Done")
    failed = done.modified if command.by_uid else [_number(state, uid) for uid in done.modified]
    return Answer("OK", "Some had changed meanwhile", f"MODIFIED {compact(failed)}")


def _say_flags(state: State, uids: list[int], command: c.Store) -> None:
    snapshot = state.folder.snapshot
    places = [place for place in (_number(state, uid) for uid in uids) if place]
    rows = [(snapshot.uids[place - 1], snapshot.flags[place - 1], snapshot.modseqs[place - 1]) for place in places]
    uid = command.by_uid or "QRESYNC" in state.enabled
    if command.silent:
        items = [(b"UID %d " % one if uid else b"") + b"MODSEQ (%d)" % modseq for one, _flags, modseq in rows]
    else:
        items = flag_items(rows, uid=uid, modseq=state.condstore)
    state.line.write(r.fetch_lines(places, items))


def _number(state: State, uid: int) -> int:
    uids = state.folder.snapshot.uids
    place = bisect_left(uids, uid)
    return place + 1 if place < len(uids) and uids[place] == uid else 0


async def do_transfer(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Copy or move; where the messages are now is said before they vanish here."""
    assert isinstance(command, c.Transfer)  # noqa: S101 - see the table
    uids = state.uids_of(command.numbers, by_uid=command.by_uid)
    if not uids:
        return Answer("OK", "Nothing to do")
    done = await state.folder.transfer(uids, command.folder, move=command.move)
    if isinstance(done, Refusal):
        # The client may make the folder and try again (RFC 9051 section 6.4.7).
        return refused(done, code="TRYCREATE" if refused(done).code == "NONEXISTENT" else "")
    if not done.pairs:
        return Answer("OK", "Nothing to do")
    here, there = compact(one for one, _two in done.pairs), compact(two for _one, two in done.pairs)
    if command.folder == state.folder.name:
        state.own_uids.update(two for _one, two in done.pairs)
    code = f"COPYUID {done.uid_validity} {here} {there}"
    if not command.move:
        return Answer("OK", "Copied", code)
    state.line.write(r.untagged(f"OK [{code}] Moved"))
    return Answer("OK", "Done")


async def do_expunge(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    r"""Remove what is marked \Deleted, or what of it the UIDs name."""
    uids = state.uids_of(command.numbers, by_uid=True) if isinstance(command, c.UidExpunge) else None
    refusal = await state.folder.expunge(uids)
    return Answer("OK", "Done") if refusal is None else refused(refusal)
