"""What comes first and why, fact by fact.

Source: issue of the directory (ranking); users.md SEC-2.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mssante.model.directory import Health
from mssante.model.directory_search import Candidate, Past
from mssante.rules.directory_ranking import Wanted, is_general, rank

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PLAIN = Candidate(1, 11, "jean.dupont@a.mssante.fr", "PER", name="dupont jean", work="medecin", spot="nantes 44000 dep44",
                  department="44", postcode="44000")  # fmt: skip
DUPONT = [Wanted(frozenset({"dupont"}), frozenset({"dupontel"}))]


def first(better: Candidate, worse: Candidate, *, near: str = "", past: dict[str, Past] | None = None) -> list[int]:
    found = rank([replace(worse, number=2), replace(better, number=1)], DUPONT, near=near, past=past or {}, now=NOW)
    return [one.number for one in found]


@pytest.mark.parametrize(
    "worse",
    [
        replace(PLAIN, name="dupontel jean"),
        replace(PLAIN, address=""),
        replace(PLAIN, has_left=True),
        replace(PLAIN, name="", house="dupont"),
    ],
)
def test_what_is_less_sure_comes_after(worse: Candidate) -> None:
    assert first(PLAIN, worse) == [1, 2]


def test_near_comes_first_same_postcode_before_same_department() -> None:
    town, department = PLAIN, replace(PLAIN, postcode="44400")
    far = replace(PLAIN, postcode="75001", department="75")
    assert first(town, department, near="44000") == [1, 2]
    assert first(department, far, near="44000") == [1, 2]


def test_an_exact_name_far_away_comes_before_another_name_nearby() -> None:
    assert first(
        replace(PLAIN, department="75", postcode="75001"), replace(PLAIN, name="dupontel jean"), near="44000"
    ) == [1, 2]


@pytest.mark.parametrize("health", [Health.DEAD, Health.BOUNCING, Health.AWAY])
def test_dead_bouncing_and_absent_come_after(health: Health) -> None:
    other = replace(PLAIN, address="autre@a.mssante.fr")
    assert first(PLAIN, other, past={other.address: Past(health=health)}) == [1, 2]


def test_a_recent_delivery_counts_more_than_an_old_one_and_an_old_one_more_than_none() -> None:
    other = replace(PLAIN, address="autre@a.mssante.fr")
    recent, old = Past(NOW - timedelta(days=2)), Past(NOW - timedelta(days=200))
    assert first(PLAIN, other, past={PLAIN.address: recent, other.address: old}) == [1, 2]
    assert first(PLAIN, other, past={PLAIN.address: old}) == [1, 2]


def test_the_red_list_is_left_out() -> None:
    assert rank([replace(PLAIN, is_red=True)], DUPONT, near="", past={}, now=NOW) == []


def test_who_is_away_says_until_when_and_whom_to_write_to() -> None:
    past = {PLAIN.address: Past(health=Health.AWAY, away_until=NOW, instead="b@a.mssante.fr")}
    (found,) = rank([PLAIN], DUPONT, near="", past=past, now=NOW)
    assert found.warning == "absent avant le 02/03/2026, écrivez à b@a.mssante.fr"


def test_homonyms_are_counted_by_person_not_by_mailbox() -> None:
    same = replace(PLAIN, number=2, address="jean.dupont@b.mssante.fr")
    assert rank([PLAIN, same], DUPONT, near="", past={}, now=NOW)[0].warning == ""
    other = replace(same, number=3, holder=12)
    assert "2 réponses portent ce nom" in rank([PLAIN, same, other], DUPONT, near="", past={}, now=NOW)[0].warning


@pytest.mark.parametrize(
    ("address", "own", "general"),
    [
        ("contact@chu.mssante.fr", "", True),
        ("secretariat@chu.mssante.fr", "", True),
        ("messagerie.chu@chu.mssante.fr", "", True),
        ("cardiologie@chu.mssante.fr", "", False),
        ("contact@chu.mssante.fr", "cardiologie", False),
    ],
)
def test_a_catch_all_box_says_nothing_of_its_department(address: str, own: str, general: bool) -> None:
    assert is_general(Candidate(1, address=address, own=own, kind="ORG")) is general
