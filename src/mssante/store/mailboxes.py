"""Mailboxes and their folders."""

from datetime import datetime

from mssante.model.address import Address, parse_address
from mssante.model.errors import StoreError
from mssante.model.mailbox import (
    FOLDER_NAMES,
    Folder,
    FolderId,
    Mailbox,
    MailboxId,
    MailboxState,
    MailboxType,
    Role,
)
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx


async def create_mailbox(
    tx: Tx, address: Address, kind: MailboxType, *, holder: str, identifier: str, quota_bytes: int, now: datetime
) -> Mailbox:
    """Create a mailbox with its five folders; return it.

    Raises:
        StoreError: the address is or was somebody's; it is never given again.

    Source: operators.md 1.3; RFC 9051 section 2.3.1.1 (UIDVALIDITY is the time of creation).
    """
    row = await tx.one(
        "add_mailbox",
        address=str(address),
        address_key=address.key,
        kind=kind.value,
        state=MailboxState.ACTIVE.value,
        holder=holder,
        identifier=identifier,
        quota_bytes=quota_bytes,
        created_at=to_micros(now),
    )
    if row is None:
        msg = f"l'adresse {address} est ou a été donnée : choisissez-en une autre, une adresse n'est jamais redonnée"
        raise StoreError(msg)
    mailbox_id = MailboxId(row[0])
    for role, name in FOLDER_NAMES.items():
        await tx.run("add_folder", mailbox_id=mailbox_id, name=name, role=role.value, uid_validity=int(now.timestamp()))
    return Mailbox(mailbox_id, address, kind, MailboxState.ACTIVE, holder, identifier, quota_bytes, 0, now)


async def mailbox_by_key(tx: Tx, key: str) -> Mailbox | None:
    """Return the mailbox of an address key (`Address.key`), whatever its state, or None."""
    row = await tx.one("mailbox_by_key", address_key=key)
    return None if row is None else _mailbox(row)


async def list_mailboxes(tx: Tx) -> tuple[Mailbox, ...]:
    """Return every mailbox, closed ones too, sorted by address."""
    return tuple(_mailbox(row) for row in await tx.all("list_mailboxes"))


async def set_mailbox_state(tx: Tx, mailbox_id: MailboxId, state: MailboxState, now: datetime) -> None:
    """Change where a mailbox is in its life.

    Raises:
        StoreError: there is no such mailbox.
    """
    row = await tx.one("set_mailbox_state", mailbox_id=mailbox_id, state=state.value, state_at=to_micros(now))
    _must_be(row, mailbox_id)


async def set_holder(tx: Tx, mailbox_id: MailboxId, holder: str, identifier: str) -> None:
    """Change the name and the national number of whom a mailbox belongs to.

    Raises:
        StoreError: there is no such mailbox.
    """
    row = await tx.one("set_holder", mailbox_id=mailbox_id, holder=holder, identifier=identifier)
    _must_be(row, mailbox_id)


async def set_quota(tx: Tx, mailbox_id: MailboxId, quota_bytes: int) -> None:
    """Change the quota of a mailbox; what it holds already stays.

    Raises:
        StoreError: there is no such mailbox.
    """
    _must_be(await tx.one("set_quota", mailbox_id=mailbox_id, quota_bytes=quota_bytes), mailbox_id)


async def list_folders(tx: Tx, mailbox_id: MailboxId) -> tuple[Folder, ...]:
    """Return the folders of a mailbox in the order shown."""
    return tuple(_folder(row) for row in await tx.all("list_folders", mailbox_id=mailbox_id))


async def folder_by_role(tx: Tx, mailbox_id: MailboxId, role: Role) -> Folder:
    """Return the folder of a mailbox that has the role.

    Raises:
        StoreError: there is no such mailbox.
    """
    row = await tx.one("folder_by_role", mailbox_id=mailbox_id, role=role.value)
    if row is None:
        msg = f"la boîte {mailbox_id} n'a pas de dossier {role.value} : listez les boîtes et réessayez"
        raise StoreError(msg)
    return _folder(row)


def _must_be(row: Row | None, mailbox_id: MailboxId) -> None:
    if row is None:
        msg = f"la boîte {mailbox_id} n'existe pas : listez les boîtes et réessayez"
        raise StoreError(msg)


def _mailbox(row: Row) -> Mailbox:
    mailbox_id, address, kind, state, holder, identifier, quota_bytes, used_bytes, created_at = row
    return Mailbox(
        MailboxId(mailbox_id),
        parse_address(address),
        MailboxType(kind),
        MailboxState(state),
        holder,
        identifier,
        quota_bytes,
        used_bytes,
        from_micros(created_at),
    )


def _folder(row: Row) -> Folder:
    folder_id, mailbox_id, name, role, uid_validity, uid_next, highest_modseq, messages, unseen = row
    return Folder(
        FolderId(folder_id),
        MailboxId(mailbox_id),
        name,
        None if role is None else Role(role),
        uid_validity,
        uid_next,
        highest_modseq,
        messages,
        unseen,
    )
