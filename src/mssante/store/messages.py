"""Messages, the folders they lie in, and the copies that were received before.

Changes come back as `Change` values, to be published after the commit (design.md law 2).

Source: RFC 9051 section 2.3.1.1 (UIDs only grow); RFC 7162 section 3.1 (so do modification numbers).
"""

from datetime import datetime
from typing import Final

import msgspec

from mssante.model.address import Address
from mssante.model.errors import StoreError
from mssante.model.mailbox import FolderId, MailboxId, Role
from mssante.model.message import Body, Change, MessageId, StoredMessage, Summary
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Row, Tx, Value, joins

SEEN: Final = "\\Seen"
_encode_summary = msgspec.json.Encoder(order="deterministic").encode
_decode_summary = msgspec.json.Decoder(Summary).decode
_FORGET_ROWS: Final = 5000


async def add_message(
    tx: Tx, *, reference: str, sender: Address | None, summary: Summary, body: Body, decision: str, now: datetime
) -> MessageId:
    """Keep a message; return its identifier.

    Args:
        reference: ours; one message only has it.
        sender: of the envelope; None is the null reverse path.
        body: when it lies in a file, that file is flushed.
        decision: what let it in, for people.

    Raises:
        StoreError: the reference is another message's.
    """
    row: dict[str, Value] = {
        "reference": reference,
        "sender": None if sender is None else str(sender),
        "summary": _encode_summary(summary).decode(),
        "decision": decision,
        "sha256": body.sha256,
        "size_bytes": body.size_bytes,
        "path": body.path,
        "received_at": to_micros(now),
    }
    if joins(tx):
        return MessageId(_some(await tx.one("add_message_at_once", data=body.data, **row))[0])
    message = await tx.insert("add_message", **row)
    if body.data is not None:
        await tx.run("add_body", message_id=message, data=body.data)
    return MessageId(message)


async def file_message(
    tx: Tx,
    *,
    message: MessageId,
    mailbox_id: MailboxId,
    role: Role,
    prefix: bytes,
    flags: frozenset[str] = frozenset(),
    now: datetime,
) -> tuple[Change, int]:
    """Put a message in the folder of a mailbox that has the role; return the change and the UID.

    Args:
        prefix: header bytes that readers see in front of the body; both count in the quota.

    Raises:
        StoreError: there is no such mailbox.
    """
    if joins(tx):
        row = await tx.one(
            "file_at_once",
            mailbox_id=mailbox_id,
            role=role.value,
            message_id=message,
            unseen=0 if SEEN in flags else 1,
            flags=" ".join(sorted(flags)),
            filed_at=to_micros(now),
            prefix=prefix,
        )
        folder_id, uid, modseq = _some(row)
        return Change(mailbox_id, folder_id, uid, modseq), uid
    # Read, then two plain updates: cheaper than RETURNING twice, and safe because only one transaction writes.
    place = await tx.one("next_place", mailbox_id=mailbox_id, role=role.value, message_id=message)
    folder_id, uid, last_modseq, size_bytes = _some(place)
    modseq = last_modseq + 1
    unseen = 0 if SEEN in flags else 1
    await tx.run("grow_mailbox_to", mailbox_id=mailbox_id, size_bytes=size_bytes + len(prefix), modseq=modseq)
    await tx.run("count_in", folder_id=folder_id, uid=uid, messages=1, unseen=unseen, modseq=modseq)
    await tx.run(
        "add_filed",
        folder_id=folder_id,
        uid=uid,
        mailbox_id=mailbox_id,
        message_id=message,
        modseq=modseq,
        flags=" ".join(sorted(flags)),
        filed_at=to_micros(now),
        prefix=prefix,
    )
    return Change(mailbox_id, folder_id, uid, modseq), uid


async def free_if_unused(tx: Tx, message: MessageId) -> None:
    """Drop a message and its bytes when no folder and no copy needs it; a file of it is swept later."""
    if not _some(await tx.one("message_in_use", message_id=message))[0]:
        await tx.run("remove_body", message_id=message)
        await tx.run("remove_message", message_id=message)


async def list_messages(tx: Tx, folder_id: FolderId, *, after_uid: int = 0, limit: int) -> list[StoredMessage]:
    """Return the messages of a folder with a UID above `after_uid`, by UID."""
    return [
        _stored(row) for row in await tx.all("list_messages", folder_id=folder_id, after_uid=after_uid, limit=limit)
    ]


async def find_message(
    tx: Tx, mailbox_id: MailboxId, *, reference: str = "", folder_id: FolderId | None = None, uid: int = 0
) -> StoredMessage | None:
    """Return one message of a mailbox, or None.

    Args:
        reference: ours; it is looked for in every folder.
        folder_id: with `uid`, when no reference is given.
        uid: in that folder.
    """
    if reference:
        row = await tx.one("message_by_reference", mailbox_id=mailbox_id, reference=reference)
    else:
        row = await tx.one("message_by_uid", mailbox_id=mailbox_id, folder_id=folder_id, uid=uid)
    return None if row is None else _stored(row)


async def message_content(tx: Tx, mailbox_id: MailboxId, folder_id: FolderId, uid: int) -> tuple[bytes, Body] | None:
    """Return what a reader gets: the prefix and the body (`BlobFolder.read` gives its bytes); None when it is gone."""
    row = await tx.one("message_content", mailbox_id=mailbox_id, folder_id=folder_id, uid=uid)
    if row is None:
        return None
    prefix, sha256, size_bytes, data, path = row
    return prefix, Body(sha256, size_bytes, data, path)


async def first_reference(tx: Tx, key: bytes, reference: str, now: datetime) -> str:
    """Remember a received copy; return the reference under which it came first, which is the one given when it is new.

    Source: reliability.md I (the key holds the authenticated peer, the envelope and a content hash).
    """
    if await tx.run("add_seen", copy_key=key, reference=reference, at=to_micros(now)):
        return reference
    row = await tx.one("seen_copy", copy_key=key)
    return reference if row is None else str(row[0])


async def forget_copies(tx: Tx, before: datetime) -> int:
    """Forget the copies received before a time, at most 5,000 in one transaction; return how many."""
    return len(await tx.all("forget_seen", before=to_micros(before), limit=_FORGET_ROWS))


async def blob_paths(tx: Tx, part: str = "") -> frozenset[str]:
    """Return the files of bodies in use whose names begin so, for `BlobFolder.sweep`.

    Args:
        part: hexadecimal digits, such as one of `mssante.store.blobs.PARTS`; without any, all of them.
    """
    # "g" comes after every digit and the slash.
    return frozenset(row[0] for row in await tx.all("blob_paths", first_path=part, end_path=f"{part}g"))


def _some(row: Row | None) -> Row:
    if row is None:
        msg = "cette boîte, ce dossier ou ce message n'existe plus : relisez la liste"
        raise StoreError(msg)
    return row


def _stored(row: Row) -> StoredMessage:
    mailbox_id, folder_id, uid, modseq, message, reference, flags, received_at, size, sender, summary, decision = row
    return StoredMessage(
        MailboxId(mailbox_id),
        FolderId(folder_id),
        uid,
        modseq,
        MessageId(message),
        reference,
        frozenset(flags.split()),
        from_micros(received_at),
        size,
        sender or "",
        _decode_summary(summary),
        decision,
    )
