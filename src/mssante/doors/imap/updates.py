"""Tell a client what has changed in its folder, when that may be told.

Message numbers may move only while no command that uses them is under way: after FETCH, STORE, SEARCH, SORT and THREAD
by number nothing is expunged; their forms by UID may.

Source: RFC 9051 sections 7.5.1 and 5.5; RFC 7162 sections 3.1 and 3.2.10; RFC 3501 section 7.3.1.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace

from mssante.doors.imap.state import State
from mssante.flows.folders.values import Updates
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r


def may_expunge(command: c.Command) -> bool:
    """Tell whether messages that are gone may be told at the end of the command."""
    if isinstance(command, c.Fetch | c.Store | c.Search | c.Sort | c.ThreadCommand):
        return command.by_uid
    return True


def flag_items(rows: Iterable[tuple[int, str, int]], *, uid: bool, modseq: bool) -> list[bytes]:
    """Return what FETCH says of flags, for (uid, flags, modseq) of each message."""
    if uid and modseq:
        return [b"UID %d FLAGS (%b) MODSEQ (%d)" % (one, flags.encode(), at) for one, flags, at in rows]
    if uid:
        return [b"UID %d FLAGS (%b)" % (one, flags.encode()) for one, flags, _at in rows]
    if modseq:
        return [b"FLAGS (%b) MODSEQ (%d)" % (flags.encode(), at) for _one, flags, at in rows]
    return [b"FLAGS (%b)" % flags.encode() for _one, flags, _at in rows]


def render(state: State, updates: Updates, *, uid: bool = False) -> bytes:
    """Return the untagged lines of a difference.

    Args:
        state: what the client has switched on.
        updates: the difference.
        uid: the command came with UID: so does each FETCH (RFC 9051 section 6.4.9).
    """
    pieces: list[bytes] = []
    if updates.gone:
        if "QRESYNC" in state.enabled:
            pieces.append(r.vanished_line(sorted(one for _number, one in updates.gone), earlier=False))
        else:
            pieces.append(r.expunge_lines(number for number, _uid in updates.gone))
    if updates.exists is not None:
        pieces.append(b"* %d EXISTS\r\n" % updates.exists)
        if "IMAP4REV2" not in state.enabled:
            pieces.append(b"* 0 RECENT\r\n")
    if updates.changed:
        items = flag_items(
            [row[1:] for row in updates.changed], uid=uid or "QRESYNC" in state.enabled, modseq=state.condstore
        )
        pieces.append(r.fetch_lines([row[0] for row in updates.changed], items))
    return b"".join(pieces)


async def news(state: State, *, expunges: bool, own: bool = False) -> Updates:
    """Return what is new in the selected folder, as far as the client wants to know.

    Args:
        state: what NOTIFY asked for.
        expunges: messages that are gone may be told.
        own: the client changed messages itself: it is told what became of them whatever it asked for.
    """
    opened = state.opened
    if opened is None or not (own or state.tells_messages):
        return Updates()
    uid_next = opened.snapshot.uid_next
    updates = await opened.poll(expunges=expunges)
    if updates.exists is not None and state.watch is not None and state.watch.fetch is not None:
        uids = opened.snapshot.uids
        state.fresh += [uid for uid in uids[bisect_left(uids, uid_next) :] if uid not in state.own_uids]
    state.own_uids.clear()
    return updates if own or state.tells_flags else replace(updates, changed=())


async def tell(state: State, *, expunges: bool, uid: bool = False, own: bool = False) -> None:
    """Bring the client up to date with its folder; see `news` and `render`."""
    updates = await news(state, expunges=expunges, own=own)
    if updates.gone or updates.exists is not None or updates.changed:
        state.line.write(render(state, updates, uid=uid))
