"""Other people's programs against both doors, over real sockets and TLS: ldapsearch, ldapwhoami, ldapmodify, ldap3.

Source: libraries.md (LDAP tests); RFC 4511.
"""

import asyncio
import os
import re
import shutil
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from directory_shelf import DirectoryShelf, many_entries
from ldap_talk import PASSWORD, ROBOT, SETTINGS, USER, USER_DN, Doors, ldap_doors, write_pair

from mssante.wire.ldap.results import SORTED, SORTING
from mssante.wire.ldap.sorting import Sorting, SortKey, write_sorting
from mssante.wire.ldap.tree import DEFAULT_SUFFIX

SORT_BY_MAIL = write_sorting(Sorting((SortKey("mail", "", is_reverse=True),))).value

pytestmark = pytest.mark.optional
NEEDS_PROGRAMS = pytest.mark.skipif(shutil.which("ldapsearch") is None, reason="ldapsearch (ldap-utils) is not there")


async def run(
    doors: Doors, program: str, *words: str, shown: tuple[Path, Path] | None = None, text: str = ""
) -> tuple[int, str]:
    """Run a program of ldap-utils; return its exit code and what it said."""
    found = shutil.which(program)
    assert found is not None
    variables = {**os.environ, "LDAPTLS_CACERT": str(doors.folder / "anchors.pem"), "LDAPTLS_REQCERT": "demand"}
    if shown is not None:
        variables |= {"LDAPTLS_CERT": str(shown[0]), "LDAPTLS_KEY": str(shown[1])}
    process = await asyncio.create_subprocess_exec(
        found,
        *words,
        env=variables,
        stdin=asyncio.subprocess.PIPE if text else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(20):
        said, _none = await process.communicate(text.encode() or None)
    return process.returncode or 0, said.decode()


def signed_in(doors: Doors, *, implicit: bool = False) -> tuple[str, ...]:
    where = f"ldaps://127.0.0.1:{doors.implicit_port}" if implicit else f"ldap://127.0.0.1:{doors.port}"
    return ("-H", where, *(() if implicit else ("-ZZ",)), "-x", "-D", USER_DN, "-w", PASSWORD, "-o", "ldif-wrap=no")


@NEEDS_PROGRAMS
@pytest.mark.parametrize("implicit", [False, True])
async def test_ldapsearch_finds_people_on_both_doors(doors: Doors, implicit: bool) -> None:
    words = (*signed_in(doors, implicit=implicit), "-LLL", "-b", DEFAULT_SUFFIX)
    code, said = await run(
        doors, "ldapsearch", *words, "(|(mail=*dup*)(cn=*dup*)(givenName=*dup*)(sn=*dup*))", "mail", "sn"
    )
    assert code == 0, said
    assert f"dn: {USER_DN}\nsn: DUPONT\nmail: {USER}\n" in said
    assert "mail: anne.dete@infirmier.mssante.fr" in said
    # "D'ÉTÉ-DUPRÉ" in base64, as LDIF writes it.
    assert "sn:: RCfDiVTDiS1EVVBSw4k=" in said


@NEEDS_PROGRAMS
async def test_ldapsearch_reads_the_root_and_the_schema_without_a_name(doors: Doors) -> None:
    words = ("-H", f"ldap://127.0.0.1:{doors.port}", "-x", "-LLL", "-s", "base", "-o", "ldif-wrap=no")
    code, said = await run(doors, "ldapsearch", *words, "-b", "", "(objectClass=*)", "+", "*")
    assert code == 0, said
    assert f"namingContexts: {DEFAULT_SUFFIX}" in said
    assert "supportedExtension: 1.3.6.1.4.1.1466.20037" in said
    code, said = await run(
        doors, "ldapsearch", *words, "-b", "cn=subschema", "(objectClass=subschema)", "attributeTypes"
    )
    assert code == 0, said
    assert "NAME 'codeProfession'" in said
    code, said = await run(doors, "ldapsearch", *words[:4], "-b", DEFAULT_SUFFIX)
    assert code == 50, said
    assert "Identifiez-vous" in said


@NEEDS_PROGRAMS
async def test_ldapsearch_takes_pages_and_keeps_limits(pem_folder: Path) -> None:
    settings = replace(SETTINGS, entries=500)
    async with ldap_doors(pem_folder, settings=settings, shelf=DirectoryShelf(tuple(many_entries(1000)))) as doors:
        words = (*signed_in(doors, implicit=True), "-LLL", "-b", f"ou=boites,{DEFAULT_SUFFIX}")
        code, said = await run(doors, "ldapsearch", *words, "-E", "pr=64/noprompt", "(sn=dup*)", "mail")
        assert (code, said.count("dn: ")) == (0, 1000)
        code, said = await run(doors, "ldapsearch", *words, "-z", "10", "(sn=dup*)", "1.1")
        assert (code, said.count("dn: ")) == (4, 10)
        code, said = await run(doors, "ldapsearch", *words, "(sn=dup*)", "1.1")
        assert (code, said.count("dn: ")) == (4, 500)


@NEEDS_PROGRAMS
async def test_a_certificate_signs_in_and_is_told_who_it_is(doors: Doors, pki) -> None:
    shown = write_pair(doors.folder, "robot", pki.application)
    words = ("-H", f"ldap://127.0.0.1:{doors.port}", "-ZZ", "-Y", "EXTERNAL", "-Q")
    code, said = await run(doors, "ldapwhoami", *words, shown=shown)
    assert (code, said) == (0, f"u:{ROBOT}\n")


@NEEDS_PROGRAMS
async def test_wrong_passwords_clear_text_and_writing_are_refused(doors: Doors) -> None:
    wrong = tuple("wrong" if word == PASSWORD else word for word in signed_in(doors))
    code, said = await run(doors, "ldapwhoami", *wrong)
    assert code == 49, said
    assert "Mot de passe incorrect." in said
    clear = tuple(word for word in signed_in(doors) if word != "-ZZ")
    code, said = await run(doors, "ldapwhoami", *clear)
    assert code == 13, said
    ldif = f"dn: {USER_DN}\nchangetype: modify\nreplace: sn\nsn: X\n"
    code, said = await run(doors, "ldapmodify", *signed_in(doors), text=ldif)
    assert code == 53, said
    code, said = await run(doors, "ldapdelete", *signed_in(doors), USER_DN)
    assert code == 53, said


@NEEDS_PROGRAMS
@pytest.mark.skipif(shutil.which("ldapcompare") is None, reason="ldapcompare (ldap-utils) is not there")
@pytest.mark.parametrize(
    ("name", "assertion", "answer"),
    [
        (USER_DN, "sn:DUPONT", (6, "TRUE")),
        (USER_DN, "sn:durand", (5, "FALSE")),
        (USER_DN, "title::Q2FyZGlvbG9naWU=", (6, "TRUE")),
        (USER_DN, "telephoneNumber:1", (5, "FALSE")),
        (USER_DN, "unknown:1", (17, "UNDEFINED")),
        (f"mail=cachee@chu-nantes.mssante.fr,ou=boites,{DEFAULT_SUFFIX}", "sn:DUPONT", (32, "No such object")),
        (DEFAULT_SUFFIX, "objectClass:top", (6, "TRUE")),
    ],
)
async def test_ldapcompare_is_answered(doors: Doors, name: str, assertion: str, answer: tuple[int, str]) -> None:
    code, said = await run(doors, "ldapcompare", *signed_in(doors)[:-2], name, assertion)
    assert code == answer[0], said
    assert answer[1] in said


@NEEDS_PROGRAMS
async def test_ldapsearch_has_its_results_sorted(doors: Doors) -> None:
    words = (*signed_in(doors, implicit=True), "-LLL", "-b", f"ou=boites,{DEFAULT_SUFFIX}")
    code, said = await run(doors, "ldapsearch", *words, "-E", "!sss=-mail", "(objectClass=*)", "mail")
    assert code == 0, said
    mails = re.findall(r"(?m)^mail: (.*)$", said)
    assert len(mails) == 4
    assert mails == sorted(mails, reverse=True)
    code, said = await run(
        doors, "ldapsearch", *words, "-E", "sss=sn/givenName", "-E", "pr=2/noprompt", "(cn=*)", "mail"
    )
    assert code == 0, said
    assert re.findall(r"(?m)^mail: (\w+)", said) == ["anne", "jean", "robot", "cardiologie"]
    code, said = await run(doors, "ldapsearch", *words, "-E", "!sss=title", "(cn=*)", "mail")
    assert code == 12, said


def talk_with_ldap3(doors: Doors, *, implicit: bool) -> dict[str, Any]:
    """Sign in, read the schema, search in pages, hang up; runs in a thread of its own."""
    ldap3 = pytest.importorskip("ldap3", reason="ldap3 is not installed")
    tls = ldap3.Tls(ca_certs_file=str(doors.folder / "anchors.pem"), validate=ssl.CERT_REQUIRED)
    port = doors.implicit_port if implicit else doors.port
    server = ldap3.Server("127.0.0.1", port, use_ssl=implicit, tls=tls, get_info=ldap3.ALL, connect_timeout=10)
    connection = ldap3.Connection(server, user=USER, password=PASSWORD, receive_timeout=10)
    if not implicit:
        assert connection.start_tls()
    found: dict[str, Any] = {"bound": connection.bind()}
    found["contexts"] = list(server.info.naming_contexts)
    found["who"] = connection.extend.standard.who_am_i()
    # With the schema, ldap3 checks names of attributes and filters against it.
    connection.search(
        DEFAULT_SUFFIX, "(&(objectClass=mssBoite)(typeBAL=PER)(sn=dup*))", attributes=["cn", "specialite"]
    )
    found["entries"] = [one.entry_attributes_as_dict for one in connection.entries]
    found["pages"] = [
        one["dn"]
        for one in connection.extend.standard.paged_search(
            DEFAULT_SUFFIX, "(mail=*)", attributes=["mail"], paged_size=1, generator=True
        )
    ]
    found["compared"] = [connection.compare(USER_DN, "sn", name) for name in ("dupont", "durand")]
    connection.search(
        f"ou=boites,{DEFAULT_SUFFIX}", "(mail=*)", attributes=["mail"], controls=[(SORTING, True, SORT_BY_MAIL)]
    )
    found["sorted"] = [str(one.mail) for one in connection.entries]
    found["order"] = connection.result["controls"][SORTED]["value"]
    connection.unbind()
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("implicit", [False, True])
async def test_ldap3_reads_the_schema_searches_and_takes_pages(doors: Doors, implicit: bool) -> None:
    found = await asyncio.to_thread(talk_with_ldap3, doors, implicit=implicit)
    assert found["bound"]
    assert found["contexts"] == [DEFAULT_SUFFIX]
    assert found["who"] == f"u:{USER}"
    assert found["entries"] == [{"cn": ["Jean DUPONT", "DUPONT Jean"], "specialite": ["Cardiologie"]}]
    assert len(found["pages"]) == 4
    assert found["compared"] == [True, False]
    assert found["sorted"] == sorted(found["sorted"], reverse=True)
    assert len(found["sorted"]) == 4
    assert found["order"] == b"\x30\x03\x0a\x01\x00"
