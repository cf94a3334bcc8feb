"""What an operator does in three weeks: numbers are given again, names exchanged, messages and folders go."""

from datetime import timedelta
from itertools import count
from typing import Any

from store_world import ALICE, BOB, NOW, by_hand, mailbox

from mssante.model.audit import AuditEvent
from mssante.model.mailbox import AccountKind, FolderId, MailboxId, MailboxState, Role
from mssante.model.message import Body, Summary
from mssante.store import accounts, audit, folders, mailboxes, messages
from mssante.store.copying.tables import tables
from mssante.store.engine import Store
from mssante.store.tx import Tx

_LARGE = 100


async def _body(store: Store, data: bytes) -> Body:
    spool = store.blobs.spool(10, _LARGE)
    spool.write(data)
    return await spool.finish()


async def _receive(store: Store, reference: str, text: str) -> None:
    body = await _body(store, f"Subject: x\r\n\r\n{text}\r\n".encode())

    async def work(tx: Tx) -> None:
        made = await messages.add_message(
            tx, reference=reference, sender=BOB, summary=Summary(), body=body, decision="R5", now=NOW
        )
        box = await mailboxes.mailbox_by_key(tx, ALICE.key)
        await messages.file_message(
            tx, message=made, mailbox_id=box.mailbox_id, role=Role.INBOX, prefix=b"R: 1\r\n", now=NOW
        )
        await audit.append(tx, AuditEvent("message.delivered", "peer", reference, "ok", "R5", {}), NOW)

    await store.write(work)


async def first_week(store: Store) -> None:
    """Open boxes, receive mail, of which two letters are large; write something in every other table."""

    async def open_boxes(tx: Tx) -> None:
        box = await mailbox(tx)
        await mailbox(tx, BOB)
        for name in ("A", "B", "C", "D"):
            await folders.create_folder(tx, box.mailbox_id, name, NOW)
        account = await accounts.create_account(tx, str(ALICE), AccountKind.PERSON, certificate_name=None, now=NOW)
        await accounts.create_account(tx, str(BOB), AccountKind.PERSON, certificate_name=None, now=NOW)
        await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)

    await store.write(open_boxes)
    await _receive(store, "small", "bilan hépatique")
    await _receive(store, "large", "bilan hépatique\r\n" + "x" * 300)
    await _receive(store, "large-2", "y" * 300)
    await _receive(store, "large-again", "y" * 300)
    for number in range(20):
        await _receive(store, f"r{number}", "z" * (number % 7))
    await store.write(_fill_the_rest)


async def second_week(store: Store) -> None:
    """Flags, removals, a move, folders that exchange their names, one that goes, a new large letter."""
    await _receive(store, "week-2", "w" * 300)

    async def work(tx: Tx) -> None:
        box = await mailboxes.mailbox_by_key(tx, ALICE.key)
        found = {one.name: one.folder_id for one in await mailboxes.list_folders(tx, box.mailbox_id)}
        inbox = found["INBOX"]
        before = await folders.flags_at(tx, inbox, [1, 2, 3])
        changed = [(uid, frozenset(row[0].split()), frozenset({"\\Seen"})) for uid, row in before.items()]
        await folders.set_flags_many(tx, inbox, changed)
        await folders.remove_many(tx, inbox, [8, 9])
        items = await folders.items_at(tx, inbox, [10, 11])
        await folders.place(tx, box.mailbox_id, found["A"], [item for _uid, item in items], NOW)
        await folders.rename_folder(tx, found["A"], "swap")
        await folders.rename_folder(tx, found["B"], "A")
        await folders.rename_folder(tx, found["A"], "B")
        await folders.delete_folder(tx, found["D"])
        await mailboxes.set_mailbox_state(tx, MailboxId(2), MailboxState.SUSPENDED, NOW + timedelta(days=1))

    await store.write(work)


async def third_week(store: Store) -> None:
    """Remove what has the highest number, and have numbers of rows given again."""

    async def work(tx: Tx) -> None:
        box = await mailboxes.mailbox_by_key(tx, ALICE.key)
        inbox = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
        last = inbox.uid_next - 1
        await folders.remove_many(tx, FolderId(inbox.folder_id), [last - 1, last])

    await store.write(work)
    await _receive(store, "week-3", "bilan hépatique")
    await _receive(store, "week-3-gone", "gone")
    await store.write(_remove_last)


async def _remove_last(tx: Tx) -> None:
    box = await mailboxes.mailbox_by_key(tx, ALICE.key)
    inbox = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
    await folders.remove_many(tx, FolderId(inbox.folder_id), [inbox.uid_next - 1])


async def dump(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table that is copied; a path only by whether there is one."""

    async def work(tx: Tx) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for table in tables():
            sql = f"SELECT {', '.join(table.columns)} FROM {table.name} ORDER BY {', '.join(table.key)}"  # noqa: S608
            rows = [dict(zip(table.columns, row, strict=True)) for row in await by_hand(tx, sql)]
            for row in rows:
                if table.name == "message":
                    row["path"] = row["path"] is not None
            found[table.name] = rows
        return found

    return await store.read(work)


async def _fill_the_rest(tx: Tx) -> None:
    """Put two rows in each table that has none, so that none is forgotten."""
    for table in tables():
        if (await by_hand(tx, f"SELECT count(*) FROM {table.name}"))[0][0]:  # noqa: S608
            continue
        for number in (1,) if table.name == "directory_comparison" else (1, 2):
            values = [_value(table.name, name, kind, number) for name, kind in table.columns.items()]
            places = ", ".join("?" * len(values))
            sql = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})"  # noqa: S608
            await by_hand(tx, sql, *values)


_some = count(1)


def _value(table: str, column: str, kind: str, number: int) -> Any:  # noqa: ANN401 - whatever the column holds
    if column.endswith("_id") or column == "one":
        return number
    if column == "uid":
        return 90 + number
    if (table, column) == ("copy", "state"):
        return "waiting"
    if kind == "INTEGER":
        return next(_some)
    text = f"é {table} {column} {next(_some)}"
    return text.encode() if kind == "BLOB" else text
