"""Wait for news: IDLE.

Source: RFC 9051 section 6.3.13 (IDLE).
"""

from mssante.doors.imap.refusals import Answer
from mssante.doors.imap.state import State
from mssante.doors.imap.updates import tell
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r


async def do_idle(state: State, tag: bytes, _command: c.Command) -> Answer | None:
    """Listen first, then look, so that nothing committed in between is missed; then wait for DONE."""
    state.line.write(r.go_ahead("Idling"))
    await state.listen()
    state.idle_tag = tag
    state.reader.expect("done")
    await tell(state, expunges=True)
    return None


def done(state: State) -> Answer:
    """End the wait; listening goes on, for the next one as a rule comes soon."""
    state.idle_tag = b""
    state.reader.expect("command")
    state.hush()
    return Answer("OK", "Done waiting")
