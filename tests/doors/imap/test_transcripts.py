"""Each command at the door, in one piece and byte by byte, against the written transcripts.

What differs from run to run (identifiers, moments, the person) is masked. After a change that is meant, run with
MSSANTE_WRITE_TRANSCRIPTS=1 and read the difference. Source: RFC 9051 section 6; the extensions that are advertised.
"""

import os
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from imap_talk import ImapTalk, imap
from proofs import HERE, Stage
from world import PASSWORD, new_world

from mssante.wire.imap.grammar import VERBS

FILE = Path(__file__).with_name("transcripts.txt")
HUNG_UP = "S: (hangs up)"
LETTERS = {
    "LETTER": (
        b"From: Dr Un <a@x.fr>\r\nTo: b@y.fr\r\nSubject: Resultats\r\nDate: Mon, 01 Jan 2024 10:00:00 +0100\r\n"
        b"Message-ID: <1@x.fr>\r\n\r\nBonjour\r\n"
    ),
    "MIXED": (
        b"From: a@x.fr\r\nSubject: Re: Resultats\r\nDate: Tue, 02 Jan 2024 10:00:00 +0100\r\nMessage-ID: <2@x.fr>\r\n"
        b"References: <1@x.fr>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nVoici\r\n--b\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
    ),
}
_MASKS = (
    (rb"UIDVALIDITY \d+", b"UIDVALIDITY V"),
    (rb"(APPENDUID|COPYUID) \d+", rb"\1 V"),
    (rb"(MAILBOXID|EMAILID|THREADID) \([^)]*\)", rb"\1 (I)"),
    (rb'(INTERNALDATE|SAVEDATE) "[^"]*"', rb'\1 "D"'),
    (rb"dr\.\d+@", b"USER@"),
)


@dataclass
class Block:
    """One dialogue.

    Attributes:
        title: what it shows; "(nobody)" at its end: before sign-in, "(open)": with the inbox selected.
        lines: what is said ("C: " a command, "C> " what follows) and answered ("S: ").
    """

    title: str
    lines: list[str] = field(default_factory=list)


def _blocks() -> Iterator[Block]:
    block = Block("")
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("# "):
            block = Block(line.removeprefix("# "))
            yield block
        elif line:
            block.lines.append(line)


BLOCKS = list(_blocks())


def _sent(line: str, user: str) -> bytes:
    data = line.replace("USER", user).replace("SECRET", f"{PASSWORD}-{user}").encode()
    for name, letter in LETTERS.items():
        data = data.replace(b"{%b+}" % name.encode(), b"{%d+}\r\n%b" % (len(letter), letter))
    return data + b"\r\n"


def _shown(line: bytes) -> str:
    for pattern, instead in _MASKS:
        line = re.sub(pattern, instead, line)
    text = line.removesuffix(b"\r\n").decode().replace("\r\n", "⏎")
    return "S: " + "".join(one if one.isprintable() else f"<{ord(one):02x}>" for one in text)


async def _replay(talk: ImapTalk, block: Block, user: str, *, bytewise: bool) -> list[str]:
    tags = count(1)
    tag = ""
    found = []
    for line in block.lines:
        if line.startswith("S: "):
            continue
        found.append(line)
        if line.startswith("C: "):
            tag = f"a{next(tags)}"
            await talk.raw(f"{tag} ".encode(), bytewise=bytewise)
        await talk.raw(_sent(line[3:], user), bytewise=bytewise)
        while not found[-1].startswith((f"S: {tag} ", "S: +", HUNG_UP)):
            answer = await talk.line()
            found.append(_shown(answer) if answer else HUNG_UP)
    return found


async def _opened(stack: AsyncExitStack, stage: Stage, block: Block, user: str) -> ImapTalk:
    known = not block.title.endswith("(nobody)")
    talk = await stack.enter_async_context(imap(stage, tls="(no TLS)" not in block.title, user=user if known else ""))
    if block.title.endswith("(open)"):
        for flags, letter in zip(("\\Seen", "\\Flagged Suivi"), LETTERS.values(), strict=True):
            await talk.good(b"APPEND INBOX (%b) {%d+}\r\n%b" % (flags.encode(), len(letter), letter))
        await talk.good("SELECT INBOX")
    return talk


@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "byte by byte"])
async def test_each_command_is_answered_as_written(tmp_path: Path, pki, *, bytewise: bool) -> None:
    world = new_world(tmp_path, pki.pki, pki.keys, pki.now)
    world.bind(HERE, pki.operator)
    users = [f"dr.{number}@{HERE}" for number in range(len(BLOCKS))]
    replayed = []
    async with world.site("chu", pki.operator, (HERE,), tuple(users)) as site, AsyncExitStack() as stack:
        stage = Stage(world, site, world.client_context(None), pki.operator)
        for block, user in zip(BLOCKS, users, strict=True):
            talk = await _opened(stack, stage, block, user)
            replayed.append(Block(block.title, await _replay(talk, block, user, bytewise=bytewise)))
    if os.environ.get("MSSANTE_WRITE_TRANSCRIPTS") and not bytewise:
        FILE.write_text("\n".join(f"# {one.title}\n" + "".join(f"{line}\n" for line in one.lines) for one in replayed))
        return
    for block, again in zip(BLOCKS, replayed, strict=True):
        assert again == block, block.title


def test_no_command_is_without_its_transcript() -> None:
    said = [line[3:].upper() for block in BLOCKS for line in block.lines if line.startswith("C: ")]
    missing = {verb for verb in VERBS if not any(f"{line} ".startswith(f"{verb} ") for line in said)}
    assert missing == set()
