"""Audit events: what happened, who did it, which rule; chained by hash in the store.

Never in an event: a body, a subject, a password, a token, a patient's identity (law 4); addresses go through
`mssante.model.address.for_trace`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One event before it is written.

    Attributes:
        event: stable dotted name, ``message.received``, ``peer.refused``, ``list.activated``...
        actor: login, certificate subject or ``system``.
        subject: what it is about: a reference, an address for traces, a domain.
        outcome: ``ok`` or the value of a `Kind`.
        rule: name of the rule that decided, or "".
        facts: small flat facts, text and numbers only.
    """

    event: str
    actor: str
    subject: str
    outcome: str
    rule: str = ""
    facts: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One event as written: its place in the chain, its hash over itself and the one before."""

    seq: int
    at: datetime
    event: AuditEvent
    previous: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """What the verification of the chain found; `broken_at` is None when it is whole."""

    rows: int
    last_seq: int
    last_digest: bytes
    broken_at: int | None
    reason: str = ""
