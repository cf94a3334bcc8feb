"""Sort a search whose results fit its size limit: all are gathered, then put in order, then given.

What is more is not sorted, and said so: nobody gets the first of a thousand entries for the price of ten, and nothing
is held that a budget has not paid for.

Source: RFC 2891 section 2; decision 0018; reliability.md D09.
"""

from collections.abc import Sequence
from typing import Final

from mssante.doors.ldap.refusals import refused
from mssante.doors.ldap.run import ROUNDS_MAX, Run
from mssante.model.decision import Refusal
from mssante.model.directory import Condition, Subject
from mssante.wire.ldap.entries import Node
from mssante.wire.ldap.messages import SEARCH_DONE, Control
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import ResultCode
from mssante.wire.ldap.sorting import Item, Sorting, SortResult, in_order, judge_keys, write_sorted

_TOO_MANY: Final = "Trop de réponses pour les trier : précisez la recherche"
_NOT_SO: Final = "results cannot be sorted so"
_SORTED: Final = SortResult(ResultCode.SUCCESS)
_TOO_MANY_TO_SORT: Final = SortResult(ResultCode.ADMIN_LIMIT_EXCEEDED)


def judge_order(sorting: Sorting | None) -> tuple[SortResult | None, Done | None]:
    """Return whether that order can be made, and the end of a search that insists on one that cannot."""
    if sorting is None:
        return None, None
    order = judge_keys(sorting.keys)
    if order.code is ResultCode.SUCCESS or not sorting.is_critical:
        return order, None
    return order, Done(SEARCH_DONE, ResultCode.UNAVAILABLE_CRITICAL_EXTENSION, _NOT_SO)


async def gather(run: Run, nodes: Sequence[Node], subject: Subject, wanted: Condition) -> Done | None:
    """Gather what the search finds, sorted when it is whole; return its end when it must not go on.

    What was gathered and is too much to be sorted is given as it was found, unless the client insists.

    Source: RFC 2891 section 2, scenarios 3 to 5.
    """
    items: list[Item] = list(nodes)
    is_end = False
    for _round in range(ROUNDS_MAX):
        if is_end or len(items) >= run.most_in_all:
            break
        found = await run.ask(subject, wanted, limit=run.most_in_all - len(items), after=run.after)
        if isinstance(found, Refusal):
            run.is_whole = True
            return refused(SEARCH_DONE, found)
        items += found.entries
        run.after, is_end = found.after, found.after is None
        run.was_cut = run.was_cut or found.was_cut
    if run.sorting is not None and is_end and not run.was_cut:
        items = in_order(items, run.sorting.keys)
    else:
        run.order = _TOO_MANY_TO_SORT
        if run.sorting is not None and run.sorting.is_critical:
            run.is_whole = True
            return Done(SEARCH_DONE, ResultCode.UNAVAILABLE_CRITICAL_EXTENSION, _TOO_MANY)
    if is_end or run.after is not None:
        # Otherwise the fixed entries alone are too many, and nothing was asked.
        run.rest, run.is_gathered, run.nodes = items, True, len(nodes)
    return None


def is_wished(run: Run) -> bool:
    """Tell whether this search is to be gathered and sorted: an order that can be made, and nothing gathered yet."""
    return run.order == _SORTED and not run.is_gathered and not run.begun


def order_control(run: Run) -> tuple[Control, ...]:
    """Return what became of the order; nothing beside an answer without entries, as the standard asks.

    Source: RFC 2891 section 2, scenario 6.
    """
    if run.order is None or (run.order == _SORTED and not run.sent):
        return ()
    return (write_sorted(run.order),)
