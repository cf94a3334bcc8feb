"""How what people type is understood.

Source: issue of the directory (one search box); operators.md 4.3.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.directory_search import NO_FILTERS, Column, Filters
from mssante.rules.directory_words import TERMS_MAX, as_identifiers, neighbours, read_words, short_forms


def words(text: str, **filters: str) -> list[str]:
    return [term.words[-1] for term in read_words(text, Filters(**filters)).terms]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dupont cardio nantes", ["dupont", "cardio", "nantes"]),
        ("Dr Éloïse D'ARC-LÉGER", ["eloise", "arc", "leger"]),
        ("martin 44", ["martin", "dep44"]),
        ("martin 2A", ["martin", "dep2a"]),
        ("martin 974", ["martin", "dep974"]),
        ("martin 44000", ["martin", "44000"]),
        ("de la", ["de", "la"]),
        ("", []),
        ("!!!", []),
    ],
)
def test_words_are_folded_numbers_are_places(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_what_is_called_otherwise_is_meant_too() -> None:
    term = read_words("cardiologue", NO_FILTERS).terms[0]
    assert term.words == ("cardiologie", "cardiovasculaire", "cardiologue")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10000000016", ("810000000016",)),
        ("810000000016", ("810000000016",)),
        ("440000289", ("1440000289", "0440000289")),
        ("2A0000014", ("12A0000014", "02A0000014")),
        ("1440000289", ("1440000289",)),
        ("12345678901234", ("312345678901234", "412345678901234")),
        ("123 456 789 01234", ("312345678901234", "412345678901234")),
        ("44", ()),
        ("dupont", ()),
        ("²²²²²²²²²", ()),
        ("AAAAAAAAA", ()),
    ],
)
def test_numbers_are_what_they_may_be(text: str, expected: tuple[str, ...]) -> None:
    assert as_identifiers(text) == expected


def test_an_address_or_a_number_among_words_is_seen() -> None:
    assert read_words("dr a@x.mssante.fr", NO_FILTERS).address == "a@x.mssante.fr"
    assert read_words("rpps 10000000016", NO_FILTERS).identifiers == ("810000000016",)


def test_filters_say_where_a_word_must_stand() -> None:
    asked = read_words("x", Filters(name="Dupont", town="Nantes", speciality="cardio", postcode="44", kind="org"))
    assert [term.columns for term in asked.terms] == [
        (), (Column.PERSON,), (Column.WORK,), (Column.PLACE,), (Column.PLACE,)
    ]  # fmt: skip
    assert asked.kind == "ORG"


@pytest.mark.parametrize("slip", ["dupnt", "dupontt", "dupomt", "duopnt", "upont"])
def test_one_slip_is_a_neighbour(slip: str) -> None:
    assert "dupont" in neighbours(slip)


@given(st.text(max_size=300))
def test_any_text_is_understood_somehow(text: str) -> None:
    asked = read_words(text, NO_FILTERS)
    assert len(asked.terms) <= TERMS_MAX
    assert all(word and " " not in word for term in asked.terms for word in term.words)
    assert len(neighbours(text)) < 60 * 30


def test_structures_have_short_names() -> None:
    assert short_forms("centre hospitalier universitaire de nantes") == "chu ch"
    assert short_forms("cabinet du port") == ""
