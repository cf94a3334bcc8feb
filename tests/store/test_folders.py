"""Folders in the store: many messages under one number, counters that are right, old stores that go on."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import apsw
import pytest
from forge import NOW

from mssante.model.address import parse_address
from mssante.model.errors import StoreError
from mssante.model.mailbox import Folder, Mailbox, MailboxType, Role
from mssante.model.message import Body, Change, Summary
from mssante.store import folders, mailboxes, messages
from mssante.store.engine import Store
from mssante.store.migrate import load_migrations, migrate
from mssante.store.tx import Tx


@pytest.fixture
async def store(open_store: Callable[[], Awaitable[Store]]) -> Store:
    """Open a store with one mailbox and three messages in its INBOX."""
    opened = await open_store()

    async def work(tx: Tx) -> None:
        address = parse_address("anne@chu.mssante.fr")
        box = await mailboxes.create_mailbox(
            tx, address, MailboxType.PER, holder="", identifier="", quota_bytes=10**6, now=NOW
        )
        inbox = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
        items = []
        for name in ("un", "deux", "trois"):
            body = Body(name.encode() * 8, len(name), name.encode(), None)
            message = await messages.add_message(
                tx, reference=name, sender=None, summary=Summary(), body=body, decision="", now=NOW
            )
            items.append(folders.Item(message, "\\Seen" if name == "deux" else "", b"P: 1\r\n", None, len(name) + 6))
        await folders.place(tx, box.mailbox_id, inbox.folder_id, items, NOW)

    await opened.write(work)
    return opened


async def facts(store: Store) -> tuple[Mailbox, Folder]:
    async def work(tx: Tx) -> tuple[Mailbox, Folder]:
        box = await mailboxes.mailbox_by_key(tx, parse_address("anne@chu.mssante.fr").key)
        assert box is not None
        return box, await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)

    return await store.read(work)


async def test_one_command_is_one_modification_number_and_the_counters_are_right(store: Store) -> None:
    box, inbox = await facts(store)
    assert (inbox.messages, inbox.unseen, inbox.uid_next, box.used_bytes) == (3, 2, 4, 29)
    seen, none = frozenset({"\\Seen"}), frozenset[str]()
    flags = [(1, none, seen), (2, seen, seen), (9, none, seen)]
    changes, rows = await store.write(lambda tx: folders.set_flags_many(tx, inbox.folder_id, flags))
    assert len({change.modseq for change in changes}) == 1
    assert [row[0] for row in rows] == [1, 2]
    assert (await facts(store))[1].unseen == 1
    gone = await store.write(lambda tx: folders.remove_many(tx, inbox.folder_id, [1, 3, 3000]))
    assert len({change.modseq for change in gone}) == 1
    box, inbox = await facts(store)
    assert (inbox.messages, inbox.unseen, inbox.uid_next, box.used_bytes) == (1, 0, 4, 10)
    assert await store.read(lambda tx: folders.gone_since(tx, inbox.folder_id, 0)) == [1, 3]
    assert await store.read(lambda tx: tx.all("newest_messages", before_id=99, limit=9)) != []


async def test_copies_share_the_bytes_until_the_last_one_goes(store: Store) -> None:
    box, inbox = await facts(store)

    async def copy(tx: Tx) -> tuple[int, ...]:
        found = await folders.items_at(tx, inbox.folder_id, [3, 1])
        trash = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.TRASH)
        return (await folders.place(tx, box.mailbox_id, trash.folder_id, [item for _uid, item in found], NOW)).uids

    assert await store.write(copy) == (1, 2)
    await store.write(lambda tx: folders.remove_many(tx, inbox.folder_id, [1, 2, 3]))
    left = await store.read(lambda tx: tx.all("newest_messages", before_id=99, limit=9))
    assert sorted(row[1] for row in left) == ["trois", "un"]
    assert (await facts(store))[0].used_bytes == 19


async def test_a_folder_of_another_mailbox_takes_nothing(store: Store) -> None:
    _box, inbox = await facts(store)
    with pytest.raises(StoreError, match="n'est pas dans la boîte"):
        await store.write(lambda tx: folders.place(tx, 99, inbox.folder_id, [], NOW))  # type: ignore[arg-type]


async def test_a_folder_goes_with_everything_of_it(store: Store) -> None:
    box, _inbox = await facts(store)
    first = await store.write(lambda tx: folders.create_folder(tx, box.mailbox_id, "x", NOW))
    made = next(
        one for one in await store.read(lambda tx: mailboxes.list_folders(tx, box.mailbox_id)) if one.name == "x"
    )
    await store.write(lambda tx: folders.set_acl(tx, made.folder_id, "bruno", "lr"))
    assert await store.write(lambda tx: folders.delete_folder(tx, made.folder_id)) == ()
    assert await store.read(lambda tx: folders.list_acl(tx, box.mailbox_id)) == {}
    assert await store.read(lambda tx: folders.snapshot(tx, made.folder_id)) is None
    assert (
        await store.write(lambda tx: folders.create_folder(tx, box.mailbox_id, "x", NOW))
        > first
        >= int(NOW.timestamp())
    )


async def test_changes_are_read_by_their_numbers(store: Store) -> None:
    _box, inbox = await facts(store)
    known = await store.read(lambda tx: folders.snapshot(tx, inbox.folder_id))
    assert known is not None
    changes = await store.write(lambda tx: folders.remove_many(tx, inbox.folder_id, [2]))
    assert changes == (Change(inbox.mailbox_id, inbox.folder_id, 2, known.highest_modseq + 1),)
    found = await store.read(lambda tx: folders.changes_since(tx, known))
    assert found is not None
    assert found[1:] == ([], [2])


def test_an_older_store_goes_on(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "x.db"))
    old = load_migrations()[:1]
    migrate(connection, tmp_path, migrations=old, probe=lambda _step: None)
    connection.execute(
        "INSERT INTO mailbox (address, address_key, kind, state, holder, identifier, quota_bytes, created_at, state_at)"
        " VALUES ('a', 'a', 'PER', 'active', '', '', 1, 1, 1)"
    )
    connection.execute("INSERT INTO folder (mailbox_id, name, uid_validity) VALUES (1, 'INBOX', 2000000000)")
    migrate(connection, tmp_path, migrations=load_migrations(), probe=lambda _step: None)
    assert connection.execute("SELECT last_validity FROM mailbox").fetchall() == [(2000000000,)]
    connection.close()


async def test_the_number_of_a_message_or_folder_that_went_is_never_anothers(store: Store) -> None:
    async def two_lives(tx: Tx) -> tuple[list[int], list[int]]:
        box = await mailboxes.create_mailbox(
            tx,
            parse_address("vies@chu.mssante.fr"),
            MailboxType.ORG,
            holder="",
            identifier="",
            quota_bytes=10**6,
            now=NOW,
        )
        made_messages: list[int] = []
        made_folders: list[int] = []
        for life in range(2):
            body = Body(bytes(32), 1, b"x", None)
            message = await messages.add_message(
                tx, reference=f"vie{life}", sender=None, summary=Summary(), body=body, decision="", now=NOW
            )
            made_messages.append(message)
            await messages.free_if_unused(tx, message)
            await folders.create_folder(tx, box.mailbox_id, "Vie", NOW)
            folder = next(one for one in await mailboxes.list_folders(tx, box.mailbox_id) if one.name == "Vie")
            made_folders.append(folder.folder_id)
            await folders.delete_folder(tx, folder.folder_id)
        return made_messages, made_folders

    numbers, places = await store.write(two_lives)
    assert numbers[1] > numbers[0]
    assert places[1] > places[0]
