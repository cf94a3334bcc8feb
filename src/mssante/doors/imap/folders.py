"""The list of folders and its changes: LIST, LSUB, NAMESPACE, CREATE, DELETE, RENAME, SUBSCRIBE.

Source: RFC 9051 sections 6.3.4 to 6.3.10; RFC 5258; RFC 5819; RFC 6154; RFC 8440; RFC 2342.
"""

from collections.abc import Callable

from mssante.doors.imap.refusals import Answer, refused
from mssante.doors.imap.select import write_status
from mssante.doors.imap.state import State
from mssante.flows.folders.names import levels_above
from mssante.flows.folders.values import Listed
from mssante.model.decision import Refusal
from mssante.model.mailbox import Role
from mssante.wire.imap import commands as c
from mssante.wire.imap import responses as r
from mssante.wire.imap.patterns import matcher

_DONE = Answer("OK", "Done")


async def _settled(state: State, refusal: Refusal | None, *names: str) -> Answer:
    """Answer a change of those names, of which the client need not be told again."""
    if refusal is not None:
        return refused(refusal)
    await state.accept(*names)
    return _DONE


async def do_namespace(state: State, _tag: bytes, _command: c.Command) -> Answer | None:
    """Say where names begin."""
    names = state.reading.names()
    state.line.write(r.namespace_line(names.personal, names.others, utf8=state.utf8))
    return _DONE


async def do_create(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Make a folder; a separator at the end only says that others will come below it."""
    assert isinstance(command, c.Create)  # noqa: S101 - see the table
    if len(command.uses) > 1:
        return Answer("NO", "One special use for a mailbox", "USEATTR")
    name = command.folder.removesuffix("/")
    refusal = await state.reading.create(name, command.uses[0] if command.uses else None)
    if refusal is not None:
        return refused(refusal)
    await state.accept(name)
    made = await state.reading.status(name, sizes=False)
    return Answer("OK", "Made", "" if isinstance(made, Refusal) else f"MAILBOXID (F{made.folder_id})")


async def do_delete(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Remove a folder."""
    assert isinstance(command, c.FolderCommand)  # noqa: S101 - see the table
    return await _settled(state, await state.reading.delete(command.folder), command.folder)


async def do_rename(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """Rename a folder with what is below it."""
    assert isinstance(command, c.Rename)  # noqa: S101 - see the table
    refusal = await state.reading.rename(command.folder, command.new_name)
    return await _settled(state, refusal, command.folder, command.new_name)


async def do_subscribe(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """SUBSCRIBE or UNSUBSCRIBE."""
    assert isinstance(command, c.FolderCommand)  # noqa: S101 - see the table
    refusal = await state.reading.subscribe(command.folder, wanted=command.name == "SUBSCRIBE")
    return await _settled(state, refusal, command.folder)


async def do_list(state: State, _tag: bytes, command: c.Command) -> Answer | None:
    """LIST in all its forms, and LSUB."""
    assert isinstance(command, c.List)  # noqa: S101 - see the table
    word = b"LSUB" if command.lsub else b"LIST"
    if command.patterns == ("",) and not command.extended:
        state.line.write(r.list_line(("\\Noselect",), "", utf8=state.utf8, word=word))
        return _DONE
    for one, has_below in _chosen(command, await state.reading.folders()):
        extended = _child_info(command) if has_below else ()
        state.line.write(
            r.list_line(_attributes(command, one), one.name, utf8=state.utf8, word=word, extended=extended)
        )
        if "MYRIGHTS" in command.returns and one.folder_id is not None:
            state.line.write(r.my_rights_line(one.name, one.rights, utf8=state.utf8))
        if command.status and one.folder_id is not None:
            # A folder that went meanwhile is left out (RFC 5819 section 2).
            await write_status(state, one.name, command.status)
    return _DONE


def _chosen(command: c.List, listed: tuple[Listed, ...]) -> list[tuple[Listed, bool]]:
    """Return the names to tell, each with whether something below it is selected too.

    A name that is not selected itself is told for what is below it only when that is not told (RFC 5258 section 3.3).
    """
    matchers: list[Callable[[str], bool]] = [matcher(_inbox(command.reference + one)) for one in command.patterns]
    matching = [one for one in listed if any(matches(one.name) for matches in matchers)]
    selected = {one.name for one in listed if _is_selected(command, one)}
    told = {one.name for one in matching} & selected
    if not command.lsub and "RECURSIVEMATCH" not in command.select:
        return [(one, False) for one in matching if one.name in told]
    above, above_untold = _above(selected), _above(selected - told)
    return [(one, one.name in above) for one in matching if one.name in told or one.name in above_untold]


def _is_selected(command: c.List, one: Listed) -> bool:
    """Tell whether a name is asked for; a subscribed name needs no folder (RFC 5258 section 3.1)."""
    if "SUBSCRIBED" in command.select and not one.is_subscribed:
        return False
    if "SPECIAL-USE" in command.select and (one.role is None or one.role is Role.INBOX):
        return False
    return "SUBSCRIBED" in command.select or not one.is_gone


def _above(names: set[str]) -> set[str]:
    return {level for name in names for level in levels_above(name)}


def _inbox(pattern: str) -> str:
    return "INBOX" if pattern.upper() == "INBOX" else pattern


def _attributes(command: c.List, one: Listed) -> list[str]:
    first: list[str] = []
    if command.lsub and not one.is_subscribed:
        # Here the word says that the name is not subscribed itself (RFC 3501 section 6.3.9).
        first.append("\\Noselect")
    elif one.folder is None and not command.lsub:
        first.append("\\NonExistent" if command.extended else "\\Noselect")
    shows = not command.lsub and "SUBSCRIBED" in (*command.returns, *command.select)
    return [*first, *attributes(one, subscribed=shows)]


def attributes(one: Listed, *, subscribed: bool) -> list[str]:
    """Return the attributes of a name but whether it exists; `subscribed` adds whether it is."""
    found = ["\\HasChildren" if one.has_children else "\\HasNoChildren"]
    if one.role is not None and one.role is not Role.INBOX:
        found.append(f"\\{one.role.value}")
    if subscribed and one.is_subscribed:
        found.append("\\Subscribed")
    return found


def _child_info(command: c.List) -> tuple[bytes, ...]:
    if command.lsub:
        return ()
    criteria = [b'"%b"' % one.encode() for one in command.select if one in {"SUBSCRIBED", "SPECIAL-USE"}]
    return (b'"CHILDINFO" (%b)' % b" ".join(criteria),)
