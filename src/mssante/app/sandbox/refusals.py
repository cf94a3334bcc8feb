"""Judge what the bad peers were told: the right reply, the right rule in the audit, and nothing stored."""

import asyncio
from dataclasses import dataclass
from typing import Final

from mssante.app.sandbox.follow import Stores, audit_since, count_messages, last_audit
from mssante.app.sandbox.letters import DOCTOR
from mssante.app.sandbox.peers import HANDSHAKE_REFUSED, BadPeer, Stage, play
from mssante.model.audit import AuditRow
from mssante.model.decision import Kind
from mssante.store.engine import Store
from mssante.wire.smtp.replies import REPLIES

AUDIT_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.02
# Refused in the handshake: the reason stands in our audit.
HANDSHAKE: Final = frozenset({Kind.CERTIFICATE_EXPIRED, Kind.CERTIFICATE_UNTRUSTED})


@dataclass(frozen=True, slots=True)
class Refused:
    """What came of one bad peer.

    Attributes:
        reply: what it was told.
        rule: the rule in the audit; that of the table when nothing was written.
        as_expected: right reply, right rule, nothing stored.
        problem: what was not as expected, or "".
    """

    peer: BadPeer
    reply: str
    rule: str
    as_expected: bool
    problem: str


async def refuse(peer: BadPeer, stage: Stage, stores: Stores) -> Refused:
    """Play the peer against the hospital; return what came of it."""
    store = stores.of(stage.layout.operator_of(DOCTOR.domain))
    before, seq = await count_messages(store), await last_audit(store)
    reply = await play(peer, stage)
    row = await _audit_row(store, seq, peer.kind)
    problem = _problem(peer, reply, row, stored=await count_messages(store) - before)
    rule = row.event.rule if row else peer.rule
    return Refused(peer, reply, rule, as_expected=not problem, problem=problem)


def expected_reply(kind: Kind) -> str:
    """Return how the reply must begin."""
    if kind in HANDSHAKE:
        return HANDSHAKE_REFUSED
    code, enhanced = REPLIES[kind]
    return f"{code} {enhanced}"


def _problem(peer: BadPeer, reply: str, row: AuditRow | None, *, stored: int) -> str:
    if not reply.startswith(expected_reply(peer.kind)):
        return f"expected {expected_reply(peer.kind)!r}"
    if row is None:
        return f"no audit row says {peer.kind.value}"
    if row.event.rule != peer.rule:
        return f"decided by {row.event.rule}, not {peer.rule}"
    if stored:
        return f"{stored} messages were stored"
    return ""


async def _audit_row(store: Store, seq: int, kind: Kind) -> AuditRow | None:
    """Return the first new audit row with that outcome; the row may be committed just after the reply."""
    loop = asyncio.get_running_loop()
    until = loop.time() + AUDIT_SECONDS
    while loop.time() < until:
        for row in await audit_since(store, seq):
            if row.event.outcome == kind.value:
                return row
        await asyncio.sleep(LOOK_SECONDS)
    return None
