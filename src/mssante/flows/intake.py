"""Take in the bytes of one message: spooled, counted, hashed, its header set aside (step R5).

Shared by `mssante.flows.receive` and `mssante.flows.submit`; decides nothing.
"""

import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from mssante.model.address import Address
from mssante.model.decision import Decision, Refusal
from mssante.model.envelope import MailOptions, Recipient
from mssante.model.errors import StoreError
from mssante.model.message import Body, Summary
from mssante.model.settings import LimitSettings
from mssante.store.blobs import BlobFolder
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
    """Collects the chunks of one message."""

    def __init__(self, blobs: BlobFolder, limits: LimitSettings, inline_bytes: int) -> None:
        """Open a spool; nothing is on disk before the memory limit is passed."""
        self._spool = blobs.spool(limits.spool_memory_bytes, inline_bytes)
        self._watch = HeaderWatch(limit_bytes=limits.header_bytes, limit_count=limits.header_count)
        self._broken = False

    def data(self, chunk: bytes) -> Awaitable[None] | None:
        """Take some bytes; returns something to wait for when the disk is behind."""
        if not self._watch.done:
            self._watch.feed(chunk)
        if self._broken:
            return None
        try:
            return self._spool.write(chunk)
        except StoreError:
            # No room: the rest is swallowed, so that the sender hears why at the end and comes back (H01).
            self._broken = True
            return None

    async def finish(self) -> Taken | Refusal:
        """Return the flushed message, or the refusal of its header."""
        self._watch.finish()
        if self._watch.refusal is not None:
            self._spool.abandon()
            return self._watch.refusal
        summary = summarize(self._watch.head)
        return Taken(await self._spool.finish(), summary)

    def discard(self) -> None:
        """Drop what was taken in."""
        self._spool.abandon()


def national_facts(summary: Summary) -> dict[str, str | int]:
    """Return the national fields of a message as the audit may hold them: in their expected form, or "other".

    Source: operators.md 2.7; operators.md 7 (no patient identity in traces).
    """
    return {name: value if _NATIONAL[name].fullmatch(value) else "other" for name, value in summary.national.items()}
