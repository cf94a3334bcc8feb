"""Take in the bytes of one message: spooled, counted, hashed, its header set aside (step R5).

Shared by `mssante.flows.receive` and `mssante.flows.submit`; decides nothing but whether there is room.
"""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from mssante.flows.room import Room
from mssante.model.address import Address
from mssante.model.decision import Decision, Kind, Refusal
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import StoreError, StoreFullError
from mssante.model.message import Body, Summary
from mssante.model.settings import LimitSettings
from mssante.store.blobs import BlobFolder, Spool
from mssante.wire.mime.headers import HeaderWatch, summarize

# What clients are to write there; a health identity number, typed where O or N belongs, is none of these.
_NATIONAL: Final[Mapping[str, re.Pattern[str]]] = {
    "x-mss-ins": re.compile(r"[ON]"),
    "x-mss-mes": re.compile(r"FIN"),
    "x-mss-codecda": re.compile(r"(?!.*[0-9][0-9AB]{12})[A-Za-z0-9.,:;_^ -]{1,200}"),
    "x-mss-nil": re.compile(r"(?!.*[0-9][0-9AB]{12})[A-Za-z0-9.,:;_/ -]{1,100}"),
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is ours now: committed and flushed (law 1)."""

    reference: str


class Transaction(Protocol):
    """One message on its way in, whatever the door: `receive.Reception` or `submit.Sending`."""

    async def sender(self, sender: Address | None, options: MailOptions) -> Decision:
        """Decide on MAIL FROM."""
        ...

    async def recipient(self, recipient: Recipient) -> Decision:
        """Decide on one RCPT TO."""
        ...

    def start_data(self) -> Refusal | None:
        """Make room for the message, or refuse."""
        ...

    def data(self, chunk: bytes) -> Awaitable[None] | None:
        """Take some bytes; wait for what is returned before handing over more."""
        ...

    async def finish(self) -> Accepted | Refusal:
        """Decide on the whole message and commit it."""
        ...

    def abort(self) -> None:
        """Forget everything; nothing of it stays on disk."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A whole message as taken in."""

    body: Body
    summary: Summary


class Intake:
    """Collects the bytes of one message, from DATA to its end."""

    def __init__(self, room: Room, blobs: BlobFolder, limits: LimitSettings, inline_bytes: int) -> None:
        """Keep what is shared; `open` starts."""
        self._room = room
        self._blobs = blobs
        self._limits = limits
        self._inline_bytes = inline_bytes
        self._spool: Spool | None = None
        self._watch = HeaderWatch(limit_bytes=limits.header_bytes, limit_count=limits.header_count)
        self._broken = False

    def open(self, size_bytes: int) -> Refusal | None:
        """Open a spool, or refuse while there is no room on the disk (H01); no file is made before the memory limit.

        Args:
            size_bytes: as announced; 0 when unknown.
        """
        decision = self._room.judge(size_bytes)
        if isinstance(decision, Refusal):
            return decision
        self._spool = self._blobs.spool(self._limits.spool_memory_bytes, self._inline_bytes)
        return None

    def data(self, chunk: bytes) -> Awaitable[None] | None:
        """Take some bytes; returns something to wait for when the disk is behind."""
        if not self._watch.done:
            self._watch.feed(chunk)
        if self._broken or self._spool is None:
            return None
        try:
            return self._spool.write(chunk)
        except StoreError:
            # No room: the rest is swallowed, so that the sender hears why at the end and comes back (H01).
            self._broken = True
            return None

    async def finish(self) -> Taken | Refusal:
        """Return the flushed message, or why there is none: its header, no room, or nothing was sent."""
        spool, self._spool = self._spool, None
        if spool is None:
            return Refusal(Kind.SEQUENCE, "sequence", "No message data")
        self._watch.finish()
        if self._watch.refusal is not None:
            spool.abandon()
            return self._watch.refusal
        summary = summarize(self._watch.head)
        try:
            return Taken(await spool.finish(), summary)
        except StoreError as error:
            return store_refusal(error)

    def discard(self) -> None:
        """Drop what was taken in, if anything."""
        if self._spool is not None:
            self._spool.abandon()
            self._spool = None


def store_refusal(error: StoreError) -> Refusal:
    """Return the temporary refusal for a store that could not write; nothing of the message was kept."""
    kind = Kind.STORE_FULL if isinstance(error, StoreFullError) else Kind.STORE_UNAVAILABLE
    return Refusal(
        kind,
        "commit",
        "The message could not be stored, try again later",
        str(error),
        "Le message n'a pas pu être enregistré : réessayez plus tard.",
    )


def national_facts(summary: Summary) -> dict[str, str | int]:
    """Return the national fields of a message as the audit may hold them: in their expected form, or "other".

    Source: operators.md 2.7; operators.md 7 (no patient identity in traces).
    """
    return {name: value if _NATIONAL[name].fullmatch(value) else "other" for name, value in summary.national.items()}
