"""What one connection knows of its client: who it is, what it has open, what it has switched on.

Data and the few questions that every command group asks of it; the commands stand in their groups, and `session.py`
says which may come when.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mssante.doors.imap.refusals import Answer
from mssante.flows.folders.append import Appending
from mssante.flows.folders.opened import Opened
from mssante.flows.folders.reader import Reader, Reading
from mssante.flows.folders.watching import Watching
from mssante.flows.sign_in import SignIn
from mssante.model.decision import Refusal
from mssante.model.mailbox import Identity
from mssante.model.message import Change
from mssante.model.numbers import NumberSet
from mssante.model.peer import PeerFacts
from mssante.model.settings import ImapSettings
from mssante.wire.imap.commands import Command, Fetch
from mssante.wire.imap.framing import CommandReader, ReaderLimits
from mssante.wire.sasl.exchange import Exchange

SPARE_BYTES = 64 * 1024
"""Answers are handed to the socket in pieces of about that size."""


class Line(Protocol):
    """The connection as the commands see it."""

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

    def compress(self) -> None:
        """Compress both ways from here on (RFC 4978)."""
        ...

    def enter_account(self, account: int) -> Refusal | None:
        """Count in who has signed in, or refuse."""
        ...

    def leave_account(self) -> None:
        """Count out who has signed out."""
        ...

    def poke(self) -> None:
        """Have `Session.push` called when no command is under way."""
        ...

    def close(self) -> None:
        """Close once everything said has gone out."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What stands behind every connection of the door.

    Attributes:
        reading, sign_in: the flows.
        settings: of the door.
        mechanisms: of AUTHENTICATE.
        hostname: said in the greeting.
        starttls: STARTTLS may be asked for on this door.
        configuration_url: where the identity provider describes itself, "" when there is none.
    """

    reading: Reading
    sign_in: SignIn
    settings: ImapSettings
    mechanisms: tuple[str, ...]
    hostname: str
    starttls: bool
    configuration_url: str = ""

    def limits(self, *, signed_in: bool) -> ReaderLimits:
        """Return what a client may send, which is little before it is known (reliability.md D01)."""
        settings = self.settings
        most = settings.command_bytes if signed_in else settings.early_command_bytes
        return ReaderLimits(most, settings.append_bytes if signed_in else 0, settings.depth)


@dataclass(frozen=True, slots=True)
class Watch:
    """What NOTIFY asked for (RFC 5465).

    Attributes:
        events: of the messages of the selected folder, as the standard spells them.
        fetch: what is fetched of new messages by itself, or None.
        is_delayed: messages that went are told with the next command only.
        others: tells of everything else, None when nothing of it is asked for.
    """

    events: frozenset[str] = frozenset()
    fetch: Fetch | None = None
    is_delayed: bool = False
    others: Watching | None = None


@dataclass(slots=True)
class State:
    """One client.

    Attributes:
        reader: its commands.
        who, mail: after sign-in.
        opened: the selected folder.
        enabled: what ENABLE or a command switched on, upper case.
        saved: the UIDs of ``$`` (RFC 5182).
        exchange, sasl_tag: while AUTHENTICATE runs.
        token_refusal: of a token, told as a challenge; the client's answer to it is waited for.
        idle_tag: while IDLE runs.
        appending, append_tag, append_refusal: while APPEND runs.
        watch: after NOTIFY.
        fresh: UIDs of new messages that are to be fetched for it.
        own_uids: UIDs that this session has put in the selected folder and was not told of.
        is_compressed: COMPRESS was asked for.
        stop_listening: ends what `listen` began.
        sign_in_failures, bad_commands: so far.
    """

    desk: Desk
    line: Line
    reader: CommandReader
    who: Identity | None = None
    mail: Reader | None = None
    opened: Opened | None = None
    enabled: set[str] = field(default_factory=set)
    saved: tuple[int, ...] = ()
    exchange: Exchange | None = None
    sasl_tag: bytes = b""
    token_refusal: Refusal | None = None
    idle_tag: bytes = b""
    appending: Appending | None = None
    append_tag: bytes = b""
    append_refusal: Refusal | None = None
    watch: Watch | None = None
    fresh: list[int] = field(default_factory=list)
    own_uids: set[int] = field(default_factory=set)
    is_compressed: bool = False
    stop_listening: Callable[[], None] | None = None
    sign_in_failures: int = 0
    bad_commands: int = 0

    @property
    def utf8(self) -> bool:
        """Tell whether names of folders are sent in UTF-8 (RFC 6855, RFC 9051 section 5.1)."""
        return bool(self.enabled & {"UTF8=ACCEPT", "IMAP4REV2"})

    @property
    def condstore(self) -> bool:
        """Tell whether MODSEQ is sent with flags (RFC 7162 section 3.1)."""
        return bool(self.enabled & {"CONDSTORE", "QRESYNC"})

    @property
    def tells_messages(self) -> bool:
        """Tell whether the client wants to know what comes to its folder and goes from it; before NOTIFY it does."""
        return self.watch is None or "MessageNew" in self.watch.events

    @property
    def tells_flags(self) -> bool:
        """Tell whether the client wants to know of flags that others change in its folder."""
        return self.watch is None or "FlagChange" in self.watch.events

    @property
    def reading(self) -> Reader:
        """Return the reader; the table of states lets nobody here before sign-in."""
        assert self.mail is not None  # noqa: S101
        return self.mail

    @property
    def folder(self) -> Opened:
        """Return the selected folder; the table of states lets nobody here without one."""
        assert self.opened is not None  # noqa: S101
        return self.opened

    def uids_of(self, numbers: NumberSet | None, *, by_uid: bool) -> list[int]:
        """Return the UIDs that a command names, ascending; None is what was saved (``$``).

        Raises:
            NumberError: a message number is above the last.
        """
        uids = self.folder.snapshot.uids
        if numbers is None:
            there = set(uids)
            return [uid for uid in self.saved if uid in there]
        if by_uid:
            return [uid for start, stop in numbers.pick(uids) for uid in uids[start:stop]]
        count = len(uids)
        ranges = numbers.resolve(count)
        if (ranges and ranges[-1][1] > count) or not ranges:
            raise NumberError
        return [uid for first, last in ranges for uid in uids[first - 1 : last]]

    async def accept(self, *names: str) -> None:
        """Take for told what the client did to names itself (RFC 5465 section 5)."""
        if self.watch is not None and self.watch.others is not None:
            await self.watch.others.accept(*names)

    async def listen(self) -> None:
        """Have the line poked at each commit that the client may want to hear of: of its folder, or what it watches."""
        if self.stop_listening is not None:
            return

        def heard(changes: Sequence[Change]) -> None:
            opened, watch = self.opened, self.watch
            # Without changes it may be anything: after a lost connection to the store, messages too.
            is_here = opened is not None and (
                not changes or any(one.folder_id == opened.snapshot.folder_id for one in changes)
            )
            if is_here or (watch is not None and watch.others is not None):
                self.line.poke()

        self.stop_listening = await self.reading.listen(heard)

    def hush(self) -> None:
        """End `listen`."""
        if self.stop_listening is not None:
            self.stop_listening()
            self.stop_listening = None


class NumberError(Exception):
    """A message number that the folder does not have (RFC 9051 section 9, seq-number: BAD)."""


Handler = Callable[[State, bytes, Command], Awaitable[Answer | None]]
"""A command group's function: None when the command goes on (AUTHENTICATE, IDLE)."""
