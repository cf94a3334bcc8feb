"""Rights and quota: GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS, GETQUOTA, GETQUOTAROOT, SETQUOTA.

Source: RFC 4314 section 3; RFC 9208 section 4.
"""

from mssante.doors.imap.folders import RIGHTS_ORDER, rights_text
from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.state import State
from mssante.model.decision import Refusal
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r

_DONE = Answer("OK", "Done")


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
    state.line.write(r.my_rights_line(command.folder, rights_text(found), utf8=state.utf8))
    return _DONE


async def do_set_acl(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """SETACL, DELETEACL and LISTRIGHTS."""
    assert isinstance(command, c.SetAcl)  # noqa: S101 - see the table
    if command.listing:
        found = await state.reading.acl(command.folder)
        if isinstance(found, Refusal):
            return refused(found)
        line = r.list_rights_line(command.folder, command.identifier, "", RIGHTS_ORDER, utf8=state.utf8)
        state.line.write(line)
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
