"""Fuzz target: what an LDAP client sends, any bytes; filters as text; names. Runs under atheris or hypothesis."""

from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap.conditions import condition
from mssante.wire.ldap.filter_text import build_filter, parse_filter
from mssante.wire.ldap.filters import FilterLimits, write_filter
from mssante.wire.ldap.messages import Control, Message, OtherBind, RequestLimits, Search, Unserved
from mssante.wire.ldap.reader import Broken, MessageReader
from mssante.wire.ldap.requests import read_message, write_message
from mssante.wire.ldap.results import ResultCode
from mssante.wire.ldap.sorting import in_order, judge_keys, read_sorting, write_sorting
from mssante.wire.ldap.tree import Tree

LIMITS = RequestLimits(FilterLimits(10, 40), attributes=20, controls=5)
TREE = Tree()


def events(data: bytes, step: int) -> list[object]:
    reader = MessageReader(3000, LIMITS)
    found: list[object] = []
    for start in range(0, len(data), step):
        reader.receive(data[start : start + step])
        while (event := reader.next()) is not None:
            found.append(event)
    return found


def one_input(data: bytes) -> None:
    whole = events(data, max(1, len(data)))
    assert whole == events(data, 1 + len(data) % 5)
    assert not any(isinstance(event, Broken) for event in whole[:-1])
    for event in whole:
        if isinstance(event, Message) and not isinstance(event.operation, Unserved | OtherBind):
            again(event)
    text(data.decode("utf-8", "surrogateescape"))


def again(message: Message) -> None:
    """What was read is written, and read as the same."""
    assert read_message(write_message(message), LIMITS) == message
    if isinstance(message.operation, Search):
        condition(message.operation.filter)
        names(message.operation.base)
    for control in message.controls:
        order(control)


def order(control: Control) -> None:
    """Any control may be one that sorts: what is read is written, judged, and serves."""
    try:
        sorting = read_sorting(control)
    except TheirProtocolError:
        return
    assert read_sorting(write_sorting(sorting)) == sorting
    if judge_keys(sorting.keys).code is ResultCode.SUCCESS:
        assert in_order((), sorting.keys) == []


def text(typed: str) -> None:
    try:
        found = parse_filter(typed, FilterLimits(10, 40))
    except TheirProtocolError:
        names(typed)
        return
    assert parse_filter(build_filter(found), FilterLimits(10, 40)) == found
    assert write_filter(found)
    condition(found)


def names(typed: str) -> None:
    try:
        TREE.locate(typed)
    except TheirProtocolError:
        return
