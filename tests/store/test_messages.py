"""Messages in folders: UIDs and modification numbers grow, counters and quota follow, bytes go when unused."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_world import ALICE, BOB, NOW, inline, mailbox, message

from mssante.model.address import Address, parse_address
from mssante.model.errors import StoreError
from mssante.model.mailbox import Folder, FolderId, MailboxId, Role
from mssante.model.message import Change, Summary
from mssante.store import folders, mailboxes, messages
from mssante.store.engine import Store
from mssante.store.tx import Tx

SUMMARY = Summary(
    message_id="x@y.fr",
    subject="Compte rendu d’hospitalisation",
    from_addresses=(parse_address('"a b"@chu.mssante.fr'),),
    from_count=1,
    date="Mon, 23 Nov 2026 09:30:15 +0100",
    received_count=2,
    header_bytes=300,
    national={"x-mss-mes": "oui"},
    present=frozenset({"from", "date"}),
)


async def _set_flags(tx: Tx, folder_id: FolderId, uid: int, flags: frozenset[str]) -> Change | None:
    before = await folders.flags_at(tx, folder_id, [uid])
    changed = [(one, frozenset(row[0].split()), flags) for one, row in before.items()]
    changes, _rows = await folders.set_flags_many(tx, folder_id, changed)
    return changes[0] if changes else None


async def _remove(tx: Tx, folder_id: FolderId, uid: int) -> Change | None:
    changes = await folders.remove_many(tx, folder_id, [uid])
    return changes[0] if changes else None


async def _move(tx: Tx, folder: Folder, uid: int, target: FolderId) -> tuple[Change, ...] | None:
    found = await folders.items_at(tx, folder.folder_id, [uid])
    if not found:
        return None
    placed = await folders.place(tx, folder.mailbox_id, target, [item for _uid, item in found], NOW)
    return (*placed.changes, *await folders.remove_many(tx, folder.folder_id, [uid]))


async def test_lists_a_filed_message_as_it_was_given(store: Store) -> None:
    async def receive(tx: Tx) -> int:
        box = await mailbox(tx)
        kept = await messages.add_message(
            tx, reference="r1", sender=BOB, summary=SUMMARY, body=inline(b"body"), decision="R5 list 1", now=NOW
        )
        change, uid = await messages.file_message(
            tx, message=kept, mailbox_id=box.mailbox_id, role=Role.INBOX, prefix=b"R: 1\r\n", now=NOW
        )
        assert change.uid == uid == 1
        return box.mailbox_id

    box_id = MailboxId(await store.write(receive))

    async def look(tx: Tx) -> None:
        inbox = await mailboxes.folder_by_role(tx, box_id, Role.INBOX)
        assert (inbox.messages, inbox.unseen, inbox.uid_next) == (1, 1, 2)
        (found,) = await messages.list_messages(tx, inbox.folder_id, limit=10)
        assert found == await messages.find_message(tx, box_id, reference="r1")
        assert found == await messages.find_message(tx, box_id, folder_id=inbox.folder_id, uid=1)
        assert (found.summary, found.sender, found.size_bytes, found.received_at) == (SUMMARY, str(BOB), 10, NOW)
        assert found.decision == "R5 list 1"
        assert found.flags == frozenset()
        assert found.modseq == inbox.highest_modseq
        content = await messages.message_content(tx, box_id, inbox.folder_id, 1)
        assert content == (b"R: 1\r\n", inline(b"body"))
        assert await messages.message_content(tx, MailboxId(box_id + 1), inbox.folder_id, 1) is None
        owner = await mailboxes.mailbox_by_key(tx, ALICE.key)
        assert owner is not None
        assert owner.used_bytes == 10
        assert await messages.list_messages(tx, inbox.folder_id, after_uid=1, limit=10) == []
        assert await messages.find_message(tx, box_id, reference="r2") is None

    await store.read(look)


async def test_refuses_a_second_message_under_the_same_reference(store: Store) -> None:
    await store.write(message)
    with pytest.raises(StoreError):
        await store.write(message)


async def test_refuses_to_file_in_a_mailbox_that_is_not_there(store: Store) -> None:
    async def work(tx: Tx) -> None:
        kept = await message(tx)
        await messages.file_message(tx, message=kept, mailbox_id=MailboxId(99), role=Role.INBOX, prefix=b"", now=NOW)

    with pytest.raises(StoreError, match="n'existe plus"):
        await store.write(work)


async def test_frees_the_bytes_with_the_last_folder_that_has_them(store: Store) -> None:
    async def work(tx: Tx) -> None:
        kept = await message(tx)
        boxes = [await mailbox(tx), await mailbox(tx, BOB)]
        for box in boxes:
            await messages.file_message(
                tx, message=kept, mailbox_id=box.mailbox_id, role=Role.INBOX, prefix=b"", now=NOW
            )
        for box, left in zip(boxes, (1, 0), strict=True):
            inbox = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
            assert await _remove(tx, inbox.folder_id, 1) is not None
            assert await _remove(tx, inbox.folder_id, 1) is None
            assert len(await tx.all("newest_messages", before_id=99, limit=9)) == left
            emptied = await mailboxes.mailbox_by_key(tx, box.address.key)
            assert emptied is not None
            assert emptied.used_bytes == 0

    await store.write(work)


async def test_moves_a_message_inside_its_mailbox_only(store: Store) -> None:
    async def work(tx: Tx) -> None:
        kept = await message(tx)
        box, other = await mailbox(tx), await mailbox(tx, BOB)
        await messages.file_message(tx, message=kept, mailbox_id=box.mailbox_id, role=Role.INBOX, prefix=b"p", now=NOW)
        inbox = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.INBOX)
        trash = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.TRASH)
        before = await mailboxes.mailbox_by_key(tx, box.address.key)
        moved = await _move(tx, inbox, 1, trash.folder_id)
        assert moved is not None
        assert moved[0].folder_id == trash.folder_id
        assert await _move(tx, inbox, 1, trash.folder_id) is None
        after = await mailboxes.mailbox_by_key(tx, box.address.key)
        assert before == after
        assert [folder.messages for folder in await mailboxes.list_folders(tx, box.mailbox_id)] == [0, 0, 0, 1, 0]
        theirs = await mailboxes.folder_by_role(tx, other.mailbox_id, Role.INBOX)
        with pytest.raises(StoreError):
            await _move(tx, trash, 1, theirs.folder_id)

    await store.write(work)


async def test_knows_a_copy_that_was_received_before_until_it_is_forgotten(store: Store) -> None:
    async def work(tx: Tx) -> None:
        assert await messages.first_reference(tx, b"k", "first", NOW) == "first"
        assert await messages.first_reference(tx, b"k", "second", NOW) == "first"
        assert await messages.forget_copies(tx, NOW) == 0
        assert await messages.forget_copies(tx, NOW.replace(year=2027)) == 1
        assert await messages.first_reference(tx, b"k", "third", NOW) == "third"

    await store.write(work)


EXAMPLES = count()
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(["file", "seen", "unseen", "remove", "move"]),
        st.sampled_from([Role.INBOX, Role.SENT, Role.TRASH]),
        st.integers(1, 6),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
async def test_uids_and_modification_numbers_only_grow_and_counters_are_exact(
    store: Store,
    operations: list[tuple[str, Role, int]],
) -> None:
    # A mailbox of its own for each example.
    address = parse_address(f"box{next(EXAMPLES)}@chu.mssante.fr")
    box_id = await store.write(lambda tx: _play(tx, address, operations))
    kept, counted = await store.read(lambda tx: _counters(tx, address, box_id))
    assert kept == counted


async def _play(tx: Tx, address: Address, operations: list[tuple[str, Role, int]]) -> MailboxId:
    box = await mailbox(tx, address)
    given_uids: dict[int, set[int]] = {}
    last_modseq = 1
    for number, (what, role, uid) in enumerate(operations):
        folder = await mailboxes.folder_by_role(tx, box.mailbox_id, role)
        changes = []
        if what == "file":
            kept = await message(tx, f"{address}-{number}", b"x" * uid)
            change, _uid = await messages.file_message(
                tx, message=kept, mailbox_id=box.mailbox_id, role=role, prefix=b"p", now=NOW
            )
            changes.append(change)
        elif what in {"seen", "unseen"}:
            flags = frozenset({messages.SEEN} if what == "seen" else {"$x"})
            changes.append(await _set_flags(tx, folder.folder_id, uid, flags))
        elif what == "remove":
            changes.append(await _remove(tx, folder.folder_id, uid))
        else:
            target = await mailboxes.folder_by_role(tx, box.mailbox_id, Role.JUNK)
            changes += await _move(tx, folder, uid, target.folder_id) or ()
        for change in changes:
            if change is None:
                continue
            assert change.modseq > last_modseq
            last_modseq = change.modseq
            if what == "file" or change.folder_id != folder.folder_id:
                known = given_uids.setdefault(change.folder_id, set())
                assert change.uid > max(known, default=0)
                known.add(change.uid)
    return box.mailbox_id


async def _counters(tx: Tx, address: Address, box_id: MailboxId) -> tuple[list[int], list[int]]:
    """Return the counters as they are kept and as they are counted again: of each folder, then of the mailbox."""
    kept: list[int] = []
    counted: list[int] = []
    total = 0
    for folder in await mailboxes.list_folders(tx, box_id):
        listed = await messages.list_messages(tx, folder.folder_id, limit=100)
        kept += [folder.messages, folder.unseen]
        counted += [len(listed), sum(messages.SEEN not in one.flags for one in listed)]
        assert folder.uid_next > max((one.uid for one in listed), default=0)
        assert folder.highest_modseq >= max((one.modseq for one in listed), default=1)
        total += sum(one.size_bytes for one in listed)
    owner = await mailboxes.mailbox_by_key(tx, address.key)
    assert owner is not None
    return [*kept, owner.used_bytes], [*counted, total]
