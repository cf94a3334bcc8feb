"""The same messages and questions to us and to Dovecot: the answers agree, or the reason is written here.

Source: issue of the IMAP door; RFC 9051 sections 6.4.4, 6.4.5 and 7.5.2; RFC 5256.
"""

import asyncio
import contextlib
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from imap_talk import USER, ImapTalk, imap
from proofs import hang_up, one_site

from bench.credentials import make_credentials
from bench.peers.dovecot_imap import DovecotImap

pytestmark = [
    pytest.mark.world,
    pytest.mark.skipif(
        shutil.which("dovecot") is None or not Path("/usr/lib/dovecot/imap").exists() or os.geteuid() != 0,
        reason="needs the Debian packages dovecot-imapd and dovecot-lmtpd, and root",
    ),
]

PLAIN = b"From: %b\r\nTo: %b\r\nSubject: %b\r\nDate: %b\r\nMessage-ID: <%d@x.fr>\r\n%b\r\n%b\r\n"
LETTERS = [
    PLAIN % (b"a@x.fr", b"b@y.fr", b"Compte rendu", b"Mon, 1 Jun 2026 10:00:00 +0200", 1, b"", b"Bonjour le monde"),
    PLAIN % (b'"Dr \\"P\\" Lenoir" <p@x.fr>', b"b@y.fr, C <c@y.fr>", b"Re: Compte rendu", b"Tue, 2 Jun 2026 10:00:00 +0200", 2, b"In-Reply-To: <1@x.fr>\r\nReferences: <1@x.fr>\r\n", b"Merci"),
    PLAIN % (b"=?utf-8?b?w4ltaWxl?= <e@x.fr>", b"groupe: a@b.fr, Anne <c@d.fr>;", b"=?utf-8?q?=C3=A9t=C3=A9?=", b"Wed, 3 Jun 2026 10:00:00 +0000", 3, b"Cc: z@x.fr\r\n", b"glyc\xc3\xa9mie"),
    PLAIN % (b"a@x.fr (Anne)", b"b@y.fr", b"a\r\n folded subject", b"Thu, 4 Jun 2026 10:00:00 +0000", 4, b"Sender: s@x.fr\r\nReply-To: r@x.fr\r\n", b"x"),
    PLAIN % (b"a@x.fr", b"b@y.fr", b"Re: Compte rendu", b"Fri, 5 Jun 2026 10:00:00 +0000", 5, b"References: <1@x.fr> <2@x.fr>\r\n", b"encore"),
    (b"From: a@x.fr\r\nTo: b@y.fr\r\nSubject: Mixte\r\nDate: Sat, 6 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="out"\r\n\r\npreamble\r\n--out\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nUn\r\n--out\r\n'
    b'Content-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    b"Content-ID: <c1>\r\nContent-Description: lettre\r\n\r\nAAEC\r\n--out--\r\nepilogue\r\n"),
    (b"From: a@x.fr\r\nSubject: Transmis\r\nDate: Sun, 7 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\nFrom: z@x.fr\r\nSubject: Dedans\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
    b"--i\r\nContent-Type: text/plain\r\n\r\nDeux\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>Deux</p>\r\n--i--\r\n\r\n--o--\r\n"),
    b"Subject: sans rien d'autre\r\n\r\n",
]  # fmt: skip
SECTIONS = (
    "BODY[]",
    "BODY[HEADER]",
    "BODY[TEXT]",
    "BODY[1]",
    "BODY[HEADER.FIELDS (FROM SUBJECT X-NONE)]",
    "BODY[HEADER.FIELDS.NOT (FROM)]",
    "BODY[]<5.20>",
    "RFC822.SIZE",
)
SEARCHES = (
    "ALL",
    "SEEN",
    "SUBJECT compte",
    "FROM lenoir",
    "TO anne",
    "BODY bonjour",
    "TEXT merci",
    "SENTSINCE 4-Jun-2026",
    "SENTON 3-Jun-2026",
    "OR FROM e@x.fr SUBJECT mixte",
    "NOT SUBJECT compte",
    "HEADER Message-ID 3@x.fr",
    "LARGER 300",
    "SMALLER 200",
    "KEYWORD perso",
    "2:4 UNSEEN",
)


@pytest.fixture
def dovecot(tmp_path_factory) -> Iterator[DovecotImap]:
    folder = tmp_path_factory.mktemp("dovecot")
    for parent in (folder, *folder.parents[:3]):
        with contextlib.suppress(OSError):
            parent.chmod(0o755)
    peer = DovecotImap(folder / "d", make_credentials(folder / "pki", crl_url="https://localhost:1/ca.crl"), "sdbox")
    (folder / "d").mkdir()
    with peer.running():
        yield peer


@contextlib.asynccontextmanager
async def theirs(peer: DovecotImap) -> AsyncIterator[ImapTalk]:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    talk = ImapTalk(*await asyncio.open_connection("127.0.0.1", peer.imap_port, ssl=context))
    await talk.line()
    await talk.good('LOGIN "b0" "x"')
    try:
        yield talk
    finally:
        await hang_up(talk.writer)


async def answers(talk: ImapTalk) -> dict[str, object]:
    """Return what a server says to every question, in one form."""
    for letter in LETTERS:
        await talk.good(b"APPEND INBOX {%d+}\r\n%b" % (len(letter), letter))
    await talk.good("SELECT INBOX")
    await talk.good("STORE 2,5 +FLAGS (\\Seen perso)")
    found: dict[str, object] = {}
    for item in ("ENVELOPE", "BODYSTRUCTURE", "BODY", *SECTIONS):
        asked = item.replace("BODY[", "BODY.PEEK[")
        for number in range(1, len(LETTERS) + 1):
            lines = await talk.good(f"FETCH {number} ({asked})")
            found[f"{number} {item}"] = normal(b"".join(lines[:-1]))
    for search in SEARCHES:
        found[f"SEARCH {search}"] = sorted((await talk.good(f"SEARCH {search}"))[0].split()[2:])
    for key in ("DATE", "SUBJECT DATE", "REVERSE FROM DATE", "SIZE", "TO DATE"):
        found[f"SORT {key}"] = (await talk.good(f"SORT ({key}) UTF-8 ALL"))[0].split()[2:]
    for threading in ("REFERENCES", "ORDEREDSUBJECT"):
        found[f"THREAD {threading}"] = (await talk.good(f"THREAD {threading} UTF-8 ALL"))[0]
    found["STATUS"] = sorted(re.findall(rb"[A-Z]+ \d+", (await talk.good("STATUS INBOX (MESSAGES UNSEEN UIDNEXT)"))[0]))
    return found


_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"|~?\{(\d+)\}\r\n|([()])|([^\s()"]+)|\s+')


def normal(answer: bytes) -> list[bytes]:
    """Return an answer as words, whichever form of string the server chose; types and names of a structure lower."""
    found: list[bytes] = []
    at = 0
    while at < len(answer):
        match = _TOKEN.match(answer, at)
        assert match is not None, answer[at:]
        at = match.end()
        if match[1] is not None:
            found.append(b"=" + re.sub(rb"\\(.)", rb"\1", match[1]))
        elif match[2] is not None:
            found.append(b"=" + answer[at : at + int(match[2])])
            at += int(match[2])
        elif match[3] or match[4]:
            found.append(match[3] or match[4].upper())
    is_structure = any(word in {b"BODYSTRUCTURE", b"BODY"} for word in found[:5])
    return [word.lower() for word in found] if is_structure else found


async def test_the_answers_agree(tmp_path, pki, dovecot: DovecotImap) -> None:
    async with one_site(tmp_path, pki) as stage, imap(stage, user=USER) as ours, theirs(dovecot) as other:
        mine, their = await answers(ours), await answers(other)
    differences = {name: (mine[name], their[name]) for name in mine if mine[name] != their[name]}
    assert differences == {}
