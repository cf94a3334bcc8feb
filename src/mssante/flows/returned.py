"""A delivery notice came by mail to a box that sent the message: what was noted as arrived is taken back.

What the notice says is read before the transaction, what is believed of it is recorded in the one that stores the
notice; the notice is delivered whatever becomes of that. Our own queue's outcomes are `mssante.flows.record`.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.flows.trust import TrustSpace
from mssante.model.address import Address, for_trace
from mssante.model.audit import AuditEvent
from mssante.model.decision import Permit
from mssante.model.message import Body, Copy
from mssante.model.peer import PeerFacts
from mssante.rules.returned import RULE, Returned, ReturnFacts, judge_return
from mssante.store import audit, correspondents, queue
from mssante.store.blobs import BlobFolder
from mssante.store.tx import Tx
from mssante.wire.mime.dsn_read import NOTICE_MAX_BYTES, NoticeRead, NoticeTold, read_notice

DOMAINS_MAX: Final = 4
"""Domains of one notice for which it is asked whether the peer speaks for them."""
_PROOF_HEX_DIGITS: Final = 24
_LABEL: Final = b"envelope\0"


def envelope_id_of(key: bytes, reference: str, domain: str) -> str:
    """Return the envelope identifier under which the operator of a domain is given a message of ours.

    It stands in no header: who gives it back has had it from us, or from that operator. 96 bits nobody can guess.

    Args:
        key: the operator's own, secret.
        reference: of the message.
        domain: of its recipients.

    Source: RFC 3461 section 4.4 (ENVID, given back as Original-Envelope-Id).
    """
    proof = hmac.digest(key, _LABEL + f"{reference}\0{domain}".encode(), "sha256").hex()
    return f"{reference}.{proof[:_PROOF_HEX_DIGITS]}"


@dataclass(frozen=True, slots=True)
class ReturnedNotice:
    """A notice that may be believed, before the store is asked.

    Attributes:
        domains: that the peer speaks for, of those it names.
    """

    read: NoticeRead
    domains: frozenset[str]

    @property
    def reference(self) -> str:
        """Return what would be our own reference of the message it speaks of."""
        return self.read.envelope_id.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Returning:
    """Notes what comes back.

    Attributes:
        trust: says which domains a peer speaks for.
        key: keys envelope identifiers, and the pseudonyms of citizens.
    """

    trust: TrustSpace
    blobs: BlobFolder
    key: bytes

    async def read(self, peer: PeerFacts, sender: Address | None, body: Body) -> ReturnedNotice | None:
        """Return what a received message is as a notice, or None: it is none, or nothing of it could be believed.

        Source: RFC 3464 section 2 (a notice has the null reverse path).
        """
        if sender is not None:
            return None
        read = read_notice(body.data if body.data is not None else await self.blobs.beginning(body, NOTICE_MAX_BYTES))
        if read is None:
            return None
        named = dict.fromkeys(address.domain for told in read.told for address in _addresses(told))
        domains = frozenset([one for one in list(named)[:DOMAINS_MAX] if self._speaks_for(peer, one)])
        notice = ReturnedNotice(read, domains)
        return notice if notice.reference and domains else None

    def _speaks_for(self, peer: PeerFacts, domain: str) -> bool:
        return isinstance(self.trust.judge_sender(peer, Address("postmaster", domain)), Permit)

    async def note(
        self, tx: Tx, notice: ReturnedNotice, boxes: Collection[str], reference: str, actor: str, now: datetime
    ) -> None:
        """Take back what the notice tells of copies that these boxes (by key) sent; nothing else is touched.

        Args:
            reference: of the notice itself.
            actor: who brought it.
        """
        copies = {copy.recipient.address.key: copy for copy in await queue.copies_of(tx, notice.reference)}
        for told in notice.read.told:
            for key in {address.key for address in _addresses(told)} & copies.keys():
                returned = self._judge(notice, told, copies[key], boxes)
                if returned is not None:
                    await self._take_back(tx, told, copies[key], returned, reference, actor, now)

    def _judge(self, notice: ReturnedNotice, told: NoticeTold, copy: Copy, boxes: Collection[str]) -> Returned | None:
        domain = copy.recipient.address.domain
        expected = envelope_id_of(self.key, copy.reference, domain)
        return judge_return(
            ReturnFacts(
                speaks_for_domain=domain in notice.domains,
                names_envelope=hmac.compare_digest(notice.read.envelope_id.encode(), expected.encode()),
                is_for_sender=copy.sender is not None and copy.sender.key in boxes,
                state=copy.state,
                is_notice=copy.dsn,
                action=told.action,
                status=told.status,
                reply=told.reply,
            )
        )

    async def _take_back(
        self, tx: Tx, told: NoticeTold, copy: Copy, returned: Returned, reference: str, actor: str, now: datetime
    ) -> None:
        sender, recipient = copy.sender, copy.recipient.address
        accepted_at = await queue.take_back_copy(
            tx, copy.copy_id, kind=returned.kind, detail=f"returned: {told.status}", rule=RULE, now=now
        )
        if accepted_at is None:
            return
        if sender is not None and not (sender.is_citizen or recipient.is_citizen):
            await correspondents.note_return(tx, sender, recipient, accepted_at, now, returned.bounce)
        facts: dict[str, str | int] = {
            "from": for_trace(sender, self.key),
            "to": for_trace(recipient, self.key),
            "status": told.status,
            "notice": reference,
        }
        event = AuditEvent("copy.returned", actor, copy.reference, returned.kind.value, RULE, facts)
        await audit.append(tx, event, now)


def _addresses(told: NoticeTold) -> tuple[Address, ...]:
    return tuple([one for one in (told.original, told.final) if one is not None])
