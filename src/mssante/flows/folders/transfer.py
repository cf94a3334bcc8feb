"""Copy, move and remove messages: each command one transaction, all or nothing.

Source: RFC 9051 sections 6.4.3, 6.4.7 and 6.4.8; RFC 4314 section 4.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from mssante.flows.folders.boxes import Spot, Who, find_spot
from mssante.flows.folders.values import Transferred
from mssante.model.decision import Kind, Refusal
from mssante.model.mailbox import Mailbox
from mssante.model.message import Change
from mssante.rules.access import Act, judge_act, storable
from mssante.store import audit, folders
from mssante.store.tx import Tx


async def transferred(
    tx: Tx, who: Who, name: str, uids: Sequence[int], target: str, now: datetime, *, move: bool
) -> tuple[Transferred, tuple[Change, ...]] | Refusal:
    """Copy or move messages; return where they are and the changes to publish."""
    source = await find_spot(tx, who, name, Act.READ)
    there = await find_spot(tx, who, target, Act.ADD)
    if isinstance(source, Refusal):
        return source
    if isinstance(there, Refusal):
        return there
    refusal = judge_act(Act.EXPUNGE, source.rights) if move else None
    if refusal is not None:
        return refusal
    found = await folders.items_at(tx, source.folder.folder_id, uids)
    mailbox = there.box.mailbox
    is_same = mailbox.mailbox_id == source.box.mailbox.mailbox_id
    # A move within one mailbox takes no room.
    if not (move and is_same):
        refusal = judge_quota(mailbox, sum(item.size_bytes for _uid, item in found))
        if refusal is not None:
            return refusal
    items = [replace(item, flags=_allowed(item.flags, there)) for _uid, item in found]
    placed = await folders.place(tx, mailbox.mailbox_id, there.folder.folder_id, items, now)
    gone: tuple[Change, ...] = ()
    if move:
        gone = await folders.remove_many(tx, source.folder.folder_id, [uid for uid, _item in found])
    if found and not (source.box.is_own and there.box.is_own):
        await _trace(tx, who, source, there, len(found), now, move=move)
    pairs = tuple((uid, new) for (uid, _item), new in zip(found, placed.uids, strict=True))
    return Transferred(placed.uid_validity, pairs), (*placed.changes, *gone)


async def removed(
    tx: Tx, who: Who, name: str, uids: Sequence[int] | None, now: datetime
) -> tuple[Change, ...] | Refusal:
    r"""Remove messages marked \Deleted for good, with a trace of how many; return the changes to publish."""
    spot = await find_spot(tx, who, name, Act.EXPUNGE)
    if isinstance(spot, Refusal):
        return spot
    folder_id = spot.folder.folder_id
    among = None if uids is None else set(uids)
    marked = [
        row[0]
        for row in await folders.flag_rows(tx, folder_id)
        if "\\Deleted" in row[1].split() and (among is None or row[0] in among)
    ]
    if not marked:
        return ()
    changes = await folders.remove_many(tx, folder_id, marked)
    facts: dict[str, str | int] = {
        "folder": folder_id,
        "messages": len(marked),
        "first_uid": marked[0],
        "last_uid": marked[-1],
    }
    event = replace(who.event("message.removed", spot.box.mailbox), facts={"ip": who.ip, **facts})
    await audit.append(tx, event, now)
    return changes


def judge_quota(mailbox: Mailbox, size_bytes: int) -> Refusal | None:
    """Return the refusal when so much more does not fit in the mailbox, or None."""
    if mailbox.used_bytes + size_bytes <= mailbox.quota_bytes:
        return None
    return Refusal(
        Kind.MAILBOX_FULL,
        "quota",
        "The mailbox is full",
        french="La boîte est pleine : supprimez des messages, ou demandez plus de place.",
    )


def _allowed(flags: str, there: Spot) -> str:
    return " ".join(sorted(storable(flags.split(), there.rights)))


async def _trace(tx: Tx, who: Who, source: Spot, there: Spot, count: int, now: datetime, *, move: bool) -> None:
    facts: dict[str, str | int] = {
        "folder": source.folder.folder_id,
        "to_folder": there.folder.folder_id,
        "messages": count,
    }
    if source.box.mailbox.mailbox_id != there.box.mailbox.mailbox_id:
        facts["to"] = who.event("", there.box.mailbox).subject
    event = replace(who.event(_named(move=move), source.box.mailbox), facts={"ip": who.ip, **facts})
    await audit.append(tx, event, now)


def _named(*, move: bool) -> str:
    return "message.moved" if move else "message.copied"
