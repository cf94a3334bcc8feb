"""Domains, mailboxes, accounts, rights and credentials."""

import pytest
from store_world import ALICE, BOB, NOW, mailbox

from mssante.model.address import parse_address
from mssante.model.dn import parse_dn
from mssante.model.errors import StoreError
from mssante.model.mailbox import (
    FOLDER_NAMES,
    AccountId,
    AccountKind,
    CredentialId,
    MailboxId,
    MailboxState,
    MailboxType,
    Role,
)
from mssante.store import accounts, domains, mailboxes
from mssante.store.engine import Store
from mssante.store.tx import Tx

NAME = parse_dn("CN=Agenda+OU=é\\, x,O=CHU  Valdoré,C=FR")


async def test_domains_are_ours_once(store: Store) -> None:
    for domain in ("b.fr", "a.fr", "b.fr"):
        await store.write(lambda tx, domain=domain: domains.add_domain(tx, domain, NOW))
    assert await store.read(domains.list_domains) == ("a.fr", "b.fr")


async def test_a_new_mailbox_has_its_five_folders(store: Store) -> None:
    box = await store.write(mailbox)
    assert (box.address, box.kind, box.state, box.used_bytes) == (ALICE, MailboxType.PER, MailboxState.ACTIVE, 0)
    assert await store.read(lambda tx: mailboxes.mailbox_by_key(tx, ALICE.key)) == box
    folders = await store.read(lambda tx: mailboxes.list_folders(tx, box.mailbox_id))
    assert {folder.role: folder.name for folder in folders} == FOLDER_NAMES
    assert {(f.uid_next, f.highest_modseq, f.uid_validity) for f in folders} == {(1, 1, int(NOW.timestamp()))}
    sent = await store.read(lambda tx: mailboxes.folder_by_role(tx, box.mailbox_id, Role.SENT))
    assert sent in folders


async def test_an_address_is_never_given_twice(store: Store) -> None:
    box = await store.write(mailbox)
    await store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.CLOSED, NOW))
    upper = parse_address("ALICE.MARTIN@CHU.mssante.fr")
    with pytest.raises(StoreError, match="jamais redonnée"):
        await store.write(lambda tx: mailbox(tx, upper))
    found = await store.read(lambda tx: mailboxes.mailbox_by_key(tx, upper.key))
    assert found is not None
    assert found.state is MailboxState.CLOSED
    assert await store.read(lambda tx: mailboxes.mailbox_by_key(tx, BOB.key)) is None


async def test_changes_state_and_quota_of_a_mailbox_that_is_there(store: Store) -> None:
    async def work(tx: Tx) -> None:
        box = await mailbox(tx)
        await mailboxes.set_quota(tx, box.mailbox_id, 5)
        await mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.SUSPENDED, NOW)
        (found,) = await mailboxes.list_mailboxes(tx)
        assert (found.quota_bytes, found.state) == (5, MailboxState.SUSPENDED)
        nobody = MailboxId(99)
        with pytest.raises(StoreError, match="la boîte 99 n'existe pas"):
            await mailboxes.set_quota(tx, nobody, 5)
        with pytest.raises(StoreError, match="la boîte 99 n'existe pas"):
            await mailboxes.set_mailbox_state(tx, nobody, MailboxState.ACTIVE, NOW)
        with pytest.raises(StoreError, match="n'a pas de dossier"):
            await mailboxes.folder_by_role(tx, nobody, Role.INBOX)

    await store.write(work)


async def test_finds_an_account_by_login_and_by_certificate_name(store: Store) -> None:
    async def work(tx: Tx) -> None:
        made = await accounts.create_account(tx, "Agenda", AccountKind.APPLICATION, certificate_name=NAME, now=NOW)
        assert await accounts.account_by_login(tx, "AGENDA") == made
        other_form = parse_dn("OU=É\\, X+CN=agenda, O=chu valdoré, C=fr")
        assert await accounts.account_by_certificate(tx, other_form) == made
        assert await accounts.account_by_certificate(tx, parse_dn("C=FR,O=CHU Valdoré,CN=Agenda")) is None
        assert await accounts.account_by_login(tx, "nobody") is None
        person = await accounts.create_account(tx, "bob", AccountKind.PERSON, certificate_name=None, now=NOW)
        await accounts.set_account_active(tx, person.account_id, active=False)
        found = await accounts.account_by_login(tx, "bob")
        assert found is not None
        assert not found.active
        for login, name in (("agenda", None), ("other", other_form)):
            with pytest.raises(StoreError, match="existe déjà"):
                await accounts.create_account(tx, login, AccountKind.PERSON, certificate_name=name, now=NOW)
        with pytest.raises(StoreError, match="le compte 99 n'existe pas"):
            await accounts.set_account_active(tx, AccountId(99), active=True)

    await store.write(work)


async def test_rights_are_replaced_by_the_next_grant(store: Store) -> None:
    async def work(tx: Tx) -> None:
        box = await mailbox(tx)
        account = await accounts.create_account(tx, "alice", AccountKind.PERSON, certificate_name=None, now=NOW)
        assert await accounts.rights(tx, account.account_id) == ()
        await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)
        await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=False)
        expected = (accounts.Right(ALICE, box.mailbox_id, may_read=True, may_send=False),)
        assert await accounts.rights(tx, account.account_id) == expected

    await store.write(work)


async def test_a_grant_for_nobody_is_refused(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.write(lambda tx: accounts.grant(tx, AccountId(9), MailboxId(9), may_read=True, may_send=True))


async def test_a_credential_signs_in_until_it_is_revoked(store: Store) -> None:
    async def work(tx: Tx) -> None:
        account = await accounts.create_account(tx, "alice", AccountKind.PERSON, certificate_name=None, now=NOW)
        made = await accounts.add_credential(tx, account.account_id, "téléphone", b"digest", NOW)
        found = await accounts.credential_by_digest(tx, b"digest")
        assert found is not None
        assert found[0] == account
        assert (found[1].credential_id, found[1].name, found[1].created_at) == (made, "téléphone", NOW)
        await accounts.touch_credential(tx, made, NOW)
        assert await accounts.revoke_credential(tx, made, NOW)
        assert not await accounts.revoke_credential(tx, made, NOW)
        assert not await accounts.revoke_credential(tx, CredentialId(99), NOW)
        assert await accounts.credential_by_digest(tx, b"digest") is None
        (listed,) = await accounts.list_credentials(tx, account.account_id)
        assert (listed.revoked_at, listed.last_used_at) == (NOW, NOW)

    await store.write(work)
