"""What a reader does with folders, on a real store."""

import pytest
from library import ORG, Library, refused
from standins import ANNE, BRUNO, letter

from mssante.flows.folders.names import FOLDERS_MAX
from mssante.flows.folders.opened import Opened
from mssante.flows.folders.values import Quota, Stored, Transferred
from mssante.model.folder import FolderStatus
from mssante.model.mailbox import MailboxState, Role
from mssante.model.numbers import NumberSet
from mssante.store import folders, mailboxes

OTHER = f"Autres boîtes/{ORG}"


async def names(library: Library, text: str = ANNE) -> list[str]:
    return [one.name for one in await (await library.reader(text)).folders()]


async def test_lists_the_own_folders_first_then_the_shared_box(library: Library) -> None:
    found = await (await library.reader()).folders()
    assert [one.name for one in found[:5]] == ["INBOX", "Envoyés", "Brouillons", "Corbeille", "Indésirables"]
    assert f"{OTHER}/INBOX" in [one.name for one in found if one.is_other and one.folder_id]
    assert {one.name for one in found if one.folder_id is None} == {"Autres boîtes", OTHER}
    assert all(one.is_subscribed for one in found if one.role)


async def test_bruno_sees_nothing_of_the_box_that_he_does_not_share(library: Library) -> None:
    assert await names(library, BRUNO) == ["INBOX", "Envoyés", "Brouillons", "Corbeille", "Indésirables"]


async def test_makes_renames_and_deletes_folders_with_those_below(library: Library) -> None:
    reader = await library.reader()
    for name in ("Patients", "Patients/2026", "Patients/2026/Suivi"):
        assert await reader.create(name) is None
    assert await reader.rename("Patients/2026", "Archives/2026") is None
    assert {"Archives/2026/Suivi", "Archives", "Patients"} <= set(await names(library))
    assert await reader.delete("Archives/2026") is None
    listed = {one.name: one for one in await reader.folders()}
    assert listed["Archives/2026"].folder_id is None
    assert listed["Archives/2026"].has_children
    assert refused(await reader.delete("Archives/2026")) == "folder-unknown"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("INBOX", "folder-exists"),
        ("inbox", "folder-exists"),
        ("Envoyés", "folder-exists"),
        ("Envoye\u0301s", "folder-exists"),
        ("a//b", "folder-name"),
        ("a\nb", "folder-name"),
        ("é" * 128, "folder-name"),
        ("/".join("a" * 17), "folder-name"),
        ("a*", "folder-name"),
        ("Autres boîtes/inconnu@chu.mssante.fr/x", "folder-unknown"),
        (f"Autres boîtes/{ANNE}/x", "folder-unknown"),
        (f"Autres boîtes/{BRUNO}/x", "folder-unknown"),
    ],
)
async def test_refuses_names_that_cannot_be(library: Library, name: str, kind: str) -> None:
    assert refused(await (await library.reader()).create(name)) == kind


async def test_folders_with_a_role_stay(library: Library) -> None:
    reader = await library.reader()
    for name in ("INBOX", "Envoyés", "Corbeille"):
        assert refused(await reader.delete(name)) == "folder-fixed"
    assert refused(await reader.rename("Envoyés", "x")) == "folder-fixed"
    assert refused(await reader.create("x", Role.SENT.value)) == "special-use"


async def test_a_folder_made_again_has_another_uid_validity(library: Library) -> None:
    reader = await library.reader()
    seen = set()
    for _ in range(3):
        assert await reader.create("x") is None
        status = await reader.status("x")
        assert isinstance(status, FolderStatus)
        seen.add(status.uid_validity)
        assert await reader.delete("x") is None
    assert len(seen) == 3
    assert FOLDERS_MAX == 2000


async def test_renaming_inbox_moves_its_messages(library: Library) -> None:
    await library.add(letter("un"), letter("deux"))
    reader = await library.reader()
    assert await reader.rename("INBOX", "Anciens") is None
    for name, count in (("INBOX", 0), ("Anciens", 2)):
        status = await reader.status(name)
        assert isinstance(status, FolderStatus)
        assert status.messages == count


async def test_subscriptions_are_of_the_account_and_outlive_the_folder(library: Library) -> None:
    reader = await library.reader()
    assert await reader.create("x") is None
    assert await reader.subscribe("x", wanted=True) is None
    assert next(one for one in await reader.folders() if one.name == "x").is_subscribed
    assert refused(await reader.subscribe("y", wanted=True)) == "folder-unknown"
    assert await reader.subscribe("y", wanted=False) is None
    assert await reader.delete("x") is None
    assert [one.name for one in await reader.folders() if one.is_gone] == ["x"]
    assert await reader.subscribe("x", wanted=False) is None
    assert not [one for one in await reader.folders() if one.is_gone]


async def test_what_is_chosen_as_it_would_be_anyway_leaves_no_row(library: Library) -> None:
    reader = await library.reader()
    for wanted in (False, True):
        assert await reader.subscribe("Envoyés", wanted=wanted) is None
    for number in range(3):
        assert await reader.subscribe(f"inconnu {number}", wanted=False) is None
    account = reader.who.account_id
    assert await library.office.store.read(lambda tx: folders.subscriptions(tx, account)) == {}


async def test_two_sessions_see_each_others_changes(library: Library) -> None:
    await library.add(letter("un"), letter("deux"), letter("trois"))
    first, second = await library.open(), await library.open()
    stored = await first.store_flags([2], "+", frozenset({"\\seen"}))
    assert isinstance(stored, Stored)
    updates = await second.poll(expunges=True)
    assert [row[:3] for row in updates.changed] == [(2, 2, "\\Seen")]
    await library.add(letter("quatre"))
    assert (await second.poll(expunges=True)).exists == 4
    assert await second.poll(expunges=True) == type(updates)()


async def test_numbers_stay_until_expunges_may_be_told(library: Library) -> None:
    await library.add(*(letter(str(n)) for n in range(4)))
    first, second = await library.open(), await library.open()
    await first.store_flags([1, 3], "+", frozenset({"\\Deleted"}))
    assert await first.expunge() is None
    quiet = await second.poll(expunges=False)
    assert (quiet.gone, quiet.exists) == ((), None)
    assert list(second.snapshot.uids) == [1, 2, 3, 4]
    told = await second.poll(expunges=True)
    assert told.gone == ((3, 3), (1, 1))
    assert told.exists is None
    assert list(second.snapshot.uids) == [2, 4]


async def test_unchanged_since_leaves_what_changed_alone(library: Library) -> None:
    await library.add(letter("un"), letter("deux"))
    opened = await library.open()
    before = opened.snapshot.highest_modseq
    await opened.store_flags([1], "+", frozenset({"\\Flagged"}))
    stored = await opened.store_flags([1, 2], "", frozenset({"\\Seen"}), unchanged_since=before)
    assert isinstance(stored, Stored)
    assert stored.modified == (1,)
    assert [row[:2] for row in stored.changed] == [(2, "\\Seen")]


async def test_copies_and_moves_all_or_nothing_also_to_a_shared_box(library: Library) -> None:
    await library.add(letter("un"), letter("deux"))
    opened = await library.open()
    copied = await opened.transfer([1, 2, 9], "Corbeille", move=False)
    assert isinstance(copied, Transferred)
    assert copied.pairs == ((1, 1), (2, 2))
    moved = await opened.transfer([2], f"{OTHER}/INBOX", move=True)
    assert isinstance(moved, Transferred)
    assert list((await library.open()).snapshot.uids) == [1]
    events = await library.office.events("message.moved")
    assert [(event.actor, event.facts["messages"]) for event in events] == [(ANNE, 1)]
    assert refused(await opened.transfer([1], f"Autres boîtes/{BRUNO}/INBOX", move=False)) == "folder-unknown"


async def test_the_quota_refuses_the_whole_command(library: Library) -> None:
    reader = await library.reader()
    box = await library.office.mailbox(ANNE)
    await library.office.store.write(lambda tx: mailboxes.set_quota(tx, box.mailbox_id, 1000))
    await library.add(letter("x" * 300))
    opened = await library.open()
    for _ in range(5):
        if refused(await opened.transfer([1], "Corbeille", move=False)):
            break
    assert refused(await opened.transfer([1], "Corbeille", move=False)) == "mailbox-full"
    quota = await reader.quota(ANNE)
    assert isinstance(quota, Quota)
    assert quota.used_bytes <= 1000
    assert not refused(await opened.transfer([1], "Corbeille", move=True))


async def test_comes_back_with_what_was_missed(library: Library) -> None:
    await library.add(*(letter(str(n)) for n in range(4)))
    opened = await library.open()
    before = opened.snapshot
    await opened.store_flags([2, 3], "+", frozenset({"\\Deleted"}))
    assert await opened.expunge([2]) is None
    again = await library.open()
    missed = await again.resync(before.uid_validity, before.highest_modseq)
    assert missed is not None
    assert missed.vanished == (2,)
    assert [row[:2] for row in missed.changed] == [(2, 3)]
    known = await again.resync(before.uid_validity, before.highest_modseq, NumberSet(((3, 4),)))
    assert known is not None
    assert known.vanished == ()
    assert await again.resync(before.uid_validity + 1, before.highest_modseq) is None


async def test_a_shared_box_leaves_traces_and_the_own_does_not(library: Library) -> None:
    await library.add(letter("secret"), name=f"{OTHER}/INBOX")
    await library.add(letter("secret"))
    opened = await library.open(name=f"{OTHER}/INBOX")
    for _ in range(2):
        assert await opened.content(1) is not None
    own = await library.open()
    assert await own.content(1) is not None
    events = [event for event in await library.office.events() if event.event in {"folder.opened", "message.opened"}]
    assert [(event.event, event.actor, event.subject) for event in events] == [
        ("folder.opened", ANNE, ORG),
        ("message.opened", ANNE, ORG),
    ]
    assert "secret" not in repr(await library.office.events())


async def test_a_session_on_the_shared_box_has_its_folders_at_the_top(library: Library) -> None:
    reader = await library.reader(opened=ORG)
    listed = await reader.folders()
    assert listed[0].name == "INBOX"
    assert "a" not in listed[0].rights
    assert f"Autres boîtes/{ANNE}/INBOX" in [one.name for one in listed]
    assert isinstance(await reader.open("INBOX", read_only=False), Opened)


async def test_shares_a_folder_by_its_list_of_rights(library: Library) -> None:
    reader, bruno = await library.reader(), await library.reader(BRUNO)
    assert await reader.create("Commun") is None
    shared = f"Autres boîtes/{ANNE}/Commun"
    assert refused(await bruno.open(shared, read_only=False)) == "folder-unknown"
    assert await reader.set_acl("Commun", BRUNO, "", "lr") is None
    assert shared in await names(library, BRUNO)
    opened = await bruno.open(shared, read_only=False)
    assert isinstance(opened, Opened)
    assert opened.read_only
    assert refused(await bruno.begin_append(shared)) == "rights-missing"
    assert refused(await bruno.acl(shared)) == "rights-missing"
    assert refused(await bruno.open(f"Autres boîtes/{ANNE}/INBOX", read_only=True)) == "folder-unknown"
    assert await reader.set_acl("Commun", BRUNO, "", None) is None
    assert refused(await bruno.open(shared, read_only=False)) == "folder-unknown"
    assert refused(await opened.content(1)) == "folder-unknown"
    assert refused(await reader.set_acl("Commun", "anyone", "", "lr")) == "rights-missing"
    assert [event.facts["rights"] for event in await library.office.events("folder.shared")] == ["lr", ""]


@pytest.mark.parametrize("state", [MailboxState.ACTIVE, MailboxState.SUSPENDED, MailboxState.CLOSED])
async def test_no_verb_reaches_the_mailbox_of_another_person(library: Library, state: MailboxState) -> None:
    await library.add(letter("secret"))
    victim = f"Autres boîtes/{ANNE}/INBOX"
    opened = await library.open()
    box = await library.office.mailbox(ANNE)
    now = library.office.clock()
    await library.office.store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, state, now))
    bruno = await library.reader(BRUNO)
    own = await library.open(BRUNO)
    tries = [
        await bruno.open(victim, read_only=True),
        await bruno.status(victim),
        await bruno.create(f"Autres boîtes/{ANNE}/x"),
        await bruno.delete(victim),
        await bruno.rename(victim, "x"),
        await bruno.rename("INBOX", victim),
        await bruno.subscribe(victim, wanted=True),
        await bruno.begin_append(victim),
        await bruno.acl(victim),
        await bruno.set_acl(victim, BRUNO, "", "lrswipkxtea"),
        await bruno.my_rights(victim),
        await bruno.quota(ANNE),
        await bruno.quota_root(victim),
        await own.transfer([], victim, move=False),
    ]
    assert [refused(one) for one in tries] == ["folder-unknown"] * len(tries)
    assert not any(ANNE in one.name for one in await bruno.folders())
    if state is not MailboxState.ACTIVE:
        # Who had it open when it was suspended reads nothing more.
        assert refused(await opened.content(1)) == "folder-unknown"
        assert refused(await opened.store_flags([1], "+", frozenset({"\\Seen"}))) == "folder-unknown"
        assert refused(await opened.expunge()) == "folder-unknown"
        assert [batch async for batch in opened.rows([1], whole=True)] == []


async def test_the_listener_hears_of_every_box_after_the_commit(library: Library) -> None:
    heard = []
    stop = await (await library.reader()).listen(heard.extend)
    await library.add(letter("un"))
    await library.add(letter("deux"), name=f"{OTHER}/INBOX")
    assert len({change.mailbox_id for change in heard}) == 2
    stop()
    await library.add(letter("trois"))
    assert len(heard) == 2
