"""Sorted results: whole sets only, over pages too, and what is said when they cannot be sorted.

Source: RFC 2891 section 2 (its six scenarios); RFC 2696; reliability.md D09.
"""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from directory_shelf import SPENT, DirectoryShelf, many_entries
from ldap_talk import SETTINGS, USER_DN, Doors, LdapTalk, ldap_doors, ldap_talk, search

from mssante.model.directory import Caller, Condition, EntryId, Selected, Subject
from mssante.wire.ldap.messages import Control, Scope
from mssante.wire.ldap.paging import Paging, read_paging, write_paging
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import PAGED_RESULTS, SORTED, SORTING
from mssante.wire.ldap.results import ResultCode as R
from mssante.wire.ldap.sorting import Sorting, SortKey, SortResult, read_sorted, write_sorting
from mssante.wire.ldap.tree import DEFAULT_SUFFIX

BOXES = f"ou=boites,{DEFAULT_SUFFIX}"
ANNE, CARDIO, ROBOT = (f"mail={one},{BOXES}" for one in ("anne.dete@infirmier.mssante.fr", "cardiologie@chu-nantes.mssante.fr", "robot@chu-nantes.mssante.fr"))  # fmt: skip
BY_NAME = SortKey("sn")


Answer = tuple[list[str], R, SortResult | None, bytes]


def by(*keys: SortKey, is_critical: bool = False) -> Control:
    return write_sorting(Sorting(keys or (BY_NAME,), is_critical))


async def ask(talk: LdapTalk, *controls: Control, text: str = "(objectClass=*)", **wishes: object) -> Answer:
    """Return names, code, what is said of the order, and the cookie of the next page."""
    entries, found = await talk.ask(search(text, **{"base": BOXES, "scope": Scope.ONE, **wishes}), *controls)
    assert isinstance(found.answer, Done)
    said = {one.oid: one for one in found.controls}
    order = read_sorted(said[SORTED]) if SORTED in said else None
    cookie = read_paging(said[PAGED_RESULTS].value).cookie if PAGED_RESULTS in said else b""
    return [one.name for one in entries], found.answer.code, order, cookie


def shuffled(count: int) -> DirectoryShelf:
    """Return a directory of homonyms whose given names do not come in the order of their numbers."""
    entries = list(many_entries(count))
    turned = list(range(count))
    random.Random(7).shuffle(turned)
    people = [
        replace(one, professional=replace(one.professional, given=f"P{turned[place]:05}"))  # type: ignore[type-var]
        for place, one in enumerate(entries)
    ]
    return DirectoryShelf(tuple(people))


@pytest.mark.parametrize("is_critical", [False, True])
async def test_a_whole_set_is_sorted(doors: Doors, is_critical: bool) -> None:
    async with ldap_talk(doors) as talk:
        names, code, order, _cookie = await ask(talk, by(SortKey("mail"), is_critical=is_critical))
        assert names == [ANNE, CARDIO, USER_DN, ROBOT]
        assert (code, order) == (R.SUCCESS, SortResult(R.SUCCESS))
        turned = await ask(talk, by(SortKey("mail", is_reverse=True)))
        assert turned[0] == names[::-1]


async def test_what_stands_fixed_in_the_tree_comes_last(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        names, code, order, _cookie = await ask(talk, by(SortKey("mail")), base=DEFAULT_SUFFIX, scope=Scope.SUBTREE)
        assert (code, order) == (R.SUCCESS, SortResult(R.SUCCESS))
        assert names[:4] == [ANNE, CARDIO, USER_DN, ROBOT]
        assert set(names[4:8]) == {DEFAULT_SUFFIX, BOXES, *(f"ou={one},{DEFAULT_SUFFIX}" for one in ("professionnels", "structures"))}  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 60, 100])
async def test_pages_are_parts_of_one_order(pem_folder: Path, size: int) -> None:
    async with ldap_doors(pem_folder, shelf=shuffled(60)) as doors, ldap_talk(doors) as talk:
        whole, code, order, _none = await ask(talk, by(SortKey("givenName")))
        assert (code, order, len(whole)) == (R.SUCCESS, SortResult(R.SUCCESS), 60)
        found: list[str] = []
        cookie = b""
        while True:
            names, code, order, cookie = await ask(
                talk, write_paging(Paging(size, cookie)), by(SortKey("givenName"), is_critical=True)
            )
            assert (code, order) == (R.SUCCESS, SortResult(R.SUCCESS))
            assert len(names) <= size
            found += names
            if not cookie:
                break
        assert found == whole


async def test_more_than_the_size_limit_is_given_as_it_was_found_and_said_so(pem_folder: Path) -> None:
    settings = replace(SETTINGS, entries=50)
    async with ldap_doors(pem_folder, settings=settings, shelf=shuffled(120)) as doors, ldap_talk(doors) as talk:
        plain, _code, _order, _cookie = await ask(talk)
        names, code, order, _cookie = await ask(talk, by(SortKey("givenName")))
        assert (names, code) == (plain, R.SIZE_LIMIT_EXCEEDED)
        assert order == SortResult(R.ADMIN_LIMIT_EXCEEDED)
        names, code, order, _cookie = await ask(talk, by(SortKey("givenName")), size_limit=10)
        assert (len(names), code, order) == (10, R.SIZE_LIMIT_EXCEEDED, SortResult(R.ADMIN_LIMIT_EXCEEDED))
        names, code, order, _cookie = await ask(talk, by(is_critical=True))
        assert (names, code, order) == (
            [], R.UNAVAILABLE_CRITICAL_EXTENSION, SortResult(R.ADMIN_LIMIT_EXCEEDED)
        )  # fmt: skip


async def test_pages_of_more_than_can_be_sorted_are_whole_and_each_entry_comes_once(pem_folder: Path) -> None:
    settings = replace(SETTINGS, entries=50)
    async with ldap_doors(pem_folder, settings=settings, shelf=shuffled(120)) as doors, ldap_talk(doors) as talk:
        found: list[str] = []
        cookie = b""
        while True:
            names, code, order, cookie = await ask(talk, write_paging(Paging(16, cookie)), by())
            assert (code, order) == (R.SUCCESS, SortResult(R.ADMIN_LIMIT_EXCEEDED))
            found += names
            if not cookie:
                break
        assert len(found) == len(set(found)) == 120


async def test_a_size_limit_below_the_fixed_entries_is_kept(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        wishes = {"base": DEFAULT_SUFFIX, "scope": Scope.SUBTREE, "size_limit": 2}
        names, code, order, _cookie = await ask(talk, by(), **wishes)
        assert (len(names), code, order) == (2, R.SIZE_LIMIT_EXCEEDED, SortResult(R.ADMIN_LIMIT_EXCEEDED))


@pytest.mark.parametrize(
    ("key", "result"),
    [
        (SortKey("nothing"), SortResult(R.NO_SUCH_ATTRIBUTE, "nothing")),
        (SortKey("title"), SortResult(R.INAPPROPRIATE_MATCHING, "title")),
    ],
)
async def test_an_order_that_cannot_be_made_is_left_aside_or_refused(doors: Doors, key, result) -> None:
    async with ldap_talk(doors) as talk:
        names, code, order, _cookie = await ask(talk, by(key))
        assert (names, code, order) == ([USER_DN, ANNE, CARDIO, ROBOT], R.SUCCESS, result)
        names, code, order, _cookie = await ask(talk, by(key, is_critical=True))
        assert (names, code, order) == ([], R.UNAVAILABLE_CRITICAL_EXTENSION, result)


async def test_an_answer_without_entries_says_nothing_of_its_order(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        assert await ask(talk, by(), text="(sn=personne)") == ([], R.SUCCESS, None, b"")


async def test_the_root_and_one_entry_are_sorted_as_they_are(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        names, code, order, _cookie = await ask(talk, by(is_critical=True), base="", scope=Scope.BASE)
        assert (names, code, order) == ([""], R.SUCCESS, SortResult(R.SUCCESS))
        names, code, order, _cookie = await ask(talk, by(is_critical=True), base=USER_DN, scope=Scope.BASE)
        assert (names, code, order) == ([USER_DN], R.SUCCESS, SortResult(R.SUCCESS))


async def test_a_malformed_order_is_a_protocol_error(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        assert await talk.code(search("(cn=*)"), Control(SORTING, is_critical=True, value=b"\x30")) is R.PROTOCOL_ERROR
        assert await talk.code(search("(cn=*)")) is R.SUCCESS


async def test_a_spent_budget_and_a_cut_selection_are_said_beside_the_order(pem_folder: Path) -> None:
    async with ldap_doors(pem_folder, shelf=DirectoryShelf(refusal=SPENT)) as doors, ldap_talk(doors) as talk:
        assert await ask(talk, by()) == ([], R.BUSY, None, b"")
    async with ldap_doors(pem_folder, shelf=DirectoryShelf(cut_after=3)) as doors, ldap_talk(doors) as talk:
        names, code, order, _cookie = await ask(talk, by())
        assert (len(names), code, order) == (3, R.ADMIN_LIMIT_EXCEEDED, SortResult(R.ADMIN_LIMIT_EXCEEDED))


async def test_entries_that_wait_are_those_of_one_search_only(pem_folder: Path) -> None:
    async with ldap_doors(pem_folder, shelf=shuffled(20)) as doors, ldap_talk(doors) as talk:
        _names, _code, _order, first = await ask(talk, write_paging(Paging(5)), by())
        _names, _code, _order, second = await ask(talk, write_paging(Paging(5)), by())
        _names, code, _order, _cookie = await ask(talk, write_paging(Paging(5, first)), by())
        assert code is R.UNWILLING_TO_PERFORM
        names, code, _order, _cookie = await ask(talk, write_paging(Paging(15, second)), by())
        assert (len(names), code) == (15, R.SUCCESS)


class SlowShelf(DirectoryShelf):
    """Never answers."""

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected:
        await asyncio.get_running_loop().create_future()
        raise AssertionError


async def test_a_sort_has_the_time_of_its_search(pem_folder: Path) -> None:
    settings = replace(SETTINGS, work_seconds=0.05)
    async with ldap_doors(pem_folder, settings=settings, shelf=SlowShelf()) as doors, ldap_talk(doors) as talk:
        assert await ask(talk, by()) == ([], R.TIME_LIMIT_EXCEEDED, SortResult(R.TIME_LIMIT_EXCEEDED), b"")
