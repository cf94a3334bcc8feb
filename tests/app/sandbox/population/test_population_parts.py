"""Lists, numbers, names and towns of the invented population."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.app.sandbox.population.lists import drawer, lines_of, table_of, words_of, zipf
from mssante.app.sandbox.population.names import names, slug
from mssante.app.sandbox.population.numbers import finess, phone, rpps, siret
from mssante.app.sandbox.population.sites import Places
from mssante.app.sandbox.population.towns import towns
from mssante.model.national import is_finess, is_rpps, is_siret


def test_a_table_holds_each_item_as_often_as_its_weight_says() -> None:
    table = table_of(["a", "b", "c"], [50, 30, 20], 100)
    assert Counter(table) == {"a": 50, "b": 30, "c": 20}


def test_a_drawer_draws_the_same_for_the_same_seed() -> None:
    draws = [[draw() for _ in range(20)] for draw in (drawer(Random(4), "abc", [1, 1, 1], 30) for _ in range(2))]
    assert draws[0] == draws[1]
    assert set(draws[0]) == {"a", "b", "c"}


def test_weights_fall_with_the_rank() -> None:
    weights = zipf(10)
    assert weights == sorted(weights, reverse=True)


@pytest.mark.parametrize(
    "name", ["towns.txt", "departments.txt", "places.txt", "streets.txt", "services.txt", "skills.txt", "given.txt"]
)
def test_each_list_is_there_and_says_nothing_twice(name: str) -> None:
    lines = lines_of(name)
    assert lines
    assert len(set(lines)) == len(lines)


def test_family_names_stand_in_capitals() -> None:
    assert len(words_of("family.txt")) > 400
    assert all(word == word.upper() for word in words_of("family.txt"))


def test_towns_have_a_postcode_of_their_department_and_a_place_on_earth() -> None:
    found = towns()
    assert len({town.name for town in found}) > 400
    assert all(town.department_name for town in found)
    assert {town.postcode for town in found if town.name == "Paris"} == {f"750{number:02d}" for number in range(1, 21)}
    assert all(town.weight > 0 and -25 < town.latitude < 52 for town in found)


@given(st.integers(0, 9_999_999))
def test_every_rpps_number_has_its_key_and_no_real_beginning(index: int) -> None:
    assert is_rpps(rpps(index))
    assert rpps(index).startswith("109")


def test_rpps_numbers_never_repeat() -> None:
    assert len({rpps(index) for index in range(0, 1_000_000, 7)}) == len(range(0, 1_000_000, 7))


@given(st.integers(0, 200_000), st.sampled_from(["01", "2A", "2B", "44", "95", "974"]), st.booleans())
def test_numbers_of_structures_have_their_keys(index: int, department: str, legal: bool) -> None:
    number = finess(department, index, legal=legal)
    assert is_finess(number)
    assert number[:2] == department[:2]
    assert number[2] == ("8" if legal else "9")
    assert is_siret(siret(index))


def test_telephone_numbers_are_of_the_zone_and_for_fiction() -> None:
    assert phone("44", 1) == "0261910001"
    assert phone("2A", 12_345) == "0465712345"
    assert phone("974", 0) == "0261910000"
    assert phone("31", 7) == "0536490007"


@given(st.integers(0, 2**32))
def test_names_stand_in_an_address_without_accents_or_spaces(seed: int) -> None:
    drawn = names(Random(seed))
    for shown, word in (drawn.family(), drawn.given(seed % 2 == 0)):
        assert shown
        assert word
        assert all(char.islower() or char.isdigit() or char == "-" for char in word)
        assert word.isascii()
        assert slug(shown) == word.replace("-", "")


@pytest.mark.parametrize("professionals", [1, 1_000, 20_000])
def test_places_have_different_numbers_and_domains_of_a_bounded_length(professionals: int) -> None:
    sites = Places(Random(1)).sites(professionals)
    assert len({site.identity for site in sites}) == len(sites)
    assert all(len(site.domain) <= 64 for site in sites)
    own = {site.domain for site in sites if site.domain.startswith(("ch-", "chu-", "clinique-", "epsm-"))}
    mains = [site for site in sites if site.kind.prefix and site.is_main]
    assert len(own) == len(mains)
