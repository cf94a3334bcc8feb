"""Operators change their mailboxes in the directory: all or none, only their own, address and type never.

Source: operators.md 4.6.
"""

from collections.abc import AsyncIterator

import pytest
from directory_files import CHU, DUPONT, MARTIN, PRACTICE, activities, extraction, loaded, opened

from mssante.flows.directory.reading import Directory
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import (
    AddMailbox,
    Caller,
    ChangeMailbox,
    Holder,
    ListedMailbox,
    MailboxChange,
    Person,
    Place,
    RemoveMailbox,
    Role,
    Target,
)
from mssante.model.mailbox import MailboxType
from mssante.store.directory import history
from mssante.store.directory.engine import DirectoryShelf

CHU_OPERATOR, OTHER = Caller("chu", operator="chu"), Caller("autre", operator="autre")
NEW = ListedMailbox("paul.martin@chu-nantes.mssante.fr", MailboxType.PER, service="Cardiologie")
SERVICE = ListedMailbox("pharmacie@chu-nantes.mssante.fr", MailboxType.ORG, service="Pharmacie à usage intérieur")
PERSON, PLACE = Target(Holder.PERSON, MARTIN.identifier), Target(Holder.PLACE, CHU.identifier)
ROLE = Target(Holder.ROLE, f"{MARTIN.identifier}-{CHU.identifier}")


@pytest.fixture
async def directory(shelf: DirectoryShelf) -> AsyncIterator[Directory]:
    loaded(shelf, extraction=extraction(), activities=activities([(MARTIN, CHU), (DUPONT, PRACTICE)]))
    made, store = opened(shelf)
    yield made
    await store.close()


async def kind_of(directory: Directory, target: Target, *changes: MailboxChange, who: Caller = CHU_OPERATOR) -> str:
    answer = await directory.change(who, target, changes)
    return answer.kind.value if isinstance(answer, Refusal) else ""


@pytest.mark.parametrize(("target", "box"), [(PERSON, NEW), (ROLE, NEW), (PLACE, SERVICE)])
async def test_a_mailbox_is_added_found_changed_and_removed(
    directory: Directory, target: Target, box: ListedMailbox
) -> None:
    added = await directory.change(CHU_OPERATOR, target, (AddMailbox(box),))
    assert isinstance(added, Person | Role | Place)
    assert [one.operator for one in added.mailboxes if one.address == box.address] == ["chu"]
    found = await directory.search(OTHER, box.service)
    assert box.address in {one.entry.address for one in found.entries}
    changed = await directory.change(CHU_OPERATOR, target, (ChangeMailbox(box.address, service="Néphrologie", rank=2),))
    assert {(one.service, one.rank) for one in changed.mailboxes if one.address == box.address} == {("Néphrologie", 2)}
    found = await directory.search(OTHER, "nephrologie")
    assert [one.entry.address for one in found.entries] == [box.address]
    gone = await directory.change(CHU_OPERATOR, target, (RemoveMailbox(box.address),))
    assert box.address not in {one.address for one in gone.mailboxes}
    assert (await directory.search(OTHER, box.address)).entries == ()


async def test_a_holder_is_an_entry_of_their_own_only_without_mailbox(directory: Directory) -> None:
    async def shown() -> list[str]:
        return [one.entry.address for one in (await directory.search(OTHER, "paul martin")).entries]

    assert await shown() == [""]
    await directory.change(CHU_OPERATOR, PERSON, (AddMailbox(NEW),))
    assert await shown() == [NEW.address]
    await directory.change(CHU_OPERATOR, PERSON, (RemoveMailbox(NEW.address),))
    assert await shown() == [""]


async def test_several_changes_are_made_in_order_or_not_at_all(directory: Directory, shelf: DirectoryShelf) -> None:
    ordered = (AddMailbox(NEW), ChangeMailbox(NEW.address, rank=1), RemoveMailbox(NEW.address), AddMailbox(NEW))
    assert await kind_of(directory, PERSON, *ordered) == ""
    second = ListedMailbox("p.martin@chu-nantes.mssante.fr", MailboxType.PER)
    broken = (AddMailbox(second), RemoveMailbox("personne@x.mssante.fr"))
    assert await kind_of(directory, PERSON, *broken) == Kind.ENTRY_UNKNOWN.value
    assert (await directory.search(OTHER, second.address)).entries == ()
    store = shelf.store()
    feed = await store.read(lambda tx: history.feed(tx, 0, 20))
    await store.close()
    assert [one.what for one in feed] == ["created", "changed", "removed", "created"]
    assert {one.who for one in feed} == {"chu"}


@pytest.mark.parametrize(
    ("target", "change", "kind"),
    [
        (PERSON, AddMailbox(ListedMailbox("jean.dupont@chu-nantes.mssante.fr", MailboxType.PER)), Kind.ADDRESS_TAKEN),
        (PERSON, AddMailbox(ListedMailbox("JEAN.DUPONT@chu-nantes.mssante.fr", MailboxType.PER)), Kind.ADDRESS_TAKEN),
        (PERSON, AddMailbox(SERVICE), Kind.QUERY_UNCLEAR),
        (PLACE, AddMailbox(NEW), Kind.QUERY_UNCLEAR),
        (ROLE, AddMailbox(ListedMailbox("x@chu-nantes.mssante.fr", MailboxType.CAB)), Kind.QUERY_UNCLEAR),
        (Target(Holder.PERSON, "810000000000"), AddMailbox(NEW), Kind.ENTRY_UNKNOWN),
        (Target(Holder.ROLE, "x"), AddMailbox(NEW), Kind.ENTRY_UNKNOWN),
        (PLACE, ChangeMailbox("contact@chu-nantes.mssante.fr", description="x" * 300), Kind.QUERY_UNCLEAR),
        (PLACE, ChangeMailbox("contact@chu-nantes.mssante.fr", service="a\nb"), Kind.QUERY_UNCLEAR),
        (PLACE, ChangeMailbox("contact@chu-nantes.mssante.fr", rank=1000), Kind.QUERY_UNCLEAR),
        (PLACE, ChangeMailbox("nul@chu-nantes.mssante.fr", rank=1), Kind.ENTRY_UNKNOWN),
    ],
)
async def test_what_cannot_be_is_refused(
    directory: Directory, target: Target, change: MailboxChange, kind: Kind
) -> None:
    assert await kind_of(directory, target, change) == kind.value


async def test_only_its_operator_changes_a_mailbox(directory: Directory) -> None:
    assert await kind_of(directory, PERSON, AddMailbox(NEW)) == ""
    for change in (ChangeMailbox(NEW.address, is_red=True), RemoveMailbox(NEW.address)):
        assert await kind_of(directory, PERSON, change, who=OTHER) == Kind.NOT_YOURS.value
    assert await kind_of(directory, PERSON, RemoveMailbox(NEW.address), who=Caller("passant")) == Kind.NOT_YOURS.value


async def test_too_many_operations_are_refused(directory: Directory) -> None:
    many = [ChangeMailbox("contact@chu-nantes.mssante.fr", rank=1)] * 51
    assert await kind_of(directory, PLACE, *many) == Kind.QUERY_UNCLEAR.value


async def test_the_red_list_shows_to_its_own_operator_only(directory: Directory) -> None:
    await directory.change(CHU_OPERATOR, PERSON, (AddMailbox(NEW), ChangeMailbox(NEW.address, is_red=True)))
    for caller, seen in (
        (Caller("chu", operator="chu", sees_red=True), [NEW.address]),
        (CHU_OPERATOR, []),
        (Caller("autre", operator="autre", sees_red=True), []),
    ):
        one = await directory.one(caller, PERSON)
        assert [box.address for box in one.mailboxes] == seen
