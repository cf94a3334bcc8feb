"""Open and leave a folder: SELECT, EXAMINE, STATUS, CLOSE, UNSELECT.

Source: RFC 9051 sections 6.3.2, 6.3.3, 6.3.11, 6.4.1 and 6.4.2; RFC 7162 section 3.2.5; RFC 8474; RFC 8438; RFC 7889.
"""

from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State
from mssante.doors.imap.updates import flag_items
from mssante.flows.folders.opened import Opened
from mssante.model.decision import Refusal
from mssante.model.folder import FolderStatus
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r

FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")


async def do_select(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Open a folder; the one open before is left, whatever comes of it."""
    assert isinstance(command, c.Select)  # noqa: S101 - see the table
    if command.qresync is not None and "QRESYNC" not in state.enabled:
        return Answer("BAD", "ENABLE QRESYNC first")
    await _leave(state, expunge=False)
    if command.condstore:
        state.enabled.add("CONDSTORE")
    opened = await state.reading.open(command.folder, read_only=command.read_only)
    if isinstance(opened, Refusal):
        return refused(opened)
    state.opened = opened
    state.line.write(_picture(state, opened))
    if command.qresync is not None:
        await _resync(state, opened, command.qresync)
    word = "READ-ONLY" if opened.read_only else "READ-WRITE"
    return Answer("OK", "Opened", word)


def _picture(state: State, opened: Opened) -> bytes:
    """Return what a client must know of the folder."""
    snapshot, is_new = opened.snapshot, "IMAP4REV2" in state.enabled
    keywords = sorted({word for flags in set(snapshot.flags) for word in flags.split() if not word.startswith("\\")})
    kept = () if opened.read_only else (*FLAGS, *keywords, "\\*")
    lines = [
        b"* FLAGS %b\r\n" % r.flags_text((*FLAGS, *keywords)),
        b"* %d EXISTS\r\n" % len(snapshot.uids),
        b"" if is_new else b"* 0 RECENT\r\n",
        b"* OK [PERMANENTFLAGS %b] Kept\r\n" % r.flags_text(kept),
        r.untagged(f"OK [UIDVALIDITY {snapshot.uid_validity}] Valid"),
        r.untagged(f"OK [UIDNEXT {snapshot.uid_next}] Next"),
        r.untagged(f"OK [HIGHESTMODSEQ {snapshot.highest_modseq}] Highest"),
        r.untagged(f"OK [MAILBOXID (F{snapshot.folder_id})] Identified"),
    ]
    unseen = next((place for place, flags in enumerate(snapshot.flags, 1) if "\\Seen" not in flags), 0)
    if unseen and not is_new:
        lines.append(r.untagged(f"OK [UNSEEN {unseen}] First unseen"))
    if is_new:
        lines.append(r.list_line((), opened.name, utf8=state.utf8))
    return b"".join(lines)


async def _resync(state: State, opened: Opened, asked: c.QResync) -> None:
    """Say what the client has missed since it was here last."""
    missed = await opened.resync(asked.uid_validity, asked.modseq, asked.known_uids)
    if missed is None:
        return
    state.line.write(r.vanished_line(missed.vanished, earlier=True))
    known = missed.changed
    if asked.known_uids is not None:
        uids = [row[1] for row in known]
        known = tuple(row for start, stop in asked.known_uids.pick(uids) for row in known[start:stop])
    state.line.write(
        r.fetch_lines([row[0] for row in known], flag_items([row[1:] for row in known], uid=True, modseq=True))
    )


async def _leave(state: State, *, expunge: bool) -> None:
    opened, state.opened, state.saved = state.opened, None, ()
    if opened is None:
        return
    await opened.close(expunge=expunge)
    if "QRESYNC" in state.enabled:
        state.line.write(r.untagged("OK [CLOSED] The mailbox before is left"))


async def do_close(state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    r"""Leave the folder; what is marked \Deleted goes for good."""
    opened, state.opened, state.saved = state.folder, None, ()
    await opened.close(expunge=True)
    return Answer("OK", "Left")


async def do_unselect(state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Leave the folder as it is."""
    opened, state.opened, state.saved = state.folder, None, ()
    await opened.close(expunge=False)
    return Answer("OK", "Left")


async def do_status(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say the counters of a folder."""
    assert isinstance(command, c.Status)  # noqa: S101 - see the table
    refusal = await write_status(state, command.folder, command.items)
    return Answer("OK", "Done") if refusal is None else refused(refusal)


async def write_status(state: State, name: str, items: tuple[str, ...]) -> Refusal | None:
    """Write one line of STATUS."""
    found = await state.reading.status(name, sizes=bool({"SIZE", "DELETED", "DELETED-STORAGE"} & set(items)))
    if isinstance(found, Refusal):
        return found
    if "HIGHESTMODSEQ" in items:
        state.enabled.add("CONDSTORE")
    values = [(item, _value(state, found, item)) for item in items]
    state.line.write(r.status_line(name, values, utf8=state.utf8))
    return None


def _value(state: State, found: FolderStatus, item: str) -> int | str:
    values: dict[str, int | str] = {
        "MESSAGES": found.messages,
        # No message is told as recent (decision 0017).
        "RECENT": 0,
        "UIDNEXT": found.uid_next,
        "UIDVALIDITY": found.uid_validity,
        "UNSEEN": found.unseen,
        "DELETED": found.deleted,
        "DELETED-STORAGE": found.deleted_bytes,
        "SIZE": found.size_bytes,
        "HIGHESTMODSEQ": found.highest_modseq,
        "APPENDLIMIT": state.desk.settings.append_bytes,
        "MAILBOXID": f"F{found.folder_id}",
    }
    return values[item]
