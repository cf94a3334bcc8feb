"""Tell the directory of our mailboxes: claim what is due, send it, record the answer.

What a crash can do here: between the directory's answer and our record of it, the same request is sent once more and
found done. It is never lost.

Source: operators.md 4.6 and 11 U8; users.md 7.9 OPE-2; reliability.md K11, K13, K14.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.ports import Clock, Probe, no_probe
from mssante.flows.publication.ports import DirectoryLink
from mssante.model.address import for_trace
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind
from mssante.model.directory import AddMailbox, RemoveMailbox
from mssante.model.errors import StoreError
from mssante.model.log import Log
from mssante.model.mailbox import Mailbox, MailboxState
from mssante.model.publication import Announced, Publication, PublicationSettings, PublicationState
from mssante.rules.publication import (
    NO_IDENTIFIER,
    SITUATION_UNKNOWN,
    Done,
    Instead,
    Judged,
    Later,
    Never,
    Step,
    judge_answer,
    next_attempt,
    publication_of,
    steps,
    told,
    when_unknown,
)
from mssante.store import audit, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx

_DRY_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be asked of the directory for one mailbox.

    Attributes:
        wanted: what the directory is to have of it; None: nothing.
        code: why it cannot be published, or "".
    """

    announced: Announced
    wanted: Publication | None
    steps: tuple[Step, ...]
    code: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: how many mailboxes came to each state, and whether the directory answered."""

    accepted: int = 0
    withdrawn: int = 0
    refused: int = 0
    put_off: int = 0

    @property
    def count(self) -> int:
        """Return how many mailboxes were looked at."""
        return self.accepted + self.withdrawn + self.refused + self.put_off


def plan(announced: Announced, settings: PublicationSettings | None = None) -> Planned:
    """Return what is to be asked of the directory for a mailbox.

    Args:
        announced: the mailbox, and what the directory has of it.
        settings: of the directory that is asked; None for a file, which says all that is known.

    Source: operators.md 4.6; 5 (suspended or closed: out of the directory).
    """
    possible = publication_of(announced.mailbox, announced.listing)
    is_open = announced.mailbox.state is MailboxState.ACTIVE
    wanted = possible if is_open else None
    if settings is not None:
        wanted = told(wanted, announced.published, settings)
    code = NO_IDENTIFIER if is_open and possible is None else ""
    return Planned(announced, wanted, steps(wanted, announced.published, possible), code)


async def publish_again(store: Store, mailbox: Mailbox | None, *, actor: str, trace_key: bytes, now: datetime) -> int:
    """Make what was refused due once more, or one mailbox whatever its state; return how many.

    Args:
        store: of this operator.
        mailbox: it is asked for as if the directory had accepted nothing; None: every refused one.
        actor, trace_key: for the audit.
        now: UTC.
    """

    async def work(tx: Tx) -> int:
        found = await publication.publish_again(tx, now, None if mailbox is None else mailbox.mailbox_id)
        for mailbox_id in found:
            one = await publication.announced(tx, mailbox_id)
            subject = "" if one is None else for_trace(one.mailbox.address, trace_key)
            event = f"publication.{PublicationState.TO_PUBLISH.value}"
            await audit.append(tx, AuditEvent(event, actor, subject, "ok", "administrator"), now)
        return len(found)

    return await store.write_long(work)


class Announcing:
    """The workers that tell a directory which can be asked."""

    def __init__(
        self,
        *,
        settings: PublicationSettings,
        store: Store,
        link: DirectoryLink,
        clock: Clock,
        new_lease: Callable[[], str],
        trace_key: bytes,
        log: Log,
        probe: Probe = no_probe,
    ) -> None:
        """Keep what the workers share."""
        self._settings = settings
        self._store = store
        self._link = link
        self._clock = clock
        self._new_lease = new_lease
        self._trace_key = trace_key
        self._log = log
        self._probe = probe

    async def run(self) -> None:
        """Publish for ever; ends by cancellation, after which leases bring back what was under way."""
        while True:
            pause_seconds = self._settings.poll_seconds
            try:
                done = await self.round()
                if done.count and not done.put_off:
                    continue
                pause_seconds = await self._pause_seconds()
            except StoreError as error:
                self._log.error("publications-not-read", error=str(error))
            await asyncio.sleep(pause_seconds)

    async def publish_due(self) -> Round:
        """Publish everything that is due and return what became of it; stops when the directory does not answer."""
        total = Round()
        while (done := await self.round()).count:
            total = Round(*(getattr(total, name) + getattr(done, name) for name in Round.__slots__))
            if done.put_off:
                break
        return total

    async def round(self) -> Round:
        """Claim some mailboxes that are due and send them at the same time."""
        now = self._clock()
        lease, until = self._new_lease(), now + timedelta(seconds=self._settings.lease_seconds)
        claimed = await self._store.write(lambda tx: self._claim(tx, now, lease, until))
        self._probe("publication-claimed")
        ended = await asyncio.gather(*(self._publish(one) for one in claimed))
        return Round(
            accepted=ended.count(PublicationState.ACCEPTED),
            withdrawn=ended.count(PublicationState.WITHDRAWN),
            refused=ended.count(PublicationState.REFUSED),
            put_off=ended.count(PublicationState.TO_PUBLISH),
        )

    async def planned(self) -> tuple[Planned, ...]:
        """Return what `publish_due` would ask for now, and change nothing."""
        now = self._clock()
        found = await self._store.read_long(lambda tx: publication.due(tx, now, _DRY_MAX))
        return tuple(plan(one, self._settings) for one in found)

    async def _claim(self, tx: Tx, now: datetime, lease: str, until: datetime) -> list[Announced]:
        claimed = await publication.claim_due(tx, now=now, limit=self._settings.workers, lease=lease, until=until)
        for one in claimed:
            await audit.append(tx, self._event(one, PublicationState.SENT, ""), now)
        return claimed

    async def _publish(self, claimed: Announced) -> PublicationState | None:
        planned = plan(claimed, self._settings)
        wanted, has = planned.wanted, claimed.published
        judged: Judged = Done()
        for step in planned.steps:
            judged, wanted = await self._take(step, wanted)
            if not isinstance(judged, Done):
                break
            has = None if isinstance(step.change, RemoveMailbox) else wanted
        self._probe("publication-answered")
        if isinstance(judged, Done):
            has, judged = wanted, Never(planned.code, "") if planned.code else judged
        return await self._record(claimed, judged, wanted, has)

    async def _take(self, step: Step, wanted: Publication | None) -> tuple[Judged, Publication | None]:
        """Take a step; return what came of it and what the directory is to have, which may be less than was wanted."""
        found = when_unknown(step, wanted, await self._ask(step, wanted), self._settings)
        if not isinstance(found, Publication):
            return found, wanted
        return await self._ask(Step(found.target, AddMailbox(found.mailbox)), found), found

    async def _ask(self, step: Step, wanted: Publication | None) -> Judged:
        """Ask for a step, and once for what stands in its place when the directory has it otherwise than we thought."""
        judged = judge_answer(step, wanted, await self._link.change(step.target, step.changes))
        if not isinstance(judged, Instead):
            return judged
        second = Step(step.target, judged.change)
        again = judge_answer(second, wanted, await self._link.change(second.target, second.changes))
        if isinstance(again, Instead):
            # Known there, and not at our holder's: the address is attached to somebody else.
            return Never(Kind.ADDRESS_TAKEN.value, "")
        return again

    async def _record(
        self, claimed: Announced, judged: Judged, wanted: Publication | None, has: Publication | None
    ) -> PublicationState | None:
        now = self._clock()
        state, due_at, code, reason = self._outcome(claimed, judged, wanted, now)

        async def work(tx: Tx) -> PublicationState | None:
            kept = await publication.finish(
                tx, claimed, state=state, published=has, due_at=due_at, code=code, reason=reason, now=now
            )
            if kept is not None:
                await audit.append(tx, self._event(claimed, kept, code), now)
            return kept

        kept = await self._store.write(work)
        # A mailbox that changed meanwhile is due again at once: that is no failure of the directory.
        return state if kept is not None else None

    def _outcome(
        self, claimed: Announced, judged: Judged, wanted: Publication | None, now: datetime
    ) -> tuple[PublicationState, datetime | None, str, str]:
        match judged:
            case Later(code=code, reason=reason):
                self._log.warning("directory-not-reached", code=code)
                return PublicationState.TO_PUBLISH, next_attempt(claimed.tries, now, self._settings), code, reason
            case Never(code=code, reason=reason):
                return PublicationState.REFUSED, None, code, reason
            case _:
                done = PublicationState.WITHDRAWN if wanted is None else PublicationState.ACCEPTED
                is_less = wanted is not None and wanted.unknown_structure
                return done, None, SITUATION_UNKNOWN if is_less else "", ""

    def _event(self, one: Announced, state: PublicationState, code: str) -> AuditEvent:
        """Return the event of a change of state; the directory's own words stand in no trace."""
        subject = for_trace(one.mailbox.address, self._trace_key)
        facts: dict[str, str | int] = {"tries": one.tries, "version": one.version}
        return AuditEvent(f"publication.{state.value}", "system", subject, code or "ok", "publication", facts)

    async def _pause_seconds(self) -> float:
        due_at = await self._store.read(publication.next_due)
        if due_at is None:
            return self._settings.poll_seconds
        return min(max((due_at - self._clock()).total_seconds(), 0.05), self._settings.poll_seconds)
