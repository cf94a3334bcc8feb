"""A client that says what the test says, and reads whole answers; and a door on a directory in memory to say it to."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Protocol

from directory_shelf import DirectoryShelf
from proofs import hang_up

from mssante.doors.ldap.connection import Connection
from mssante.doors.ldap.door import ldap_door
from mssante.doors.ldap.state import Desk
from mssante.doors.net.account_door import AccountDoor
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Caller
from mssante.model.directory_settings import LdapSettings
from mssante.model.mailbox import AccountId, Identity, Method
from mssante.model.peer import PeerFacts
from mssante.wire.ldap.filter_text import parse_filter
from mssante.wire.ldap.messages import Control, Extended, Message, Operation, Scope, Search, SimpleBind
from mssante.wire.ldap.requests import write_message
from mssante.wire.ldap.responses import Done, FoundEntry, Response, read_response
from mssante.wire.ldap.results import START_TLS, ResultCode
from mssante.wire.ldap.tree import DEFAULT_SUFFIX, Tree

USER, PASSWORD, ROBOT = "jean.dupont@chu-nantes.mssante.fr", "aaaa-bbbb-cccc", "dpi@chu-nantes.mssante.fr"
USER_DN = f"mail={USER},ou=boites,{DEFAULT_SUFFIX}"
SETTINGS = LdapSettings(host="127.0.0.1", port=0, implicit_port=0)
FAILED = Refusal(Kind.SIGN_IN_FAILED, "sign-in", "Authentication failed", "", "Mot de passe incorrect.")


class Certified(Protocol):
    """A certificate with its key."""

    @property
    def certificate_pem(self) -> bytes: ...

    @property
    def key_pem(self) -> bytes: ...


@dataclass
class KnownPeople:
    """One user with a password, one application with a certificate.

    Attributes:
        certificate_name: subject of the application's certificate.
        tried: logins in order.
    """

    certificate_name: str = ""
    tried: list[str] = field(default_factory=list)

    async def password(
        self, login: str, password: str, authzid: str, ip: str, service: str = "submission"
    ) -> Identity | Refusal:
        """Let the user in."""
        self.tried.append(login)
        if (login.casefold(), password, authzid, service) != (USER, PASSWORD, "", "imap"):
            return FAILED
        return Identity(AccountId(1), USER, Method.PLAIN, {}, frozenset({USER}))

    async def certificate(self, peer: PeerFacts, authzid: str) -> Identity | Refusal:
        """Let the application in."""
        if peer.certificate is None:
            return Refusal(Kind.CERTIFICATE_MISSING, "sign-in", "A client certificate is needed for EXTERNAL")
        if str(peer.certificate.subject) != self.certificate_name or authzid not in {"", ROBOT}:
            return FAILED
        return Identity(AccountId(2), ROBOT, Method.EXTERNAL, {}, frozenset())


@dataclass
class KeptLog:
    """A log that keeps its events."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def debug(self, event: str, **facts: object) -> None:
        self.events.append((event, facts))

    info = warning = error = debug


@dataclass
class Doors:
    """Both doors to one directory.

    Attributes:
        folder: of PEM files: anchors.pem, server.pem, server.key.
    """

    shelf: DirectoryShelf
    people: KnownPeople
    desk: Desk
    ldap: AccountDoor[Connection]
    ldaps: AccountDoor[Connection]
    log: KeptLog
    folder: Path
    accounts: Counter[int]
    port: int = 0
    implicit_port: int = 0

    def client_context(self, shown: Certified | None = None) -> ssl.SSLContext:
        """Return the context of a client that trusts the PKI, and shows that certificate."""
        context = ssl.create_default_context(cafile=str(self.folder / "anchors.pem"))
        context.check_hostname = False
        if shown is not None:
            context.load_cert_chain(*write_pair(self.folder, "client", shown))
        return context


def write_pair(folder: Path, name: str, issued: Certified, above: bytes = b"") -> tuple[Path, Path]:
    """Write a certificate, with those above it, and its key; return both paths."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(issued.certificate_pem + above)
    key.write_bytes(issued.key_pem)
    key.chmod(0o600)
    return certificate, key


def server_context(folder: Path) -> ssl.SSLContext:
    """Return the context of the door: a client may show a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    context.load_verify_locations(folder / "anchors.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@asynccontextmanager
async def ldap_doors(
    folder: Path,
    *,
    settings: LdapSettings = SETTINGS,
    shelf: DirectoryShelf | None = None,
    certificate_name: str = "",
) -> AsyncIterator[Doors]:
    """Yield open doors; `folder` holds anchors.pem and server.pem (see `write_pair`)."""
    shelf, people, log = shelf or DirectoryShelf(), KnownPeople(certificate_name), KeptLog()
    desk = Desk(settings, shelf, people, lambda who: Caller(who.login, address=who.login), Tree(settings.suffix))
    context, accounts = server_context(folder), Counter[int]()

    def door(name: str, *, implicit_tls: bool) -> AccountDoor[Connection]:
        return ldap_door(
            name=name, desk=desk, implicit_tls=implicit_tls, tls_context=lambda: context, accounts=accounts, log=log
        )

    doors = Doors(
        shelf, people, desk, door("ldap", implicit_tls=False), door("ldaps", implicit_tls=True), log, folder, accounts
    )
    doors.port = await doors.ldap.open("127.0.0.1", 0)
    doors.implicit_port = await doors.ldaps.open("127.0.0.1", 0)
    try:
        yield doors
    finally:
        await doors.ldap.close()
        await doors.ldaps.close()


@dataclass
class LdapTalk:
    """One connection."""

    doors: Doors
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    async def raw(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Response | None:
        """Return the next answer, None at the end."""
        async with asyncio.timeout(10):
            try:
                head = await self.reader.readexactly(2)
                size, more = head[1], b""
                if size & 0x80:
                    more = await self.reader.readexactly(size & 0x7F)
                    size = int.from_bytes(more, "big")
                return read_response(head + more + await self.reader.readexactly(size))
            except (asyncio.IncompleteReadError, ConnectionError):
                return None

    async def send(self, operation: Operation, *controls: Control) -> int:
        """Send a request; return its number."""
        number = self.numbers()
        await self.raw(write_message(Message(number, operation, controls)))
        return number

    async def until_done(self, number: int) -> tuple[list[FoundEntry], Response]:
        """Return the entries of an operation and what ends it."""
        entries: list[FoundEntry] = []
        while (found := await self.answer()) is not None:
            assert found.message_id == number, found
            if isinstance(found.answer, Done):
                return entries, found
            entries.append(found.answer)
        msg = f"hung up before the end of {number}, after {len(entries)} entries"
        raise AssertionError(msg)

    async def ask(self, operation: Operation, *controls: Control) -> tuple[list[FoundEntry], Response]:
        """Send a request; return its answer."""
        return await self.until_done(await self.send(operation, *controls))

    async def done(self, operation: Operation, *controls: Control) -> Done:
        """Send a request; return what ends it."""
        found = (await self.ask(operation, *controls))[1].answer
        assert isinstance(found, Done)
        return found

    async def code(self, operation: Operation, *controls: Control) -> ResultCode:
        """Send a request; return how it ended."""
        return (await self.done(operation, *controls)).code

    async def start_tls(self, context: ssl.SSLContext | None = None) -> None:
        """Begin TLS."""
        assert await self.code(Extended(START_TLS)) is ResultCode.SUCCESS
        await self.writer.start_tls(context or self.doors.client_context(), server_hostname="localhost")

    async def names(self, filter_text: str, **wishes: object) -> list[str]:
        """Return the names that a search finds, which must succeed."""
        entries, found = await self.ask(search(filter_text, **wishes))
        assert isinstance(found.answer, Done)
        assert found.answer.code is ResultCode.SUCCESS, found
        return [one.name for one in entries]

    @property
    async def is_over(self) -> bool:
        """Tell whether the door hangs up, and says nothing more before."""
        return await self.answer() is None


def search(filter_text: str, **wishes: object) -> Search:
    """Return a search of the whole tree, unless something else is wished."""
    facts: dict[str, object] = {"base": DEFAULT_SUFFIX, "scope": Scope.SUBTREE, **wishes}
    return Search(filter=parse_filter(filter_text), **facts)  # type: ignore[arg-type]


@asynccontextmanager
async def ldap_talk(
    doors: Doors, *, tls: bool = True, signed_in: bool = True, shown: Certified | None = None, implicit: bool = False
) -> AsyncIterator[LdapTalk]:
    """Yield a connection, inside TLS and signed in unless something else is wished."""
    context = doors.client_context(shown)
    if implicit:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", doors.implicit_port, ssl=context, server_hostname="localhost"
        )
    else:
        reader, writer = await asyncio.open_connection("127.0.0.1", doors.port)
    talk = LdapTalk(doors, reader, writer)
    try:
        if tls and not implicit:
            await talk.start_tls(context)
        if tls and signed_in:
            assert await talk.code(SimpleBind(3, USER, PASSWORD.encode())) is ResultCode.SUCCESS
        yield talk
    finally:
        await hang_up(talk.writer)
