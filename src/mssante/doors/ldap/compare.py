"""Compare: whether an entry has a value, without giving the entry.

Answered by the same selections as a search, so that the red list hides an entry here too, and an entry that is there
counts in the budget. What a filter finds is true here; what the directory is not searched by is compared to the letter,
but for case and spaces.

Source: RFC 4511 section 4.10; decision 0018.
"""

import asyncio
from typing import Final

from mssante.doors.ldap.aim import node_at
from mssante.doors.ldap.refusals import refused
from mssante.doors.ldap.state import State
from mssante.model.decision import Refusal
from mssante.model.directory import Condition, Entry, How, Match
from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap.attributes import BY_NAME
from mssante.wire.ldap.comparing import compared
from mssante.wire.ldap.conditions import NOTHING, all_of, condition
from mssante.wire.ldap.filters import EQUAL, Comparison
from mssante.wire.ldap.messages import COMPARE_RESPONSE, Compare
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import ResultCode
from mssante.wire.ldap.tree import Fixed, Leaf, Nowhere

_NOTHING_THERE: Final = "Rien à cette adresse de l'annuaire"
_SIGN_IN: Final = "Identifiez-vous d'abord : identifiant et mot de passe d'application de votre boîte."


async def do_compare(state: State, message_id: int, asked: Compare) -> None:
    """Answer a comparison within the time of a search."""
    try:
        async with asyncio.timeout(state.desk.settings.work_seconds):
            done = await _compare(state, asked)
    except TimeoutError:
        done = _done(ResultCode.TIME_LIMIT_EXCEEDED, "Comparaison trop longue : réessayez")
    state.answer(message_id, done)


async def _compare(state: State, asked: Compare) -> Done:
    try:
        place = state.desk.tree.locate(asked.name)
    except TheirProtocolError:
        return _done(ResultCode.INVALID_DN_SYNTAX, "that is no distinguished name")
    if state.who is None and place not in {Fixed.ROOT, Fixed.SCHEMA}:
        return _done(ResultCode.INSUFFICIENT_ACCESS_RIGHTS, _SIGN_IN)
    if isinstance(place, Nowhere):
        return Done(COMPARE_RESPONSE, ResultCode.NO_SUCH_OBJECT, _NOTHING_THERE, place.matched)
    node = node_at(state, place)
    known = BY_NAME.get(asked.attribute.lower())
    if node is not None:
        values = node.values(asked.attribute)
        return _undefined() if known is None and not values else _done(compared(values, asked.value))
    assert isinstance(place, Leaf)  # noqa: S101 - every other place was answered above
    return _undefined() if known is None else await _compare_entry(state, place, asked)


async def _compare_entry(state: State, leaf: Leaf, asked: Compare) -> Done:
    """Answer for an entry of the directory, which counts once when it is there."""
    there = Match(leaf.field, How.EQUALS, leaf.value)
    wanted = condition(Comparison(EQUAL, asked.attribute, asked.value))
    if wanted != NOTHING:
        entry = await _entry(state, leaf, all_of((there, wanted)))
        if isinstance(entry, Refusal):
            return refused(COMPARE_RESPONSE, entry)
        if entry is not None:
            return _done(ResultCode.COMPARE_TRUE)
    entry = await _entry(state, leaf, there)
    if isinstance(entry, Refusal):
        return refused(COMPARE_RESPONSE, entry)
    if entry is None:
        above = state.desk.tree.branches[leaf.branch].name
        return Done(COMPARE_RESPONSE, ResultCode.NO_SUCH_OBJECT, _NOTHING_THERE, above)
    return _done(compared(BY_NAME[asked.attribute.lower()].values(entry), asked.value))


async def _entry(state: State, leaf: Leaf, wanted: Condition) -> Entry | Refusal | None:
    desk, who = state.desk, state.who
    assert who is not None  # noqa: S101 - asked above; nothing signs out while an operation is under way
    found = await desk.directory.select(desk.caller_of(who), leaf.subject, wanted, limit=2)
    if isinstance(found, Refusal):
        return found
    return next((one for one in found.entries if desk.tree.is_at(leaf, one)), None)


def _undefined() -> Done:
    return _done(ResultCode.UNDEFINED_ATTRIBUTE_TYPE, "that attribute is not known")


def _done(code: ResultCode, text: str = "") -> Done:
    return Done(COMPARE_RESPONSE, code, text)
