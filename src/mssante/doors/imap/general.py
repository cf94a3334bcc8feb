"""Commands that need no folder: CAPABILITY, NOOP, LOGOUT, ID, ENABLE, COMPRESS.

Source: RFC 9051 sections 6.1 and 6.3.1; RFC 2971; RFC 5161; RFC 4978.
"""

from mssante.doors.imap.refusals import Answer
from mssante.doors.imap.sign_in import capability_words
from mssante.doors.imap.state import State
from mssante.wire.imap import capabilities
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r


async def do_capability(state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Say what may be done now."""
    state.line.write(r.untagged(f"CAPABILITY {capability_words(state)}"))
    return Answer("OK", "That is all")


async def do_noop(_state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Do nothing; what is new is said at the end of every command."""
    return Answer("OK", "Done")


async def do_logout(state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Say good-bye; the connection closes behind the answer."""
    state.line.write(r.untagged("BYE Until next time"))
    state.hush()
    state.opened = None
    return Answer("OK", "Signed out")


async def do_id(state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Say which program this is; what the client says of itself is not kept."""
    state.line.write(r.id_line([("name", "mssante")]))
    return Answer("OK", "Done")


async def do_enable(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Switch on what is known, leave the rest (RFC 5161 section 3.1)."""
    assert isinstance(command, c.Enable)  # noqa: S101 - see the table
    wanted = [name for name in command.names if name in capabilities.ENABLED and name not in state.enabled]
    state.enabled.update(wanted)
    state.reader.utf8 = state.utf8
    state.line.write(r.untagged(" ".join(["ENABLED", *wanted])))
    return Answer("OK", "Done")


async def do_compress(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Compress from the next byte on; after sign-in only (see `mssante.doors.imap.layers`)."""
    assert isinstance(command, c.Compress)  # noqa: S101 - see the table
    if command.mechanism != "DEFLATE":
        return Answer("BAD", "DEFLATE is the only one")
    if state.is_compressed:
        return Answer("NO", "Compression is on already", "COMPRESSIONACTIVE")
    state.is_compressed = True
    return Answer("OK", "Compression begins")
