"""Publications on a real database: due from the transaction that opens the box, leased, finished by whoever holds them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
from store_world import ALICE, BOB, NOW

from mssante.model.address import parse_address
from mssante.model.directory import Holder, ListedMailbox, Target
from mssante.model.errors import StoreError
from mssante.model.mailbox import AccountKind, Mailbox, MailboxId, MailboxState, MailboxType
from mssante.model.publication import Announced, Listing, Publication, PublicationState
from mssante.model.settings import StoreSettings
from mssante.store import accounts, mailboxes, publication
from mssante.store.connection import connect
from mssante.store.engine import Store
from mssante.store.life_cycle import lives
from mssante.store.migrate import load_migrations, migrate
from mssante.store.times import to_micros
from mssante.store.tx import Tx

TO_PUBLISH, SENT, ACCEPTED, REFUSED, WITHDRAWN = PublicationState
LATER = NOW + timedelta(minutes=5)
THERE = Publication(Target(Holder.PERSON, "810001234567"), ListedMailbox(str(ALICE), MailboxType.PER, "810001234567"))


async def opened_box(store: Store, text: str = str(ALICE), kind: MailboxType = MailboxType.PER) -> Mailbox:
    return await store.write(
        lambda tx: mailboxes.create_mailbox(
            tx, parse_address(text), kind, holder="Dr Martin", identifier="", quota_bytes=1000, now=NOW
        )
    )


async def one(store: Store, box: Mailbox) -> Announced:
    found = await store.read(lambda tx: publication.announced(tx, box.mailbox_id))
    assert found is not None
    return found


async def claim(store: Store, now=NOW, lease: str = "l1") -> list[Announced]:
    return await store.write(
        lambda tx: publication.claim_due(tx, now=now, limit=10, lease=lease, until=now + timedelta(minutes=5))
    )


async def finish(
    store: Store, claimed: Announced, state=ACCEPTED, has=THERE, due_at=None, code="x"
) -> PublicationState | None:
    return await store.write(
        lambda tx: publication.finish(
            tx, claimed, state=state, published=has, due_at=due_at, code=code, reason="a\nb" + "c" * 400, now=LATER
        )
    )


async def test_a_box_is_to_be_published_from_the_transaction_that_opens_it(store: Store) -> None:
    box = await opened_box(store)
    found = await one(store, box)
    assert (found.state, found.due_at, found.published, found.listing) == (TO_PUBLISH, NOW, None, Listing())

    async def fails(tx: Tx) -> None:
        await mailboxes.create_mailbox(tx, BOB, MailboxType.PER, holder="x", identifier="", quota_bytes=1, now=NOW)
        raise StoreError

    with pytest.raises(StoreError):
        await store.write(fails)
    assert [found.mailbox for found in await claim(store)] == [box]


async def test_a_citizens_box_is_in_no_directory(store: Store) -> None:
    box = await opened_box(store, "277034567890175@patient.mssante.fr", MailboxType.CITIZEN)
    assert await store.read(lambda tx: publication.announced(tx, box.mailbox_id)) is None
    assert await claim(store) == []


async def test_what_one_worker_holds_another_gets_only_after_the_lease(store: Store) -> None:
    box = await opened_box(store)
    (first,) = await claim(store)
    assert (first.state, first.tries) == (SENT, 1)
    assert await claim(store, lease="l2") == []
    (second,) = await claim(store, NOW + timedelta(minutes=5), "l2")
    assert second.tries == 2
    assert await finish(store, first) is None
    assert await finish(store, second) is ACCEPTED
    found = await one(store, box)
    assert (found.state, found.due_at, found.lease, found.published) == (ACCEPTED, None, "", THERE)
    assert found.code == "x"
    assert found.reason == ("a b" + "c" * 400)[: publication.REASON_MAX_CHARS]


@pytest.mark.parametrize("what", ["listing", "state"])
async def test_a_box_that_changes_on_its_way_is_published_again_and_not_sent_twice_at_once(
    store: Store, what: str
) -> None:
    box = await opened_box(store)
    (claimed,) = await claim(store)

    async def change(tx: Tx) -> None:
        if what == "state":
            await mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.SUSPENDED, NOW)
        else:
            await publication.change_listing(tx, box.mailbox_id, Listing(rank=1), NOW)

    await store.write(change)
    # The request under way is not overtaken by another one.
    assert (await one(store, box)).state is SENT
    assert await claim(store, lease="l2") == []
    assert await finish(store, claimed) is TO_PUBLISH
    (again,) = await claim(store, LATER, "l2")
    assert (again.published, again.tries) == (THERE, 1)


async def test_attributes_come_back_as_given(store: Store) -> None:
    box = await opened_box(store)
    listing = Listing(
        "1310000108", "Cardio", "Desc", "Resp", "01", is_red=True, is_paperless=False, rank=2, local_id="A1"
    )
    await store.write(lambda tx: publication.change_listing(tx, box.mailbox_id, listing, NOW))
    assert (await one(store, box)).listing == listing
    assert (await one(store, box)).version == 2


@pytest.mark.parametrize(
    ("moves", "due"),
    [
        ([MailboxState.SUSPENDED], True),
        ([MailboxState.CLOSED], True),
        ([MailboxState.SUSPENDED, MailboxState.CLOSED], False),
        ([MailboxState.SUSPENDED, MailboxState.ACTIVE], True),
        ([MailboxState.ACTIVE], False),
    ],
)
async def test_entering_and_leaving_service_is_told_once(store: Store, moves: list[MailboxState], due: bool) -> None:
    box = await opened_box(store)
    (claimed,) = await claim(store)
    await finish(store, claimed)
    for number, state in enumerate(moves):
        await store.write(lambda tx, state=state: mailboxes.set_mailbox_state(tx, box.mailbox_id, state, LATER))
        if number + 1 < len(moves):
            for again in await claim(store, LATER, "l2"):
                await finish(store, again, WITHDRAWN, None)
    assert bool(await claim(store, LATER, "l3")) is due


async def test_refused_boxes_are_taken_up_again_and_one_box_whatever_its_state(store: Store) -> None:
    first, second = await opened_box(store), await opened_box(store, str(BOB))
    for claimed in await claim(store):
        state = REFUSED if claimed.mailbox == first else ACCEPTED
        await finish(store, claimed, state, code="" if state is ACCEPTED else "x")
    assert await store.write(lambda tx: publication.publish_again(tx, LATER)) == (first.mailbox_id,)
    assert await store.write(lambda tx: publication.publish_again(tx, LATER, second.mailbox_id)) == (second.mailbox_id,)
    due = await store.read(lambda tx: publication.due(tx, LATER, 10))
    assert [(found.mailbox.mailbox_id, found.published) for found in due] == [
        (first.mailbox_id, THERE),
        (second.mailbox_id, None),
    ]


async def test_what_was_accepted_with_less_is_asked_for_whole_once_more(store: Store) -> None:
    box = await opened_box(store)
    less = replace(THERE, unknown_structure="1310000108")
    (claimed,) = await claim(store)
    await finish(store, claimed, has=less)
    assert (await one(store, box)).published == less
    assert await store.write(lambda tx: publication.publish_again(tx, LATER)) == (box.mailbox_id,)
    assert (await one(store, box)).published == THERE


async def test_the_holder_of_a_box_and_its_number_can_change(store: Store) -> None:
    box = await opened_box(store)
    await store.write(lambda tx: mailboxes.set_holder(tx, box.mailbox_id, "Dr Petit", "10001234561"))
    (found,) = await store.read(mailboxes.list_mailboxes)
    assert (found.holder, found.identifier) == ("Dr Petit", "10001234561")
    with pytest.raises(StoreError, match="n'existe pas"):
        await store.write(lambda tx: mailboxes.set_holder(tx, MailboxId(99), "x", ""))


async def test_people_are_found_by_number_in_their_domain_unless_closed(store: Store) -> None:
    async def work(tx: Tx) -> Mailbox:
        return await mailboxes.create_mailbox(
            tx, ALICE, MailboxType.PER, holder="x", identifier="10001234561", quota_bytes=1, now=NOW
        )

    box = await store.write(work)
    await store.write(lambda tx: publication.change_listing(tx, box.mailbox_id, Listing(local_id="A1"), NOW))

    async def found(tx: Tx) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
        return (
            await publication.address_of_person(tx, "10001234561", ALICE.domain),
            await publication.address_of_person(tx, "10001234561", "medecin.mssante.fr"),
            await publication.boxes_of_staff(tx, "A1", MailboxType.PER, ALICE.domain),
            await publication.boxes_of_staff(tx, "A1", MailboxType.ORG, ALICE.domain),
        )

    assert await store.read(found) == (str(ALICE), "", (ALICE.key,), ())
    await store.write(lambda tx: mailboxes.set_mailbox_state(tx, box.mailbox_id, MailboxState.CLOSED, NOW))
    assert await store.read(found) == ("", "", (), ())


async def test_states_are_counted_and_the_next_moment_is_known(store: Store) -> None:
    assert await store.read(publication.next_due) is None
    await opened_box(store)
    await opened_box(store, str(BOB))
    assert await store.read(publication.next_due) == NOW
    assert await store.read(publication.count_publications) == {
        TO_PUBLISH: 2, SENT: 0, ACCEPTED: 0, REFUSED: 0, WITHDRAWN: 0,
    }  # fmt: skip


def test_a_store_of_before_publishes_what_is_in_service_and_knows_who_signed_in(tmp_path: Path) -> None:
    path = tmp_path / "data" / "mssante.db"
    path.parent.mkdir()
    path.touch()
    connection = connect(path, reader=False)
    migrate(connection, path, migrations=load_migrations()[:4], probe=lambda _step: None)
    early, late = to_micros(NOW), to_micros(LATER)
    for number, (state, kind) in enumerate([("active", "PER"), ("closed", "PER"), ("active", "USAGER")], start=1):
        connection.execute(
            "INSERT INTO mailbox (mailbox_id, address, address_key, kind, state, holder, identifier, quota_bytes, created_at, state_at)"
            " VALUES (?, ?, ?, ?, ?, '', '', 1, ?, ?)",
            (number, f"a{number}@chu.fr", f"a{number}@chu.fr", kind, state, early, early),
        )
    connection.execute(
        "INSERT INTO account (account_id, login, login_key, kind, created_at) VALUES (1, 'a1@chu.fr', 'a1@chu.fr', 'person', ?)",
        (early,),
    )
    connection.execute(
        "INSERT INTO audit (seq, at, event, digest) VALUES (1, ?, ?, x'00')",
        (late, '{"event":"sign-in.accepted","actor":"a1@chu.fr"}'),
    )
    connection.close()

    async def look() -> tuple[list[tuple[str, PublicationState]], list]:
        store = await Store.open(tmp_path / "data", StoreSettings())
        try:
            found = await store.read(lambda tx: publication.list_announced(tx, limit=10))
            known = await store.read(lambda tx: lives(tx, limit=10))
            return [(str(one.mailbox.address), one.state) for one in found], [life.signed_in_at for life in known]
        finally:
            await store.close()

    listed, signed_in = asyncio.run(look())
    assert listed == [("a1@chu.fr", TO_PUBLISH), ("a2@chu.fr", WITHDRAWN)]
    assert signed_in == [LATER]


@pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
async def test_the_due_ones_are_found_by_their_index(store: Store, tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "data" / "mssante.db"))
    plan = connection.execute(
        "EXPLAIN QUERY PLAN SELECT mailbox_id FROM box_listing WHERE due_at <= 1 ORDER BY due_at, mailbox_id LIMIT 4"
    ).fetchall()
    connection.close()
    assert "box_listing_due" in plan[0][3]


async def test_lives_count_own_sign_ins_those_of_the_same_person_and_members(store: Store) -> None:
    rpps = "10001234561"

    async def work(tx: Tx) -> None:
        for text, kind, identifier in (
            ("a@chu.fr", MailboxType.PER, rpps),
            ("b@chu.fr", MailboxType.PER, rpps),
            ("c@chu.fr", MailboxType.PER, ""),
            ("team@chu.fr", MailboxType.ORG, ""),
        ):
            box = await mailboxes.create_mailbox(
                tx, parse_address(text), kind, holder="x", identifier=identifier, quota_bytes=1, now=NOW
            )
            account = await accounts.create_account(tx, text, AccountKind.PERSON, certificate_name=None, now=NOW)
            await accounts.grant(tx, account.account_id, box.mailbox_id, may_read=True, may_send=True)

    await store.write(work)

    async def sign_in(tx: Tx) -> None:
        account = await accounts.account_by_login(tx, "b@chu.fr")
        boxes = {str(box.address): box.mailbox_id for box in await mailboxes.list_mailboxes(tx)}
        assert account is not None
        # A right on somebody else's personal box is no sign of life of it; on a team's box it is.
        for text in ("c@chu.fr", "team@chu.fr"):
            await accounts.grant(tx, account.account_id, boxes[text], may_read=True, may_send=False)
        await tx.run("note_sign_in", account_id=account.account_id, now=to_micros(LATER))

    await store.write(sign_in)
    found = await store.read(lambda tx: lives(tx, limit=10))
    assert {str(life.address): life.signed_in_at for life in found} == {
        "a@chu.fr": LATER,
        "b@chu.fr": LATER,
        "c@chu.fr": None,
        "team@chu.fr": LATER,
    }
    assert replace(found[0], signed_in_at=None).opened_at == NOW
