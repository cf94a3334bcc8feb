"""Wait for news: IDLE; say what is to be told without waiting: NOTIFY.

Source: RFC 9051 section 6.3.13 (IDLE); RFC 5465; RFC 5464 section 4.4.2.
"""

from dataclasses import replace
from typing import Final

from mssante.doors.imap import fetch
from mssante.doors.imap.folders import attributes
from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State, Watch
from mssante.doors.imap.updates import tell
from mssante.flows.folders.values import Listed
from mssante.flows.folders.watching import Event, Interest, Scope, Watching
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r

EVENTS: Final = tuple(event.value for event in Event)
_BAD_EVENT: Final = Answer("NO", "There are other events only", f"BADEVENT ({' '.join(EVENTS)})")


async def do_idle(state: State, tag: bytes, _command: c.Command) -> Answer | None:
    """Listen first, then look, so that nothing committed in between is missed; then wait for DONE."""
    state.line.write(r.go_ahead("Idling"))
    await state.listen()
    state.idle_tag = tag
    state.reader.expect("done")
    await push(state)
    return None


def done(state: State) -> Answer:
    """End the wait."""
    state.idle_tag = b""
    state.reader.expect("command")
    if state.watch is None:
        state.hush()
    return Answer("OK", "Done waiting")


async def do_notify(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say from now on what is asked for, at once; until the next NOTIFY."""
    assert isinstance(command, c.Notify)  # noqa: S101 - see the table
    groups = command.groups or ()
    if any(event not in EVENTS for group in groups for event in group.events):
        return _BAD_EVENT
    here = next((group for group in groups if group.filter_.startswith("SELECTED")), None)
    interests = tuple(_interest(group) for group in groups if group is not here and group.events)
    # Before the first look, so that nothing committed in between is missed.
    await state.listen()
    others = state.reading.watch(interests) if interests else None
    refusal = await others.begin() if others is not None else None
    if others is not None and refusal is not None:
        return refused(refusal, code="NOTIFICATIONOVERFLOW")
    state.watch = _watch(here, others)
    state.fresh = []
    if here is None and others is None:
        state.hush()
    if others is not None:
        _say_first(state, others, status=command.status)
    return Answer("OK", "You will be told")


def _interest(group: c.NotifyEvents) -> Interest:
    return Interest(Scope(group.filter_), frozenset(Event(event) for event in group.events), group.folders)


def _watch(here: c.NotifyEvents | None, others: Watching | None) -> Watch:
    if here is None:
        return Watch(others=others)
    wanted = here.fetch
    if wanted is not None:
        # What comes unasked marks nothing as seen.
        wanted = replace(wanted, bodies=tuple(replace(body, peek=True) for body in wanted.bodies))
    return Watch(frozenset(here.events), wanted, here.filter_ == "SELECTED-DELAYED", others)


def _say_first(state: State, others: Watching, *, status: bool) -> None:
    """Say which folders cannot be watched, and what the others hold when that is asked for (RFC 5465 section 3.1)."""
    for one in others.shut():
        state.line.write(r.list_line(("\\NoAccess",), one.name, utf8=state.utf8))
    if not status:
        return
    for one, events in others.watched():
        if not _is_open(state, one):
            _say_counters(state, one, events, first=True)


# -- what is told ------------------------------------------------------------------------------------------------------


async def push(state: State) -> None:
    """Tell what was committed meanwhile, outside any command or while the client waits."""
    watch = state.watch
    if state.idle_tag or (watch is not None and watch.events):
        await tell(state, expunges=bool(state.idle_tag) or (watch is not None and not watch.is_delayed))
        await fetch_fresh(state)
    if watch is not None and watch.others is not None:
        await _tell_others(state, watch.others)


async def fetch_fresh(state: State) -> None:
    """Fetch of new messages what NOTIFY asked for."""
    uids, state.fresh = state.fresh, []
    if uids and state.opened is not None and state.watch is not None and state.watch.fetch is not None:
        await fetch.say(state, state.watch.fetch, uids)


async def _tell_others(state: State, others: Watching) -> None:
    before = others.mailboxes
    found = await others.look(None if state.opened is None else state.opened.snapshot.folder_id)
    if others.mailboxes != before:
        # A box was shared or taken away: other commits are of interest now.
        state.hush()
        await state.listen()
    for news in found.names:
        extended = [r.old_name_item(news.old_name, utf8=state.utf8)] if news.old_name else []
        missing = ["\\NonExistent"] if news.listed.folder is None else []
        words = [*missing, *attributes(news.listed, subscribed=True)]
        state.line.write(r.list_line(words, news.listed.name, utf8=state.utf8, extended=extended))
    for one, events in found.messages:
        _say_counters(state, one, events, first=False)
    if found.notes:
        state.line.write(r.metadata_names_line("", found.notes, utf8=state.utf8))
    await state.line.drain()


def _is_open(state: State, one: Listed) -> bool:
    return state.opened is not None and state.opened.snapshot.folder_id == one.folder_id


def _say_counters(state: State, one: Listed, events: frozenset[Event], *, first: bool) -> None:
    """Write the STATUS of a folder whose messages changed, or that is told for the first time."""
    folder = one.folder
    if folder is None:
        return
    values: list[tuple[str, int | str]] = []
    if Event.NEW in events:
        values += [("MESSAGES", folder.messages), ("UIDNEXT", folder.uid_next)]
    if Event.FLAGS in events:
        values.append(("UNSEEN", folder.unseen))
    if first or state.condstore:
        values.append(("UIDVALIDITY", folder.uid_validity))
    if state.condstore or (first and Event.FLAGS in events):
        values.append(("HIGHESTMODSEQ", folder.highest_modseq))
    state.line.write(r.status_line(one.name, values, utf8=state.utf8))
