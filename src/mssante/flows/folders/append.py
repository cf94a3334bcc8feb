"""Add messages to a folder: streamed one after the other, committed together (MULTIAPPEND), or in another's place.

Source: RFC 9051 section 6.3.12; RFC 3502; RFC 8508 (REPLACE).
"""

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mssante.flows.folders.boxes import Spot, Who, find_spot
from mssante.flows.folders.flags import judge_flags, spelt
from mssante.flows.folders.transfer import judge_quota
from mssante.flows.folders.values import Appended
from mssante.flows.intake import store_refusal
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import StoreError
from mssante.model.message import Body, Change, Summary
from mssante.rules.access import Act, judge_act, storable
from mssante.store import audit, folders, messages
from mssante.store.blobs import Spool
from mssante.store.times import to_micros
from mssante.store.tx import Tx
from mssante.wire.mime.headers import split_header, summarize

if TYPE_CHECKING:
    from mssante.flows.folders.reader import Reading

MESSAGES_MAX: Final = 100
"""Most messages of one command."""


@dataclass(frozen=True, slots=True)
class _Kept:
    body: Body
    summary: Summary
    flags: frozenset[str]
    internal_at: int


class Appending:
    """One command that adds messages: for each `start`, `data`..., `end`; then `commit`, or `abort` at any time."""

    def __init__(self, reading: "Reading", who: Who, name: str, spot: Spot, replaces: tuple[str, int] | None) -> None:
        """Keep where to; use `Reader.begin_append`."""
        self._reading = reading
        self._who = who
        self._name = name
        self._spot = spot
        self._replaces = replaces
        self._kept: list[_Kept] = []
        self._spool: Spool | None = None
        self._head = b""
        self._flags: frozenset[str] = frozenset()
        self._internal_at = 0
        self._broken: StoreError | None = None

    @property
    def name(self) -> str:
        """Return the folder's name as the reader sees it."""
        return self._name

    def start(self, flags: Iterable[str], internal_date: datetime | None, size_bytes: int) -> Refusal | None:
        """Make room for the next message, or refuse; a refusal is for the whole command.

        Args:
            flags: those that the rights do not allow are left out.
            internal_date: None is now.
            size_bytes: of the message, as announced.
        """
        flags = tuple(flags)
        refusal = judge_flags(flags) or self._judge_size(size_bytes)
        if refusal is not None:
            return refusal
        decision = self._reading.room.judge(size_bytes)
        if isinstance(decision, Refusal):
            return decision
        limits = self._reading.limits
        self._spool = self._reading.store.blobs.spool(limits.spool_memory_bytes, self._reading.storing.inline_bytes)
        self._head = b""
        self._flags = spelt(flags)
        self._internal_at = to_micros(internal_date or self._reading.clock())
        return None

    def data(self, chunk: bytes) -> Awaitable[None] | None:
        """Take some bytes; wait for what is returned before handing over more."""
        if self._spool is None or self._broken is not None:
            return None
        if len(self._head) < self._reading.limits.header_bytes:
            self._head += chunk[: self._reading.limits.header_bytes - len(self._head)]
        try:
            return self._spool.write(chunk)
        except StoreError as error:
            # The rest is swallowed, so that the client hears why at the end.
            self._broken = error
            return None

    async def end(self) -> Refusal | None:
        """Flush the message, or say why it cannot be kept."""
        spool, self._spool = self._spool, None
        if spool is None:
            return Refusal(Kind.SEQUENCE, "sequence", "No message was begun")
        try:
            if self._broken is not None:
                spool.abandon()
                return store_refusal(self._broken)
            body = await spool.finish()
        except StoreError as error:
            return store_refusal(error)
        length = split_header(self._head, len(self._head))
        summary = summarize(self._head if length < 0 else self._head[:length])
        self._kept.append(_Kept(body, summary, self._flags, self._internal_at))
        return None

    async def commit(self) -> Appended | Refusal:
        """Put every message in the folder in ONE transaction; only then are they ours."""
        now = self._reading.clock()
        references = [self._reading.new_reference() for _kept in self._kept]
        try:
            done = await self._reading.store.write(lambda tx: self._work(tx, references, now))
        except StoreError as error:
            return store_refusal(error)
        finally:
            self._kept = []
        if isinstance(done, Refusal):
            return done
        self._reading.notifier.publish(done[1])
        return done[0]

    def abort(self) -> None:
        """Forget everything; nothing of it stays on disk but flushed files, which are swept."""
        if self._spool is not None:
            self._spool.abandon()
            self._spool = None
        self._kept = []

    async def _work(
        self, tx: Tx, references: list[str], now: datetime
    ) -> tuple[Appended, tuple[Change, ...]] | Refusal:
        spot = await find_spot(tx, self._who, self._name, Act.ADD)
        if isinstance(spot, Refusal):
            return spot
        refusal = judge_quota(spot.box.mailbox, sum(kept.body.size_bytes for kept in self._kept))
        if refusal is not None:
            return refusal
        gone = await self._replaced(tx)
        if isinstance(gone, Refusal):
            return gone
        items: list[folders.Item] = []
        for kept, reference in zip(self._kept, references, strict=True):
            message = await messages.add_message(
                tx, reference=reference, sender=None, summary=kept.summary, body=kept.body, decision="append", now=now
            )
            flags = " ".join(sorted(storable(kept.flags, spot.rights)))
            items.append(folders.Item(message, flags, b"", kept.internal_at, kept.body.size_bytes))
        placed = await folders.place(tx, spot.box.mailbox.mailbox_id, spot.folder.folder_id, items, now)
        if not spot.box.is_own:
            event = self._who.event(
                "message.added", spot.box.mailbox, folder=spot.folder.folder_id, messages=len(items)
            )
            await audit.append(tx, event, now)
        return Appended(placed.uid_validity, placed.uids), (*placed.changes, *gone)

    async def _replaced(self, tx: Tx) -> tuple[Change, ...] | Refusal:
        """Remove the message that REPLACE replaces; the refusal when it is gone or may not be removed."""
        if self._replaces is None:
            return ()
        name, uid = self._replaces
        spot = await find_spot(tx, self._who, name, Act.EXPUNGE)
        if isinstance(spot, Refusal):
            return spot
        refusal = judge_act(Act.READ, spot.rights)
        if refusal is not None:
            return refusal
        gone = await folders.remove_many(tx, spot.folder.folder_id, [uid])
        if not gone:
            return Refusal(Kind.SEQUENCE, "replace", "The message to replace is gone")
        return gone

    def _judge_size(self, size_bytes: int) -> Refusal | None:
        if size_bytes > self._reading.settings.append_bytes:
            return Refusal(
                Kind.MESSAGE_TOO_BIG,
                "append",
                "The message is too large",
                french="Ce message est trop gros pour être enregistré : allégez ses pièces jointes.",
            )
        if len(self._kept) >= MESSAGES_MAX:
            return Refusal(Kind.TOO_MANY_FOLDERS, "append", f"At most {MESSAGES_MAX} messages in one command")
        so_far = sum(kept.body.size_bytes for kept in self._kept)
        return judge_quota(self._spot.box.mailbox, so_far + size_bytes)
