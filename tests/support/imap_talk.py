"""A client that says what the test says, byte for byte, and reads whole answers, literals included."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count

from proofs import USER, Stage, hang_up
from world import PASSWORD

_LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


@dataclass
class ImapTalk:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __post_init__(self) -> None:
        self._tags = count(1)

    async def line(self) -> bytes:
        """Return the next answer with its literals, b"" at the end."""
        found = b""
        async with asyncio.timeout(10):
            while True:
                piece = await self.reader.readline()
                found += piece
                literal = _LITERAL.search(piece)
                if literal is None:
                    return found
                found += await self.reader.readexactly(int(literal[1]))

    async def until(self, start: bytes) -> list[bytes]:
        """Return the answers up to the one that starts so."""
        found: list[bytes] = []
        while not found or not found[-1].startswith(start):
            line = await self.line()
            if not line:
                msg = f"hung up before {start!r}, after {found!r}"
                raise AssertionError(msg)
            found.append(line)
        return found

    async def raw(self, data: bytes, *, bytewise: bool = False) -> None:
        """Send bytes, one by one when asked."""
        for piece in [bytes([one]) for one in data] if bytewise else [data]:
            self.writer.write(piece)
            await self.writer.drain()

    async def say(self, command: str | bytes, *, bytewise: bool = False) -> list[bytes]:
        """Send a command; return the untagged answers and the tagged one without its tag."""
        tag = b"t%d" % next(self._tags)
        text = command.encode() if isinstance(command, str) else command
        await self.raw(tag + b" " + text + b"\r\n", bytewise=bytewise)
        found = await self.until(tag + b" ")
        return [*found[:-1], found[-1].removeprefix(tag + b" ")]

    async def good(self, command: str | bytes, *, bytewise: bool = False) -> list[bytes]:
        """Send a command that must succeed."""
        found = await self.say(command, bytewise=bytewise)
        assert found[-1].startswith(b"OK"), found
        return found


@asynccontextmanager
async def imap(stage: Stage, *, door: str = "imap", tls: bool = True, user: str = "") -> AsyncIterator[ImapTalk]:
    """Yield a connection of a mail program, inside TLS and signed in when asked."""
    context = stage.world.client_context(None)
    port = stage.site.ports[door]
    secure: dict[str, object] = {"ssl": context, "server_hostname": "localhost"} if door == "imaps" else {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **secure)  # type: ignore[arg-type]
    talk = ImapTalk(reader, writer)
    try:
        assert (await talk.line()).startswith(b"* OK [CAPABILITY ")
        if tls and door == "imap":
            await starttls(talk, context)
        if user:
            await talk.good(f'LOGIN "{user}" "{PASSWORD}-{user}"')
        yield talk
    finally:
        await hang_up(talk.writer)


async def starttls(talk: ImapTalk, context: ssl.SSLContext) -> None:
    """Begin TLS."""
    await talk.good("STARTTLS")
    await talk.writer.start_tls(context, server_hostname="localhost")


async def put(talk: ImapTalk, folder: str, letter: bytes, flags: str = "") -> list[bytes]:
    """Append a letter without waiting for the go-ahead."""
    return await talk.good(f"APPEND {folder} ({flags}) {{{len(letter)}+}}\r\n".encode() + letter)


__all__ = ["USER", "ImapTalk", "imap", "put", "starttls"]
