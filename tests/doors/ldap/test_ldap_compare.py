"""Comparisons: answered like a search for one entry, with its red list, its budget and its times.

Source: RFC 4511 section 4.10; reliability.md D09.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from directory_files import CHU, DUPONT, box, extraction, loaded, opened
from directory_shelf import SPENT, DirectoryShelf
from ldap_talk import SETTINGS, USER, USER_DN, Doors, ldap_doors, ldap_talk

from mssante.flows.directory.reading import Directory
from mssante.model.directory import Caller, Condition, EntryId, Selected, Subject
from mssante.wire.ldap.messages import Abandon, Compare, Control, Extended
from mssante.wire.ldap.results import WHO_AM_I
from mssante.wire.ldap.results import ResultCode as R
from mssante.wire.ldap.tree import DEFAULT_SUFFIX

BOXES, PEOPLE, PLACES = (f"ou={one},{DEFAULT_SUFFIX}" for one in ("boites", "professionnels", "structures"))
JEAN = f"uid=810001234567,{PEOPLE}"
NOT_SEEN = f"mail=cachee@chu-nantes.mssante.fr,{BOXES}"


@pytest.mark.parametrize(
    ("name", "attribute", "value", "code"),
    [
        (USER_DN, "sn", "dupont", R.COMPARE_TRUE),
        (USER_DN, "SURNAME", "Dupont", R.COMPARE_TRUE),
        (USER_DN, "2.5.4.4", "DUPONT", R.COMPARE_TRUE),
        (USER_DN, "sn", "dup", R.COMPARE_FALSE),
        (USER_DN, "cn", "Jean Dupont", R.COMPARE_TRUE),
        (USER_DN, "mail", USER.upper(), R.COMPARE_TRUE),
        (USER_DN, "uid", "810001234567", R.COMPARE_TRUE),
        (USER_DN, "objectClass", "inetOrgPerson", R.COMPARE_TRUE),
        (USER_DN, "objectClass", "organizationalUnit", R.COMPARE_FALSE),
        (USER_DN, "rangBAL", "1", R.COMPARE_TRUE),
        (USER_DN, "dematerialisation", "true", R.COMPARE_TRUE),
        (USER_DN, "dematerialisation", "FALSE", R.COMPARE_FALSE),
        (USER_DN, "description", "x", R.NO_SUCH_ATTRIBUTE),
        (USER_DN, "codeCategorie", "c", R.COMPARE_TRUE),
        (USER_DN, "sn;lang-fr", "x", R.UNDEFINED_ATTRIBUTE_TYPE),
        (USER_DN, "userPassword", "x", R.UNDEFINED_ATTRIBUTE_TYPE),
        (USER_DN, "responsable", "x", R.UNDEFINED_ATTRIBUTE_TYPE),
        (JEAN, "title", "cardiologie", R.COMPARE_TRUE),
        (f"idStructure=1440000289,{PLACES}", "l", "nantes", R.COMPARE_TRUE),
        (DEFAULT_SUFFIX, "objectClass", "top", R.COMPARE_TRUE),
        (BOXES, "ou", "boites", R.COMPARE_TRUE),
        (BOXES, "sn", "boites", R.NO_SUCH_ATTRIBUTE),
        ("", "supportedLDAPVersion", "3", R.COMPARE_TRUE),
        ("", "supportedLDAPVersion", "2", R.COMPARE_FALSE),
        ("", "nothing", "2", R.UNDEFINED_ATTRIBUTE_TYPE),
        ("cn=subschema", "cn", "subschema", R.COMPARE_TRUE),
        (f"mail=personne@x.fr,{BOXES}", "sn", "x", R.NO_SUCH_OBJECT),
        (NOT_SEEN, "sn", "DUPONT", R.NO_SUCH_OBJECT),
        ("o=ailleurs", "o", "ailleurs", R.NO_SUCH_OBJECT),
        ("not a name", "o", "x", R.INVALID_DN_SYNTAX),
    ],
)
async def test_a_value_is_compared(doors: Doors, name: str, attribute: str, value: str, code: R) -> None:
    async with ldap_talk(doors) as talk:
        assert await talk.code(Compare(name, attribute, value.encode())) is code
        assert await talk.code(Extended(WHO_AM_I)) is R.SUCCESS


async def test_an_anonymous_client_compares_with_the_root_and_the_schema_only(doors: Doors) -> None:
    async with ldap_talk(doors, signed_in=False) as talk:
        assert await talk.code(Compare("", "supportedLDAPVersion", b"3")) is R.COMPARE_TRUE
        assert await talk.code(Compare("cn=subschema", "cn", b"x")) is R.COMPARE_FALSE
        for name in (USER_DN, BOXES, DEFAULT_SUFFIX, "o=ailleurs"):
            assert await talk.code(Compare(name, "ou", b"x")) is R.INSUFFICIENT_ACCESS_RIGHTS


async def test_a_critical_control_that_is_not_known_is_refused(doors: Doors) -> None:
    async with ldap_talk(doors) as talk:
        code = await talk.code(Compare(USER_DN, "sn", b"DUPONT"), Control("1.2.3", is_critical=True))
        assert code is R.UNAVAILABLE_CRITICAL_EXTENSION


async def test_a_spent_budget_is_busy_in_french(pem_folder: Path) -> None:
    async with ldap_doors(pem_folder, shelf=DirectoryShelf(refusal=SPENT)) as doors, ldap_talk(doors) as talk:
        found = await talk.done(Compare(USER_DN, "sn", b"DUPONT"))
        assert (found.code, found.text) == (R.BUSY, SPENT.french)


class CountingShelf(DirectoryShelf):
    """Counts what it gives, as a budget does."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected:
        found = await super().select(caller, subject, condition, limit=limit, after=after)
        assert isinstance(found, Selected)
        self.given += len(found.entries)
        return found


@pytest.mark.parametrize("value", [b"DUPONT", b"DURAND", b"\xff"])
async def test_a_comparison_counts_for_one_entry_whatever_its_answer(pem_folder: Path, value: bytes) -> None:
    shelf = CountingShelf()
    async with ldap_doors(pem_folder, shelf=shelf) as doors, ldap_talk(doors) as talk:
        await talk.code(Compare(USER_DN, "sn", value))
        assert shelf.given == 1
        await talk.code(Compare(NOT_SEEN, "sn", value))
        assert shelf.given == 1


class HeldShelf(DirectoryShelf):
    """Never answers; tells that it was asked and that it was stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.stopped = asyncio.Event(), asyncio.Event()

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected:
        self.asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.stopped.set()
        raise AssertionError


async def test_a_comparison_is_abandoned_and_has_its_time(pem_folder: Path) -> None:
    shelf = HeldShelf()
    async with ldap_doors(pem_folder, shelf=shelf) as doors, ldap_talk(doors) as talk:
        number = await talk.send(Compare(USER_DN, "sn", b"x"))
        await shelf.asked.wait()
        await talk.send(Abandon(number))
        async with asyncio.timeout(10):
            await shelf.stopped.wait()
        assert await talk.code(Extended(WHO_AM_I)) is R.SUCCESS
    settings = replace(SETTINGS, work_seconds=0.05)
    async with ldap_doors(pem_folder, settings=settings, shelf=HeldShelf()) as doors, ldap_talk(doors) as talk:
        assert await talk.code(Compare(USER_DN, "sn", b"x")) is R.TIME_LIMIT_EXCEEDED


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Directory]:
    """Yield the real directory, with a budget of three entries."""
    loaded(tmp_path / "annuaire", extraction=extraction((box(USER, DUPONT, CHU),)))
    directory, store = opened(tmp_path / "annuaire", daily_entries=3)
    yield directory
    await store.close()


async def test_the_real_directory_compares_and_its_budget_ends_it(pem_folder: Path, real: Directory) -> None:
    async with ldap_doors(pem_folder, shelf=real) as doors, ldap_talk(doors) as talk:
        family = DUPONT.family.lower().encode()
        codes = [await talk.code(Compare(USER_DN, "sn", one)) for one in (family, b"durand", family, family)]
        assert codes == [R.COMPARE_TRUE, R.COMPARE_FALSE, R.COMPARE_TRUE, R.BUSY]
