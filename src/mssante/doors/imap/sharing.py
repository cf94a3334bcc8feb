"""Rights, quota and notes: GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS, the QUOTA commands, METADATA.

Source: RFC 4314 section 3; RFC 9208 section 4; RFC 5464 section 4.
"""

from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State
from mssante.model.decision import Kind, Refusal
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r

_DONE = Answer("OK", "Done")
_ONLY_SERVER = Answer("NO", "Only the server has entries", "CANNOT")


async def do_get_acl(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say who may do what with a folder."""
    assert isinstance(command, c.FolderCommand)  # noqa: S101 - see the table
    found = await state.reading.acl(command.folder)
    if isinstance(found, Refusal):
        return refused(found)
    entries = [(entry.identifier, entry.rights) for entry in found]
    state.line.write(r.acl_line(command.folder, entries, utf8=state.utf8))
    return _DONE


async def do_my_rights(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say what the client may do with a folder."""
    assert isinstance(command, c.FolderCommand)  # noqa: S101 - see the table
    found = await state.reading.my_rights(command.folder)
    if isinstance(found, Refusal):
        return refused(found)
    state.line.write(r.my_rights_line(command.folder, found, utf8=state.utf8))
    return _DONE


async def do_set_acl(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """SETACL, DELETEACL and LISTRIGHTS."""
    assert isinstance(command, c.SetAcl)  # noqa: S101 - see the table
    if command.listing:
        found = await state.reading.list_rights(command.folder, command.identifier)
        if isinstance(found, Refusal):
            return refused(found)
        required, optional = found
        state.line.write(r.list_rights_line(command.folder, command.identifier, required, optional, utf8=state.utf8))
        return _DONE
    refusal = await state.reading.set_acl(command.folder, command.identifier, command.mode.value, command.rights)
    return _DONE if refusal is None else refused(refusal)


async def do_get_quota(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say what a mailbox holds and may hold."""
    assert isinstance(command, c.FolderCommand)  # noqa: S101 - see the table
    found = await state.reading.quota(command.folder)
    if isinstance(found, Refusal):
        return refused(found)
    state.line.write(r.quota_line(found.root, found.used_bytes, found.limit_bytes))
    return _DONE


async def do_get_quota_root(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say which quota a folder counts in."""
    assert isinstance(command, c.FolderCommand)  # noqa: S101 - see the table
    found = await state.reading.quota_root(command.folder)
    if isinstance(found, Refusal):
        return refused(found)
    state.line.write(r.quota_root_line(command.folder, found.root, utf8=state.utf8))
    state.line.write(r.quota_line(found.root, found.used_bytes, found.limit_bytes))
    return _DONE


async def do_set_quota(_state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Refuse: administrators set quotas, with their own tools."""
    return Answer("NO", "Quotas are set by the administrator", "NOPERM")


async def do_get_metadata(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Say the notes that a program keeps on the server; only the server has any, folders have none."""
    assert isinstance(command, c.GetMetadata)  # noqa: S101 - see the table
    if command.folder:
        return _ONLY_SERVER
    found = await state.reading.metadata(command.entries, command.depth)
    most = command.max_size_bytes
    said = [(entry, value) for entry, value in found.items() if most is None or len(value) <= most]
    if said:
        state.line.write(r.metadata_line("", said, utf8=state.utf8))
    left = max((len(value) for value in found.values()), default=0) if len(said) < len(found) else 0
    return Answer("OK", "Done", f"METADATA LONGENTRIES {left}" if left else "")


async def do_set_metadata(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Keep notes of a program, all or none."""
    assert isinstance(command, c.SetMetadata)  # noqa: S101 - see the table
    if command.folder:
        return _ONLY_SERVER
    refusal = await state.reading.set_metadata(command.values)
    if refusal is None:
        if state.watch is not None and state.watch.others is not None:
            state.watch.others.accept_notes(dict(command.values))
        return _DONE
    codes = {Kind.TOO_MANY_FOLDERS: "METADATA TOOMANY", Kind.MESSAGE_TOO_BIG: "METADATA MAXSIZE 4096"}
    return refused(refusal, code=codes.get(refusal.kind, ""))
