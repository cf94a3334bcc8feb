"""One folder that a session has open: what it was told of it, what it reads there, what it changes.

The numbers of messages are those that the session knows: they move only when `Opened.poll` says so. Every verb looks
the rights up again, so that a box that is suspended or a right that is taken away counts at once.

Source: RFC 9051 sections 5.5, 6.4 and 7.5.1; RFC 7162; RFC 6851.
"""

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mssante.flows.folders.boxes import Spot, Who, find_spot
from mssante.flows.folders.content import Content, load_contents
from mssante.flows.folders.flags import changed_flags, judge_flags, judge_new_keywords
from mssante.flows.folders.looking import looked_for, sorted_found, threads_found
from mssante.flows.folders.transfer import removed, transferred
from mssante.flows.folders.values import Found, Resynced, Row, Stored, Transferred, Updates
from mssante.model.decision import Kind, Refusal
from mssante.model.folder import Snapshot
from mssante.model.message import Change
from mssante.model.numbers import NumberSet
from mssante.model.search import Condition, SortKey, Thread, Threading
from mssante.rules.access import Act
from mssante.store import audit, folders, indexes
from mssante.store.tx import Tx

if TYPE_CHECKING:
    from mssante.flows.folders.reader import Reading

BATCH: Final = 500
SEEN: Final = "\\Seen"


class Opened:
    """A folder as one session sees it."""

    def __init__(
        self, reading: "Reading", who: Who, name: str, spot: Spot, snapshot: Snapshot, *, read_only: bool
    ) -> None:
        """Keep what the session was told; use `Reader.open`."""
        self._reading = reading
        self._who = who
        self._spot = spot
        self._newest = snapshot
        # Bodies opened here that the audit knows of already.
        self._traced: set[int] = set()
        self.name = name
        self.snapshot = snapshot
        self.read_only = read_only or not spot.rights & set("swte")

    @property
    def rights(self) -> frozenset[str]:
        """Return the rights of the reader when the folder was opened."""
        return self._spot.rights

    @property
    def is_other(self) -> bool:
        """Tell whether the box is not the reader's own: what is opened here leaves a trace."""
        return not self._spot.box.is_own

    async def poll(self, *, expunges: bool) -> Updates:
        """Bring the session up to date; return what to tell it.

        Args:
            expunges: messages that are gone may be told (RFC 9051 section 7.5.1); else their numbers stay.
        """
        newest = await self._reading.views.newest(self._spot.folder.folder_id)
        known = self.snapshot
        if newest is None:
            newest = _emptied(known)
        if newest is self._newest and known is newest:
            return Updates()
        self._newest = newest
        updates, self.snapshot = difference(known, newest, expunges=expunges)
        return updates

    async def rows(self, uids: Sequence[int], *, whole: bool) -> AsyncIterator[list[Row]]:
        """Return what lists show of messages, by UID, in batches; messages that are gone are left out.

        Args:
            uids: ascending.
            whole: with the columns of the index, which is made where it is missing.
        """
        folder_id, wanted = self._spot.folder.folder_id, set(uids)
        if whole:
            await self._reading.indexing.ensure(self.snapshot)
        low, last = (uids[0], uids[-1]) if uids else (1, 0)
        while low <= last:
            start = low

            async def work(tx: Tx, start: int = start) -> "list[tuple[object, ...]] | None":
                if isinstance(await find_spot(tx, self._who, self.name, Act.READ), Refusal):
                    return None
                return await indexes.fetch_rows(tx, folder_id, start, last, BATCH, whole=whole)

            found = await self._reading.store.read(work)
            if not found:
                return
            last_read = found[-1][0]
            batch = [Row(*row) for row in found if row[0] in wanted]  # type: ignore[arg-type]
            if batch:
                yield batch
            if not isinstance(last_read, int) or len(found) < BATCH:
                return
            # The next UID that is wanted: a gap in the set is stepped over, not read.
            place = bisect_left(uids, last_read + 1)
            low = uids[place] if place < len(uids) else last + 1

    async def trace(self, uids: Sequence[int]) -> None:
        """Write down which messages are opened in another's box: one event for all; nothing in the own box."""
        fresh = [uid for uid in uids if uid not in self._traced] if self.is_other else []
        if not fresh:
            return
        self._traced.update(fresh)
        event = self._who.event(
            "message.opened",
            self._spot.box.mailbox,
            folder=self._spot.folder.folder_id,
            messages=len(fresh),
            first_uid=fresh[0],
            last_uid=fresh[-1],
        )
        now = self._reading.clock()
        await self._reading.store.write(lambda tx: audit.append(tx, event, now))

    async def content(self, uid: int) -> Content | Refusal | None:
        """Return one message to be read, or None when it is gone; in another's box it is written down first."""
        found = await self.contents([uid])
        return found if isinstance(found, Refusal) else found.get(uid)

    async def contents(self, uids: Sequence[int]) -> dict[int, Content] | Refusal:
        """Return messages to be read by UID, without those that are gone; in another's box it is written down first.

        Args:
            uids: few, for the bodies that are in the database come at once.
        """
        await self.trace(uids)
        return await load_contents(self._reading.store, self._who, self.name, uids)

    async def mark_seen(self, uids: Sequence[int]) -> Stored | Refusal:
        """Mark messages as seen that were fetched; nothing changes where that is not allowed."""
        if self.read_only or "s" not in self.rights:
            return Stored(())
        fresh = [uid for uid in uids if SEEN not in self.flags_of(uid).split()]
        return await self.store_flags(fresh, "+", frozenset({SEEN})) if fresh else Stored(())

    def flags_of(self, uid: int) -> str:
        """Return the flags of a message as last told, "" when it is not known."""
        place = bisect_left(self.snapshot.uids, uid)
        is_there = place < len(self.snapshot.uids) and self.snapshot.uids[place] == uid
        return self.snapshot.flags[place] if is_there else ""

    async def store_flags(
        self, uids: Sequence[int], mode: str, flags: frozenset[str], unchanged_since: int | None = None
    ) -> Stored | Refusal:
        """Change the flags of messages, all under one modification number.

        Args:
            uids: those that are gone are left out.
            mode: "" replaces, "+" adds, "-" removes.
            flags: with their backslash; those that the rights do not allow stay as they are.
            unchanged_since: only messages whose modification number is not above (RFC 7162 section 3.1.3).
        """
        if self.read_only:
            return _read_only()
        refusal = judge_flags(flags) or (None if mode == "-" else judge_new_keywords(flags, self.snapshot.flags))
        if refusal is not None:
            return refusal

        async def work(tx: Tx) -> tuple[Stored, tuple[Change, ...]] | Refusal:
            spot = await find_spot(tx, self._who, self.name, Act.READ)
            if isinstance(spot, Refusal):
                return spot
            return await changed_flags(tx, spot, uids, mode, flags, unchanged_since)

        done = await (self._reading.store.write_long(work) if len(uids) > BATCH else self._reading.store.write(work))
        if isinstance(done, Refusal):
            return done
        self._publish(done[1])
        return done[0]

    async def transfer(self, uids: Sequence[int], target: str, *, move: bool) -> Transferred | Refusal:
        """Copy or move messages to a folder, also of another box, all or nothing."""
        if move and self.read_only:
            return _read_only()
        now = self._reading.clock()
        done = await self._reading.store.write_long(
            lambda tx: transferred(tx, self._who, self.name, uids, target, now, move=move)
        )
        if isinstance(done, Refusal):
            return done
        self._publish(done[1])
        return done[0]

    async def expunge(self, uids: Sequence[int] | None = None) -> Refusal | None:
        r"""Remove the messages marked \Deleted for good, or those among the UIDs given (RFC 4315)."""
        if self.read_only:
            return _read_only()
        now = self._reading.clock()
        done = await self._reading.store.write_long(lambda tx: removed(tx, self._who, self.name, uids, now))
        if isinstance(done, Refusal):
            return done
        self._publish(done)
        return None

    async def find(self, condition: Condition, saved: Sequence[int] = ()) -> Found | Refusal:
        """Return the messages known to the session that meet a condition; `saved` is what ``$`` stands for."""
        return await looked_for(self._reading, self._who, self.name, self.snapshot, condition, saved)

    async def sort(
        self, keys: tuple[SortKey, ...], condition: Condition, saved: Sequence[int] = ()
    ) -> tuple[int, ...] | Refusal:
        """Return UIDs of what is found, in the order of the keys."""
        found = await self.find(condition, saved)
        if isinstance(found, Refusal):
            return found
        return await sorted_found(self._reading, self.snapshot, found, keys)

    async def thread(
        self, threading: Threading, condition: Condition, saved: Sequence[int] = ()
    ) -> tuple[Thread, ...] | Refusal:
        """Return the threads of what is found; a missing parent has the number 0."""
        found = await self.find(condition, saved)
        if isinstance(found, Refusal):
            return found
        return await threads_found(self._reading, self.snapshot, found, threading)

    async def resync(self, uid_validity: int, modseq: int, known_uids: NumberSet | None = None) -> Resynced | None:
        """Return what a client that comes back has missed; None when its UIDs are of another life of the folder."""
        if uid_validity != self.snapshot.uid_validity:
            return None
        folder_id = self._spot.folder.folder_id
        gone = await self._reading.store.read_long(lambda tx: folders.gone_since(tx, folder_id, modseq))
        vanished: Sequence[int] = array("I", gone)
        if known_uids is not None:
            vanished = [uid for start, stop in known_uids.pick(vanished) for uid in vanished[start:stop]]
        return Resynced(tuple(vanished), _changed_since(self.snapshot, modseq))

    async def close(self, *, expunge: bool) -> None:
        r"""Leave the folder; `expunge` removes what is marked \Deleted without telling (RFC 9051 section 6.4.1)."""
        if expunge and not self.read_only and "e" in self.rights:
            await self.expunge()

    def _publish(self, changes: Sequence[Change]) -> None:
        if changes:
            self._reading.notifier.publish(changes)


def difference(known: Snapshot, newest: Snapshot, *, expunges: bool) -> tuple[Updates, Snapshot]:
    """Return what to tell a session, and what it knows then.

    Args:
        known: what it was told so far.
        newest: the folder now.
        expunges: False leaves messages that are gone in their places.
    """
    count = len(known.uids)
    gone: list[int] = []
    # As a rule nothing went: one comparison of memory says so.
    if newest.uids[:count] != known.uids:
        there = set(newest.uids)
        gone = [uid for uid in known.uids if uid not in there]
    if gone and not expunges:
        newest = _with_ghosts(known, newest, set(gone))
        told: tuple[tuple[int, int], ...] = ()
    else:
        told = tuple((bisect_left(known.uids, uid) + 1, uid) for uid in reversed(gone))
    exists = len(newest.uids) if len(newest.uids) != count - len(told) else None
    changed = tuple(row for row in _changed_since(newest, known.highest_modseq) if row[1] < known.uid_next)
    return Updates(told, exists, changed), newest


def _changed_since(snapshot: Snapshot, modseq: int) -> tuple[tuple[int, int, str, int], ...]:
    if snapshot.highest_modseq <= modseq:
        return ()
    return tuple(
        (place + 1, snapshot.uids[place], snapshot.flags[place], at)
        for place, at in enumerate(snapshot.modseqs)
        if at > modseq
    )


def _with_ghosts(known: Snapshot, newest: Snapshot, gone: set[int]) -> Snapshot:
    """Return the newest picture with the messages that are gone still in their places."""
    rows = {row[0]: row for row in zip(known.uids, known.flags, known.modseqs, known.messages, strict=True)}
    merged = [rows[uid] for uid in gone]
    merged += zip(newest.uids, newest.flags, newest.modseqs, newest.messages, strict=True)
    merged.sort()
    return replace(
        newest,
        uids=array("I", [row[0] for row in merged]),
        flags=tuple([row[1] for row in merged]),
        modseqs=array("Q", [row[2] for row in merged]),
        messages=array("Q", [row[3] for row in merged]),
    )


def _emptied(known: Snapshot) -> Snapshot:
    """Return the picture of a folder that somebody deleted: everything is gone."""
    return replace(known, uids=array("I"), flags=(), modseqs=array("Q"), messages=array("Q"))


def _read_only() -> Refusal:
    return Refusal(
        Kind.FOLDER_READ_ONLY,
        "read-only",
        "The mailbox was opened read-only",
        french="Ce dossier est ouvert en lecture seule.",
    )
