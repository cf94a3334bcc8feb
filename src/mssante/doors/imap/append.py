"""Messages that a client adds: APPEND (several at once too) and REPLACE, streamed, committed together.

Source: RFC 9051 section 6.3.12; RFC 3502; RFC 8508; RFC 7889.
"""

from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State
from mssante.model.decision import Kind, Refusal
from mssante.model.numbers import NumberSet, compact
from mssante.wire.imap import framing as f
from mssante.wire.imap import responses as r


async def handle(state: State, event: f.Event) -> Answer | None:
    """Take one event of the command; returns what ends it."""
    if isinstance(event, f.AppendBegin):
        await _begin(state, event)
        return None
    if isinstance(event, f.AppendNext):
        return _message(state, event)
    if isinstance(event, f.AppendEnd):
        return await _end(state)
    if state.appending is None or state.append_refusal is not None:
        return None
    if isinstance(event, f.AppendData):
        waiting = state.appending.data(event.data)
        if waiting is not None:
            await waiting
    elif isinstance(event, f.AppendMessageEnd):
        state.append_refusal = await state.appending.end()
    return None


async def _begin(state: State, event: f.AppendBegin) -> None:
    state.append_tag, state.append_refusal = event.tag, None
    state.appending = None
    append = event.append
    if state.mail is None:
        state.append_refusal = Refusal(Kind.SIGN_IN_REQUIRED, "sign-in", "Sign in first")
        return
    replaces = None
    if append.replaces is not None:
        if state.opened is None:
            state.append_refusal = Refusal(Kind.SEQUENCE, "replace", "Select a mailbox first")
            return
        numbers = NumberSet(((append.replaces, append.replaces),))
        uids = state.folder.snapshot.uids
        is_there = append.by_uid or append.replaces <= len(uids)
        found = state.uids_of(numbers, by_uid=append.by_uid) if is_there else []
        if not found:
            state.append_refusal = Refusal(Kind.SEQUENCE, "replace", "The message to replace is gone")
            return
        replaces = (state.opened, found[0])
    begun = await state.mail.begin_append(append.folder, replaces)
    if isinstance(begun, Refusal):
        state.append_refusal = begun
    else:
        state.appending = begun


def _message(state: State, event: f.AppendNext) -> Answer | None:
    """Make room for a message, or refuse it: before it comes when the client waits, else once it has gone by."""
    item = event.item
    if state.append_refusal is None and state.appending is not None:
        state.append_refusal = state.appending.start(item.flags, item.internal_date, item.size_bytes)
    if state.append_refusal is None:
        if event.synchronising:
            state.line.write(r.go_ahead())
        return None
    if not event.synchronising:
        state.reader.refuse_message()
        return None
    state.reader.give_up_append()
    return _refused(state)


async def _end(state: State) -> Answer | None:
    if state.append_refusal is not None or state.appending is None:
        return _refused(state)
    appending, state.appending = state.appending, None
    done = await appending.commit()
    if isinstance(done, Refusal):
        return refused(done)
    if state.opened is not None and appending.name == state.opened.name:
        state.own_uids.update(done.uids)
    return Answer("OK", "Added", f"APPENDUID {done.uid_validity} {compact(done.uids)}")


def _refused(state: State) -> Answer:
    refusal, state.append_refusal = state.append_refusal, None
    give_up(state)
    answer = refused(refusal or Refusal(Kind.SEQUENCE, "append", "Nothing to add"))
    if refusal is not None and refusal.kind is Kind.FOLDER_UNKNOWN:
        return refused(refusal, code="TRYCREATE")
    return answer


def give_up(state: State) -> None:
    """Forget what was under way."""
    if state.appending is not None:
        state.appending.abort()
        state.appending = None
