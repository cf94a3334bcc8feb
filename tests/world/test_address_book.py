"""The address book of a mail program against a whole operator: a real directory, a real sign-in, LDAP with TLS.

Source: issue of the directory (doors); clients.md 4.4.
"""

import asyncio
import os
import shutil

import pytest
from directory_files import CHU, DUPONT, activities, extraction, loaded
from proofs import USER, one_site
from world import PASSWORD

from mssante.app.directory_place import directory_folder
from mssante.model.directory_settings import LdapSettings

SUFFIX = LdapSettings().suffix
# What Thunderbird and Outlook send while one types "dup".
THUNDERBIRD = "(|(mail=*dup*)(cn=*dup*)(givenName=*dup*)(sn=*dup*))"
OUTLOOK = "(&(mail=*)(|(mail=dup*)(cn=dup*)(sn=dup*)(givenName=dup*)(displayName=dup*)))"


async def ldapsearch(port: int, anchors, *words: str, password: str = f"{PASSWORD}-{USER}") -> tuple[int, str]:
    program = await asyncio.create_subprocess_exec(
        "ldapsearch", "-H", f"ldap://localhost:{port}", "-ZZ", "-x", "-D", USER, "-w", password, "-LLL", "-o", "ldif-wrap=no",
        "-b", SUFFIX, *words,
        env={**os.environ, "LDAPTLS_CACERT": str(anchors), "LDAPTLS_REQCERT": "allow"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(20):
        said, _none = await program.communicate()
    return program.returncode or 0, said.decode()


@pytest.mark.skipif(
    shutil.which("ldapsearch") is None, reason="ldapsearch is not installed (Debian package ldap-utils)"
)
async def test_address_books_find_people_of_the_real_directory(tmp_path, pki) -> None:
    settings = LdapSettings(host="127.0.0.1", port=0, implicit_port=0)
    async with one_site(tmp_path, pki, ldap=settings) as stage:
        config = stage.site.operator.config
        loaded(directory_folder(config), extraction=extraction(), activities=activities([(DUPONT, CHU)]))
        port, anchors = stage.site.ports["ldap"], config.tls.anchors
        for query in (THUNDERBIRD, OUTLOOK):
            code, said = await ldapsearch(port, anchors, query, "mail")
            assert code == 0, said
            assert {line.partition(": ")[2] for line in said.splitlines() if line.startswith("mail: ")} == {
                "jean.dupont@chu-nantes.mssante.fr",
                "jean.dupont@medecin.mssante.fr",
                "annelise.dupont-moretti@medecin.mssante.fr",
            }
        code, said = await ldapsearch(port, anchors, "-z", "1", THUNDERBIRD, "mail")
        assert code == 4
        code, said = await ldapsearch(port, anchors, "-E", "pr=1/noprompt", THUNDERBIRD, "mail")
        assert (code, said.count("mail: ")) == (0, 3)
        code, _said = await ldapsearch(port, anchors, THUNDERBIRD, password="faux")
        assert code == 49
