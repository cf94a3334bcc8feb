"""Write down refusals that came before a rule was asked: in the handshake, or of an envelope that the protocol refuses.

Bounded, because anybody who can connect can cause them. The refusals of rules stand with
their message and only share `write_down`.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.ports import Clock
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind, Refusal
from mssante.model.errors import StoreError
from mssante.model.log import Log
from mssante.model.peer import PeerFacts
from mssante.store import audit
from mssante.store.engine import Store

INTERVAL: Final = timedelta(seconds=1)
ADDRESSES_REMEMBERED: Final = 10_000


class EarlyRefusals:
    """Writes at most one audit row a second for one address and reason.

    Args of the constructor: the name of the audit event; where it is written; the version of the list in force.

    Source: reliability.md B01 (each refusal has its reason code in the audit).
    """

    def __init__(self, event: str, *, store: Store, clock: Clock, log: Log, list_version: Callable[[], str]) -> None:
        self._event = event
        self._store = store
        self._clock = clock
        self._log = log
        self._list_version = list_version
        self._last: dict[tuple[str, Kind], datetime] = {}

    async def note(self, peer: PeerFacts, subject: str, refusal: Refusal, *, actor: str = "") -> None:
        """Write the refusal down; it stands even when that fails.

        Args:
            peer: who was refused.
            subject: what was refused: ``handshake`` or ``envelope``.
            actor: the login, when somebody has signed in.
        """
        now = self._clock()
        key = (peer.ip, refusal.kind)
        last = self._last.get(key)
        if last is not None and now - last < INTERVAL:
            return
        if len(self._last) >= ADDRESSES_REMEMBERED:
            self._last.clear()
        self._last[key] = now
        who = actor or (str(peer.certificate.subject) if peer.certificate else peer.ip)
        facts = {"ip": peer.ip, "detail": refusal.detail, "list": self._list_version()}
        event = AuditEvent(self._event, who, subject, refusal.kind.value, refusal.rule, facts)
        await write_down(self._store, self._log, event, now)


async def write_down(store: Store, log: Log, event: AuditEvent, now: datetime) -> None:
    """Write a refusal in the audit, in a transaction of its own; the refusal stands even when that fails."""
    try:
        await store.write(lambda tx: audit.append(tx, event, now))
    except StoreError as error:
        log.error("audit-not-written", audit_event=event.event, outcome=event.outcome, error=str(error))
