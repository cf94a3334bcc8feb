"""Make, remove and rename folders, each in one transaction with its trace.

Source: RFC 9051 sections 6.3.4 to 6.3.6.
"""

from dataclasses import dataclass
from datetime import datetime

from mssante.flows.folders.boxes import Box, Who, find_box, find_spot
from mssante.flows.folders.names import FOLDERS_MAX, INBOX, SEPARATOR, judge_name
from mssante.model.audit import AuditEvent
from mssante.model.decision import Kind, Refusal
from mssante.model.mailbox import FOLDER_NAMES, Folder, FolderId, MailboxId, Role
from mssante.model.message import Change
from mssante.rules.access import Act, folder_unknown, judge_act
from mssante.store import audit, folders, mailboxes
from mssante.store.engine import Store
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Done:
    """It is committed; the changes are to be published, and that names of the mailbox changed."""

    mailbox_id: MailboxId
    changes: tuple[Change, ...] = ()


async def trace(store: Store, event: AuditEvent, now: datetime) -> None:
    """Write one event down."""
    await store.write(lambda tx: audit.append(tx, event, now))


async def create(store: Store, who: Who, name: str, role: str | None, now: datetime) -> Done | Refusal:
    """Make a folder, perhaps as the archive; the other roles have their folder from the start."""
    name = name.removesuffix(SEPARATOR)

    async def work(tx: Tx) -> Done | Refusal:
        found = await find_box(tx, who, name)
        if isinstance(found, Refusal):
            return found
        box, inner = found
        refusal = _judge_new(box, inner)
        if refusal is not None:
            return refusal
        kept = None if role is None else _judge_role(box, role)
        if isinstance(kept, Refusal):
            return kept
        await folders.create_folder(tx, box.mailbox.mailbox_id, inner, now, role=kept)
        return Done(box.mailbox.mailbox_id)

    return await store.write(work)


async def delete(store: Store, who: Who, name: str, now: datetime) -> Done | Refusal:
    """Remove a folder and its messages, with a trace; folders with a role stay."""

    async def work(tx: Tx) -> Done | Refusal:
        spot = await find_spot(tx, who, name, Act.DELETE)
        if isinstance(spot, Refusal):
            return spot
        folder = spot.folder
        if folder.role in FOLDER_NAMES:
            return _fixed()
        gone = await folders.delete_folder(tx, folder.folder_id)
        event = who.event("folder.deleted", spot.box.mailbox, folder=folder.folder_id, messages=folder.messages)
        await audit.append(tx, event, now)
        return Done(folder.mailbox_id, gone)

    return await store.write_long(work)


async def rename(store: Store, who: Who, old: str, new: str, now: datetime) -> Done | Refusal:
    """Rename a folder and those below it, or move the messages of INBOX to a new folder."""

    async def work(tx: Tx) -> Done | Refusal:
        spot = await find_spot(tx, who, old, Act.RENAME)
        target = await find_box(tx, who, new)
        if isinstance(spot, Refusal):
            return spot
        if isinstance(target, Refusal):
            return target
        box, inner = target
        if box.mailbox.mailbox_id != spot.box.mailbox.mailbox_id:
            return _fixed()
        refusal = _judge_new(box, inner)
        if refusal is not None:
            return refusal
        if spot.folder.name == INBOX:
            return await _empty_inbox(tx, box, spot.folder, inner, now)
        if spot.folder.role in FOLDER_NAMES or inner.startswith(spot.folder.name + SEPARATOR):
            return _fixed()
        refusal = await _rename_all(tx, box, spot.folder, inner)
        if refusal is not None:
            return refusal
        await audit.append(tx, who.event("folder.renamed", box.mailbox, folder=spot.folder.folder_id), now)
        return Done(box.mailbox.mailbox_id)

    return await store.write_long(work)


async def _rename_all(tx: Tx, box: Box, folder: Folder, inner: str) -> Refusal | None:
    moved: list[tuple[FolderId, str]] = []
    for one in box.folders:
        if one.name == folder.name or one.name.startswith(folder.name + SEPARATOR):
            name = inner + one.name[len(folder.name) :]
            refusal = _judge_new(box, name, is_new=False) or judge_act(Act.RENAME, box.rights(one.folder_id))
            if refusal is not None:
                return refusal
            moved.append((one.folder_id, name))
    for folder_id, name in moved:
        await folders.rename_folder(tx, folder_id, name)
    return None


async def _empty_inbox(tx: Tx, box: Box, inbox: Folder, inner: str, now: datetime) -> Done | Refusal:
    """Move everything of INBOX to a new folder (RFC 9051 section 6.3.6)."""
    mailbox_id = box.mailbox.mailbox_id
    await folders.create_folder(tx, mailbox_id, inner, now)
    made = next(one for one in await mailboxes.list_folders(tx, mailbox_id) if one.name == inner)
    picture = await folders.snapshot(tx, inbox.folder_id)
    if picture is None:
        return folder_unknown()
    items = await folders.items_at(tx, inbox.folder_id, picture.uids)
    placed = await folders.place(tx, mailbox_id, made.folder_id, [item for _uid, item in items], now)
    gone = await folders.remove_many(tx, inbox.folder_id, [uid for uid, _item in items])
    return Done(mailbox_id, (*placed.changes, *gone))


def _judge_new(box: Box, inner: str, *, is_new: bool = True) -> Refusal | None:
    """Return why a folder of that name cannot be made or renamed to, or None."""
    refusal = judge_act(Act.CREATE, box.rights(None)) or judge_name(inner)
    if refusal is not None:
        return refusal
    if box.folder(inner) is not None or inner == INBOX:
        return _exists("That mailbox exists already", "Ce dossier existe déjà : choisissez un autre nom.")
    if is_new and len(box.folders) >= FOLDERS_MAX:
        return Refusal(
            Kind.TOO_MANY_FOLDERS,
            "folders",
            "Too many mailboxes",
            french=f"La boîte a déjà {FOLDERS_MAX} dossiers : supprimez-en pour en créer d'autres.",
        )
    return None


def _judge_role(box: Box, wanted: str) -> str | Refusal:
    """Return the role that a new folder gets as it is kept, or why it cannot have it (RFC 6154 section 3)."""
    role = next((one for one in Role if one.value.lower() == wanted.lower()), None)
    if role is None:
        return Refusal(Kind.SPECIAL_USE, "folder", "That special use is not known", french="Ce rôle n'existe pas.")
    if any(one.role is role for one in box.folders):
        public = "That special use is another folder's already"
        return Refusal(Kind.SPECIAL_USE, "folder", public, french="Ce rôle a déjà son dossier.")
    return role.value


def _exists(public: str, french: str) -> Refusal:
    return Refusal(Kind.FOLDER_EXISTS, "folder", public, french=french)


def _fixed() -> Refusal:
    return Refusal(
        Kind.FOLDER_FIXED,
        "folder",
        "That mailbox cannot be deleted, renamed or moved there",
        french="Ce dossier ne peut être ni supprimé, ni renommé, ni déplacé là.",
    )
