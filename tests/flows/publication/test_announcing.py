"""Telling a directory of our boxes: real store, a directory in memory that can refuse, be away, or lose its answers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from standins import KeptLog, SteppingClock
from store_world import ALICE, NOW
from turns import one_turn

from mssante.flows.amending import BoxChange
from mssante.flows.mailboxes import Administering, MailboxOrder
from mssante.flows.ports import Probe, no_probe
from mssante.flows.publication.announcing import Announcing, Round, publish_again
from mssante.model.address import Address
from mssante.model.decision import Kind
from mssante.model.directory import (
    AddMailbox,
    ChangeMailbox,
    Holder,
    ListedMailbox,
    MailboxChange,
    RemoveMailbox,
    Target,
)
from mssante.model.mailbox import Mailbox, MailboxState, MailboxType
from mssante.model.national import with_luhn
from mssante.model.publication import (
    Accepted,
    DirectoryAnswer,
    Listing,
    PublicationSettings,
    PublicationState,
    RefusedByDirectory,
    Unreachable,
)
from mssante.model.settings import StoreSettings
from mssante.store import audit, mailboxes, publication
from mssante.store.engine import Store
from mssante.store.tx import Tx

RPPS, FINESS, SIRET = with_luhn("1000123456"), with_luhn("31000010"), with_luhn("1234567890123")
PERSON, PLACE = f"8{RPPS}", f"1{FINESS}"
ROLE = f"{PERSON}-{PLACE}"
TEAM = Address("cardiologie", ALICE.domain)
TO_PUBLISH, SENT, ACCEPTED, REFUSED, WITHDRAWN = PublicationState


class KilledError(Exception):
    """The process stops here."""


@dataclass
class StandInDirectory:
    """A directory that keeps what it is told, as the draft of the national one would.

    Attributes:
        known: identifiers of holders that it knows.
        away: it does nothing and does not answer.
        deaf: it does what it is asked and its answer is lost.
        refusal: what it says to everything.
    """

    known: set[str] = field(default_factory=lambda: {PERSON, PLACE, ROLE})
    boxes: dict[str, tuple[Target, ListedMailbox]] = field(default_factory=dict)
    asked: list[tuple[Target, MailboxChange]] = field(default_factory=list)
    away: bool = False
    deaf: bool = False
    refusal: Kind | None = None

    async def change(self, target: Target, changes: tuple[MailboxChange, ...]) -> DirectoryAnswer:
        if self.away:
            return Unreachable("no route")
        self.asked += [(target, change) for change in changes]
        before, answer = dict(self.boxes), self._do_all(target, changes)
        if not isinstance(answer, Accepted):
            self.boxes = before
        return Unreachable("timeout") if self.deaf else answer

    def _do_all(self, target: Target, changes: tuple[MailboxChange, ...]) -> DirectoryAnswer:
        for change in changes:
            answer = RefusedByDirectory(self.refusal, "so") if self.refusal else self._do(target, change)
            if not isinstance(answer, Accepted):
                return answer
        return Accepted()

    def _do(self, target: Target, change: MailboxChange) -> DirectoryAnswer:
        if target.identifier not in self.known:
            return RefusedByDirectory(Kind.ENTRY_UNKNOWN, "MSG_NO_EXIST")
        if isinstance(change, AddMailbox):
            if change.mailbox.address in self.boxes:
                return RefusedByDirectory(Kind.ADDRESS_TAKEN, "MSG_PARAM_NO_REPEAT")
            self.boxes[change.mailbox.address] = (target, change.mailbox)
            return Accepted()
        if self.boxes.get(change.address, (None,))[0] != target:
            return RefusedByDirectory(Kind.ENTRY_UNKNOWN, "MSG_NO_EXIST")
        if isinstance(change, RemoveMailbox):
            del self.boxes[change.address]
        return Accepted()

    @property
    def done(self) -> list[type]:
        return [type(change) for _target, change in self.asked]


@dataclass
class Desk:
    """One operator that publishes."""

    store: Store
    clock: SteppingClock
    directory: StandInDirectory
    log: KeptLog = field(default_factory=KeptLog)
    numbers: int = 0
    settings: PublicationSettings = field(default_factory=PublicationSettings)

    @property
    def clerk(self) -> Administering:
        return Administering(store=self.store, actor="cli:root", trace_key=b"k" * 32, clock=self.clock)

    def worker(self, probe: Probe = no_probe) -> Announcing:
        return Announcing(
            settings=self.settings,
            store=self.store,
            link=self.directory,
            clock=self.clock,
            new_lease=self._lease,
            trace_key=b"k" * 32,
            log=self.log,
            probe=probe,
        )

    def _lease(self) -> str:
        self.numbers += 1
        return f"lease-{self.numbers}"

    async def state(self, address: Address = ALICE) -> tuple[PublicationState, str]:
        found = await self.store.read(lambda tx: publication.list_announced(tx, limit=100))
        one = next(one for one in found if one.mailbox.address == address)
        return one.state, one.code

    async def events(self) -> list[str]:
        rows = await self.store.read(lambda tx: audit.rows(tx, limit=1000, event_prefix="publication."))
        return [row.event.event.removeprefix("publication.") for row in rows]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    store = await Store.open(tmp_path / "data", StoreSettings())
    made = Desk(store, SteppingClock(), StandInDirectory())
    await made.clerk.add_domain(ALICE.domain)
    yield made
    await store.close()


async def open_box(desk: Desk, address: Address = ALICE, **more: object) -> None:
    known = {"kind": MailboxType.PER, "holder": "Dr MARTIN", "identifier": RPPS, "quota_bytes": 1000}
    await desk.clerk.create(MailboxOrder(**{"address": address, **known, **more}))


async def test_a_new_box_is_published_with_what_is_known_of_it(desk: Desk) -> None:
    await open_box(desk)
    await open_box(desk, TEAM, kind=MailboxType.ORG, identifier=FINESS)
    assert await desk.worker().publish_due() == Round(accepted=2)
    assert {address: target.identifier for address, (target, _box) in desk.directory.boxes.items()} == {
        str(ALICE): PERSON,
        str(TEAM): PLACE,
    }
    assert await desk.state() == (ACCEPTED, "")
    assert sorted(await desk.events()) == ["accepted", "accepted", "sent", "sent"]
    assert await desk.worker().publish_due() == Round()


async def test_a_refused_box_says_why_and_waits_until_it_is_taken_up_again(desk: Desk) -> None:
    desk.directory.known.clear()
    await open_box(desk)
    assert await desk.worker().publish_due() == Round(refused=1)
    assert await desk.state() == (REFUSED, "entry-unknown")
    desk.clock.step(days=30)
    assert await desk.worker().publish_due() == Round()
    desk.directory.known.add(PERSON)
    again = await publish_again(desk.store, None, actor="cli:root", trace_key=b"k" * 32, now=desk.clock())
    assert again == 1
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert await desk.events() == ["sent", "refused", "to-publish", "sent", "accepted"]


async def test_a_box_that_nobody_can_be_named_for_is_refused_without_asking(desk: Desk) -> None:
    await open_box(desk, identifier="")
    assert await desk.worker().publish_due() == Round(refused=1)
    assert await desk.state() == (REFUSED, "no-identifier")
    assert desk.directory.asked == []


async def test_a_directory_that_is_away_is_asked_again_later_and_nothing_is_lost(desk: Desk) -> None:
    desk.directory.away = True
    await open_box(desk)
    worker = desk.worker()
    assert await worker.publish_due() == Round(put_off=1)
    assert await desk.state() == (TO_PUBLISH, "directory-unavailable")
    assert (await worker.round()).count == 0
    for _ in range(40):
        desk.clock.step(hours=1)
        assert await worker.publish_due() == Round(put_off=1)
    desk.directory.away = False
    desk.clock.step(hours=1)
    assert await worker.publish_due() == Round(accepted=1)


@pytest.mark.parametrize("kind", [Kind.SIGN_IN_FAILED, Kind.BUDGET_SPENT, Kind.DIRECTORY_UNAVAILABLE])
async def test_refusals_that_are_not_of_the_box_do_not_refuse_it(desk: Desk, kind: Kind) -> None:
    desk.directory.refusal = kind
    await open_box(desk)
    assert await desk.worker().publish_due() == Round(put_off=1)
    assert await desk.state() == (TO_PUBLISH, kind.value)


async def test_a_lost_answer_leads_to_one_more_request_and_the_box_is_accepted(desk: Desk) -> None:
    desk.directory.deaf = True
    await open_box(desk)
    assert await desk.worker().publish_due() == Round(put_off=1)
    desk.directory.deaf = False
    desk.clock.step(minutes=1)
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.done == [AddMailbox, AddMailbox, ChangeMailbox]
    assert await desk.state() == (ACCEPTED, "")


async def test_a_crash_between_answer_and_record_leads_to_one_more_request_after_the_lease(desk: Desk) -> None:
    def probe(step: str) -> None:
        if step == "publication-answered":
            raise KilledError

    await open_box(desk)
    with pytest.raises(KilledError):
        await desk.worker(probe).round()
    assert await desk.state() == (SENT, "")
    assert (await desk.worker().round()).count == 0
    desk.clock.step(seconds=PublicationSettings().lease_seconds)
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert list(desk.directory.boxes) == [str(ALICE)]
    assert desk.directory.done == [AddMailbox, AddMailbox, ChangeMailbox]


async def test_a_crash_before_the_request_loses_nothing(desk: Desk) -> None:
    def probe(step: str) -> None:
        raise KilledError

    await open_box(desk)
    with pytest.raises(KilledError):
        await desk.worker(probe).round()
    assert desk.directory.asked == []
    desk.clock.step(seconds=PublicationSettings().lease_seconds)
    assert await desk.worker().publish_due() == Round(accepted=1)


async def test_an_address_of_somebody_else_is_refused_as_taken(desk: Desk) -> None:
    other = Target(Holder.PERSON, "810009999999")
    desk.directory.boxes[str(ALICE)] = (other, ListedMailbox(str(ALICE), MailboxType.PER))
    await open_box(desk)
    assert await desk.worker().publish_due() == Round(refused=1)
    assert await desk.state() == (REFUSED, "address-taken")
    assert desk.directory.boxes[str(ALICE)][0] is other


async def test_a_change_says_only_what_changed_and_adds_what_the_directory_has_lost(desk: Desk) -> None:
    await open_box(desk, TEAM, kind=MailboxType.ORG, identifier=FINESS)
    await desk.worker().publish_due()
    await desk.clerk.change(TEAM, BoxChange(amend=lambda old: replace(old, service="Cardio", rank=1)))
    assert await desk.state(TEAM) == (TO_PUBLISH, "")
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.asked[-1][1] == ChangeMailbox(str(TEAM), service="Cardio", rank=1)
    desk.directory.boxes.clear()
    await desk.clerk.change(TEAM, BoxChange(amend=lambda old: replace(old, is_red=True)))
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.boxes[str(TEAM)][1].is_red
    assert desk.directory.boxes[str(TEAM)][1].service == "Cardio"


async def test_a_person_who_moves_to_a_structure_is_taken_out_and_put_there(desk: Desk) -> None:
    await open_box(desk)
    await desk.worker().publish_due()
    await desk.clerk.change(ALICE, BoxChange(amend=lambda old: replace(old, structure=FINESS)))
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.done == [AddMailbox, RemoveMailbox, AddMailbox]
    assert desk.directory.boxes[str(ALICE)][0].identifier == ROLE


async def test_a_move_that_stops_half_way_goes_on_from_there(desk: Desk) -> None:
    desk.settings = PublicationSettings(unknown_situation="refuse")
    await open_box(desk)
    await desk.worker().publish_due()
    desk.directory.known.remove(ROLE)
    await desk.clerk.change(ALICE, BoxChange(amend=lambda old: replace(old, structure=FINESS)))
    assert await desk.worker().publish_due() == Round(refused=1)
    assert desk.directory.boxes == {}
    desk.directory.known.add(ROLE)
    await publish_again(desk.store, None, actor="x", trace_key=b"k" * 32, now=desk.clock())
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.done[-2:] == [AddMailbox, AddMailbox]


async def resume(desk: Desk, address: Address | None) -> int:
    async def look(tx: Tx) -> Mailbox | None:
        return None if address is None else await mailboxes.mailbox_by_key(tx, address.key)

    box = await desk.store.read(look)
    return await publish_again(desk.store, box, actor="x", trace_key=b"k" * 32, now=desk.clock())


@pytest.mark.parametrize("named", [ALICE, None])
async def test_a_person_whom_the_directory_does_not_know_there_is_published_alone_until_it_does(
    desk: Desk, named: Address | None
) -> None:
    desk.directory.known.remove(ROLE)
    await open_box(desk, listing=Listing(structure=FINESS))
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.boxes[str(ALICE)][0].identifier == PERSON
    assert await desk.state() == (ACCEPTED, "situation-unknown")
    # What else changes goes there too, and the structure is not asked for again and again.
    await desk.clerk.change(ALICE, BoxChange(amend=lambda old: replace(old, rank=1)))
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.asked[-1] == (Target(Holder.PERSON, PERSON), ChangeMailbox(str(ALICE), rank=1))
    assert await desk.state() == (ACCEPTED, "situation-unknown")
    # Still unknown: taken out and put there again.
    assert await resume(desk, named) == 1
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.boxes[str(ALICE)][0].identifier == PERSON
    desk.directory.known.add(ROLE)
    assert await resume(desk, named) == 1
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.boxes[str(ALICE)][0].identifier == ROLE
    assert await desk.state() == (ACCEPTED, "")
    assert await resume(desk, None) == 0


@pytest.mark.parametrize("closes", [False, True])
async def test_a_lost_answer_to_less_than_was_asked_is_found_again_or_withdrawn(desk: Desk, closes: bool) -> None:
    desk.directory.known.remove(ROLE)
    await open_box(desk, listing=Listing(structure=FINESS))

    def probe(step: str) -> None:
        if step == "publication-answered":
            raise KilledError

    with pytest.raises(KilledError):
        await desk.worker(probe).round()
    assert list(desk.directory.boxes) == [str(ALICE)]
    if closes:
        await desk.clerk.change_state(ALICE, MailboxState.CLOSED)
    desk.clock.step(seconds=PublicationSettings().lease_seconds)
    if closes:
        assert await desk.worker().publish_due() == Round(withdrawn=1)
        assert desk.directory.boxes == {}
    else:
        assert await desk.worker().publish_due() == Round(accepted=1)
        assert await desk.state() == (ACCEPTED, "situation-unknown")
        assert desk.directory.done[-3:] == [AddMailbox, AddMailbox, ChangeMailbox]


async def test_somebody_without_a_national_number_is_refused_where_the_directory_does_not_know_them(desk: Desk) -> None:
    await open_box(desk, identifier="", listing=Listing(structure=FINESS))
    assert await desk.worker().publish_due() == Round(refused=1)
    assert await desk.state() == (REFUSED, "not-vouched-for")
    assert desk.directory.boxes == {}


async def test_the_wish_for_no_paper_is_told_again_in_one_request_unless_it_stays_local(desk: Desk) -> None:
    await open_box(desk)
    await desk.worker().publish_due()
    await desk.clerk.change(ALICE, BoxChange(amend=lambda old: replace(old, is_paperless=True, phone="0102030405")))
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.done == [AddMailbox, RemoveMailbox, AddMailbox]
    assert desk.directory.boxes[str(ALICE)][1].is_paperless
    desk.settings = PublicationSettings(publish_paperless=False)
    await desk.clerk.change(ALICE, BoxChange(amend=lambda old: replace(old, is_paperless=False)))
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.boxes[str(ALICE)][1].is_paperless is None


async def test_a_new_number_or_name_of_the_holder_is_told_from_the_transaction_that_changes_it(desk: Desk) -> None:
    await open_box(desk, TEAM, kind=MailboxType.ORG, identifier=FINESS)
    await desk.worker().publish_due()
    await desk.clerk.change(TEAM, BoxChange(identifier=SIRET))
    assert await desk.state(TEAM) == (TO_PUBLISH, "")
    desk.directory.known.add(f"3{SIRET}")
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert desk.directory.boxes[str(TEAM)][0] == Target(Holder.PLACE, f"3{SIRET}")
    await desk.clerk.change(TEAM, BoxChange(holder="Cardiologie interventionnelle"))
    assert await desk.state(TEAM) == (TO_PUBLISH, "")
    asked = len(desk.directory.asked)
    assert await desk.worker().publish_due() == Round(accepted=1)
    assert len(desk.directory.asked) == asked


@pytest.mark.parametrize("state", [MailboxState.SUSPENDED, MailboxState.CLOSED])
@pytest.mark.parametrize("lost", [False, True])
async def test_a_box_that_leaves_service_is_withdrawn_even_when_its_publication_is_unknown(
    desk: Desk, state: MailboxState, lost: bool
) -> None:
    await open_box(desk)
    desk.directory.deaf = lost
    await desk.worker().publish_due()
    assert list(desk.directory.boxes) == [str(ALICE)]
    desk.directory.deaf = False
    await desk.clerk.change_state(ALICE, state)
    assert await desk.worker().publish_due() == Round(withdrawn=1)
    assert desk.directory.boxes == {}
    assert await desk.state() == (WITHDRAWN, "")
    if state is MailboxState.SUSPENDED:
        await desk.clerk.change_state(ALICE, MailboxState.ACTIVE)
        assert await desk.worker().publish_due() == Round(accepted=1)
        assert list(desk.directory.boxes) == [str(ALICE)]


async def test_withdrawing_what_was_never_there_counts_as_withdrawn(desk: Desk) -> None:
    await open_box(desk)
    await desk.clerk.change_state(ALICE, MailboxState.CLOSED)
    assert await desk.worker().publish_due() == Round(withdrawn=1)
    assert desk.directory.done == [RemoveMailbox]


async def test_a_dry_run_says_what_would_be_asked_and_changes_nothing(desk: Desk) -> None:
    await open_box(desk)
    await open_box(desk, TEAM, kind=MailboxType.ORG, identifier="")
    planned = await desk.worker().planned()
    assert [(str(one.announced.mailbox.address), len(one.steps), one.code) for one in planned] == [
        (str(ALICE), 1, ""),
        (str(TEAM), 0, "no-identifier"),
    ]
    assert desk.directory.asked == []
    assert await desk.state() == (TO_PUBLISH, "")


async def test_the_audit_holds_no_word_of_the_directory(desk: Desk) -> None:
    desk.directory.refusal = Kind.NOT_YOURS
    await open_box(desk)
    await desk.worker().publish_due()
    rows = await desk.store.read(lambda tx: audit.rows(tx, limit=100, event_prefix="publication.refused"))
    (event,) = [row.event for row in rows]
    assert (event.outcome, event.subject, dict(event.facts)) == ("not-yours", str(ALICE), {"tries": 1, "version": 1})


async def test_many_boxes_are_published_some_at_a_time(desk: Desk) -> None:
    addresses = [Address(f"box{number}", ALICE.domain) for number in range(11)]
    for address in addresses:
        await open_box(desk, address, kind=MailboxType.ORG, identifier=FINESS)
    assert await desk.worker().round() == Round(accepted=PublicationSettings().workers)
    assert await desk.worker().publish_due() == Round(accepted=11 - PublicationSettings().workers)
    assert len(desk.directory.boxes) == 11
    assert desk.clock() - NOW < timedelta(seconds=1)


async def test_the_running_operator_publishes_by_itself(desk: Desk) -> None:
    await open_box(desk)
    worker = desk.worker()
    await one_turn(worker, "round", worker.run())
    assert await desk.state() == (ACCEPTED, "")
