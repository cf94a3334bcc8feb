"""Flow S, second half: claim what is due, hand it over, record what became of it (design.md section 2, S6 to S10).

Each destination domain has its own lane, so that a dead destination delays nobody else. What a crash can do here:
between a peer's 250 and our record of it, the same copy may be sent twice; it is never lost.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Final

from mssante.flows.conversing import note_exchange
from mssante.flows.find import find_mailbox
from mssante.flows.notify import Notifier
from mssante.flows.ports import Channel, Clock, Courier, Probe, Resolver, no_probe
from mssante.flows.receipts import Receipts
from mssante.flows.record import Recorder
from mssante.flows.returned import envelope_id_of
from mssante.flows.trust import TrustSpace
from mssante.model.address import Address
from mssante.model.decision import Kind, Permit, Refusal
from mssante.model.envelope import MailOptions
from mssante.model.errors import LinkError, MssError, StoreDamagedError, StoreError
from mssante.model.log import accident
from mssante.model.mailbox import Role
from mssante.model.message import Change, Copy, Deferred, Delivered, Failed, Outcome, Relayed, Summary
from mssante.model.outside import Answer, Host, Parcel, Taken
from mssante.model.settings import QueueSettings
from mssante.rules.recipient import RecipientFacts, judge_recipient
from mssante.store import messages, queue, receipts
from mssante.store.domains import list_domains
from mssante.store.engine import Store
from mssante.store.tx import Tx
from mssante.wire.mime.complete import return_path

HOSTS_TRIED: Final = 5
HELD_UP_SECONDS: Final = 0.25
"""Until the next look when what is due waits for a lane, which another node may have: it does not say when it ends."""
LANE_COPIES: Final = 20
_UNREADABLE: Final = "Le message ne peut pas être relu ici pour le moment : prévenez votre opérateur."
_NO_MAILBOX: Final = Refusal(Kind.MAILBOX_UNKNOWN, "mailbox-exists", "No such mailbox here")


@dataclass(frozen=True, slots=True)
class _Way:
    """An open and allowed way to a domain."""

    host: Host
    channel: Channel
    permit: Permit


class Delivering:
    """The delivery workers of one operator."""

    def __init__(
        self,
        *,
        settings: QueueSettings,
        postmaster: Address,
        store: Store,
        trust: TrustSpace,
        notifier: Notifier,
        recorder: Recorder,
        resolver: Resolver,
        courier: Courier,
        clock: Clock,
        new_lease: Callable[[], str],
        probe: Probe = no_probe,
    ) -> None:
        """Keep what the workers share."""
        self._settings = settings
        self._postmaster = postmaster
        self._store = store
        self._trust = trust
        self._notifier = notifier
        self._recorder = recorder
        self._receipts = Receipts(trust, store.blobs, recorder.trace_key, recorder.notices.hostname)
        self._resolver = resolver
        self._courier = courier
        self._clock = clock
        self._new_lease = new_lease
        self._probe = probe
        self._busy: Counter[str] = Counter()
        self._lanes: dict[asyncio.Task[None], list[Copy]] = {}
        self._gone: Callable[[], Collection[str]] = tuple

    def share(self, run: str, gone: Callable[[], Collection[str]]) -> None:
        """Work beside other nodes on one store.

        Args:
            run: of this process, like no other's, without ``/``.
            gone: returns the runs that are no more, whose connections nobody need count.
        """
        new_lease = self._new_lease
        self._new_lease = lambda: f"{run}/{new_lease()}"
        self._gone = gone

    async def run(self) -> None:
        """Deliver for ever; ends by cancellation, and gives back what was under way. After a kill its leases end."""
        try:
            while True:
                try:
                    if await self._look():
                        continue
                    pause_seconds = await self._pause_seconds()
                except StoreError as error:
                    # What is due stays due: without the pause a full disk would be asked a hundred times a second.
                    self._trust.log.error("queue-not-read", error=str(error))
                    pause_seconds = self._settings.poll_seconds
                await self._notifier.wait_queue(pause_seconds)
        finally:
            held = [copy for copies in self._lanes.values() for copy in copies]
            for task in self._lanes:
                task.cancel()
            await asyncio.gather(*self._lanes, return_exceptions=True)
            if held:
                now = self._clock()
                with suppress(StoreError):
                    await self._store.write(lambda tx: queue.give_back(tx, held, now))

    async def drain(self) -> None:
        """Deliver what is due now and wait for its end: one step of `run`, for tests with a clock of their own."""
        while await self._look() or self._lanes:
            if self._lanes:
                await asyncio.wait(self._lanes)

    async def _look(self) -> int:
        """Claim what is due and start a lane for each destination; returns how many copies were claimed."""
        free = self._settings.workers - len(self._lanes)
        if free <= 0:
            await asyncio.wait(self._lanes, return_when=asyncio.FIRST_COMPLETED)
            return 1
        now = self._clock()
        lease = self._new_lease()
        most = self._settings.per_destination
        until, gone = now + timedelta(seconds=self._settings.lease_seconds), self._gone()
        copies = await self._store.write(
            lambda tx: queue.claim_due(
                tx,
                now=now,
                limit=free * LANE_COPIES,
                lease=lease,
                lease_until=until,
                busy={domain: LANE_COPIES for domain, lanes in self._busy.items() if lanes >= most},
                per_destination=LANE_COPIES,
                # Alone, what this process remembers is enough, and it also knows when a lane has really ended.
                lanes=most if self._store.is_shared else 0,
                gone=gone,
            )
        )
        if copies:
            self._probe("K11")
        copies.sort(key=lambda copy: (copy.recipient.address.domain, copy.message))
        # One connection carries what is due for its domain, up to LANE_COPIES; busy domains get no other one.
        for domain, lane in groupby(copies, key=lambda copy: copy.recipient.address.domain):
            self._start_lane(domain, list(lane))
        return len(copies)

    def _start_lane(self, domain: str, copies: list[Copy]) -> None:
        self._busy[domain] += 1
        task = asyncio.create_task(self._lane(domain, copies), name=f"deliver {domain}")
        self._lanes[task] = copies

        def ended(task: asyncio.Task[None]) -> None:
            self._lanes.pop(task, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                # A fault of ours: its copies come back when their lease ends.
                self._trust.log.error("lane-died", domain=domain, copies=len(copies), error=accident(error))
            self._busy[domain] -= 1
            if not self._busy[domain]:
                del self._busy[domain]
            self._notifier.wake_queue()

        task.add_done_callback(ended)

    async def _pause_seconds(self) -> float:
        due = await self._store.read(queue.next_due)
        if due is None:
            return self._settings.poll_seconds
        wait_seconds = (due - self._clock()).total_seconds()
        return min(max(wait_seconds, 0.01) if wait_seconds > 0 else HELD_UP_SECONDS, self._settings.poll_seconds)

    async def _lane(self, domain: str, copies: list[Copy]) -> None:
        """Deliver the copies of one domain, one message after the other (S6)."""
        try:
            if domain in await self._store.read(list_domains):
                for copy in copies:
                    await self._deliver_here(copy)
            else:
                await self._deliver_there(domain, copies)
        except MssError as error:
            # What was not recorded comes back when its lease ends.
            self._trust.log.error("lane-stopped", domain=domain, copies=len(copies), error=str(error))

    async def _deliver_here(self, copy: Copy) -> None:
        """Put the copy in the mailbox and record it in one transaction (R4, R7, R9)."""
        now, arrived = self._clock(), Delivered("INBOX")
        # Of the outcome that nearly all of them have; a mailbox that closed meanwhile has its notice read later.
        beginning = await self._recorder.notices.beginning(copy, arrived)
        told = await self._receipts.read_own(self._store, copy)

        async def work(tx: Tx) -> list[Change]:
            _ours, mailbox = await find_mailbox(tx, copy.recipient.address, self._postmaster)
            facts = RecipientFacts(
                address=copy.recipient.address, is_our_domain=True, mailbox=mailbox, size_bytes=copy.body.size_bytes
            )
            decision = judge_recipient(facts)
            if isinstance(decision, Refusal) or mailbox is None:
                refusal = decision if isinstance(decision, Refusal) else _NO_MAILBOX
                await self._recorder.record(tx, copy, _refused(refusal), now)
                return []
            if not await self._recorder.record(tx, copy, arrived, now, rule=decision.rule, beginning=beginning):
                return []
            prefix = return_path(copy.sender) + copy.prefix
            change, _uid = await messages.file_message(
                tx, message=copy.message, mailbox_id=mailbox.mailbox_id, role=Role.INBOX, prefix=prefix, now=now
            )
            if told is not None:
                boxes = frozenset((copy.recipient.address.key,))
                await self._receipts.note(tx, told, boxes, copy.reference, "system", now)
            if mailbox.address.is_citizen:
                summary = await receipts.summary_of(tx, copy.message)
                await note_exchange(tx, mailbox, copy.sender, summary or Summary(), now)
            return [change]

        changes = await self._store.write(work)
        self._probe("K12")
        self._notifier.publish(changes)
        self._notifier.wake_queue()

    async def _deliver_there(self, domain: str, copies: list[Copy]) -> None:
        """Hand the copies over to the operator of the domain, on one connection."""
        way = await self._find_way(domain)
        if not isinstance(way, _Way):
            for copy in copies:
                await self._record([copy], [way])
            return
        try:
            for _message, group in groupby(copies, key=lambda copy: copy.message):
                await self._send(domain, way, list(group))
        finally:
            with suppress(LinkError):
                await way.channel.close()

    async def _find_way(self, domain: str) -> _Way | Deferred | Failed:
        """Return a channel that the rules allow, or why there is none."""
        if not self._trust.is_listed(domain):
            return self._unlisted(domain)
        try:
            hosts = await self._resolver.hosts(domain)
        except LinkError as error:
            return Deferred(Refusal(Kind.HOST_UNKNOWN, "mx", f"No host found for {domain}", str(error)))
        if not hosts:
            return Failed(Refusal(Kind.PEER_REFUSED, "mx", f"{domain} takes no mail", "null MX"))
        problem: Deferred | Failed | None = None
        for host in hosts[:HOSTS_TRIED]:
            found = await self._try_host(domain, host)
            if isinstance(found, _Way):
                return found
            problem = problem or found
        return problem or Deferred(Refusal(Kind.HOST_UNREACHABLE, "mx", f"No host of {domain} answers"))

    async def _try_host(self, domain: str, host: Host) -> _Way | Deferred:
        channel = await self._courier.open(host)
        if isinstance(channel, Deferred):
            return channel
        decision = self._trust.judge_destination(channel.peer, host.name, domain)
        if isinstance(decision, Permit):
            return _Way(host, channel, decision)
        await channel.close()
        return Deferred(decision, peer=f"{host.name} [{channel.peer.ip}]")

    def _unlisted(self, domain: str) -> Deferred:
        """Hold back what waits for a domain that has left the list (B04); the age of the copy ends it, not we."""
        return Deferred(
            Refusal(
                Kind.RECIPIENT_DOMAIN_UNLISTED,
                "R1",
                f"{domain} is not in the trust space any more",
                f"list {self._trust.list_version()}",
                f"Le domaine {domain} n'est plus dans l'espace de confiance MSSanté.",
            )
        )

    async def _send(self, domain: str, way: _Way, copies: list[Copy]) -> None:
        """Send one message to its recipients of one domain; trust is decided again for each (law 6)."""
        peer = way.channel.peer
        decision = self._trust.judge_destination(peer, way.host.name, domain) if self._trust.is_listed(domain) else None
        if not isinstance(decision, Permit):
            refused = Deferred(decision) if decision is not None else self._unlisted(domain)
            await self._record(copies, [refused] * len(copies))
            return
        first = copies[0]
        try:
            body = await self._bytes_of(first)
        except StoreDamagedError as error:
            # It waits for its last good copy to be put back, and its sender hears of the delay and of the end.
            self._trust.log.error("body-damaged", reference=first.reference, error=str(error))
            refusal = Refusal(Kind.STORE_UNAVAILABLE, "body", "Message cannot be read for now", str(error), _UNREADABLE)
            await self._record(copies, [Deferred(refusal)] * len(copies))
            return
        parcel = Parcel(
            sender=first.sender,
            recipients=tuple(copy.recipient for copy in copies),
            options=self._named(first),
            data=(first.prefix, body),
            size_bytes=len(first.prefix) + len(body),
        )
        answers = await way.channel.send(parcel)
        self._probe("K14")
        await self._record(copies, [self._outcome(answer, way) for answer in answers])

    def _named(self, copy: Copy) -> MailOptions:
        """Return the options of a message with an envelope identifier, unless its sender gave one (RFC 3461 4.4)."""
        if copy.dsn or copy.options.envelope_id is not None:
            return copy.options
        domain = copy.recipient.address.domain
        return replace(copy.options, envelope_id=envelope_id_of(self._recorder.trace_key, copy.reference, domain))

    async def _bytes_of(self, copy: Copy) -> bytes:
        if copy.body.data is not None:
            return copy.body.data
        return await self._store.blobs.aside(self._store.blobs.read, copy.body)

    def _outcome(self, answer: Answer, way: _Way) -> Outcome:
        if not isinstance(answer, Taken):
            return answer
        peer = way.channel.peer
        tls = f"{peer.tls.protocol} {peer.tls.cipher}" if peer.tls else ""
        return Relayed(
            reply=answer.reply,
            rule=f"{way.permit.rule}: {way.permit.detail}",
            peer=f"{way.host.name} [{peer.ip}]",
            dsn_supported=answer.dsn_supported,
            tls=tls,
        )

    async def _record(self, copies: Sequence[Copy], outcomes: Sequence[Outcome]) -> None:
        """Write the new states, the audit rows and the notices of these copies in one transaction (S7 to S10)."""
        now = self._clock()
        done = [
            (copy, outcome, await self._recorder.notices.beginning(copy, outcome))
            for copy, outcome in zip(copies, outcomes, strict=True)
        ]

        async def work(tx: Tx) -> None:
            for copy, outcome, beginning in done:
                await self._recorder.record(tx, copy, outcome, now, beginning=beginning)

        await self._store.write(work)
        self._probe("K16")
        self._notifier.wake_queue()


def _refused(refusal: Refusal) -> Outcome:
    return Deferred(refusal) if refusal.is_temporary else Failed(refusal)
