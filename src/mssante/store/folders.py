"""Folders as readers use them: pictures of them, many messages at once, rights, subscriptions.

One command is one modification number in each folder it touches. For single messages see `mssante.store.messages`.

Source: RFC 9051 sections 2.3 and 6.4; RFC 7162 section 3.1; RFC 4314.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.model.address import Address, parse_address
from mssante.model.errors import StoreError
from mssante.model.folder import AclEntry, FolderStatus, Snapshot
from mssante.model.mailbox import AccountId, FolderId, MailboxId
from mssante.model.message import Change, MessageId
from mssante.store.messages import SEEN, free_if_unused
from mssante.store.times import to_micros
from mssante.store.tx import Row, Tx

FEW: Final = 500
"""Up to here, messages are looked up one by one; above, the folder is read once."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Messages put in a folder: their new UIDs in the order given, and the changes to publish."""

    uid_validity: int
    uids: tuple[int, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One message on its way into a folder.

    Attributes:
        internal_at: microseconds, or None for the time at which the message came in.
    """

    message: MessageId
    flags: str
    prefix: bytes
    internal_at: int | None
    size_bytes: int


async def create_folder(tx: Tx, mailbox_id: MailboxId, name: str, now: datetime, *, role: str | None = None) -> int:
    """Make a folder; return its UIDVALIDITY, which no folder of the mailbox ever had."""
    row = _some(await tx.one("next_validity", mailbox_id=mailbox_id, now_seconds=int(now.timestamp())))
    await tx.run("add_folder", mailbox_id=mailbox_id, name=name, role=role, uid_validity=row[0])
    return int(row[0])


async def rename_folder(tx: Tx, folder_id: FolderId, name: str) -> None:
    """Give a folder another name; its UIDs and its UIDVALIDITY stay."""
    await tx.run("rename_folder", folder_id=folder_id, name=name)


async def delete_folder(tx: Tx, folder_id: FolderId) -> tuple[Change, ...]:
    """Remove a folder with its messages; return the changes to publish."""
    rows = await flag_rows(tx, folder_id)
    changes = await remove_many(tx, folder_id, [row[0] for row in rows])
    await tx.run("forget_expunged", folder_id=folder_id)
    await tx.run("forget_acl", folder_id=folder_id)
    await tx.run("remove_folder", folder_id=folder_id)
    return changes


async def flag_rows(tx: Tx, folder_id: FolderId) -> list[Row]:
    """Return (uid, flags, modseq, message) of every message, by UID."""
    return await tx.all("snapshot_rows", folder_id=folder_id)


async def flags_at(tx: Tx, folder_id: FolderId, uids: Sequence[int]) -> dict[int, tuple[str, int]]:
    """Return UID -> (flags, modseq) of the messages that are still there."""
    if len(uids) > FEW:
        wanted = set(uids)
        return {row[0]: (row[1], row[2]) for row in await flag_rows(tx, folder_id) if row[0] in wanted}
    found = [(uid, await tx.one("flags_at", folder_id=folder_id, uid=uid)) for uid in uids]
    return {uid: (row[0], row[1]) for uid, row in found if row is not None}


async def gone_since(tx: Tx, folder_id: FolderId, modseq: int) -> list[int]:
    """Return the UIDs that went after a modification number, ascending."""
    return [row[0] for row in await tx.all("gone_rows", folder_id=folder_id, modseq=modseq)]


async def snapshot(tx: Tx, folder_id: FolderId) -> Snapshot | None:
    """Return the picture of a folder, or None when it is gone."""
    head = await tx.one("folder_counters", folder_id=folder_id)
    if head is None:
        return None
    return picture(head, await flag_rows(tx, folder_id))


async def changes_since(tx: Tx, known: Snapshot) -> tuple[Row, list[Row], list[int]] | None:
    """Return the counters, the new or changed rows and the UIDs that are gone since a picture; None: no such folder."""
    head = await tx.one("folder_counters", folder_id=known.folder_id)
    if head is None or head[4] == known.highest_modseq:
        return None if head is None else (head, [], [])
    gone = await gone_since(tx, known.folder_id, known.highest_modseq)
    changed = await tx.all("changed_rows", folder_id=known.folder_id, modseq=known.highest_modseq)
    return head, changed, gone


def picture(head: Row, rows: Sequence[Row]) -> Snapshot:
    """Return the picture of counters and rows of a folder."""
    folder_id, mailbox_id, uid_validity, uid_next, highest_modseq = head[:5]
    interned: dict[str, str] = {}
    return Snapshot(
        folder_id,
        mailbox_id,
        uid_validity,
        uid_next,
        highest_modseq,
        array("I", [row[0] for row in rows]),
        tuple([interned.setdefault(row[1], row[1]) for row in rows]),
        array("Q", [row[2] for row in rows]),
        array("Q", [row[3] for row in rows]),
    )


async def status(tx: Tx, folder_id: FolderId, *, sizes: bool) -> FolderStatus | None:
    """Return the counters of a folder, or None; `sizes` adds what must be counted message by message."""
    head = await tx.one("folder_counters", folder_id=folder_id)
    if head is None:
        return None
    counted = _some(await tx.one("folder_sizes", folder_id=folder_id)) if sizes else (0, 0, 0)
    _id, _mailbox, validity, uid_next, modseq, messages, unseen = head
    return FolderStatus(folder_id, messages, unseen, uid_next, validity, modseq, *counted)


async def set_flags_many(
    tx: Tx, folder_id: FolderId, flags: Sequence[tuple[int, frozenset[str], frozenset[str]]]
) -> tuple[tuple[Change, ...], list[tuple[int, str, int]]]:
    """Replace the flags of messages; return the changes and (uid, flags, modseq) of those that are still there.

    Args:
        tx, folder_id: the flags before were read in the same transaction.
        flags: (uid, before, after).
    """
    head = await tx.one("folder_counters", folder_id=folder_id)
    if head is None or not flags:
        return (), []
    mailbox_id = MailboxId(head[1])
    modseq = await _grow(tx, mailbox_id, 0)
    rows: list[tuple[int, str, int]] = []
    seen = 0
    for uid, before, after in flags:
        text = " ".join(sorted(after))
        if await tx.run("set_flags", folder_id=folder_id, uid=uid, flags=text, modseq=modseq):
            seen += int(SEEN in after) - int(SEEN in before)
            rows.append((uid, text, modseq))
    await tx.run("count_out", folder_id=folder_id, messages=0, unseen=seen, modseq=modseq)
    return tuple(Change(mailbox_id, folder_id, uid, modseq) for uid, _flags, _modseq in rows), rows


async def remove_many(tx: Tx, folder_id: FolderId, uids: Iterable[int]) -> tuple[Change, ...]:
    """Take messages out of a folder for good; return the changes of those that were there."""
    rows = await _rows(tx, folder_id, uids)
    if not rows:
        return ()
    mailbox_id = MailboxId(rows[0][1][5])
    modseq = await _grow(tx, mailbox_id, -sum(row[4] for _uid, row in rows))
    unseen = sum(SEEN not in row[1].split() for _uid, row in rows)
    for uid, row in rows:
        await tx.run("remove_filed", folder_id=folder_id, uid=uid)
        await tx.run("add_expunged", folder_id=folder_id, uid=uid, modseq=modseq)
        await free_if_unused(tx, MessageId(row[0]))
    await tx.run("count_out", folder_id=folder_id, messages=len(rows), unseen=unseen, modseq=modseq)
    return tuple(Change(mailbox_id, folder_id, uid, modseq) for uid, _row in rows)


async def items_at(tx: Tx, folder_id: FolderId, uids: Iterable[int]) -> list[tuple[int, Item]]:
    """Return (uid, what would be put elsewhere) of the messages that are still there."""
    return [
        (uid, Item(MessageId(row[0]), row[1], row[2], row[3], row[4])) for uid, row in await _rows(tx, folder_id, uids)
    ]


async def place(tx: Tx, mailbox_id: MailboxId, folder_id: FolderId, items: Sequence[Item], now: datetime) -> Placed:
    """Put messages in a folder under one modification number; return their UIDs in the order given.

    Raises:
        StoreError: there is no such folder in the mailbox.
    """
    head = _some(await tx.one("folder_counters", folder_id=folder_id))
    if head[1] != mailbox_id:
        msg = f"le dossier {folder_id} n'est pas dans la boîte {mailbox_id} : relisez la liste"
        raise StoreError(msg)
    if not items:
        return Placed(head[2], (), ())
    modseq = await _grow(tx, mailbox_id, sum(item.size_bytes for item in items))
    uids = range(head[3], head[3] + len(items))
    unseen = sum(SEEN not in item.flags.split() for item in items)
    await tx.run("count_in", folder_id=folder_id, uid=uids[-1], messages=len(items), unseen=unseen, modseq=modseq)
    for uid, item in zip(uids, items, strict=True):
        await tx.run(
            "add_copy_of",
            folder_id=folder_id,
            uid=uid,
            mailbox_id=mailbox_id,
            message_id=item.message,
            modseq=modseq,
            flags=item.flags,
            filed_at=to_micros(now),
            prefix=item.prefix,
            internal_at=item.internal_at,
        )
    return Placed(head[2], tuple(uids), tuple(Change(mailbox_id, folder_id, uid, modseq) for uid in uids))


async def list_acl(tx: Tx, mailbox_id: MailboxId) -> dict[FolderId, tuple[AclEntry, ...]]:
    """Return the lists of rights of a mailbox by folder."""
    found: dict[FolderId, tuple[AclEntry, ...]] = {}
    for folder_id, identifier, rights in await tx.all("acl_of", mailbox_id=mailbox_id):
        found[folder_id] = (*found.get(folder_id, ()), AclEntry(identifier, rights))
    return found


async def set_acl(tx: Tx, folder_id: FolderId, identifier: str, rights: str) -> None:
    """Set the rights of somebody on a folder; "" takes them away."""
    if rights:
        await tx.run("set_acl", folder_id=folder_id, identifier=identifier, rights=rights)
    else:
        await tx.run("remove_acl", folder_id=folder_id, identifier=identifier)


async def shared_with(tx: Tx, login: str) -> list[Address]:
    """Return the mailboxes with a folder that somebody was given rights on, sorted."""
    return [parse_address(row[0]) for row in await tx.all("shared_with", identifier=login.casefold())]


async def subscriptions(tx: Tx, account_id: AccountId) -> dict[str, bool]:
    """Return what an account chose: full name -> shown or not."""
    return {name: bool(wanted) for name, wanted in await tx.all("subscriptions", account_id=account_id)}


async def subscribe(tx: Tx, account_id: AccountId, name: str, *, wanted: bool | None) -> None:
    """Note what an account chose for a full name; None forgets it, so that it is shown or not as anybody's."""
    if wanted is None:
        await tx.run("forget_subscription", account_id=account_id, name=name)
    else:
        await tx.run("subscribe", account_id=account_id, name=name, wanted=int(wanted))


async def annotations(tx: Tx, account_id: AccountId) -> dict[str, bytes]:
    """Return entry -> value of what an account noted and of what everybody reads."""
    return {row[0]: row[1] for row in await tx.all("annotations", account_id=account_id)}


async def annotate(tx: Tx, account_id: AccountId, entry: str, value: bytes | None) -> None:
    """Note something under an entry; None forgets it. The account 0 writes what everybody reads."""
    if value is None:
        await tx.run("forget_annotation", account_id=account_id, entry=entry)
    else:
        await tx.run("annotate", account_id=account_id, entry=entry, value=value)


async def _rows(tx: Tx, folder_id: FolderId, uids: Iterable[int]) -> list[tuple[int, Row]]:
    found = [(uid, await tx.one("filed_row", folder_id=folder_id, uid=uid)) for uid in uids]
    return [(uid, row) for uid, row in found if row is not None]


async def _grow(tx: Tx, mailbox_id: MailboxId, size_bytes: int) -> int:
    return int(_some(await tx.one("grow_mailbox", mailbox_id=mailbox_id, size_bytes=size_bytes))[0])


def _some(row: Row | None) -> Row:
    if row is None:
        msg = "cette boîte ou ce dossier n'existe plus : relisez la liste"
        raise StoreError(msg)
    return row
