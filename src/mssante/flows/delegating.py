"""Somebody stands in for the holder of a personal mailbox from a time to a time: reads it, or sends in its name.

The members of ORG, APP and CAB mailboxes have permanent rights and are none of this (see `mssante.flows.mailboxes`).

Source: operators.md 5 (delegation of PER: unknown, our choice); users.md 7.3 DOC-5, 7.4 GP-7 (own log-in of each).
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.flows.notify import Notifier
from mssante.flows.ports import Clock
from mssante.model.address import Address, for_trace, login_for_trace
from mssante.model.audit import AuditEvent
from mssante.model.errors import MssError, StoreError
from mssante.model.life_cycle import Delegation, DelegationId, DelegationState
from mssante.model.log import Log
from mssante.model.mailbox import AccountId, MailboxId, MailboxState, MailboxType
from mssante.store import accounts, audit, delegations
from mssante.store.engine import Store
from mssante.store.mailboxes import mailbox_by_key
from mssante.store.tx import Tx

LONGEST: Final = timedelta(days=366)
SHOWN_MAX: Final = 200
_SETTLED_MAX: Final = 50
_LOOK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class DelegationOrder:
    """What is asked for: who may do what on which mailbox, from when to when."""

    address: Address
    login: str
    may_read: bool
    may_send: bool
    starts_at: datetime
    ends_at: datetime


async def settle_delegations(tx: Tx, now: datetime, trace_key: bytes) -> tuple[AccountId, ...]:
    """Begin and end what is to begin and end by now, each with its audit row; return whose rights changed.

    Some at a time; what is left is settled at the next call.
    """
    changed: list[AccountId] = []
    for one in await delegations.to_settle(tx, now, limit=_SETTLED_MAX):
        is_over = one.ends_at <= now
        changed.append(await (delegations.end if is_over else delegations.begin)(tx, one))
        event = "delegation.ended" if is_over else "delegation.began"
        await audit.append(tx, _event(event, "system", one, trace_key), now)
    return tuple(changed)


class Delegating:
    """The acts of one administrator, and the watch over what begins and ends."""

    def __init__(self, *, store: Store, actor: str, trace_key: bytes, clock: Clock) -> None:
        """Keep the store, who acts, the key of traces and the clock."""
        self._store = store
        self._actor = actor
        self._trace_key = trace_key
        self._clock = clock

    async def add(self, order: DelegationOrder) -> DelegationId:
        """Let somebody stand in; in force at once when it begins now.

        Raises:
            MssError: the dates are not sound, the mailbox is not a personal one in service, the account is unknown, is
                the mailbox's own, or has a right or a delegation there already.
        """
        now = self._clock()

        async def work(tx: Tx) -> DelegationId:
            mailbox_id, account_id = await _checked(tx, order, now)
            number = await delegations.add_delegation(
                tx,
                mailbox_id,
                account_id,
                may_read=order.may_read,
                may_send=order.may_send,
                starts_at=order.starts_at,
                ends_at=order.ends_at,
                now=now,
            )
            await self._audit(tx, "delegation.added", await _one(tx, mailbox_id, number), now)
            await settle_delegations(tx, now, self._trace_key)
            return number

        return await self._store.write(work)

    async def show(self, address: Address) -> tuple[Delegation, ...]:
        """Return the delegations of a mailbox, ended ones too, newest first.

        Raises:
            MssError: there is no such mailbox.
        """

        async def work(tx: Tx) -> tuple[Delegation, ...]:
            mailbox_id, _kind, _state = await _box(tx, address)
            return tuple(await delegations.list_delegations(tx, mailbox_id, limit=SHOWN_MAX))

        return await self._store.read(work)

    async def remove(self, address: Address, number: DelegationId) -> None:
        """End a delegation now.

        Raises:
            MssError: the mailbox has no such delegation, or it has ended.
        """
        now = self._clock()

        async def work(tx: Tx) -> None:
            mailbox_id, _kind, _state = await _box(tx, address)
            found = await delegations.list_delegations(tx, mailbox_id, limit=SHOWN_MAX)
            one = next((one for one in found if one.delegation_id == number), None)
            if one is None or one.state is DelegationState.ENDED:
                msg = f"{address} n'a pas de délégation {number} ; `mssante mailbox delegate list {address}` les donne"
                raise MssError(msg)
            await delegations.end(tx, one)
            await self._audit(tx, "delegation.removed", one, now)

        await self._store.write(work)

    async def settle(self, notifier: Notifier) -> datetime | None:
        """Begin and end what is due, tell the sessions of those concerned; return when there is more to do."""
        now = self._clock()
        if (at := await self._store.read(delegations.next_change)) is None or at > now:
            return at
        for account_id in await self._store.write(lambda tx: settle_delegations(tx, now, self._trace_key)):
            notifier.ring(account_id)
        return await self._store.read(delegations.next_change)

    async def watch(self, notifier: Notifier, log: Log) -> None:
        """Settle for ever, to the second for what is known here, within a minute for what another process adds."""
        while True:
            pause_seconds = _LOOK_SECONDS
            try:
                at = await self.settle(notifier)
                if at is not None:
                    pause_seconds = min(max((at - self._clock()).total_seconds(), 0.0) + 0.01, _LOOK_SECONDS)
            except StoreError as error:
                log.error("delegations-not-settled", error=str(error))
            await asyncio.sleep(pause_seconds)

    async def _audit(self, tx: Tx, event: str, one: Delegation, now: datetime) -> None:
        await audit.append(tx, _event(event, self._actor, one, self._trace_key), now)


def _event(event: str, actor: str, one: Delegation, key: bytes) -> AuditEvent:
    facts: dict[str, str | int] = {
        "delegation": one.delegation_id,
        "to": login_for_trace(one.login, key),
        "may": " ".join(word for word, may in (("read", one.may_read), ("send", one.may_send)) if may),
        "from": one.starts_at.isoformat(timespec="seconds"),
        "until": one.ends_at.isoformat(timespec="seconds"),
    }
    return AuditEvent(event, actor, for_trace(one.address, key), "ok", "delegation", facts)


async def _checked(tx: Tx, order: DelegationOrder, now: datetime) -> tuple[MailboxId, AccountId]:
    mailbox_id, kind, state = await _box(tx, order.address)
    account = await accounts.account_by_login(tx, order.login)
    fault = ""
    if kind is not MailboxType.PER or state is not MailboxState.ACTIVE:
        fault = "seule une boîte PER en service se délègue ; les autres ont des membres"
    elif account is None or not account.active:
        fault = f"le compte {order.login} n'existe pas ou n'est pas en service"
    elif account.login.casefold() == order.address.key:
        fault = "c'est son propre compte ; donnez celui de la personne qui la remplace"
    elif not (order.may_read or order.may_send):
        fault = "donnez au moins un droit : lire, envoyer"
    elif order.ends_at <= max(order.starts_at, now) or order.ends_at - order.starts_at > LONGEST:
        fault = f"la fin doit venir après le début, être à venir, {LONGEST.days} jours au plus après le début"
    elif await delegations.has_right(tx, mailbox_id, account.account_id):
        fault = f"{order.login} y a déjà un droit ou une délégation ; retirez-la d'abord"
    if fault or account is None:
        msg = f"boîte {order.address} : {fault}"
        raise MssError(msg)
    return mailbox_id, account.account_id


async def _box(tx: Tx, address: Address) -> tuple[MailboxId, MailboxType, MailboxState]:
    found = await mailbox_by_key(tx, address.key)
    if found is None:
        msg = f"la boîte {address} n'existe pas ici ; `mssante mailbox list` donne celles qui existent"
        raise MssError(msg)
    return found.mailbox_id, found.kind, found.state


async def _one(tx: Tx, mailbox_id: MailboxId, number: DelegationId) -> Delegation:
    found = await delegations.list_delegations(tx, mailbox_id, limit=1)
    return next(one for one in found if one.delegation_id == number)
