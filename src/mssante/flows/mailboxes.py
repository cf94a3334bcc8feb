"""What an administrator does with domains, mailboxes and passwords: one transaction each, with its audit row.

Not for signing in (see `mssante.flows.sign_in`), nor for what is typed or shown (see the doors and the command line).
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from mssante.flows.amending import MEMBERS_MAX, BoxChange, Draft, amend, draft, existing_account, holder_fault
from mssante.flows.ports import Clock
from mssante.model.address import Address, for_trace, login_for_trace
from mssante.model.audit import AuditEvent
from mssante.model.dn import DistinguishedName
from mssante.model.errors import MssError
from mssante.model.mailbox import (
    SCOPES,
    Account,
    AccountKind,
    Credential,
    CredentialId,
    Mailbox,
    MailboxState,
    MailboxType,
)
from mssante.model.publication import Listing, PublicationState
from mssante.rules.attributes import listing_fault
from mssante.rules.identifier import identifier_fault
from mssante.store import accounts, audit, domains, mailboxes, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class MailboxOrder:
    """A mailbox to open.

    Attributes:
        holder: name shown to others.
        identifier: national identifier of the holder or of the structure, or "".
        quota_bytes: most that it may hold.
        members: logins of accounts that may read it and send from it; when empty it gets an account of its own, whose
            login is the address.
        certificate_name: subject of the client certificate that opens it (APP), or None.
        password_digest: keyed hash of the first application password of its own account, or None.
        listing: what the directory is to know beside that.
    """

    address: Address
    kind: MailboxType
    holder: str
    identifier: str
    quota_bytes: int
    members: tuple[str, ...] = ()
    certificate_name: DistinguishedName | None = None
    password_digest: bytes | None = None
    listing: Listing = field(default_factory=Listing)


class Administering:
    """The acts of one administrator on one store."""

    def __init__(self, *, store: Store, actor: str, trace_key: bytes, clock: Clock) -> None:
        """Keep the store, the administrator's name for the audit, the key of traces and the clock."""
        self._store = store
        self._actor = actor
        self._trace_key = trace_key
        self._clock = clock

    async def add_domain(self, domain: str) -> bool:
        """Serve a domain from now on; False when it was served already.

        Args:
            domain: in canonical form.
        """
        now = self._clock()

        async def work(tx: Tx) -> bool:
            if domain in await domains.list_domains(tx):
                return False
            await domains.add_domain(tx, domain, now)
            await self._audit(tx, "domain.added", domain)
            return True

        return await self._store.write(work)

    async def create(self, order: MailboxOrder) -> Mailbox:
        """Open the mailbox with its account or its members, all or nothing; return it.

        Raises:
            MssError: the order is not sound: domain not ours, identifier wrong, unknown member, no holder,
                or the address is or was somebody's.

        Source: operators.md 1.3, 4.3 and 5 (address and type are fixed for life, an address is never given again).
        """
        now = self._clock()
        return await self._store.write(lambda tx: self.open_box(tx, order, now))

    async def open_box(self, tx: Tx, order: MailboxOrder, now: datetime) -> Mailbox:
        """Do what `create` does in the transaction given, with what the directory is to know of the mailbox."""
        await vet(tx, order)
        if await mailboxes.mailbox_by_key(tx, order.address.key) is not None:
            fix = "une adresse n'est jamais redonnée, choisissez-en une autre"
            msg = f"la boîte {order.address} existe ou a existé ; {fix}"
            raise MssError(msg)
        mailbox = await mailboxes.create_mailbox(
            tx,
            order.address,
            order.kind,
            holder=order.holder,
            identifier=order.identifier,
            quota_bytes=order.quota_bytes,
            now=now,
        )
        if order.listing != Listing():
            await publication.change_listing(tx, mailbox.mailbox_id, order.listing, now)
        for account in await self._accounts_of(tx, order):
            await accounts.grant(tx, account.account_id, mailbox.mailbox_id, may_read=True, may_send=True)
        await self._audit(
            tx,
            "mailbox.created",
            for_trace(order.address, self._trace_key),
            type=order.kind.value,
            quota_bytes=order.quota_bytes,
            members=len(order.members),
            **_publication_facts(order.kind),
        )
        return mailbox

    async def change(self, address: Address, change: BoxChange) -> Draft:
        """Change a mailbox, which is published anew when the directory is concerned; return what the change came to.

        Raises:
            MssError: there is no such mailbox, or the change cannot be made (see `mssante.flows.amending.draft`).

        Source: operators.md 4.2; users.md 7.4 GP-5.
        """
        now = self._clock()

        async def work(tx: Tx) -> Draft:
            wanted = await draft(tx, await _mailbox(tx, address), change)
            await self.amend_box(tx, wanted, now)
            return wanted

        return await self._store.write(work)

    async def amend_box(self, tx: Tx, wanted: Draft, now: datetime) -> None:
        """Make the change of a draft in the transaction given."""
        await amend(tx, wanted, actor=self._actor, trace_key=self._trace_key, now=now)

    async def change_state(self, address: Address, state: MailboxState) -> Mailbox:
        """Suspend, resume or close a mailbox, and its own account with it; return it as it was before.

        Raises:
            MssError: there is no such mailbox, or it is closed, which is for good.

        Source: operators.md 5 (suspension, closing).
        """
        now = self._clock()

        async def work(tx: Tx) -> Mailbox:
            mailbox = await _mailbox(tx, address)
            if mailbox.state is MailboxState.CLOSED:
                msg = f"la boîte {address} est close, pour toujours ; ouvrez-en une autre à une nouvelle adresse"
                raise MssError(msg)
            await enter_state(tx, mailbox, state, now)
            facts = _publication_facts(mailbox.kind) if state is not mailbox.state else {}
            await self._audit(tx, f"mailbox.{state.value}", for_trace(address, self._trace_key), **facts)
            return mailbox

        return await self._store.write(work)

    async def change_quota(self, address: Address, quota_bytes: int) -> Mailbox:
        """Change the quota of a mailbox; return it as it was before.

        Raises:
            MssError: there is no such mailbox.
        """

        async def work(tx: Tx) -> Mailbox:
            mailbox = await _mailbox(tx, address)
            await mailboxes.set_quota(tx, mailbox.mailbox_id, quota_bytes)
            subject = for_trace(address, self._trace_key)
            await self._audit(tx, "mailbox.quota", subject, before=mailbox.quota_bytes, after=quota_bytes)
            return mailbox

        return await self._store.write(work)

    async def add_password(
        self,
        login: str,
        name: str,
        digest: bytes,
        *,
        scopes: frozenset[str] = SCOPES,
        until: datetime | None = None,
    ) -> CredentialId:
        """Give an account one more application password, as its keyed hash.

        Args:
            login: of the account.
            name: what the account's owner calls it.
            digest: see `mssante.flows.sign_in.digest_password`.
            scopes: what it opens.
            until: when it ends by itself.

        Raises:
            MssError: there is no such account, or the end is in the past.
        """
        now = self._clock()
        if until is not None and until <= now:
            msg = "la date de fin est passée : donnez-en une à venir"
            raise MssError(msg)

        async def work(tx: Tx) -> CredentialId:
            account = await existing_account(tx, login)
            credential_id = await accounts.add_credential(
                tx, account.account_id, name, digest, now, scopes=scopes, until=until
            )
            await self._audit(tx, "password.added", login_for_trace(login, self._trace_key), credential=credential_id)
            return credential_id

        return await self._store.write(work)

    async def passwords(self, login: str) -> tuple[Credential, ...]:
        """Return the application passwords of an account, revoked ones too, without the secrets.

        Raises:
            MssError: there is no such account.
        """

        async def work(tx: Tx) -> tuple[Credential, ...]:
            return await accounts.list_credentials(tx, (await existing_account(tx, login)).account_id)

        return await self._store.read(work)

    async def revoke_password(self, login: str, credential_id: CredentialId) -> None:
        """Revoke one application password of an account, at once and for good.

        Raises:
            MssError: it is not one of that account, or it was revoked before.
        """
        now = self._clock()

        async def work(tx: Tx) -> None:
            account = await existing_account(tx, login)
            known = {found.credential_id for found in await accounts.list_credentials(tx, account.account_id)}
            if credential_id not in known or not await accounts.revoke_credential(tx, credential_id, now):
                msg = (
                    f"{login} n'a pas de mot de passe {credential_id} en service ; "
                    f"`mssante mailbox password list {login}` les donne"
                )
                raise MssError(msg)
            await self._audit(tx, "password.revoked", login_for_trace(login, self._trace_key), credential=credential_id)

        await self._store.write(work)

    async def _accounts_of(self, tx: Tx, order: MailboxOrder) -> list[Account]:
        """Return the members' accounts, or the new account of the mailbox itself."""
        if order.members:
            return [await existing_account(tx, login) for login in order.members]
        now = self._clock()
        software = order.kind is MailboxType.APP
        account = await accounts.create_account(
            tx,
            str(order.address),
            AccountKind.APPLICATION if software else AccountKind.PERSON,
            certificate_name=order.certificate_name,
            now=now,
        )
        if order.password_digest is not None:
            await accounts.add_credential(tx, account.account_id, "premier", order.password_digest, now)
        return [account]

    async def _audit(self, tx: Tx, event: str, subject: str, **facts: str | int) -> None:
        await audit.append(tx, AuditEvent(event, self._actor, subject, "ok", "administrator", facts), self._clock())


async def enter_state(tx: Tx, mailbox: Mailbox, state: MailboxState, now: datetime) -> None:
    """Change where a mailbox is in its life, and open or shut its own account with it.

    The store itself makes the directory be told (migration 0005): in service it is published, else withdrawn.
    """
    await mailboxes.set_mailbox_state(tx, mailbox.mailbox_id, state, now)
    account = await accounts.account_by_login(tx, str(mailbox.address))
    if account is not None:
        await accounts.set_account_active(tx, account.account_id, active=state is MailboxState.ACTIVE)


async def vet(tx: Tx, order: MailboxOrder, coming: Collection[str] = ()) -> None:
    """Do nothing when a mailbox may be opened as ordered, but for its address, which may have been given.

    Args:
        tx: read only.
        order: what is to be opened.
        coming: logins of accounts that will be there by then, case-folded.

    Raises:
        MssError: the order is not sound: domain not ours, identifier wrong, unknown member, no holder.
    """
    _check(order)
    await _must_be_ours(tx, order.address)
    for login in order.members:
        if login.casefold() not in coming:
            await existing_account(tx, login)


def _publication_facts(kind: MailboxType) -> dict[str, str]:
    """Return what the audit says of the publication that a change of a mailbox brings about."""
    return {} if kind is MailboxType.CITIZEN else {"publication": PublicationState.TO_PUBLISH.value}


def _check(order: MailboxOrder) -> None:
    fault = identifier_fault(order.kind, order.address, order.identifier)
    fault = fault or listing_fault(order.kind, order.listing) or holder_fault(order.holder)
    if order.members and (order.password_digest or order.certificate_name):
        fault = "des membres ou un compte propre avec son mot de passe ou son certificat, pas les deux"
    if order.certificate_name and order.kind is not MailboxType.APP:
        fault = "seule une boîte APP s'ouvre avec un certificat de logiciel"
    if len(order.members) > MEMBERS_MAX:
        fault = f"au plus {MEMBERS_MAX} membres par boîte"
    if order.quota_bytes <= 0:
        fault = "le quota doit être plus grand que zéro"
    if fault:
        msg = f"boîte {order.address} : {fault}"
        raise MssError(msg)


async def _must_be_ours(tx: Tx, address: Address) -> None:
    ours = await domains.list_domains(tx)
    if address.domain not in ours:
        known = ", ".join(ours) or "aucun"
        msg = (
            f"boîte {address} : {address.domain} n'est pas un domaine de cet opérateur ({known}) ; "
            f"ajoutez-le avec `mssante mailbox domain add {address.domain}`"
        )
        raise MssError(msg)


async def _mailbox(tx: Tx, address: Address) -> Mailbox:
    found = await mailboxes.mailbox_by_key(tx, address.key)
    if found is None:
        msg = f"la boîte {address} n'existe pas ici ; `mssante mailbox list` donne celles qui existent"
        raise MssError(msg)
    return found
