"""The acts of an administrator on a real store, with a fixed clock: all or nothing, each with its audit row."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_world import ALICE, BOB, NOW

from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.model.address import Address
from mssante.model.dn import parse_dn
from mssante.model.errors import MssError
from mssante.model.mailbox import CredentialId, MailboxState, MailboxType
from mssante.model.national import ins_key
from mssante.model.settings import StoreSettings
from mssante.store import accounts, audit, mailboxes
from mssante.store.engine import Store

BODY = "1850578006048"
CITIZEN = Address(BODY + ins_key(BODY), "patient.mssante.fr")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data", StoreSettings())
    yield opened
    await opened.close()


@pytest.fixture
async def clerk(store: Store) -> Administering:
    made = Administering(store=store, actor="cli:root", trace_key=b"k" * 32, clock=lambda: NOW)
    for domain in (ALICE.domain, CITIZEN.domain):
        await made.add_domain(domain)
    return made


def order(address: Address = ALICE, kind: MailboxType = MailboxType.PER, **more: object) -> MailboxOrder:
    return MailboxOrder(
        **{"address": address, "kind": kind, "holder": "Dr Martin", "identifier": "", "quota_bytes": 1000, **more}
    )


async def events(store: Store) -> list[tuple[str, str]]:
    rows = await store.read(lambda tx: audit.rows(tx, limit=100))
    return [(row.event.event, row.event.subject) for row in rows]


async def test_a_box_its_account_its_password_and_its_audit_row_come_together(
    store: Store, clerk: Administering
) -> None:
    box = await clerk.create(order(password_digest=b"d" * 32))
    found = await store.read(lambda tx: accounts.credential_by_digest(tx, b"d" * 32))
    assert found is not None
    granted = await store.read(lambda tx: accounts.rights(tx, found[0].account_id))
    assert [(right.mailbox_id, right.may_read, right.may_send) for right in granted] == [(box.mailbox_id, True, True)]
    assert (await events(store))[-1] == ("mailbox.created", str(ALICE))


async def test_nothing_is_kept_of_a_box_that_fails_half_way(store: Store, clerk: Administering) -> None:
    before = await events(store)
    with pytest.raises(MssError, match="personne"):
        await clerk.create(order(members=("personne@chu.mssante.fr",)))
    assert await store.read(lambda tx: mailboxes.mailbox_by_key(tx, ALICE.key)) is None
    assert await events(store) == before


async def test_members_get_rights_and_the_box_no_account(store: Store, clerk: Administering) -> None:
    await clerk.create(order())
    team = Address("equipe", ALICE.domain)
    await clerk.create(order(team, MailboxType.ORG, members=(str(ALICE),)))
    assert await store.read(lambda tx: accounts.account_by_login(tx, str(team))) is None
    alice = await store.read(lambda tx: accounts.account_by_login(tx, str(ALICE)))
    assert alice is not None
    granted = await store.read(lambda tx: accounts.rights(tx, alice.account_id))
    assert {right.address.key for right in granted} == {ALICE.key, team.key}
    await clerk.change_state(team, MailboxState.SUSPENDED)
    granted = await store.read(lambda tx: accounts.rights(tx, alice.account_id))
    assert {right.address.key for right in granted} == {ALICE.key}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"address": BOB}, "n'est pas un domaine de cet opérateur"),
        ({"quota_bytes": 0}, "plus grand que zéro"),
        ({"holder": " "}, "titulaire"),
        ({"members": tuple(str(n) for n in range(201))}, "au plus 200"),
        ({"members": ("a",), "password_digest": b"x"}, "pas les deux"),
        ({"certificate_name": parse_dn("CN=x")}, "seule une boîte APP"),
        ({"identifier": "1"}, "RPPS"),
    ],
)
async def test_refuses_an_order_that_is_not_sound(clerk: Administering, change: dict, said: str) -> None:
    with pytest.raises(MssError, match=said):
        await clerk.create(order(**change))


async def test_a_citizens_identity_never_stands_in_the_audit(store: Store, clerk: Administering) -> None:
    await clerk.create(order(CITIZEN, MailboxType.CITIZEN))
    await clerk.add_password(str(CITIZEN), "x", b"e" * 32)
    await clerk.change_quota(CITIZEN, 5000)
    await clerk.change_state(CITIZEN, MailboxState.CLOSED)
    subjects = {subject for _event, subject in await events(store)}
    assert not [subject for subject in subjects if BODY in subject]
    assert len([subject for subject in subjects if subject.startswith("ins-")]) == 1


async def test_a_closed_box_stays_closed_and_its_account_with_it(store: Store, clerk: Administering) -> None:
    await clerk.create(order())
    await clerk.change_state(ALICE, MailboxState.CLOSED)
    account = await store.read(lambda tx: accounts.account_by_login(tx, str(ALICE)))
    assert account is not None
    assert not account.active
    with pytest.raises(MssError, match="pour toujours"):
        await clerk.change_state(ALICE, MailboxState.ACTIVE)
    with pytest.raises(MssError, match="jamais redonnée"):
        await clerk.create(order())


async def test_a_password_is_revoked_once_and_by_its_own_account(clerk: Administering) -> None:
    await clerk.create(order())
    await clerk.create(order(Address("autre", ALICE.domain)))
    number = await clerk.add_password(str(ALICE), "portable", b"e" * 32)
    for login, credential in ((f"autre@{ALICE.domain}", number), (str(ALICE), CredentialId(999))):
        with pytest.raises(MssError, match="en service"):
            await clerk.revoke_password(login, credential)
    await clerk.revoke_password(str(ALICE), number)
    assert [one.revoked_at for one in await clerk.passwords(str(ALICE))] == [NOW]


async def test_a_domain_is_added_once(store: Store, clerk: Administering) -> None:
    before = await events(store)
    assert not await clerk.add_domain(ALICE.domain)
    assert await events(store) == before
