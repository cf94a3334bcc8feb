"""mbsync (Debian isync) copies a box both ways: nothing is lost, nothing doubled.

Source: issue of the IMAP door, proof expected.
"""

import asyncio
import hashlib
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
from imap_talk import USER, ImapTalk, imap
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


def _letter(number: int) -> bytes:
    return b"From: a@x.fr\r\nMessage-ID: <%d@x.fr>\r\n\r\nNo %d, %b\r\n" % (number, number, b"abc " * (number % 50))


def _hash(letter: bytes) -> str:
    """Return the hash of a letter whose line ends and whose mark (X-TUID, by which mbsync finds it again) may differ."""
    text = re.sub(rb"X-TUID: .*\n", b"", letter.replace(b"\r\n", b"\n"))
    return hashlib.sha256(text).hexdigest()


def _near(folder: Path) -> Counter[tuple[str, str]]:
    """Return what stands here: hash and flags of each message, counted."""
    return Counter((_hash(one.read_bytes()), one.name.partition(":2,")[2]) for one in folder.glob("[cn]*/*"))


async def _far(talk: ImapTalk) -> Counter[tuple[str, str]]:
    """Return what stands there, in the words of `_near`."""
    found: Counter[tuple[str, str]] = Counter()
    letters = {b"\\Flagged": "F", b"\\Answered": "R", b"\\Seen": "S"}
    for line in (await talk.good("FETCH 1:* (FLAGS BODY.PEEK[])"))[:-1]:
        flags, _, rest = line.partition(b") BODY[] {")
        size, _, letter = rest.partition(b"}\r\n")
        told = "".join(sorted(short for flag, short in letters.items() if flag in flags))
        found[_hash(letter[: int(size)]), told] += 1
    return found


@pytest.mark.skipif(shutil.which("mbsync") is None, reason="mbsync is not installed (Debian package isync)")
async def test_mbsync_copies_both_ways_with_nothing_lost_or_doubled(tmp_path: Path, pki) -> None:
    async with one_site(tmp_path, pki) as stage, imap(stage, user=USER) as talk:
        for start in range(0, COUNT // 2, 100):
            parts = [b" {%d+}\r\n%b" % (len(one), one) for one in map(_letter, range(start, start + 100))]
            await talk.good(b"APPEND INBOX" + b"".join(parts))
        near = tmp_path / "pres"
        here = near / "INBOX"
        for name in ("cur", "new", "tmp"):
            (here / name).mkdir(parents=True)
        for number in range(COUNT // 2, COUNT):
            (here / "cur" / f"{number}.ici:2,{'S' * (number % 2)}").write_bytes(_letter(number).replace(b"\r\n", b"\n"))
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
        ledger = Counter(
            (_hash(_letter(number)), "S" * (number % 2) if number >= COUNT // 2 else "") for number in range(COUNT)
        )
        await _mbsync(config)
        await talk.good("SELECT INBOX")
        assert await _far(talk) == ledger
        assert _near(here) == ledger
        # Then each side marks and removes some of what came from the other.
        by_hash = {_hash(one.read_bytes()): one for one in here.glob("[cn]*/*")}
        marked, removed = (_hash(_letter(number)) for number in (3, 4))
        by_hash[marked].rename(here / "cur" / f"{by_hash[marked].name.partition(':')[0]}:2,FS")
        by_hash[removed].unlink()
        seen = f"HEADER Message-ID <{COUNT - 2}@x.fr>"
        there = (await talk.good(f"SEARCH {seen}"))[0].split()[2].decode()
        await talk.good(f"STORE {there} +FLAGS.SILENT (\\Answered)")
        await talk.good("STORE 7 +FLAGS.SILENT (\\Deleted)")
        await talk.good("EXPUNGE")
        await _mbsync(config)
        del ledger[_hash(_letter(3)), ""], ledger[_hash(_letter(4)), ""], ledger[_hash(_letter(6)), ""]
        del ledger[_hash(_letter(COUNT - 2)), ""]
        ledger[marked, "FS"] = ledger[_hash(_letter(COUNT - 2)), "R"] = 1
        for _again in range(2):
            await talk.good("NOOP")
            assert await _far(talk) == ledger
            assert _near(here) == ledger
            await _mbsync(config)
