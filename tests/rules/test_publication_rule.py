"""What the directory is told of a mailbox, and what its answers mean: tables of facts and decisions."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from store_world import NOW

from mssante.model.address import parse_address
from mssante.model.decision import TEMPORARY, Kind
from mssante.model.directory import AddMailbox, ChangeMailbox, Holder, RemoveMailbox, Target
from mssante.model.mailbox import Mailbox, MailboxId, MailboxState, MailboxType
from mssante.model.national import with_luhn
from mssante.model.publication import (
    Accepted,
    Listing,
    Publication,
    PublicationSettings,
    RefusedByDirectory,
    Unreachable,
)
from mssante.rules.attributes import listing_fault, structure_identifier
from mssante.rules.publication import (
    Done,
    Instead,
    Later,
    Never,
    Step,
    advice,
    judge_answer,
    next_attempt,
    publication_of,
    steps,
    told,
    when_unknown,
)

RPPS, FINESS, SIRET = with_luhn("1000123456"), with_luhn("31000010"), with_luhn("1234567890123")
PER, ORG, APP, CAB, CITIZEN = MailboxType


def box(kind: MailboxType = PER, identifier: str = RPPS) -> Mailbox:
    address = parse_address("claire.martin@chu.mssante.fr")
    return Mailbox(MailboxId(1), address, kind, MailboxState.ACTIVE, "Dr Claire MARTIN", identifier, 1, 0, NOW)


def published(kind: MailboxType = PER, identifier: str = RPPS, **listing: object) -> Publication:
    found = publication_of(box(kind, identifier), Listing(**listing))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "identifier", "structure", "target"),
    [
        (PER, RPPS, "", Target(Holder.PERSON, f"8{RPPS}")),
        (PER, f"8{RPPS}", "", Target(Holder.PERSON, f"8{RPPS}")),
        (PER, RPPS, FINESS, Target(Holder.ROLE, f"8{RPPS}-1{FINESS}")),
        (CAB, RPPS, "", Target(Holder.PERSON, f"8{RPPS}")),
        (ORG, FINESS, "", Target(Holder.PLACE, f"1{FINESS}")),
        (ORG, f"1{FINESS}", "", Target(Holder.PLACE, f"1{FINESS}")),
        (APP, SIRET, "", Target(Holder.PLACE, f"3{SIRET}")),
        # without a national number, a structure answers for the person
        (PER, "", FINESS, Target(Holder.ROLE, f"10claire.martin@chu.mssante.fr-1{FINESS}")),
    ],
)
def test_a_mailbox_is_attached_to_whom_its_type_says(
    kind: MailboxType, identifier: str, structure: str, target: Target
) -> None:
    found = publication_of(box(kind, identifier), Listing(structure=structure))
    assert found is not None
    assert found.target == target
    assert bool(found.mailbox.professional) is (kind in {PER, CAB})


@pytest.mark.parametrize(("kind", "identifier"), [(PER, ""), (CAB, ""), (ORG, ""), (APP, ""), (CITIZEN, "")])
def test_what_is_nobodys_is_not_published(kind: MailboxType, identifier: str) -> None:
    assert publication_of(box(kind, identifier), Listing()) is None


@pytest.mark.parametrize("number", ["", "31000010", FINESS[:-1] + "x", RPPS, "1" * 9])
def test_a_structure_is_known_by_its_key(number: str) -> None:
    assert structure_identifier(number) == ""


def test_a_health_identity_number_is_never_told_to_a_directory() -> None:
    patient = replace(box(), address=parse_address("277034567890175@chu.mssante.fr"))
    assert publication_of(patient, Listing(structure=FINESS)) is None


def test_what_is_new_is_added_and_what_left_is_removed_where_it_was() -> None:
    here, there = published(), published(structure=FINESS)
    address = here.mailbox.address
    assert steps(here, None, here) == (Step(here.target, AddMailbox(here.mailbox)),)
    assert steps(here, here, here) == ()
    assert steps(None, there, here) == (Step(there.target, RemoveMailbox(address)),)
    assert steps(None, None, here) == (Step(here.target, RemoveMailbox(address)),)
    assert steps(None, None, None) == ()
    moved = (Step(here.target, RemoveMailbox(address)), Step(there.target, AddMailbox(there.mailbox)))
    assert steps(there, here, there) == moved


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, {"is_red": True}, {"is_red": True}),
        ({"is_red": True}, {}, {"is_red": False}),
        ({}, {"rank": 1}, {"rank": 1}),
        ({"rank": 2}, {}, {"rank": 0}),
        ({"service": "Cardiologie"}, {}, {"service": ""}),
        (
            {},
            {"service": "A", "responsible": "B", "description": "C"},
            {"service": "A", "responsible": "B", "description": "C"},
        ),
    ],
)
def test_only_what_changed_is_said(before: dict, after: dict, change: dict) -> None:
    old, new = published(ORG, FINESS, **before), published(ORG, FINESS, **after)
    (step,) = steps(new, old, new)
    assert step.change == ChangeMailbox(new.mailbox.address, **change)


def test_a_telephone_which_the_national_interface_does_not_know_asks_for_nothing() -> None:
    assert steps(published(ORG, FINESS, phone="0102030405"), published(ORG, FINESS), None) == ()


@pytest.mark.parametrize(("before", "after"), [(None, True), (True, False), (False, None)])
def test_who_wishes_no_paper_is_taken_out_and_put_in_again_in_one_request(
    before: bool | None, after: bool | None
) -> None:
    old = published(ORG, FINESS, is_paperless=before, service="A")
    new = published(ORG, FINESS, is_paperless=after, service="B")
    (step,) = steps(new, old, new)
    assert step.target == new.target
    assert step.changes == (RemoveMailbox(new.mailbox.address), AddMailbox(new.mailbox))
    # The directory had lost it: nothing to take out, so that it is only put in.
    unknown = RefusedByDirectory(Kind.ENTRY_UNKNOWN, "MSG_NO_EXIST")
    assert judge_answer(step, new, unknown) == Instead(AddMailbox(new.mailbox))
    assert judge_answer(Step(step.target, step.change), new, unknown) == Never("entry-unknown", "MSG_NO_EXIST")


def test_what_stays_a_local_attribute_is_not_told() -> None:
    silent = PublicationSettings(publish_paperless=False)
    wanted = told(published(ORG, FINESS, is_paperless=True), None, silent)
    assert wanted is not None
    assert wanted.mailbox.is_paperless is None
    assert told(None, None, silent) is None
    assert told(published(is_paperless=True), None, PublicationSettings()) == published(is_paperless=True)


ALONE = Publication(published().target, published().mailbox, unknown_structure=f"1{FINESS}")
UNKNOWN = Never("entry-unknown", "MSG_NO_EXIST")
REFUSES = PublicationSettings(unknown_situation="refuse")


def test_an_unknown_situation_is_published_without_its_structure_unless_the_operator_refuses_that() -> None:
    wanted = published(structure=FINESS)
    add = Step(wanted.target, AddMailbox(wanted.mailbox))
    assert when_unknown(add, wanted, UNKNOWN, PublicationSettings()) == ALONE
    assert when_unknown(add, wanted, UNKNOWN, REFUSES) == UNKNOWN
    for judged in (Done(), Later("x", ""), Never("not-yours", "")):
        assert when_unknown(add, wanted, judged, PublicationSettings()) == judged
    person = published()
    assert when_unknown(Step(person.target, AddMailbox(person.mailbox)), person, UNKNOWN, REFUSES) == UNKNOWN


def test_somebody_without_a_national_number_is_nobody_outside_the_structure() -> None:
    wanted = published(identifier="", structure=FINESS)
    judged = when_unknown(Step(wanted.target, AddMailbox(wanted.mailbox)), wanted, UNKNOWN, PublicationSettings())
    assert judged == Never("not-vouched-for", "MSG_NO_EXIST")
    assert "RPPS" in advice("not-vouched-for")[1]


def test_a_structure_that_the_directory_did_not_know_is_asked_for_again_when_it_is_another_one() -> None:
    same, other = published(structure=FINESS, rank=1), published(structure=SIRET)
    held = told(same, ALONE, PublicationSettings())
    assert held is not None
    assert steps(held, ALONE, same) == (Step(ALONE.target, ChangeMailbox(ALONE.mailbox.address, rank=1)),)
    assert told(other, ALONE, PublicationSettings()) == other
    assert told(same, ALONE, REFUSES) == same
    assert told(same, replace(ALONE, unknown_structure=""), PublicationSettings()) == same
    assert told(published(), ALONE, PublicationSettings()) == published()


def test_what_may_have_been_accepted_with_or_without_its_structure_is_taken_out_of_both() -> None:
    wanted = published(structure=FINESS)
    address = wanted.mailbox.address
    both = (Step(wanted.target, RemoveMailbox(address)), Step(ALONE.target, RemoveMailbox(address)))
    assert steps(None, None, wanted) == both
    assert steps(None, ALONE, wanted) == both[1:]


def test_an_address_known_already_is_tried_as_a_change_of_what_its_type_has() -> None:
    per, org = published(rank=1), published(ORG, FINESS, service="Cardiologie", is_red=True)
    refused = RefusedByDirectory(Kind.ADDRESS_TAKEN)
    address = per.mailbox.address
    assert judge_answer(Step(per.target, AddMailbox(per.mailbox)), per, refused) == Instead(
        ChangeMailbox(address, is_red=False, rank=1)
    )
    assert judge_answer(Step(org.target, AddMailbox(org.mailbox)), org, refused) == Instead(
        ChangeMailbox(address, is_red=True, description="", service="Cardiologie", responsible="", rank=0)
    )


def test_what_the_directory_has_lost_is_added_again_and_what_is_gone_is_gone() -> None:
    per = published()
    unknown = RefusedByDirectory(Kind.ENTRY_UNKNOWN, "MSG_NO_EXIST")
    change = Step(per.target, ChangeMailbox(per.mailbox.address, rank=1))
    assert judge_answer(change, per, unknown) == Instead(AddMailbox(per.mailbox))
    assert judge_answer(Step(per.target, RemoveMailbox(per.mailbox.address)), None, unknown) == Done()
    assert judge_answer(Step(per.target, AddMailbox(per.mailbox)), per, unknown) == Never(
        "entry-unknown", "MSG_NO_EXIST"
    )


@pytest.mark.parametrize("kind", sorted(Kind, key=lambda kind: kind.value))
def test_a_refusal_of_the_moment_or_of_us_is_tried_again_and_no_other(kind: Kind) -> None:
    per = published()
    judged = judge_answer(Step(per.target, AddMailbox(per.mailbox)), per, RefusedByDirectory(kind, "why"))
    again = kind in TEMPORARY or kind in {Kind.SIGN_IN_FAILED, Kind.SIGN_IN_REQUIRED}
    assert isinstance(judged, Later) is again
    assert isinstance(judged, Never) is (not again and kind is not Kind.ADDRESS_TAKEN)


def test_silence_is_tried_again_and_acceptance_ends_it() -> None:
    per = published()
    step = Step(per.target, AddMailbox(per.mailbox))
    assert judge_answer(step, per, Unreachable("timeout")) == Later("directory-unavailable", "timeout")
    assert judge_answer(step, per, Accepted()) == Done()


def test_the_wait_doubles_up_to_the_longest_and_never_ends() -> None:
    settings = PublicationSettings(first_retry_seconds=30, longest_retry_seconds=3600)
    waits = [(next_attempt(tries, NOW, settings) - NOW).total_seconds() for tries in range(1, 12)]
    assert waits[:3] == [30, 60, 120]
    assert all(after >= before for before, after in pairwise(waits))
    assert next_attempt(10**9, NOW, settings) == NOW + timedelta(hours=1)
    with pytest.raises(ValueError, match="after an attempt"):
        next_attempt(0, NOW, settings)


@pytest.mark.parametrize(
    ("kind", "listing", "said"),
    [
        (ORG, Listing(service="x" * 91), "90"),
        (ORG, Listing(description="x" * 76), "75"),
        (ORG, Listing(responsible="x" * 46), "45"),
        (ORG, Listing(service="deux\nlignes"), "une ligne"),
        (PER, Listing(rank=0), "rang"),
        (PER, Listing(rank=100), "rang"),
        (PER, Listing(service="Cardiologie"), "pas de service"),
        (PER, Listing(description="x"), "ni description"),
        (PER, Listing(responsible="x"), "ni description"),
        (CAB, Listing(service="x"), "pas de service"),
        (CAB, Listing(responsible="x"), ""),
        (ORG, Listing(structure=FINESS), "identifiant"),
        (PER, Listing(structure="310000109"), "FINESS"),
        (CITIZEN, Listing(is_red=True), "USAGER"),
        (PER, Listing(structure=FINESS, phone="01", is_red=True, is_paperless=False, rank=1, local_id="A12"), ""),
        (ORG, Listing(service="x" * 90, description="x" * 75, responsible="x" * 45), ""),
        (CAB, Listing(description="Cabinet"), ""),
        (CITIZEN, Listing(), ""),
    ],
)
def test_attributes_fit_their_type(kind: MailboxType, listing: Listing, said: str) -> None:
    fault = listing_fault(kind, listing)
    assert said in fault
    assert bool(fault) is bool(said)


@pytest.mark.parametrize(
    "kind", [kind for kind in Kind if kind.name.startswith(("ENTRY", "ADDRESS_T", "NOT_", "QUERY"))]
)
def test_every_refusal_of_a_directory_has_its_fix(kind: Kind) -> None:
    why, fix = advice(kind.value)
    assert (why, fix) != advice("something-else")
    assert why
    assert fix


def test_a_target_does_not_depend_on_what_may_change() -> None:
    changed = Listing(is_red=True, rank=3, is_paperless=True, phone="01")
    found = publication_of(box(), changed)
    assert found is not None
    assert found.target == published().target
    assert found.mailbox.rank == 3
