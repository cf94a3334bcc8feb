"""Accounts, what they may do with mailboxes, and their application passwords (as keyed hashes only)."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from mssante.model.address import Address, parse_address
from mssante.model.dn import DistinguishedName
from mssante.model.errors import StoreError
from mssante.model.mailbox import SCOPES, Account, AccountId, AccountKind, Credential, CredentialId, MailboxId
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx

_decode_rdns = msgspec.json.Decoder(tuple[tuple[tuple[str, str], ...], ...]).decode


@dataclass(frozen=True, slots=True)
class Right:
    """What one account may do with one mailbox."""

    address: Address
    mailbox_id: MailboxId
    may_read: bool
    may_send: bool


async def create_account(
    tx: Tx, login: str, kind: AccountKind, *, certificate_name: DistinguishedName | None, now: datetime
) -> Account:
    """Create an account; return it.

    Raises:
        StoreError: the login or the certificate name is another account's.
    """
    row = await tx.one(
        "add_account",
        login=login,
        login_key=login.casefold(),
        kind=kind.value,
        certificate=None if certificate_name is None else msgspec.json.encode(certificate_name.rdns).decode(),
        certificate_key=None if certificate_name is None else _name_key(certificate_name),
        created_at=to_micros(now),
    )
    if row is None:
        msg = f"le compte {login}, ou le nom de son certificat, existe déjà : choisissez-en un autre"
        raise StoreError(msg)
    return Account(AccountId(row[0]), login, kind, certificate_name, active=True)


async def account_by_login(tx: Tx, login: str) -> Account | None:
    """Return the account of a login, active or not; case does not count."""
    row = await tx.one("account_by_login", login_key=login.casefold())
    return None if row is None else _account(row)


async def account_by_certificate(tx: Tx, name: DistinguishedName) -> Account | None:
    """Return the account that signs in with a certificate of this subject, compared by structure."""
    row = await tx.one("account_by_certificate", certificate_key=_name_key(name))
    return None if row is None else _account(row)


async def set_account_active(tx: Tx, account_id: AccountId, *, active: bool) -> None:
    """Open or close an account.

    Raises:
        StoreError: there is no such account.
    """
    if await tx.one("set_account_active", account_id=account_id, active=int(active)) is None:
        msg = f"le compte {account_id} n'existe pas : listez les comptes et réessayez"
        raise StoreError(msg)


async def grant(tx: Tx, account_id: AccountId, mailbox_id: MailboxId, *, may_read: bool, may_send: bool) -> None:
    """Set what an account may do with a mailbox, in the place of what it could before."""
    await tx.run(
        "grant_right",
        account_id=account_id,
        mailbox_id=mailbox_id,
        may_read=int(may_read),
        may_send=int(may_send),
    )


async def revoke(tx: Tx, account_id: AccountId, mailbox_id: MailboxId) -> None:
    """Take away what an account may do with a mailbox."""
    await tx.run("remove_right", account_id=account_id, mailbox_id=mailbox_id)


async def members(tx: Tx, mailbox_id: MailboxId) -> tuple[str, ...]:
    """Return the logins of those who use a mailbox for good: neither its own account nor who stands in for a time."""
    return tuple(str(row[0]) for row in await tx.all("list_members", mailbox_id=mailbox_id))


async def set_certificate(tx: Tx, account_id: AccountId, name: DistinguishedName) -> None:
    """Change the certificate that an account signs in with; the one before no longer opens it.

    Raises:
        StoreError: there is no such account, or the name is another account's.
    """
    text, key = msgspec.json.encode(name.rdns).decode(), _name_key(name)
    if await tx.one("set_certificate", account_id=account_id, certificate=text, certificate_key=key) is None:
        msg = f"le compte {account_id} n'existe pas : listez les comptes et réessayez"
        raise StoreError(msg)


async def rights(tx: Tx, account_id: AccountId) -> tuple[Right, ...]:
    """Return what an account may do, sorted by address."""
    return tuple(
        Right(parse_address(address), MailboxId(mailbox_id), bool(may_read), bool(may_send))
        for address, mailbox_id, may_read, may_send in await tx.all("list_rights", account_id=account_id)
    )


async def accounts_of_person(tx: Tx, identifier: str) -> tuple[Account, ...]:
    """Return the accounts of the personal mailboxes in service for a national number, oldest first."""
    return tuple(_account(row) for row in await tx.all("accounts_of_person", identifier=identifier))


async def add_credential(
    tx: Tx,
    account_id: AccountId,
    name: str,
    digest: bytes,
    now: datetime,
    *,
    scopes: frozenset[str] = SCOPES,
    until: datetime | None = None,
) -> CredentialId:
    """Add an application password by its keyed hash; return its identifier.

    Args:
        scopes: what it opens.
        until: when it ends by itself.

    Raises:
        StoreError: the hash is there already, or there is no such account.
    """
    credential_id = await tx.insert(
        "add_credential",
        account_id=account_id,
        name=name,
        digest=digest,
        created_at=to_micros(now),
        scopes=" ".join(sorted(scopes)),
        until=None if until is None else to_micros(until),
    )
    return CredentialId(credential_id)


async def credential_by_digest(tx: Tx, digest: bytes) -> tuple[Account, Credential] | None:
    """Return the account, active or not, and the credential of a keyed hash; None when unknown or revoked."""
    row = await tx.one("credential_by_digest", digest=digest)
    return None if row is None else (_account(row[:5]), _credential(row[5:]))


async def list_credentials(tx: Tx, account_id: AccountId) -> tuple[Credential, ...]:
    """Return the credentials of an account, revoked ones too, oldest first."""
    return tuple(_credential(row) for row in await tx.all("list_credentials", account_id=account_id))


async def revoke_credential(tx: Tx, credential_id: CredentialId, now: datetime) -> bool:
    """Revoke a credential; False when it is unknown or was revoked before."""
    return await tx.one("revoke_credential", credential_id=credential_id, revoked_at=to_micros(now)) is not None


async def touch_credential(tx: Tx, credential_id: CredentialId, now: datetime) -> None:
    """Note the last use of a credential."""
    await tx.run("touch_credential", credential_id=credential_id, last_used_at=to_micros(now))


def _name_key(name: DistinguishedName) -> str:
    return msgspec.json.encode([sorted(rdn) for rdn in name.key]).decode()


def _account(row: Row) -> Account:
    account_id, login, kind, certificate, active = row
    name = None if certificate is None else DistinguishedName(_decode_rdns(certificate))
    return Account(AccountId(account_id), login, AccountKind(kind), name, bool(active))


def _credential(row: Row) -> Credential:
    credential_id, account_id, name, created_at, revoked_at, last_used_at, scopes, until = row
    return Credential(
        CredentialId(credential_id),
        AccountId(account_id),
        name,
        from_micros(created_at),
        None if revoked_at is None else from_micros(revoked_at),
        None if last_used_at is None else from_micros(last_used_at),
        frozenset(scopes.split()),
        None if until is None else from_micros(until),
    )
