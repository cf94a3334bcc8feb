"""What deliveries have told of addresses, for the ranking of a search and for whoever looks after the directory.

`RecordedHistory` fulfils `mssante.flows.directory.reading.History`; the facts are written by `mssante.flows.record`.
"""

import asyncio
from collections import ChainMap
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.directory.reading import Directory
from mssante.flows.ports import Clock
from mssante.model.decision import Refusal
from mssante.model.directory import All, Caller, Condition, Entry, Field, Health, How, Match, Subject
from mssante.model.directory_search import Past
from mssante.model.errors import StoreError
from mssante.rules.correspondent import WRITES_FOR, Alternative, Told, choose_alternative, health_of
from mssante.store import absences, correspondents
from mssante.store.engine import Store
from mssante.store.tx import Tx

CORRESPONDENTS_MAX: Final = 500
FAILING_MAX: Final = 5000
WRITERS_MAX: Final = 50
CALLERS_MAX: Final = 1000
REFRESH_SECONDS: Final = 30.0
"""How often what concerns everybody is read again while nobody asks."""
STALE_FOR: Final = timedelta(minutes=5)
"""Oldest that a search takes while it is read again."""
_OTHERS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """Something read from the store and when."""

    at: datetime
    past: dict[str, Past]


@dataclass(frozen=True, slots=True)
class Bounce:
    """An address that fails, and what to do about it.

    Attributes:
        since: first hard bounce after the last success.
        last: last hard bounce.
        reason: value of a `Kind`.
        alternative: what the directory proposes, or None.
        writers: addresses of ours that wrote there within 180 days, the last one first.
    """

    address: str
    health: Health
    since: datetime
    last: datetime
    failures: int
    reason: str
    delivered_at: datetime | None
    alternative: Alternative | None
    writers: tuple[str, ...]


class RecordedHistory:
    """Keeps what it read for some seconds: people search while they type.

    Thousands of failing addresses take longer to read than a search may last. While `run` runs, they are read there
    and a search takes those that are kept; without it, the search reads them itself once they are too old.
    """

    def __init__(self, store: Store, clock: Clock, *, keep_for: timedelta = timedelta(seconds=5)) -> None:
        """Put the parts together."""
        self._store = store
        self._clock = clock
        self._keep_for = keep_for
        self._everybody: Kept | None = None
        self._own: dict[str, Kept] = {}
        self._is_old = asyncio.Event()
        self._runs = False

    async def run(self) -> None:
        """Read what concerns everybody again before a search has to: when one found it old, and once in a while.

        Runs for ever. When the store cannot be read, what is kept serves `STALE_FOR`; then searches ask themselves.
        """
        self._runs = True
        try:
            while True:
                self._is_old.clear()
                with suppress(StoreError):
                    await self._read_everybody(self._clock())
                # Never more often than it is kept for, whoever asks.
                await asyncio.sleep(self._keep_for.total_seconds())
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_old.wait(), REFRESH_SECONDS)
        finally:
            self._runs = False

    async def past(self, caller: Caller) -> Mapping[str, Past]:
        """Return what is known for one who asks: its own correspondents, who is away, which addresses fail.

        When the store cannot be read, nothing is known: a search without its past is better than none.
        """
        now, key = self._clock(), caller.address.lower()
        try:
            everybody = await self._of_everybody(now)
            own = await self._of_caller(key, now) if key else {}
        except StoreError:
            return {}
        mine = {
            address: replace(theirs, delivered_at=past.delivered_at) if (theirs := everybody.get(address)) else past
            for address, past in own.items()
        }
        # Thousands of failing addresses are not copied for each search.
        return ChainMap(mine, everybody)

    async def _of_everybody(self, now: datetime) -> dict[str, Past]:
        kept = self._everybody
        if kept is not None and self._is_fresh(kept, now):
            return kept.past
        if kept is not None and self._runs and self._is_fresh(kept, now, STALE_FOR):
            self._is_old.set()
            return kept.past
        return await self._read_everybody(now)

    async def _read_everybody(self, now: datetime) -> dict[str, Past]:
        past = await self._store.read(lambda tx: _failing_and_away(tx, now))
        self._everybody = Kept(now, past)
        return past

    async def _of_caller(self, key: str, now: datetime) -> dict[str, Past]:
        kept = self._own.get(key)
        if kept is None or not self._is_fresh(kept, now):
            written = await self._store.read(lambda tx: correspondents.written_by(tx, key, CORRESPONDENTS_MAX))
            past = {one.recipient: Past(one.delivered_at, health_of(Told(one.delivered_at), now)) for one in written}
            kept = Kept(now, past)
            if len(self._own) >= CALLERS_MAX:
                self._own = {name: one for name, one in self._own.items() if self._is_fresh(one, now)}
            if len(self._own) < CALLERS_MAX:
                self._own[key] = kept
        return kept.past

    def _is_fresh(self, kept: Kept, now: datetime, age: timedelta | None = None) -> bool:
        return timedelta() <= now - kept.at < (age or self._keep_for)


async def bounces(
    store: Store, directory: Directory, caller: Caller, now: datetime, *, limit: int = 100
) -> tuple[Bounce, ...]:
    """Return the addresses that fail, the last failure first, each with its alternative and who still writes there.

    Args:
        caller: in whose name the directory is asked; its budget counts.
        limit: most addresses.
    """

    async def work(tx: Tx) -> tuple[list[correspondents.Bounced], list[tuple[str, ...]]]:
        failing, since = await correspondents.failing(tx, FAILING_MAX), now - WRITES_FOR
        read = [await correspondents.written_to(tx, one.recipient, since, WRITERS_MAX) for one in failing[:limit]]
        return failing, [tuple(one.sender for one in some) for some in read]

    failing, written = await store.read(work)
    bad = frozenset(one.recipient for one in failing)
    return tuple(
        [
            Bounce(
                address=one.recipient,
                health=health_of(_told(one), now),
                since=one.first_failed_at,
                last=one.failed_at,
                failures=one.failures,
                reason=one.reason,
                delivered_at=one.delivered_at,
                alternative=await alternative(directory, caller, one.recipient, bad),
                writers=writers,
            )
            for one, writers in zip(failing[:limit], written, strict=True)
        ]
    )


async def alternative(
    directory: Directory, caller: Caller, address: str, bad: Collection[str] = frozenset()
) -> Alternative | None:
    """Return what the directory proposes in the place of an address, or None: nothing, or it does not answer.

    Args:
        bad: addresses in lower case that must not be proposed.
    """
    lost = await _mailboxes(directory, caller, Match(Field.ADDRESS, How.EQUALS, address))
    others: list[Entry] = []
    for one in lost:
        if one.professional is not None:
            same = Match(Field.PERSON, How.EQUALS, one.professional.identifier)
            others += await _mailboxes(directory, caller, same)
        if one.structure is not None:
            place = Match(Field.STRUCTURE, How.EQUALS, one.structure.identifier)
            teams = All((place, Match(Field.KIND, How.EQUALS, "ORG")))
            others += await _mailboxes(directory, caller, teams)
    return choose_alternative(lost, others, bad)


async def _mailboxes(directory: Directory, caller: Caller, condition: Condition) -> list[Entry]:
    found = await directory.select(caller, Subject.MAILBOXES, condition, limit=_OTHERS_MAX)
    return [] if isinstance(found, Refusal) else list(found.entries)


async def _failing_and_away(tx: Tx, now: datetime) -> dict[str, Past]:
    found = {
        one.address.key: Past(
            health=Health.AWAY,
            away_until=one.ends_at,
            instead="" if one.substitute is None else str(one.substitute),
        )
        for one in await absences.absences(tx, now)
    }
    for bounced in await correspondents.failing(tx, FAILING_MAX):
        # When somebody else's message arrived is not for everybody to know.
        found[bounced.recipient] = Past(health=health_of(_told(bounced), now))
    return found


def _told(one: correspondents.Bounced) -> Told:
    return Told(one.delivered_at, one.first_failed_at, one.failed_at, one.failures)
