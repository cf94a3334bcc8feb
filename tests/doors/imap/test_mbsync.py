"""mbsync (Debian isync) copies a box both ways: nothing is lost, nothing doubled.

Source: issue of the IMAP door, proof expected.
"""

import asyncio
import shutil
from pathlib import Path

import pytest
from imap_talk import USER, imap
from proofs import one_site
from world import PASSWORD

COUNT = 2000
CONFIG = """\
IMAPAccount ici
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
{tls} IMAPS
CertificateFile {certificate}
AuthMechs PLAIN

IMAPStore loin
Account ici

MaildirStore pres
Path {folder}/
Inbox {folder}/INBOX
SubFolders Verbatim

Channel tout
Far :loin:
Near :pres:
Patterns *
Create Both
Expunge Both
Sync All
SyncState *
"""


async def _mbsync(config: Path) -> str:
    program = await asyncio.create_subprocess_exec(
        "mbsync", "-c", str(config), "-a", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(60):
        said, _none = await program.communicate()
    assert program.returncode == 0, said.decode()
    return said.decode()


@pytest.mark.skipif(shutil.which("mbsync") is None, reason="mbsync is not installed (Debian package isync)")
async def test_mbsync_copies_both_ways_with_nothing_lost_or_doubled(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage, imap(stage, user=USER) as talk:
        letters = [b"From: a@x.fr\r\nMessage-ID: <%d@x.fr>\r\n\r\nNo %d\r\n" % (one, one) for one in range(COUNT)]
        for start in range(0, COUNT, 100):
            parts = b"".join(b" {%d+}\r\n%b" % (len(one), one) for one in letters[start : start + 100])
            await talk.good(b"APPEND INBOX" + parts)
        near = tmp_path / "pres"
        near.mkdir()
        config = tmp_path / "mbsyncrc"
        config.write_text(
            CONFIG.format(
                port=stage.site.ports["imaps"],
                user=USER,
                password=f"{PASSWORD}-{USER}",
                certificate=stage.site.operator.config.tls.certificate,
                folder=near,
                tls="SSLType",
            )
        )
        await _mbsync(config)
        files = sorted((near / "INBOX").glob("*/*"))
        assert sorted(one.read_bytes().split(b"No ")[1] for one in files) == sorted(
            b"%d\n" % one for one in range(COUNT)
        )
        # The other way: one is marked and one is new there, one goes here.
        files[0].rename(near / "INBOX" / "cur" / f"{files[0].name.partition(':')[0]}:2,FS")
        (near / "INBOX" / "new" / "1.neuf").write_bytes(b"From: b@x.fr\nMessage-ID: <neuf@x.fr>\n\nNeuf\n")
        await talk.good("SELECT INBOX")
        await talk.good("STORE 7 +FLAGS.SILENT (\\Deleted)")
        await talk.good("EXPUNGE")
        await _mbsync(config)
        await talk.good("NOOP")
        assert (await talk.good("SEARCH FLAGGED SEEN"))[0].count(b" ") == 2
        assert (await talk.good("SEARCH HEADER Message-ID neuf@x.fr"))[0] != b"* SEARCH\r\n"
        assert (await talk.good("STATUS INBOX (MESSAGES)"))[0].endswith(b"(MESSAGES %d)\r\n" % COUNT)
        assert len(list((near / "INBOX").glob("*/*"))) == COUNT
        await _mbsync(config)
        assert (await talk.good("STATUS INBOX (MESSAGES)"))[0].endswith(b"(MESSAGES %d)\r\n" % COUNT)
