"""The order of results: its controls, which orders can be made, and what stands where.

Source: RFC 2891.
"""

from dataclasses import replace

import pytest
from directory_shelf import HOSPITAL, JEAN, sample_entries
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory import Entry, EntryId
from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap.messages import Control
from mssante.wire.ldap.results import SORTED, SORTING, ResultCode
from mssante.wire.ldap.sorting import (
    KEYS_MAX,
    SORTABLE,
    Sorting,
    SortKey,
    SortResult,
    in_order,
    judge_keys,
    read_sorted,
    read_sorting,
    write_sorted,
    write_sorting,
)
from mssante.wire.ldap.tree import Tree

R = ResultCode
KEYS = st.builds(SortKey, st.text(max_size=20), st.from_regex(r"[a-zA-Z0-9.]{0,20}", fullmatch=True), st.booleans())


@given(st.lists(KEYS, min_size=1, max_size=8), st.booleans())
def test_an_order_is_read_as_it_was_written(keys: list[SortKey], is_critical: bool) -> None:
    sorting = Sorting(tuple(keys), is_critical)
    control = write_sorting(sorting)
    assert (control.oid, control.is_critical) == (SORTING, is_critical)
    assert read_sorting(control) == sorting


@pytest.mark.parametrize("result", [SortResult(R.SUCCESS), SortResult(R.NO_SUCH_ATTRIBUTE, "né")])
def test_what_became_of_it_is_read_as_it_was_written(result: SortResult) -> None:
    control = write_sorted(result)
    assert (control.oid, control.is_critical) == (SORTED, False)
    assert read_sorted(control) == result


@pytest.mark.parametrize(
    "value", [None, b"", b"\x30\x00", b"\x30\x02\x30\x00", b"\x30\x05\x30\x03\x04\x02c", b"\x04\x00"]
)
def test_what_is_no_order_is_refused(value: bytes | None) -> None:
    with pytest.raises(TheirProtocolError):
        read_sorting(Control(SORTING, value=value))


@pytest.mark.parametrize("value", [None, b"\x30\x00", b"\x30\x03\x0a\x01\x63"])
def test_what_is_no_result_of_an_order_is_refused(value: bytes | None) -> None:
    with pytest.raises(TheirProtocolError):
        read_sorted(Control(SORTED, value=value))


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        *[((SortKey(name),), SortResult(R.SUCCESS)) for name in sorted(SORTABLE)],
        ((SortKey("SURNAME", "caseIgnoreOrderingMatch"), SortKey("2.5.4.42", "2.5.13.3")), SortResult(R.SUCCESS)),
        ((SortKey("nothing"),), SortResult(R.NO_SUCH_ATTRIBUTE, "nothing")),
        ((SortKey("sn;lang-fr"),), SortResult(R.NO_SUCH_ATTRIBUTE, "sn;lang-fr")),
        ((SortKey("title"),), SortResult(R.INAPPROPRIATE_MATCHING, "title")),
        ((SortKey("sn", "2.5.13.2"),), SortResult(R.INAPPROPRIATE_MATCHING, "sn")),
        ((SortKey("sn"), SortKey("surname")), SortResult(R.UNWILLING_TO_PERFORM, "surname")),
        ((*map(SortKey, sorted(SORTABLE)), SortKey("sn")), SortResult(R.UNWILLING_TO_PERFORM)),
    ],
)
def test_only_orders_that_mean_something_are_made(keys: tuple[SortKey, ...], result: SortResult) -> None:
    assert judge_keys(keys) == result


def somebody(number: int, family: str, given: str) -> Entry:
    person = replace(JEAN, family=family, given=given)
    return Entry(EntryId(number), sample_entries()[0].mailbox, person, None)


def test_names_stand_as_in_a_french_list() -> None:
    names = ["ZOLA", "D'ÉTÉ", "ŒUVRARD", "étienne", "Dupont", "DUPONT-MARTIN", "OGER", "éluard"]
    people = [somebody(number, name, "A") for number, name in enumerate(names)]
    found = [one.professional.family for one in in_order(people, (SortKey("sn"),)) if isinstance(one, Entry) and one.professional]  # fmt: skip
    assert found == ["D'ÉTÉ", "Dupont", "DUPONT-MARTIN", "éluard", "étienne", "ŒUVRARD", "OGER", "ZOLA"]


def test_the_second_key_counts_where_the_first_is_the_same_and_each_may_be_turned() -> None:
    pairs = [("B", "x"), ("A", "y"), ("A", "z"), ("B", "w")]
    people = [somebody(number, *pair) for number, pair in enumerate(pairs)]
    found = in_order(people, (SortKey("sn"), SortKey("givenName", is_reverse=True)))
    assert [one.entry_id for one in found if isinstance(one, Entry)] == [2, 1, 0, 3]


def test_what_has_no_value_comes_last_and_first_when_turned() -> None:
    top = Tree().top
    place = Entry(EntryId(9), None, None, HOSPITAL)
    items = [top, place, somebody(1, "A", "a")]
    assert in_order(items, (SortKey("sn"),)) == [items[2], top, place]
    assert in_order(items, (SortKey("sn", is_reverse=True),)) == [top, place, items[2]]
    assert in_order(items, (SortKey("l"),))[0] is place


@given(
    st.lists(st.sampled_from(sample_entries()), max_size=12),
    st.permutations(sorted(SORTABLE)),
    st.integers(1, KEYS_MAX),
)
def test_an_order_loses_nothing_and_is_made_once(items: list[Entry], names: list[str], count: int) -> None:
    keys = tuple(SortKey(name) for name in names[:count])
    found = in_order(items, keys)
    assert sorted(one.entry_id for one in found if isinstance(one, Entry)) == sorted(one.entry_id for one in items)
    assert in_order(found, keys) == found
