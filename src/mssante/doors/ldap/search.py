"""Search: the root and the schema for everybody, the tree and its entries for who has signed in.

Translates the filter, asks the directory, writes entries in pieces that a slow client may take its time for. What may
be seen, and how much of it a day, is decided behind `Directory`.

Source: RFC 4511 section 4.5; RFC 2696; RFC 2891; decision 0018.
"""

import asyncio
from typing import Final

from mssante.doors.ldap.aim import aim_at, node_at
from mssante.doors.ldap.refusals import refused
from mssante.doors.ldap.run import ROUNDS_MAX, Run
from mssante.doors.ldap.sorting import gather, is_wished, judge_order, order_control
from mssante.doors.ldap.state import Paged, State
from mssante.model.decision import Refusal
from mssante.model.directory import Condition, How, Match, Subject
from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap.conditions import EVERYTHING, NOTHING, all_of, condition
from mssante.wire.ldap.entries import Node, read_selection
from mssante.wire.ldap.messages import SEARCH_DONE, Control, Message, Scope, Search
from mssante.wire.ldap.paging import Paging, read_paging, write_paging
from mssante.wire.ldap.responses import Done, write_entry
from mssante.wire.ldap.results import PAGED_RESULTS, SORTING, ResultCode
from mssante.wire.ldap.sorting import Sorting, SortResult, read_sorting, write_sorted
from mssante.wire.ldap.tree import Fixed, Leaf, Nowhere, Place

_NOTHING_THERE: Final = "Rien à cette adresse de l'annuaire"
_TOO_WIDE: Final = "Recherche trop large, réponse incomplète : précisez-la"


async def do_search(state: State, message: Message, search: Search) -> None:
    """Answer a search: entries, then one result."""
    done, controls = await _search(state, message, search)
    state.answer(message.message_id, done, controls)


async def _search(state: State, message: Message, search: Search) -> tuple[Done, tuple[Control, ...]]:
    try:
        place = state.desk.tree.locate(search.base)
    except TheirProtocolError:
        return _done(ResultCode.INVALID_DN_SYNTAX, "the base is no distinguished name"), ()
    is_open = place in {Fixed.ROOT, Fixed.SCHEMA} and search.scope is Scope.BASE
    if state.who is None and not is_open:
        text = "Identifiez-vous d'abord : identifiant et mot de passe d'application de votre boîte."
        return _done(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, text), ()
    if isinstance(place, Nowhere):
        return Done(SEARCH_DONE, ResultCode.NO_SUCH_OBJECT, _NOTHING_THERE, place.matched), ()
    try:
        paging, sorting = _paging(message), _sorting(message)
    except TheirProtocolError:
        return _done(ResultCode.PROTOCOL_ERROR, "a control is malformed"), ()
    order, refusal = judge_order(sorting)
    if refusal is not None and order is not None:
        return refusal, (write_sorted(order),)
    if is_open:
        return _open(state, message, search, place), () if order is None else (write_sorted(order),)
    run = _begin(state, message, search, paging)
    if isinstance(run, Done):
        return run, ()
    run.sorting, run.order = sorting, run.order or order
    return await _within_time(run, place)


def _open(state: State, message: Message, search: Search, place: Place) -> Done:
    """Give the root or the schema, which everybody may read."""
    node = node_at(state, place)
    if node is not None and node.holds(search.filter) is True:
        attributes = node.write(read_selection(search.attributes), types_only=search.types_only)
        state.line.write(write_entry(message.message_id, node.name, attributes))
    return _done(ResultCode.SUCCESS)


def _paging(message: Message) -> Paging | None:
    control = next((one for one in message.controls if one.oid == PAGED_RESULTS), None)
    return None if control is None else read_paging(control.value)


def _sorting(message: Message) -> Sorting | None:
    control = next((one for one in message.controls if one.oid == SORTING), None)
    return None if control is None else read_sorting(control)


async def _within_time(run: Run, place: Place) -> tuple[Done, tuple[Control, ...]]:
    most = run.state.desk.settings.work_seconds
    try:
        async with asyncio.timeout(min(run.search.time_limit_seconds or most, most)):
            done = await _carry_out(run, place)
    except TimeoutError:
        done = _done(ResultCode.TIME_LIMIT_EXCEEDED, "Recherche trop longue : précisez-la")
        if run.order is not None and not run.sent:
            run.order = SortResult(ResultCode.TIME_LIMIT_EXCEEDED)
    return done, (*_page_control(run, done), *order_control(run))


def _begin(state: State, message: Message, search: Search, paging: Paging | None) -> Run | Done:
    """Return the search with how much it may give; a page goes on where the one before ended.

    Source: RFC 2696 section 3 (an unknown cookie is refused; the rest of the search must be the same).
    """
    most = min(search.size_limit or state.desk.settings.entries, state.desk.settings.entries)
    if paging is None:
        return Run(state, message, search, None, most, most)
    if not paging.cookie:
        return Run(state, message, search, paging, min(most, paging.size), most)
    paged = state.pages.pop(paging.cookie, None)
    if paged is None or paged.search != search:
        return _done(ResultCode.UNWILLING_TO_PERFORM, "that page is not known, or is of another search")
    left = search.size_limit - paged.sent if search.size_limit else most
    run = Run(state, message, search, paging, min(most, left, paging.size), most, begun=paged.sent)
    run.nodes, run.after, run.was_cut = paged.nodes, paged.after, paged.was_cut
    run.rest, run.is_gathered, run.order = list(paged.rest), paged.is_gathered, paged.order
    return run


async def _carry_out(run: Run, place: Place) -> Done:
    if run.paging is not None and run.paging.size == 0:
        # The client wants no more of it.
        run.is_whole = True
        return _done(ResultCode.SUCCESS)
    aim = aim_at(run.state.desk.tree, run.search.scope, place)
    nodes = tuple(node for node in aim.nodes if node.holds(run.search.filter) is True)
    wanted = condition(run.search.filter)
    if aim.subject is not None and wanted != NOTHING and is_wished(run):
        done = await gather(run, nodes, aim.subject, wanted)
        if done is not None:
            return done
    if run.is_gathered:
        now, run.rest = run.rest[: run.most], run.rest[run.most :]
        await run.give(now)
        run.is_whole = not run.rest and run.after is None
        if run.rest or run.is_whole:
            return _ended(run)
    if not await _give_nodes(run, nodes):
        return _ended(run)
    if aim.leaf is not None:
        return await _leaf(run, aim.leaf, wanted)
    if aim.subject is None or wanted == NOTHING:
        run.is_whole = True
        return _done(ResultCode.SUCCESS)
    return await _select(run, aim.subject, wanted)


async def _give_nodes(run: Run, nodes: tuple[Node, ...]) -> bool:
    """Give the fixed entries that were not given yet; tell whether all have been."""
    now = nodes[run.nodes : run.nodes + run.most - run.sent]
    await run.give(now)
    run.nodes += len(now)
    return run.nodes >= len(nodes)


async def _leaf(run: Run, leaf: Leaf, wanted: Condition) -> Done:
    """Answer for one entry: it, nothing when the filter does not find it, or that there is none.

    Source: RFC 4511 section 4.5.3 (noSuchObject).
    """
    there = Match(leaf.field, How.EQUALS, leaf.value)
    run.is_whole = True
    for asked in dict.fromkeys((all_of((there, wanted)), there)):
        found = await run.ask(leaf.subject, asked, limit=2, after=None)
        if isinstance(found, Refusal):
            return refused(SEARCH_DONE, found)
        entries = [one for one in found.entries if run.state.desk.tree.is_at(leaf, one)]
        if entries:
            if asked != there or wanted == EVERYTHING:
                await run.give(entries[:1])
            return _done(ResultCode.SUCCESS)
    above = run.state.desk.tree.branches[leaf.branch].name
    return Done(SEARCH_DONE, ResultCode.NO_SUCH_OBJECT, _NOTHING_THERE, above)


async def _select(run: Run, subject: Subject, wanted: Condition) -> Done:
    for _round in range(ROUNDS_MAX):
        if run.sent >= run.most:
            break
        found = await run.ask(subject, wanted, limit=run.most - run.sent, after=run.after)
        if isinstance(found, Refusal):
            run.is_whole = True
            return refused(SEARCH_DONE, found)
        run.after, run.is_whole = found.after, found.after is None
        run.was_cut = run.was_cut or found.was_cut
        await run.give(found.entries)
        if run.is_whole:
            break
    return _ended(run)


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
    sent = run.begun + run.sent
    paged = Paged(run.search, run.nodes, run.after, sent, run.was_cut, tuple(run.rest), run.is_gathered, run.order)
    return (write_paging(Paging(0, run.state.keep_page(paged))),)


def _done(code: ResultCode, text: str = "") -> Done:
    return Done(SEARCH_DONE, code, text)
