"""What one connection knows of its client, and what stands behind it.

Texts that the user of an address book may meet are French; those that only its programmer can cause are English.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from mssante.model.decision import Refusal
from mssante.model.directory import Caller, Condition, EntryId, Selected, Subject
from mssante.model.directory_settings import LdapSettings
from mssante.model.mailbox import Identity
from mssante.model.peer import PeerFacts
from mssante.wire.ldap.filters import FilterLimits
from mssante.wire.ldap.messages import Control, RequestLimits, Search
from mssante.wire.ldap.reader import MessageReader
from mssante.wire.ldap.responses import Done, write_done
from mssante.wire.ldap.sorting import Item, SortResult
from mssante.wire.ldap.tree import Tree

SPARE_BYTES: Final = 64 * 1024
"""Answers are handed to the socket in pieces of about that size."""
PAGINGS_MAX: Final = 8
"""Searches of one connection that are taken in pages at the same time."""


class Directory(Protocol):
    """Where entries come from; `mssante.flows.directory` has one."""

    async def select(
        self, caller: Caller, subject: Subject, condition: Condition, *, limit: int, after: EntryId | None = None
    ) -> Selected | Refusal:
        """Return one page of what fulfils the condition."""
        ...


class SignIn(Protocol):
    """Who judges credentials; `mssante.flows.sign_in.SignIn` is one."""

    async def password(
        self, login: str, password: str, authzid: str, ip: str, service: str = ...
    ) -> Identity | Refusal:
        """Return who signs in with an application password, or the refusal."""
        ...

    async def certificate(self, peer: PeerFacts, authzid: str) -> Identity | Refusal:
        """Return who signs in with a client certificate, or the refusal."""
        ...


class Line(Protocol):
    """The connection as the operations see it."""

    @property
    def peer(self) -> PeerFacts:
        """Return who is there."""
        ...

    @property
    def is_tls(self) -> bool:
        """Tell whether the connection is encrypted."""
        ...

    def write(self, data: bytes) -> None:
        """Say something; it goes out at the end of the step, or in pieces when there is much."""
        ...

    async def drain(self) -> None:
        """Send what was said and wait for a client that is slow to read."""
        ...

    def start_tls(self) -> None:
        """Say what is to be said, forget what came in clear, begin the handshake."""
        ...

    def enter_account(self, account: int) -> Refusal | None:
        """Count in who has signed in, or refuse."""
        ...

    def leave_account(self) -> None:
        """Count out who has signed out."""
        ...

    def abandon(self) -> None:
        """Stop the operation under way."""
        ...

    def close(self) -> None:
        """Close once everything said has gone out."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What stands behind every connection of the door.

    Attributes:
        caller_of: who asks the directory, for somebody who has signed in.
        starttls: StartTLS is offered.
        mechanisms: of SASL, of PLAIN and EXTERNAL.
        service: right that an application password must have.
    """

    settings: LdapSettings
    directory: Directory
    sign_in: SignIn
    caller_of: Callable[[Identity], Caller]
    tree: Tree
    starttls: bool = True
    mechanisms: tuple[str, ...] = ("PLAIN", "EXTERNAL")
    service: str = "imap"

    def reader(self) -> MessageReader:
        """Return a reader for a client that is not known yet."""
        limits = RequestLimits(FilterLimits(self.settings.filter_depth, self.settings.filter_parts))
        return MessageReader(self.settings.early_message_bytes, limits)


@dataclass(frozen=True, slots=True)
class Paged:
    """A search of which a page was given.

    Attributes:
        search: as it was asked; the next page is of the same one only.
        nodes: fixed entries given so far.
        after: where the directory goes on.
        sent: entries given so far.
        was_cut: a page before was cut.
        rest: what was gathered to be sorted and was not given yet.
        is_gathered: something was.
        order: what became of the order that was wished, or None.
    """

    search: Search
    nodes: int
    after: EntryId | None
    sent: int
    was_cut: bool
    rest: tuple[Item, ...] = ()
    is_gathered: bool = False
    order: SortResult | None = None


@dataclass(slots=True)
class State:
    """What is known of one client.

    Attributes:
        who: None: anonymous.
        pages: cookie -> where the search goes on; bound to this connection, forgotten when somebody else signs in.
    """

    desk: Desk
    line: Line
    reader: MessageReader
    who: Identity | None = None
    sign_in_failures: int = 0
    pages: OrderedDict[bytes, Paged] = field(default_factory=OrderedDict)
    cookies: int = 0

    def answer(self, message_id: int, done: Done, controls: tuple[Control, ...] = ()) -> None:
        """End an operation."""
        self.line.write(write_done(message_id, done, controls))

    def forget(self) -> None:
        """Be anonymous again."""
        if self.who is not None:
            self.line.leave_account()
        self.who = None
        self.pages.clear()
        self.reader.set_limit(self.desk.settings.early_message_bytes)

    def keep_page(self, paged: Paged) -> bytes:
        """Return the cookie with which the search goes on; the oldest of too many is forgotten.

        Of searches with entries that wait, only the last one is kept: entries are what takes room.
        """
        self.cookies += 1
        if paged.rest:
            self.pages = OrderedDict((key, one) for key, one in self.pages.items() if not one.rest)
        cookie = self.cookies.to_bytes(8, "big")
        self.pages[cookie] = paged
        while len(self.pages) > PAGINGS_MAX:
            self.pages.popitem(last=False)
        return cookie
