"""neomutt, as somebody would type in it: opens the inbox, copies the messages to a file, deletes one.

Source: RFC 9051.
"""

import asyncio
import contextlib
import mailbox
import os
import pty
import select
import shutil
import signal
import time
from pathlib import Path

import pytest
from imap_talk import USER, imap, put
from proofs import Stage, one_site
from world import PASSWORD

pytestmark = [
    pytest.mark.world,
    pytest.mark.skipif(shutil.which("neomutt") is None, reason="needs the Debian package neomutt"),
]
LETTER = b"From: a@x.fr\r\nTo: b@y.fr\r\nSubject: Lettre %d\r\nMessage-ID: <%d@x.fr>\r\n\r\nBonjour %d\r\n"
SETTINGS = """\
set folder="imaps://localhost:{port}/"
set spoolfile="+INBOX"
set imap_user="{user}"
set imap_pass="{password}"
set imap_authenticators="plain"
set ssl_ca_certificates_file="{anchors}"
set confirmappend=no
set confirmcreate=no
set delete=yes
set move=no
set mark_old=no
set header_cache=
set record=
set mbox_type=mbox
"""
SECONDS = 20


def type_in(rc: Path, keys: str, home: Path) -> None:
    """Run neomutt on a terminal of its own until it ends."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(HOME=str(home), TERM="xterm", LC_ALL="C.UTF-8")
        os.execvp("neomutt", ["neomutt", "-n", "-F", str(rc), "-e", f'push "{keys}"'])  # noqa: S606, S607
    shown = b""
    until = time.monotonic() + SECONDS
    try:
        while time.monotonic() < until:
            if select.select([terminal], [], [], 0.5)[0]:
                shown += os.read(terminal, 65536)
    except OSError:
        # The other end is closed: it has ended.
        os.waitpid(child, 0)
        return
    finally:
        os.close(terminal)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail(f"neomutt did not end: {shown[-1500:]!r}")


def read_all(stage: Stage, folder: Path) -> list[str]:
    rc, box = folder / "rc", folder / "copie"
    rc.write_text(
        SETTINGS.format(
            port=stage.site.ports["imaps"],
            user=USER,
            password=f"{PASSWORD}-{USER}",
            anchors=stage.world.folder / "pki" / "anchors.pem",
        )
    )
    keys = f"<tag-pattern>~A<enter><tag-prefix><copy-message>{box}<enter><first-entry><delete-message><quit>"
    type_in(rc, keys, folder)
    with contextlib.closing(mailbox.mbox(box)) as copied:
        return sorted(str(message["Subject"]) for message in copied)


async def test_neomutt_reads_copies_and_deletes(tmp_path, pki) -> None:
    async with one_site(tmp_path, pki) as stage, imap(stage, user=USER) as talk:
        for number in range(3):
            await put(talk, "INBOX", LETTER % (number, number, number))
        folder = tmp_path / "neomutt"
        folder.mkdir()
        assert await asyncio.to_thread(read_all, stage, folder) == ["Lettre 0", "Lettre 1", "Lettre 2"]
        left = await talk.good("STATUS INBOX (MESSAGES)")
        assert left[0].endswith(b"(MESSAGES 2)\r\n")
