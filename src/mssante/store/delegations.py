"""Who may read a personal mailbox, or send in its name, from a time to a time.

While a delegation runs, its right stands beside the permanent ones (`mssante.store.accounts.rights`), where every
door looks; only its dates stand here.
"""

from datetime import datetime

from mssante.model.address import parse_address
from mssante.model.life_cycle import Delegation, DelegationId, DelegationState
from mssante.model.mailbox import AccountId, MailboxId
from mssante.store import accounts
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx


async def add_delegation(
    tx: Tx,
    mailbox_id: MailboxId,
    account_id: AccountId,
    *,
    may_read: bool,
    may_send: bool,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> DelegationId:
    """Keep a delegation that has not begun; `settle` begins and ends it."""
    number = await tx.insert(
        "add_delegation",
        mailbox_id=mailbox_id,
        account_id=account_id,
        may_read=int(may_read),
        may_send=int(may_send),
        starts_at=to_micros(starts_at),
        ends_at=to_micros(ends_at),
        now=to_micros(now),
    )
    return DelegationId(number)


async def list_delegations(tx: Tx, mailbox_id: MailboxId | None, *, limit: int) -> list[Delegation]:
    """Return the delegations of a mailbox, ended ones too, newest first; None means every mailbox."""
    return [_delegation(row) for row in await tx.all("list_delegations", mailbox_id=mailbox_id or 0, limit=limit)]


async def to_settle(tx: Tx, now: datetime, *, limit: int) -> list[Delegation]:
    """Return the delegations that are to begin or to end by now, oldest first."""
    return [_delegation(row) for row in await tx.all("delegations_to_settle", now=to_micros(now), limit=limit)]


async def next_change(tx: Tx) -> datetime | None:
    """Return when a delegation begins or ends next, or None."""
    row = await tx.one("next_delegation")
    return None if row is None or row[0] is None else from_micros(row[0])


async def begin(tx: Tx, delegation: Delegation) -> AccountId:
    """Put the right of a delegation in force; return whose."""
    account_id = await _account(tx, delegation.delegation_id)
    await tx.run("set_delegation", delegation_id=delegation.delegation_id, state=DelegationState.RUNNING.value)
    await accounts.grant(
        tx, account_id, delegation.mailbox_id, may_read=delegation.may_read, may_send=delegation.may_send
    )
    return account_id


async def end(tx: Tx, delegation: Delegation) -> AccountId:
    """Take the right of a delegation away, if it ran; return whose it was."""
    account_id = await _account(tx, delegation.delegation_id)
    await tx.run("set_delegation", delegation_id=delegation.delegation_id, state=DelegationState.ENDED.value)
    if delegation.state is DelegationState.RUNNING:
        await tx.run("remove_right", account_id=account_id, mailbox_id=delegation.mailbox_id)
    return account_id


async def has_right(tx: Tx, mailbox_id: MailboxId, account_id: AccountId) -> bool:
    """Tell whether an account may do anything with a mailbox, or will by a delegation that has not ended."""
    right = await tx.one("right_on", account_id=account_id, mailbox_id=mailbox_id)
    planned = await tx.one("open_delegation", account_id=account_id, mailbox_id=mailbox_id)
    return right is not None or planned is not None


async def _account(tx: Tx, delegation_id: DelegationId) -> AccountId:
    rows = await tx.all("delegated_account", delegation_id=delegation_id)
    return AccountId(rows[0][0])


def _delegation(row: Row) -> Delegation:
    delegation_id, mailbox_id, address, login, may_read, may_send, starts_at, ends_at, state = row
    return Delegation(
        DelegationId(delegation_id),
        MailboxId(mailbox_id),
        parse_address(address),
        login,
        bool(may_read),
        bool(may_send),
        from_micros(starts_at),
        from_micros(ends_at),
        DelegationState(state),
    )
