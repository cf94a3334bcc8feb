"""Read the messages of a mailbox, with the trace that somebody else than its holder has opened one.

Source: operators.md 7 (traces of access: account, method, act, result; never the content).
"""

from dataclasses import dataclass
from datetime import datetime

from mssante.model.address import for_trace
from mssante.model.audit import AuditEvent
from mssante.model.errors import MssError
from mssante.model.mailbox import Folder, Mailbox
from mssante.model.message import Body, StoredMessage
from mssante.store import audit, mailboxes, messages
from mssante.store.engine import Store
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Opened:
    """One message as a reader gets it.

    Attributes:
        prefix: header bytes that we put in front.
        body: what was received, byte for byte; `BlobFolder.read` gives its bytes.
    """

    message: StoredMessage
    prefix: bytes
    body: Body


async def folders(store: Store, mailbox: Mailbox) -> tuple[Folder, ...]:
    """Return the folders of a mailbox in the order shown."""
    return await store.read(lambda tx: mailboxes.list_folders(tx, mailbox.mailbox_id))


async def page(store: Store, folder: Folder, *, after_uid: int, limit: int) -> list[StoredMessage]:
    """Return messages of a folder by UID, above `after_uid`."""
    return await store.read(lambda tx: messages.list_messages(tx, folder.folder_id, after_uid=after_uid, limit=limit))


async def open_as_administrator(
    store: Store, mailbox: Mailbox, folder: Folder, uid: int, *, actor: str, trace_key: bytes, now: datetime
) -> Opened:
    """Return one message, and write down who opened it; the message stays unread for its holder.

    Raises:
        MssError: there is no such message.
    """

    async def work(tx: Tx) -> Opened:
        found = await messages.find_message(tx, mailbox.mailbox_id, folder_id=folder.folder_id, uid=uid)
        content = await messages.message_content(tx, mailbox.mailbox_id, folder.folder_id, uid)
        if found is None or content is None:
            msg = (
                f"{mailbox.address} n'a pas de message {uid} dans {folder.name} ; "
                f"`mssante mail list {mailbox.address}` les donne"
            )
            raise MssError(msg)
        facts: dict[str, str | int] = {"mailbox": for_trace(mailbox.address, trace_key), "uid": uid}
        event = AuditEvent("message.opened", actor, found.reference, "ok", "administrator", facts)
        await audit.append(tx, event, now)
        prefix, body = content
        return Opened(found, prefix, body)

    return await store.write(work)
