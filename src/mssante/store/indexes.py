"""What is kept of each message for lists and search: rows of its index, words by mailbox.

The index itself is made by `mssante.flows.folders.indexing`; here it is bytes and texts.
"""

from collections.abc import Mapping

from mssante.model.mailbox import FolderId, MailboxId
from mssante.model.message import Body, MessageId
from mssante.store.tx import Row, Tx, Value


async def unindexed(tx: Tx, folder_id: FolderId, *, from_uid: int, limit: int) -> list[MessageId]:
    """Return messages of a folder, from a UID on, that cannot be listed or searched from the index yet."""
    rows = await tx.all("unindexed", folder_id=folder_id, from_uid=from_uid, limit=limit)
    return [MessageId(row[0]) for row in rows]


async def unindexed_anywhere(tx: Tx, *, after: int, limit: int) -> list[MessageId]:
    """Return messages of any folder after one that cannot be listed or searched from the index yet."""
    return [MessageId(row[0]) for row in await tx.all("unindexed_anywhere", after_id=after, limit=limit)]


async def body_of(tx: Tx, message: MessageId) -> Body | None:
    """Return the body of a message, None when it is gone."""
    row = await tx.one("body_to_index", message_id=message)
    return None if row is None else Body(row[0], row[1], row[2], row[3])


async def add_index(tx: Tx, message: MessageId, index: Mapping[str, Value], header: str, text: str) -> None:
    """Keep the index of a message, and its words for each mailbox that files it."""
    mailboxes = await tx.all("mailboxes_of", message_id=message)
    if not mailboxes:
        return
    await tx.run("add_index", message_id=message, **index)
    for (mailbox_id,) in mailboxes:
        await tx.run("add_text", mailbox_id=mailbox_id, message_id=message, header=header, text=text)
        await tx.run("add_text_row", mailbox_id=mailbox_id, message_id=message)


async def search_text(tx: Tx, mailbox_id: MailboxId, text: str, *, body_only: bool) -> frozenset[int]:
    """Return the messages of a mailbox that hold the words of a text, one after the other, the last one begun at least.

    Case and accents do not count. A text without any letter or digit is nowhere.

    Args:
        text: as typed; it never is a query of the engine.
    """
    phrase = '"' + text.replace('"', '""').replace("\0", " ") + '"*'
    query = f"body : {phrase}" if body_only else phrase
    # The embedded engine looks for the query; another one makes its own from the text.
    rows = await tx.all("search_text", mailbox_id=mailbox_id, query=query, text=text, body_only=int(body_only))
    return frozenset(row[0] for row in rows)


async def fetch_rows(tx: Tx, folder_id: FolderId, low: int, high: int, limit: int, *, whole: bool) -> list[Row]:
    """Return what lists show of the messages in a range of UIDs; `whole` adds the columns of the index."""
    if whole:
        return await tx.all("fetch_rows", folder_id=folder_id, low=low, high=high, limit=limit)
    return await tx.all("fact_rows", folder_id=folder_id, low=low, high=high, limit=limit)


async def sort_rows(tx: Tx, folder_id: FolderId) -> list[Row]:
    """Return what sorting, threading and search by date need of a folder, by UID."""
    return await tx.all("sort_rows", folder_id=folder_id)


async def header_rows(tx: Tx, folder_id: FolderId) -> dict[int, bytes | None]:
    """Return UID -> header fields kept of each message, None where they must be read from it."""
    return dict(await tx.all("header_rows", folder_id=folder_id))
