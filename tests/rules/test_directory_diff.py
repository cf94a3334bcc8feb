"""What is wrong between our mailboxes and the directory, each with its repair."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mssante.model.directory import ListedMailbox
from mssante.model.mailbox import MailboxType
from mssante.model.publication import PublicationState
from mssante.rules.directory_diff import Facts, Own, Said, Source, What, judge

AT = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
BOX = "cardio@chu.mssante.fr"
OURS = ListedMailbox(BOX, MailboxType.ORG, structure="1440000289", service="Cardiologie", rank=1, description="Avis")
SEEN = replace(OURS, rank=None, description="")
DONE = PublicationState.ACCEPTED
PER, CAB = MailboxType.PER, MailboxType.CAB


def own(wanted: ListedMailbox | None = OURS, state: PublicationState = DONE, days: float = -5) -> Own:
    return Own(wanted, state, AT + timedelta(days=days))


def whats(facts: Facts) -> list[tuple[str, str]]:
    return [(one.what.value, one.source.value) for one in judge(facts)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(BOX, own(), (SEEN,), AT), []),
        (Facts(BOX, own(), (SEEN,), AT, (OURS,)), []),
        (Facts(BOX, own(), None, None, None), []),
        (Facts(BOX, own(), (), AT), [("missing", "extract")]),
        (Facts(BOX, own(), (SEEN,), AT, ()), [("missing", "fhir")]),
        (Facts(BOX, None, (SEEN,), AT), [("ghost", "extract")]),
        (Facts(BOX, None, (), AT, ()), []),
        (Facts(BOX, None, (SEEN,), AT, (OURS,)), [("ghost", "extract"), ("ghost", "fhir")]),
        (Facts(BOX, own(None, PublicationState.WITHDRAWN), (), AT, ()), []),
        (Facts(BOX, own(None, PublicationState.WITHDRAWN), (SEEN,), AT), [("ghost", "extract")]),
        (Facts(BOX, own(), (replace(SEEN, structure="1750000305"),), AT), [("wrong-holder", "extract")]),
        (Facts(BOX, own(), (replace(SEEN, professional="810"),), AT), [("wrong-holder", "extract")]),
        (Facts(BOX, own(), (SEEN, replace(SEEN, structure="1750000305")), AT), [("duplicate", "extract")]),
        (Facts(BOX, own(), (replace(SEEN, service="Cardio"),), AT), [("stale", "extract")]),
        (Facts(BOX, own(), (replace(SEEN, kind=MailboxType.APP),), AT), [("stale", "extract")]),
        (Facts(BOX, own(), (replace(SEEN, is_paperless=True),), AT), []),
        (
            Facts(BOX, own(replace(OURS, is_paperless=False)), (replace(SEEN, is_paperless=True),), AT),
            [("stale", "extract")],
        ),
        (Facts(BOX, own(), (SEEN,), AT, (replace(OURS, rank=2),)), [("stale", "fhir")]),
        (Facts(BOX, own(), (SEEN,), AT, (replace(OURS, is_red=True),)), [("stale", "fhir")]),
        (Facts(BOX, own(replace(OURS, responsible="Dr X", phone="0240")), (SEEN,), AT, (OURS,)), []),
        (Facts(BOX, own(replace(OURS, is_paperless=True)), None, None, (OURS,)), []),
        (
            Facts(BOX, own(replace(OURS, is_paperless=True)), None, None, (replace(OURS, is_paperless=False),)),
            [("stale", "fhir")],
        ),
        (Facts(BOX, own(), None, None, (replace(OURS, description="Autre"),)), [("stale", "fhir")]),
        (Facts(BOX, own(replace(OURS, kind=PER)), None, None, (replace(OURS, kind=PER, description=""),)), []),
        (Facts(BOX, own(replace(OURS, kind=CAB)), None, None, (replace(OURS, kind=CAB, service=""),)), []),
        (Facts(BOX, own(), (SEEN,), AT, (OURS, replace(OURS, structure="1750000305"))), [("duplicate", "fhir")]),
        (Facts(BOX, own(), None, None, (replace(OURS, structure="1750000305"),)), [("wrong-holder", "fhir")]),
        (Facts(BOX, own(replace(OURS, is_red=True)), (), AT, ()), []),
        (Facts(BOX, own(replace(OURS, is_red=True)), (SEEN,), AT), [("red-leak", "extract")]),
        (Facts(BOX, own(replace(OURS, is_red=True)), (), AT, (OURS,)), [("red-leak", "fhir")]),
        (Facts(BOX, own(replace(OURS, is_red=True)), (replace(SEEN, is_red=True),), AT), []),
    ],
)
def test_each_difference_has_its_name_and_its_source(facts: Facts, expected: list[tuple[str, str]]) -> None:
    assert whats(facts) == expected
    assert all(one.detail and one.repair and one.command.startswith("mssante ") for one in judge(facts))


def test_spaces_and_separators_that_the_extraction_cannot_hold_are_no_difference() -> None:
    odd = own(replace(OURS, service="Unité A|B  et C"))
    assert whats(Facts(BOX, odd, (replace(SEEN, service="Unité A B et C"),), AT)) == []


def test_what_was_accepted_after_the_extract_waits_for_the_next_one() -> None:
    (found,) = judge(Facts(BOX, own(days=1), (), AT))
    assert (found.what, found.waits, found.command) == (What.MISSING, True, "mssante directory import FICHIER")
    (late,) = judge(Facts(BOX, own(days=-1), (), AT))
    assert (late.waits, late.command) == (False, f"mssante directory publish --address {BOX}")
    (there,) = judge(Facts(BOX, own(days=1), None, None, ()))
    assert (there.source, there.waits) == (Source.FHIR, False), "the national directory has accepted it and lost it"


@pytest.mark.parametrize("state", [PublicationState.TO_PUBLISH, PublicationState.SENT])
def test_what_is_on_its_way_waits(state: PublicationState) -> None:
    (found,) = judge(Facts(BOX, own(state=state), (), AT))
    assert found.waits
    assert "en cours" in found.repair


def test_a_refused_publication_is_repaired_by_its_reason() -> None:
    (found,) = judge(Facts(BOX, own(state=PublicationState.REFUSED), (), AT))
    assert found.command == "mssante directory publications --state refused"


def test_a_wrong_holder_names_both_and_a_stale_box_both_values() -> None:
    (wrong,) = judge(Facts(BOX, own(), (replace(SEEN, structure="1750000305"),), AT))
    assert wrong.detail == "l'extraction attache cette boîte à la structure 1750000305 au lieu de 1440000289"
    (stale,) = judge(Facts(BOX, own(), (replace(SEEN, service="Cardio"),), AT))
    assert "service « Cardio » au lieu de « Cardiologie »" in stale.detail


@pytest.mark.parametrize(
    ("facts", "columns"),
    [
        (Facts(BOX, own(), (), AT, None), (Said.THERE, Said.ABSENT, Said.UNKNOWN)),
        (Facts(BOX, own(), None, None, ()), (Said.THERE, Said.UNKNOWN, Said.ABSENT)),
        (Facts(BOX, None, (SEEN,), AT, ()), (Said.ABSENT, Said.THERE, Said.ABSENT)),
        (Facts(BOX, own(None), (SEEN,), AT, (OURS,)), (Said.OUT_OF_SERVICE, Said.THERE, Said.THERE)),
    ],
)
def test_each_finding_says_what_the_three_have(facts: Facts, columns: tuple[Said, Said, Said]) -> None:
    found = judge(facts)
    assert found
    assert {(one.ours, one.extract, one.fhir) for one in found} == {columns}
