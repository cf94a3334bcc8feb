"""What a search gives: scopes, limits, pages, and how it says that it is not whole.

Source: RFC 4511 section 4.5; RFC 2696; reliability.md D09.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from directory_shelf import SPENT, DirectoryShelf, many_entries
from ldap_talk import PASSWORD, SETTINGS, USER, USER_DN, Doors, LdapTalk, ldap_doors, ldap_talk, search

from mssante.doors.ldap.refusals import RESULTS
from mssante.model.decision import TEMPORARY, Kind, Refusal
from mssante.model.directory import Caller, Condition, EntryId, Selected, Subject
from mssante.wire.ldap.messages import Scope, SimpleBind
from mssante.wire.ldap.paging import Paging, read_paging, write_paging
from mssante.wire.ldap.responses import Done
from mssante.wire.ldap.results import PAGED_RESULTS, ResultCode
from mssante.wire.ldap.tree import DEFAULT_SUFFIX

R = ResultCode
TOP, BOXES, PEOPLE, PLACES = DEFAULT_SUFFIX, *(f"ou={one},{DEFAULT_SUFFIX}" for one in ("boites", "professionnels", "structures"))  # fmt: skip
ANNE, CARDIO, ROBOT = (f"mail={one},{BOXES}" for one in ("anne.dete@infirmier.mssante.fr", "cardiologie@chu-nantes.mssante.fr", "robot@chu-nantes.mssante.fr"))  # fmt: skip
PAUL, CLINIC = f"uid=810009999999,{PEOPLE}", f"idStructure=1440000271,{PLACES}"
ALL = [USER_DN, ANNE, CARDIO, ROBOT, PAUL, CLINIC]


async def pages(talk: LdapTalk, size: int, **wishes: object) -> tuple[list[list[str]], list[ResultCode]]:
    """Return the names of each page, and how each ended."""
    cookie, found, codes = b"", [], []
    while True:
        entries, done = await talk.ask(search("(objectClass=*)", **wishes), write_paging(Paging(size, cookie)))
        assert isinstance(done.answer, Done)
        found.append([one.name for one in entries])
        codes.append(done.answer.code)
        (control,) = done.controls
        assert control.oid == PAGED_RESULTS
        cookie = read_paging(control.value).cookie
        if not cookie:
            return found, codes


@pytest.mark.parametrize(
    ("base", "scope", "names"),
    [
        (TOP, Scope.BASE, [TOP]),
        (TOP, Scope.ONE, [BOXES, PEOPLE, PLACES]),
        (TOP, Scope.SUBTREE, [TOP, BOXES, PEOPLE, PLACES, *ALL]),
        ("", Scope.ONE, [TOP]),
        ("", Scope.SUBTREE, [TOP, BOXES, PEOPLE, PLACES, *ALL]),
        (BOXES, Scope.BASE, [BOXES]),
        (BOXES, Scope.ONE, [USER_DN, ANNE, CARDIO, ROBOT]),
        (BOXES.upper(), Scope.SUBTREE, [BOXES, USER_DN, ANNE, CARDIO, ROBOT]),
        (PEOPLE, Scope.ONE, [f"uid=810001234567,{PEOPLE}", f"uid=810007654321,{PEOPLE}", PAUL]),
        (PLACES, Scope.ONE, [f"idStructure=1440000289,{PLACES}", CLINIC]),
        (USER_DN, Scope.BASE, [USER_DN]),
        (USER_DN, Scope.SUBTREE, [USER_DN]),
        (USER_DN, Scope.ONE, []),
        (CLINIC, Scope.BASE, [CLINIC]),
        (f"uid=810001234567,{PEOPLE}", Scope.BASE, [f"uid=810001234567,{PEOPLE}"]),
        ("cn=subschema", Scope.SUBTREE, ["cn=subschema"]),
        ("cn=subschema", Scope.ONE, []),
    ],
)
async def test_each_scope_gives_what_stands_there(doors: Doors, base: str, scope: Scope, names: list[str]) -> None:
    async with ldap_talk(doors) as talk:
        assert await talk.names("(objectClass=*)", base=base, scope=scope) == names


@pytest.mark.parametrize(
    ("base", "code", "matched"),
    [
        ("o=ailleurs", R.NO_SUCH_OBJECT, ""),
        (f"ou=autres,{TOP}", R.NO_SUCH_OBJECT, TOP),
        (f"mail=personne@x.fr,{BOXES}", R.NO_SUCH_OBJECT, BOXES),
        (f"mail=cachee@chu-nantes.mssante.fr,{BOXES}", R.NO_SUCH_OBJECT, BOXES),
        (f"uid=10001234567,{PEOPLE}", R.NO_SUCH_OBJECT, PEOPLE),
        (f"cn=x,{USER_DN}", R.NO_SUCH_OBJECT, BOXES),
        ("not a name", R.INVALID_DN_SYNTAX, ""),
        ("ou=\\zz", R.INVALID_DN_SYNTAX, ""),
    ],
)
async def test_a_base_that_is_not_there_is_said_so(doors: Doors, base: str, code: ResultCode, matched: str) -> None:
    async with ldap_talk(doors) as talk:
        found = await talk.done(search("(objectClass=*)", base=base))
        assert (found.code, found.matched) == (code, matched)


async def test_a_filter_on_one_entry_finds_it_or_nothing_without_error(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        assert await talk.names("(sn=dupont)", base=USER_DN, scope=Scope.BASE) == [USER_DN]
        assert await talk.names("(sn=durand)", base=USER_DN, scope=Scope.BASE) == []
        assert await talk.names("(unknown=x)", base=USER_DN, scope=Scope.BASE) == []
        assert await talk.code(search("(sn=x)", base=f"mail=x@y.fr,{BOXES}", scope=Scope.BASE)) is R.NO_SUCH_OBJECT


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("(|(mail=*dup*)(cn=*dup*)(givenName=*dup*)(sn=*dup*))", [USER_DN, ANNE]),
        ("(&(mail=*)(|(mail=secr*)(cn=secr*)(sn=secr*)(givenName=secr*)(displayName=secr*)))", [CARDIO]),
        ("(&(objectClass=person)(o=chu*)(title=cardiologie))", [USER_DN]),
        (r"(cn=\2a\29\28uid=\2a)", []),
        ("(unknown=x)", []),
        ("(ou=boites)", [BOXES]),
    ],
)
async def test_filters_of_address_books_are_answered(doors: Doors, text: str, names: list[str]) -> None:
    async with ldap_talk(doors) as talk:
        assert await talk.names(text) == names


async def test_attributes_and_types_only_are_chosen(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        entries, _done = await talk.ask(search("(sn=dupont)", attributes=("MAIL", "cn")))
        assert [name for name, _values in entries[0].attributes] == ["cn", "mail"]
        entries, _done = await talk.ask(search("(sn=dupont)", attributes=("mail",), types_only=True))
        assert entries[0].attributes == (("mail", ()),)
        entries, _done = await talk.ask(search("(sn=dupont)", attributes=("1.1",)))
        assert entries[0].attributes == ()
        entries, _done = await talk.ask(search("(ou=boites)", attributes=("+",), types_only=True))
        assert entries[0].attributes == (("subschemaSubentry", ()), ("hasSubordinates", ()))


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 9])
async def test_the_client_s_size_limit_is_kept_and_told(doors: Doors, limit: int) -> None:
    async with ldap_talk(doors) as talk:
        entries, done = await talk.ask(search("(objectClass=*)", size_limit=limit))
        assert len(entries) == limit
        assert isinstance(done.answer, Done)
        assert done.answer.code is R.SIZE_LIMIT_EXCEEDED
        assert "précisez" in done.answer.text


async def test_a_size_limit_that_is_just_enough_is_no_excess(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        assert len(await talk.names("(objectClass=*)", size_limit=10)) == 10
        assert len(await talk.names("(sn=dupont)", size_limit=1)) == 1


async def test_the_door_s_own_limit_is_kept(pem_folder: Path) -> None:
    settings = replace(SETTINGS, entries=7)
    shelf = DirectoryShelf(tuple(many_entries(20)))
    async with ldap_doors(pem_folder, settings=settings, shelf=shelf) as doors, ldap_talk(doors) as talk:
        for limit in (0, 7, 15):
            entries, done = await talk.ask(search("(sn=dup*)", size_limit=limit))
            assert len(entries) == 7
            assert isinstance(done.answer, Done)
            assert done.answer.code is R.SIZE_LIMIT_EXCEEDED
        found, codes = await pages(talk, 100, base=BOXES, scope=Scope.ONE)
        assert [len(one) for one in found] == [7, 7, 6]
        assert set(codes) == {R.SUCCESS}


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9, 10, 11, 1000])
async def test_pages_together_are_the_whole(doors: Doors, size: int) -> None:
    async with ldap_talk(doors) as talk:
        found, codes = await pages(talk, size)
        assert [name for page in found for name in page] == [TOP, BOXES, PEOPLE, PLACES, *ALL]
        assert all(len(page) <= size for page in found)
        assert set(codes) == {R.SUCCESS}


async def test_the_size_limit_counts_over_all_pages(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        found, codes = await pages(talk, 4, size_limit=7)
        assert [len(page) for page in found] == [4, 3]
        assert codes == [R.SUCCESS, R.SIZE_LIMIT_EXCEEDED]


async def first_cookie(talk: LdapTalk) -> bytes:
    _entries, done = await talk.ask(search("(cn=*)"), write_paging(Paging(1)))
    return read_paging(done.controls[0].value).cookie


async def test_a_cookie_serves_once_for_its_own_search_on_its_own_connection(doors: Doors) -> None:
    async with ldap_talk(doors) as talk, ldap_talk(doors) as other:
        cookie = await first_cookie(talk)
        again = write_paging(Paging(1, cookie), is_critical=True)
        assert await other.code(search("(cn=*)"), again) is R.UNWILLING_TO_PERFORM
        assert await talk.code(search("(cn=*)"), again) is R.SUCCESS
        assert await talk.code(search("(cn=*)"), again) is R.UNWILLING_TO_PERFORM
        cookie = await first_cookie(talk)
        assert await talk.code(search("(sn=*)"), write_paging(Paging(1, cookie))) is R.UNWILLING_TO_PERFORM
        for forged in (b"x", b"\0" * 8, b"\xff" * 8, b"\0" * 7 + b"\x01"):
            assert await talk.code(search("(cn=*)"), write_paging(Paging(1, forged))) is R.UNWILLING_TO_PERFORM


async def test_cookies_are_bounded_and_forgotten_when_somebody_signs_in(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        cookies = [await first_cookie(talk) for _ in range(9)]
        assert await talk.code(search("(cn=*)"), write_paging(Paging(1, cookies[0]))) is R.UNWILLING_TO_PERFORM
        assert await talk.code(search("(cn=*)"), write_paging(Paging(1, cookies[1]))) is R.SUCCESS
        assert await talk.code(SimpleBind(3, USER, PASSWORD.encode())) is R.SUCCESS
        assert await talk.code(search("(cn=*)"), write_paging(Paging(1, cookies[2]))) is R.UNWILLING_TO_PERFORM


async def test_a_client_may_give_up_paging(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        cookie = await first_cookie(talk)
        entries, done = await talk.ask(search("(cn=*)"), write_paging(Paging(0, cookie)))
        assert entries == []
        assert read_paging(done.controls[0].value).cookie == b""
        assert await talk.code(search("(cn=*)"), write_paging(Paging(1, cookie))) is R.UNWILLING_TO_PERFORM


async def test_a_malformed_paging_control_is_a_protocol_error(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        control = replace(write_paging(Paging(1)), value=b"\x30\x01")
        assert await talk.code(search("(cn=*)"), control) is R.PROTOCOL_ERROR


async def test_a_spent_budget_is_busy_in_french(doors: Doors) -> None:
    doors.shelf.refusal = SPENT
    async with ldap_talk(doors) as talk:
        found = await talk.done(search("(cn=dupont)"))
        assert (found.code, found.text) == (R.BUSY, SPENT.french)
        assert await talk.code(search("(cn=*)", base=USER_DN)) is R.BUSY
        _entries, done = await talk.ask(search("(cn=x)"), write_paging(Paging(5)))
        assert read_paging(done.controls[0].value).cookie == b""


async def test_a_cut_selection_gives_what_it_found_and_says_so(doors: Doors) -> None:
    doors.shelf.cut_after = 3
    async with ldap_talk(doors) as talk:
        entries, done = await talk.ask(search("(mail=*)"))
        assert [one.name for one in entries] == [USER_DN, ANNE, CARDIO]
        assert isinstance(done.answer, Done)
        assert done.answer.code is R.ADMIN_LIMIT_EXCEEDED
        assert "précisez" in done.answer.text


class CutShelf(DirectoryShelf):
    """A directory that never looks at everything."""

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected | Refusal:
        found = await super().select(caller, subject, condition, limit=limit, after=after)
        return replace(found, was_cut=True) if isinstance(found, Selected) and after is None else found


async def test_that_one_page_was_cut_is_said_at_the_end_of_all(pem_folder: Path) -> None:
    async with ldap_doors(pem_folder, shelf=CutShelf()) as doors, ldap_talk(doors) as talk:
        found, codes = await pages(talk, 2, base=BOXES, scope=Scope.ONE)
        assert [len(one) for one in found] == [2, 2]
        assert codes == [R.SUCCESS, R.ADMIN_LIMIT_EXCEEDED]


class ShortShelf(DirectoryShelf):
    """A directory that gives nothing at a time, and always says that there is more."""

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected:
        self.callers.append(caller)
        return Selected((), EntryId((after or 0) + 1))


async def test_a_directory_that_finds_nothing_is_not_asked_without_end(pem_folder: Path) -> None:
    shelf = ShortShelf()
    async with ldap_doors(pem_folder, shelf=shelf) as doors, ldap_talk(doors) as talk:
        assert await talk.code(search("(description=*x*)")) is R.ADMIN_LIMIT_EXCEEDED
        assert len(shelf.callers) < 20
        _entries, done = await talk.ask(search("(description=*x*)"), write_paging(Paging(5)))
        assert read_paging(done.controls[0].value).cookie != b""


class SlowShelf(DirectoryShelf):
    """A directory that never answers."""

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected:
        await asyncio.get_running_loop().create_future()
        raise AssertionError


async def test_a_search_has_a_time_limit_of_the_door_and_one_of_the_client(pem_folder: Path) -> None:
    settings = replace(SETTINGS, work_seconds=0.05)
    async with ldap_doors(pem_folder, settings=settings, shelf=SlowShelf()) as doors, ldap_talk(doors) as talk:
        found = await talk.done(search("(sn=x)", time_limit_seconds=1000))
        assert (found.code, found.text) == (R.TIME_LIMIT_EXCEEDED, "Recherche trop longue : précisez-la")
    async with ldap_doors(pem_folder, shelf=SlowShelf()) as doors, ldap_talk(doors) as talk:
        assert await talk.code(search("(sn=x)", time_limit_seconds=1)) is R.TIME_LIMIT_EXCEEDED


def test_each_reason_has_a_result_and_only_what_may_pass_says_later() -> None:
    assert set(RESULTS) == set(Kind)
    for kind, code in RESULTS.items():
        assert code is not R.SUCCESS
        assert (code in {R.BUSY, R.UNAVAILABLE}) == (kind in TEMPORARY), kind
