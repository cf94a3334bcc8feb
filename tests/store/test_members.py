"""Who uses a mailbox for good, and the certificate that an account signs in with."""

from datetime import timedelta

import pytest
from store_world import ALICE, BOB, NOW, mailbox

from mssante.model.dn import parse_dn
from mssante.model.errors import StoreError
from mssante.model.life_cycle import DelegationState
from mssante.model.mailbox import Account, AccountId, AccountKind, MailboxId
from mssante.store import accounts, delegations
from mssante.store.engine import Store
from mssante.store.tx import Tx

OLD, NEW = parse_dn("CN=Agenda,O=CHU,C=FR"), parse_dn("CN=Agenda 2,O=CHU,C=FR")


async def add(tx: Tx, login: str, **more: object) -> Account:
    return await accounts.create_account(tx, login, AccountKind.PERSON, **{"certificate_name": None, **more}, now=NOW)


async def test_members_are_neither_the_boxs_own_account_nor_who_stands_in(store: Store) -> None:
    async def fill(tx: Tx) -> tuple[MailboxId, AccountId]:
        box = await mailbox(tx)
        for login in (str(ALICE), "zoe@chu.mssante.fr", "Anne@chu.mssante.fr"):
            account = await add(tx, login)
            await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)
        stands_in = await add(tx, str(BOB))
        await delegations.add_delegation(
            tx, box.mailbox_id, stands_in.account_id,
            may_read=True, may_send=False, starts_at=NOW, ends_at=NOW + timedelta(days=1), now=NOW,
        )  # fmt: skip
        (one,) = await delegations.list_delegations(tx, box.mailbox_id, limit=1)
        assert one.state is DelegationState.PLANNED
        await delegations.begin(tx, one)
        return box.mailbox_id, account.account_id

    box, anne = await store.write(fill)
    assert await store.read(lambda tx: accounts.members(tx, box)) == ("Anne@chu.mssante.fr", "zoe@chu.mssante.fr")
    await store.write(lambda tx: accounts.revoke(tx, anne, box))
    assert await store.read(lambda tx: accounts.members(tx, box)) == ("zoe@chu.mssante.fr",)
    assert await store.read(lambda tx: accounts.rights(tx, anne)) == ()


async def test_a_certificate_takes_the_place_of_the_one_before(store: Store) -> None:
    account = await store.write(lambda tx: add(tx, str(ALICE), certificate_name=OLD))
    await store.write(lambda tx: accounts.set_certificate(tx, account.account_id, NEW))
    found = await store.read(lambda tx: accounts.account_by_certificate(tx, NEW))
    assert found is not None
    assert (found.account_id, found.certificate_name) == (account.account_id, NEW)
    assert await store.read(lambda tx: accounts.account_by_certificate(tx, OLD)) is None
    with pytest.raises(StoreError, match="n'existe pas"):
        await store.write(lambda tx: accounts.set_certificate(tx, AccountId(99), OLD))
