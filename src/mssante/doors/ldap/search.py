"""Search: the root and the schema for everybody, the tree and its entries for who has signed in.

Translates the filter, asks the directory, writes entries in pieces that a slow client may take its time for. What may
be seen, and how much of it a day, is decided behind `Directory`.

Source: RFC 4511 section 4.5; RFC 2696; decision 0018.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from mssante.doors.ldap.refusals import refused
from mssante.doors.ldap.state import Paged, State
from mssante.model.decision import Refusal
from mssante.model.directory import Condition, Entry, EntryId, How, Match, Selected, Subject
from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap.conditions import EVERYTHING, NOTHING, all_of, condition
from mssante.wire.ldap.entries import Node, Projection, read_selection
from mssante.wire.ldap.messages import SEARCH_DONE, Control, Message, Scope, Search
from mssante.wire.ldap.paging import Paging, read_paging, write_paging
from mssante.wire.ldap.responses import Done, write_entry
from mssante.wire.ldap.results import PAGED_RESULTS, ResultCode
from mssante.wire.ldap.schema import root_node, schema_node
from mssante.wire.ldap.tree import Branch, Fixed, Leaf, Nowhere, Place, subject_of

_NOTHING_THERE: Final = "Rien à cette adresse de l'annuaire"
_TOO_WIDE: Final = "Recherche trop large, réponse incomplète : précisez-la"
# Entries that are written before the others are let at the processor.
PIECE: Final = 100
# A directory that finds little may give short answers: so often is it asked again for one search.
ROUNDS_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Aim:
    """What a search looks at.

    Attributes:
        nodes: fixed entries in its scope.
        subject: what it asks the directory for; None: nothing.
        leaf: the one entry that it is about, or None.
    """

    nodes: tuple[Node, ...] = ()
    subject: Subject | None = None
    leaf: Leaf | None = None


@dataclass(slots=True)
class Run:
    """A search under way.

    Attributes:
        most: entries that may be given now.
        begun: how far the pages before went.
        sent: entries given now.
        nodes: fixed entries given so far.
        after: where the directory goes on.
        is_whole: nothing follows.
        was_cut: the directory looked at as much as it looks at.
    """

    state: State
    message: Message
    search: Search
    paging: Paging | None
    most: int
    begun: int = 0
    sent: int = 0
    nodes: int = 0
    after: EntryId | None = None
    is_whole: bool = False
    was_cut: bool = False
    projection: Projection = field(init=False)

    def __post_init__(self) -> None:
        """Choose the attributes once."""
        self.projection = Projection(read_selection(self.search.attributes), types_only=self.search.types_only)


async def do_search(state: State, message: Message, search: Search) -> None:
    """Answer a search: entries, then one result."""
    done, controls = await _search(state, message, search)
    state.answer(message.message_id, done, controls)


async def _search(state: State, message: Message, search: Search) -> tuple[Done, tuple[Control, ...]]:
    try:
        place = state.desk.tree.locate(search.base)
    except TheirProtocolError:
        return _done(ResultCode.INVALID_DN_SYNTAX, "the base is no distinguished name"), ()
    if place in {Fixed.ROOT, Fixed.SCHEMA} and search.scope is Scope.BASE:
        return _fixed(state, message, search, place), ()
    if state.who is None:
        text = "Identifiez-vous d'abord : identifiant et mot de passe d'application de votre boîte."
        return _done(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, text), ()
    if isinstance(place, Nowhere):
        return Done(SEARCH_DONE, ResultCode.NO_SUCH_OBJECT, _NOTHING_THERE, place.matched), ()
    try:
        paging = _paging(message)
    except TheirProtocolError:
        return _done(ResultCode.PROTOCOL_ERROR, "the paging control is malformed"), ()
    return await _within_time(state, message, search, place, paging)


def _fixed(state: State, message: Message, search: Search, place: Place) -> Done:
    desk, line = state.desk, state.line
    mechanisms = desk.mechanisms if line.is_tls else ()
    starttls = desk.starttls and not line.is_tls
    node = root_node(desk.tree.suffix, mechanisms, starttls=starttls) if place is Fixed.ROOT else schema_node()
    if node.holds(search.filter) is True:
        _write_nodes(state, message.message_id, search, (node,))
    return _done(ResultCode.SUCCESS)


def _write_nodes(state: State, message_id: int, search: Search, nodes: tuple[Node, ...]) -> None:
    selection = read_selection(search.attributes)
    for node in nodes:
        attributes = node.write(selection, types_only=search.types_only)
        state.line.write(write_entry(message_id, node.name, attributes))


def _paging(message: Message) -> Paging | None:
    control = next((one for one in message.controls if one.oid == PAGED_RESULTS), None)
    return None if control is None else read_paging(control.value)


async def _within_time(
    state: State, message: Message, search: Search, place: Place, paging: Paging | None
) -> tuple[Done, tuple[Control, ...]]:
    run = _begin(state, message, search, paging)
    if isinstance(run, Done):
        return run, ()
    wished = search.time_limit_seconds or state.desk.settings.work_seconds
    try:
        async with asyncio.timeout(min(wished, state.desk.settings.work_seconds)):
            done = await _carry_out(run, place)
    except TimeoutError:
        done = _done(ResultCode.TIME_LIMIT_EXCEEDED, "Recherche trop longue : précisez-la")
    return done, _page_control(run, done)


def _begin(state: State, message: Message, search: Search, paging: Paging | None) -> Run | Done:
    """Return the search with how much it may give; a page goes on where the one before ended.

    Source: RFC 2696 section 3 (an unknown cookie is refused; the rest of the search must be the same).
    """
    wished = search.size_limit or state.desk.settings.entries
    most = min(wished, state.desk.settings.entries)
    if paging is None:
        return Run(state, message, search, None, most)
    if not paging.cookie:
        return Run(state, message, search, paging, min(most, paging.size))
    paged = state.pages.pop(paging.cookie, None)
    if paged is None or paged.search != search:
        return _done(ResultCode.UNWILLING_TO_PERFORM, "that page is not known, or is of another search")
    left = search.size_limit - paged.sent if search.size_limit else most
    run = Run(state, message, search, paging, min(most, left, paging.size), begun=paged.sent)
    run.nodes, run.after, run.was_cut = paged.nodes, paged.after, paged.was_cut
    return run


async def _carry_out(run: Run, place: Place) -> Done:
    if run.paging is not None and run.paging.size == 0:
        # The client wants no more of it.
        run.is_whole = True
        return _done(ResultCode.SUCCESS)
    aim = _aim(run, place)
    nodes = tuple(node for node in aim.nodes if node.holds(run.search.filter) is True)
    given = nodes[run.nodes : run.nodes + run.most]
    _write_nodes(run.state, run.message.message_id, run.search, given)
    run.sent, run.nodes = len(given), run.nodes + len(given)
    if run.nodes < len(nodes):
        return _ended(run)
    wanted = condition(run.search.filter)
    if aim.leaf is not None:
        return await _leaf(run, aim.leaf, wanted)
    if aim.subject is None or wanted == NOTHING:
        run.is_whole = True
        return _done(ResultCode.SUCCESS)
    return await _select(run, aim.subject, wanted)


def _aim(run: Run, place: Place) -> Aim:
    """Return what stands in the scope below a place.

    The root counts as above the tree, so that a program that was told no base finds it all the same.

    Source: RFC 4511 section 4.5.1.2.
    """
    tree, scope = run.state.desk.tree, run.search.scope
    branches = tuple(tree.branches.values())
    match place:
        case Fixed.ROOT if scope is Scope.ONE:
            return Aim((tree.top,))
        case Fixed.ROOT | Fixed.TOP if scope is Scope.SUBTREE:
            return Aim((tree.top, *branches), Subject.EVERYTHING)
        case Fixed.TOP:
            return Aim((tree.top,) if scope is Scope.BASE else branches)
        case Fixed.SCHEMA:
            return Aim((schema_node(),) if scope is Scope.SUBTREE else ())
        case Branch():
            own = () if scope is Scope.ONE else (tree.branches[place],)
            return Aim(own, None if scope is Scope.BASE else subject_of(place))
        case Leaf() if scope is not Scope.ONE:
            return Aim(leaf=place)
        case _:
            return Aim()


async def _leaf(run: Run, leaf: Leaf, wanted: Condition) -> Done:
    """Answer for one entry: it, nothing when the filter does not find it, or that there is none.

    Source: RFC 4511 section 4.5.3 (noSuchObject).
    """
    there = Match(leaf.field, How.EQUALS, leaf.value)
    run.is_whole = True
    for asked in dict.fromkeys((all_of((there, wanted)), there)):
        found = await _ask(run, leaf.subject, asked, limit=2, after=None)
        if isinstance(found, Refusal):
            return refused(SEARCH_DONE, found)
        entries = [one for one in found.entries if run.state.desk.tree.is_at(leaf, one)]
        if entries:
            if asked != there or wanted == EVERYTHING:
                await _write(run, entries[:1])
            return _done(ResultCode.SUCCESS)
    above = run.state.desk.tree.branches[leaf.branch].name
    return Done(SEARCH_DONE, ResultCode.NO_SUCH_OBJECT, _NOTHING_THERE, above)


async def _select(run: Run, subject: Subject, wanted: Condition) -> Done:
    for _round in range(ROUNDS_MAX):
        if run.sent >= run.most:
            break
        found = await _ask(run, subject, wanted, limit=run.most - run.sent, after=run.after)
        if isinstance(found, Refusal):
            run.is_whole = True
            return refused(SEARCH_DONE, found)
        run.after, run.is_whole = found.after, found.after is None
        run.was_cut = run.was_cut or found.was_cut
        await _write(run, list(found.entries))
        if run.is_whole:
            break
    return _ended(run)


async def _ask(
    run: Run, subject: Subject, wanted: Condition, *, limit: int, after: EntryId | None
) -> Selected | Refusal:
    desk, who = run.state.desk, run.state.who
    assert who is not None  # noqa: S101 - asked above; nothing signs out while an operation is under way
    return await desk.directory.select(desk.caller_of(who), subject, wanted, limit=limit, after=after)


async def _write(run: Run, entries: list[Entry]) -> None:
    line, message_id, tree = run.state.line, run.message.message_id, run.state.desk.tree
    for start in range(0, len(entries), PIECE):
        piece = entries[start : start + PIECE]
        line.write(b"".join([write_entry(message_id, tree.name_of(one), run.projection.write(one)) for one in piece]))
        run.sent += len(piece)
        await line.drain()
        await asyncio.sleep(0)


def _ended(run: Run) -> Done:
    """Say how a search ended: whole, at a bound of its own, or at one of the directory's."""
    if run.is_whole:
        return _done(ResultCode.ADMIN_LIMIT_EXCEEDED, _TOO_WIDE) if run.was_cut else _done(ResultCode.SUCCESS)
    limit = run.search.size_limit
    if run.paging is not None and not (limit and run.begun + run.sent >= limit):
        return _done(ResultCode.SUCCESS)
    if run.sent >= run.most:
        return _done(ResultCode.SIZE_LIMIT_EXCEEDED, "Il y a d'autres réponses : précisez la recherche")
    return _done(ResultCode.ADMIN_LIMIT_EXCEEDED, _TOO_WIDE)


def _page_control(run: Run, done: Done) -> tuple[Control, ...]:
    """Return where the search goes on, for a client that takes it in pages."""
    if run.paging is None:
        return ()
    if run.is_whole or done.code is not ResultCode.SUCCESS:
        return (write_paging(Paging(0)),)
    paged = Paged(run.search, run.nodes, run.after, run.begun + run.sent, run.was_cut)
    return (write_paging(Paging(0, run.state.keep_page(paged))),)


def _done(code: ResultCode, text: str = "") -> Done:
    return Done(SEARCH_DONE, code, text)
