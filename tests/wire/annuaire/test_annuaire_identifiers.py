import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.national import is_rpps, with_luhn
from mssante.wire.annuaire.identifiers import (
    fault_of_person,
    is_rpps_id,
    is_structure_id,
    kind_and_number,
    person_id,
    structure_id,
)

RPPS = with_luhn("1099000000")


@given(st.one_of(st.from_regex(r"[0-9]{10,12}", fullmatch=True), st.text(max_size=12)))
def test_the_fast_check_of_an_rpps_says_what_the_national_one_says(number: str) -> None:
    assert is_rpps_id(f"8{number}") == is_rpps(number)


@given(st.from_regex(r"[0-9]{10}", fullmatch=True))
def test_an_rpps_with_its_key_is_right_and_with_another_is_wrong(body: str) -> None:
    number = with_luhn(body)
    assert is_rpps_id(f"8{number}")
    assert not is_rpps_id(f"8{body}{(int(number[-1]) + 1) % 10}")


@pytest.mark.parametrize(
    "identifier",
    [
        f"8{RPPS}",
        "0759124159",
        "02A9124159",
        "10jean.martin@ch-exemple.mssante.fr",
        "3440000289/0001234",
        "599000000000018/12",
    ],
)
def test_each_kind_of_national_identifier_of_a_person_is_taken(identifier: str) -> None:
    assert fault_of_person(identifier) == ""


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        (f"8{RPPS[:-1]}{(int(RPPS[-1]) + 1) % 10}", "RPPS faux"),
        ("8123", "RPPS faux"),
        ("8", "RPPS faux"),
        ("075912415", "forme inconnue"),
        ("2123456789", "forme inconnue"),
        ("10jean martin@x.fr", "forme inconnue"),
        ("8١٠٩٩٠٠٠٠٠٠٠", "RPPS faux"),
        ("", "sans identifiant"),
    ],
)
def test_a_wrong_identifier_of_a_person_is_told_in_french(identifier: str, said: str) -> None:
    assert said in fault_of_person(identifier)


def test_the_identifier_of_a_person_is_made_of_kind_and_number_when_it_is_not_given() -> None:
    assert person_id("8", RPPS, f"8{RPPS}") == f"8{RPPS}"
    assert person_id("8", RPPS, "") == f"8{RPPS}"
    assert person_id("rpps", RPPS, "") == f"8{RPPS}"
    assert person_id("8", "", "") == ""


@pytest.mark.parametrize(
    ("kind", "number", "found"),
    [
        ("1", "1440000289", "1440000289"),
        ("1", "440000289", "1440000289"),
        ("1", "140000289", "1140000289"),
        ("FINESS", "2A0000022", "12A0000022"),
        ("finess", "12A0000022", "12A0000022"),
        ("3", "99000002800011", "399000002800011"),
        ("3", "399000002800011", "399000002800011"),
        ("SIRET", "33000002800011", "333000002800011"),
        ("4", "10990000000001", "410990000000001"),
        ("0", "75912415900", "075912415900"),
        ("", "440000289", "1440000289"),
        ("", "99000002800011", "399000002800011"),
        ("", "399000002800011", "399000002800011"),
    ],
)
def test_the_identifier_of_a_structure_gets_its_kind_when_it_has_none(kind: str, number: str, found: str) -> None:
    assert structure_id(kind, number) == found
    assert is_structure_id(found)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("1", "44000028"),
        ("1", ""),
        ("3", "440000289"),
        ("9", "440000289"),
        ("AUTRE", "440000289"),
        ("", "abc"),
        ("", ""),
        ("1", "44000028é"),
    ],
)
def test_what_cannot_be_the_identifier_of_a_structure_is_none(kind: str, number: str) -> None:
    assert structure_id(kind, number) is None


@given(st.text(max_size=6), st.text(max_size=16))
def test_an_identifier_that_was_made_stays_as_it_is(kind: str, number: str) -> None:
    found = structure_id(kind, number)
    if found is not None:
        assert structure_id(found[:1], found) == found


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        (f"8{RPPS}", ("8", RPPS)),
        ("0759124159", ("0", "759124159")),
        ("10a@b.mssante.fr", ("10", "a@b.mssante.fr")),
        ("3440000289/1", ("3", "440000289/1")),
        ("", ("", "")),
    ],
)
def test_an_identifier_comes_apart_in_kind_and_number(identifier: str, parts: tuple[str, str]) -> None:
    assert kind_and_number(identifier) == parts
