"""Fill the stores of the sandbox before its programs start: domains, mailboxes, accounts, entries of the manager.

What ``mssante init`` and ``mssante mailbox`` do for a real operator, in one transaction for each store.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from mssante.app.compose import open_operator
from mssante.app.config import read_config, read_secret
from mssante.app.manager import open_publishing
from mssante.app.sandbox.layout import Laid, Layout, Pair
from mssante.app.sandbox.places import listing_of
from mssante.app.sandbox.space import PlannedMailbox
from mssante.flows.sign_in import PASSWORD_BYTES, digest_password, new_password
from mssante.model.address import Address
from mssante.model.dn import parse_dn
from mssante.model.mailbox import AccountKind, MailboxType
from mssante.model.publication import Listing
from mssante.model.settings import LogSettings
from mssante.store import accounts, domains, mailboxes, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx

CONTACT: Final = "contact@exemple.fr"
ACTOR: Final = "sandbox"


@dataclass(frozen=True, slots=True)
class SandboxAccount:
    """A mailbox of the sandbox with what is needed to open it.

    Attributes:
        user: login; the address itself.
        password: application password.
        software: client certificate that opens it too (APP boxes), or None.
    """

    address: Address
    kind: MailboxType
    holder: str
    user: str
    password: str
    software: Pair | None


async def fill_operator(laid: Laid, now: datetime) -> tuple[SandboxAccount, ...]:
    """Make the operator's store with its domains, mailboxes and accounts; return the accounts."""
    config = read_config(laid.config)
    key = read_secret(laid.folder / "secrets" / "credential_key.bin")
    postmaster = PlannedMailbox(laid.plan.postmaster, MailboxType.ORG, f"Postmaster {laid.plan.name}", "")
    made = tuple(_account(laid, box) for box in (*laid.plan.mailboxes, postmaster))
    store = await Store.open(config.operator.data_dir, config.store, blobs=config.blobs)
    try:

        async def work(tx: Tx) -> None:
            for domain in laid.plan.domains:
                await domains.add_domain(tx, domain, now)
            for account, box in zip(made, (*laid.plan.mailboxes, postmaster), strict=True):
                await _add(tx, account, box, key, config.store.quota_bytes, now)

        await store.write(work)
    finally:
        await store.close()
    return made


async def fill_manager(layout: Layout) -> None:
    """Make the manager's store with the entries of the white list, and publish its first version."""
    async with open_publishing(read_config(layout.manager_config), may_be_new=True) as publishing:
        for domain, name, description in layout.entries:
            await publishing.admit(
                domain=domain, dn_text=name, description=description, responsible=CONTACT, support=CONTACT, actor=ACTOR
            )
        await publishing.publish(actor=ACTOR)


async def delist(layout: Layout, domain: str) -> None:
    """Take the domain out of the white list and publish the new version, beside the running manager."""
    async with open_publishing(read_config(layout.manager_config)) as publishing:
        await publishing.remove(domain=domain, actor=ACTOR)
        await publishing.publish(actor=ACTOR)


async def fetch_list(laid: Laid) -> None:
    """Look at the list for an operator from another process than its server, as ``mssante whitelist fetch`` does."""
    config = replace(read_config(laid.config), logs=LogSettings(level="error"))
    async with open_operator(config) as operator:
        await operator.trust.refresh(actor=ACTOR)


def _account(laid: Laid, box: PlannedMailbox) -> SandboxAccount:
    password = new_password(secrets.token_bytes(PASSWORD_BYTES))
    software = laid.software[box.software] if box.software else None
    return SandboxAccount(box.address, box.kind, box.holder, str(box.address), password, software)


async def _add(
    tx: Tx, account: SandboxAccount, box: PlannedMailbox, key: bytes, quota_bytes: int, now: datetime
) -> None:
    mailbox = await mailboxes.create_mailbox(
        tx, box.address, box.kind, holder=box.holder, identifier=box.identifier, quota_bytes=quota_bytes, now=now
    )
    listing = listing_of(box)
    if listing != Listing():
        await publication.change_listing(tx, mailbox.mailbox_id, listing, now)
    made = await accounts.create_account(
        tx,
        account.user,
        AccountKind.APPLICATION if account.software else AccountKind.PERSON,
        certificate_name=parse_dn(account.software.name) if account.software else None,
        now=now,
    )
    await accounts.grant(tx, made.account_id, mailbox.mailbox_id, may_read=True, may_send=True)
    await accounts.add_credential(tx, made.account_id, "sandbox", digest_password(key, account.password), now)
