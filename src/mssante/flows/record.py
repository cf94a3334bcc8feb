"""Record what became of a copy: its new state, the audit row and the notice, in one transaction (S7 to S10)."""

from dataclasses import dataclass
from datetime import datetime

from mssante.flows.notices import Notices
from mssante.model.address import for_trace
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind, Refusal
from mssante.model.message import Copy, CopyState, Deferred, Delivered, Failed, Outcome, Relayed
from mssante.model.settings import QueueSettings
from mssante.rules.correspondent import bounce_reason
from mssante.rules.retry import next_attempt, wants_warning
from mssante.store import audit, correspondents, queue
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes outcomes down.

    Attributes:
        settings: section [queue].
        notices: queues what the sender is owed.
        trace_key: keys the pseudonyms of citizens.
    """

    settings: QueueSettings
    notices: Notices
    trace_key: bytes

    async def record(
        self,
        tx: Tx,
        copy: Copy,
        outcome: Outcome,
        now: datetime,
        rule: str = "",
        *,
        beginning: bytes | None = None,
    ) -> bool:
        """Give the copy its new state; False when its lease has passed to another worker, and nothing is written.

        Args:
            rule: the rule that decided, when the outcome does not say it itself.
            beginning: of the message, as `Notices.beginning` gave it.
        """
        due_at = None
        if isinstance(outcome, Deferred):
            due_at = next_attempt(copy.tries, copy.queued_at, now, self.settings)
            if due_at is None:
                outcome = _given_up(outcome)
        refusal = outcome.refusal if isinstance(outcome, Deferred | Failed) else None
        decided = outcome.rule if isinstance(outcome, Relayed) else refusal.rule if refusal else rule
        kept = await queue.finish_copy(
            tx,
            copy_id=copy.copy_id,
            lease=copy.lease,
            state=_state(outcome),
            due_at=due_at,
            kind=refusal.kind if refusal else None,
            detail=_detail(outcome),
            reply="" if isinstance(outcome, Delivered) else outcome.reply,
            peer="" if isinstance(outcome, Delivered) else outcome.peer,
            rule=decided,
            now=now,
        )
        if not kept:
            return False
        await audit.append(tx, self._event(copy, outcome, decided, due_at), now)
        await _tell_directory(tx, copy, outcome, now)
        late = wants_warning(warned=copy.warned, queued_at=copy.queued_at, now=now, settings=self.settings)
        await self.notices.after(tx, copy, outcome, now, late=late, beginning=beginning)
        return True

    def _event(self, copy: Copy, outcome: Outcome, rule: str, due_at: datetime | None) -> AuditEvent:
        facts: dict[str, str | int] = {
            "from": for_trace(copy.sender, self.trace_key),
            "to": for_trace(copy.recipient.address, self.trace_key),
            "tries": copy.tries,
            "detail": _detail(outcome),
        }
        if not isinstance(outcome, Delivered):
            facts |= {"peer": outcome.peer, "reply": _reply_code(outcome.reply)}
        if isinstance(outcome, Relayed):
            facts["tls"] = outcome.tls
        if due_at is not None:
            facts["next"] = due_at.isoformat(timespec="seconds")
        state = _state(outcome).value
        kind = outcome.refusal.kind.value if isinstance(outcome, Deferred | Failed) else "ok"
        return AuditEvent(f"copy.{state}", "system", copy.reference, kind, rule, facts)


async def _tell_directory(tx: Tx, copy: Copy, outcome: Outcome, now: datetime) -> None:
    """Note what the outcome tells of the address; nothing of notices, nor of citizens, who are in no directory."""
    sender, recipient = copy.sender, copy.recipient.address
    if copy.dsn or sender is None or sender.is_citizen or recipient.is_citizen:
        return
    match outcome:
        case Delivered() | Relayed():
            await correspondents.note_arrival(tx, sender, recipient, now)
        case Failed(refusal=refusal, reply=reply):
            await correspondents.note_failure(tx, sender, recipient, now, bounce_reason(refusal.kind, reply))


def _state(outcome: Outcome) -> CopyState:
    match outcome:
        case Delivered():
            return CopyState.DELIVERED
        case Relayed():
            return CopyState.RELAYED
        case Deferred():
            return CopyState.DEFERRED
        case Failed():
            return CopyState.FAILED


def _detail(outcome: Outcome) -> str:
    """Return the detail for the queue and the audit, where a peer's own words never stand (law 4)."""
    match outcome:
        case Delivered():
            return outcome.detail
        case Relayed():
            return outcome.tls
        case Deferred() | Failed():
            if outcome.reply:
                return f"{outcome.refusal.kind.value}: {_reply_code(outcome.reply)}"
            return outcome.refusal.detail or outcome.refusal.public


def _reply_code(reply: str) -> str:
    """Return the codes of a peer's reply: its text may repeat an address, which traces must not hold."""
    return " ".join(word for word in reply.split()[:2] if word.replace(".", "").isdigit())


def _given_up(outcome: Deferred) -> Failed:
    last = outcome.refusal
    refusal = Refusal(
        Kind.EXPIRED,
        "retry",
        f"Gave up after the time allowed; last reason: {last.public}",
        last.detail,
        last.french,
    )
    return Failed(refusal, outcome.reply, outcome.peer)
