"""The written rule of addresses: accents, compound names, particles, homonyms."""

import re
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.address import parse_address
from mssante.rules.naming import (
    HOMONYMS_MAX,
    candidates,
    civility,
    is_same_name,
    local_part,
    service_part,
    split_holder,
)

GRAMMAR = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.[a-z0-9]+(-[a-z0-9]+)*")


@pytest.mark.parametrize(
    ("given_name", "family", "local"),
    [
        ("Claire", "MARTIN", "claire.martin"),
        ("Éloïse", "NOËL", "eloise.noel"),
        ("Jean-Pierre", "MARTIN-DUPONT", "jean-pierre.martin-dupont"),
        ("Jean Pierre", "MARTIN DUPONT", "jean-pierre.martin-dupont"),
        ("Marie, Anne, Lucie", "PETIT", "marie.petit"),
        ("Anne", "DE LA FONTAINE", "anne.delafontaine"),
        ("Yann", "LE GALL", "yann.legall"),
        ("Jean", "D'ALEMBERT", "jean.dalembert"),
        ("Jean", "d’Alembert", "jean.dalembert"),
        ("Antoine", "DE SAINT-EXUPÉRY", "antoine.desaint-exupery"),
        ("Ludwig", "VAN DER BERG", "ludwig.vanderberg"),
        ("Siobhán", "O'BRIEN", "siobhan.obrien"),
        ("Lætitia", "CŒUR", "laetitia.coeur"),
        ("Zoë", "STRAUß", "zoe.strauss"),
        ("Ngoc", "LE", "ngoc.le"),
        ("  Paul ", " DURAND  ", "paul.durand"),
        ("李", "WEI", ""),
        ("Paul", "'-", ""),
        ("", "DURAND", ""),
    ],
)
def test_names_become_local_parts(given_name: str, family: str, local: str) -> None:
    assert local_part(given_name, family) == local


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_local_part_is_none_or_one_that_every_program_can_write(given_name: str, family: str) -> None:
    local = local_part(given_name, family)
    if local:
        assert GRAMMAR.fullmatch(local)
        for number in ("", "2", str(HOMONYMS_MAX)):
            assert str(parse_address(f"{local}{number}@chu.mssante.fr")) == f"{local}{number}@chu.mssante.fr"


def test_homonyms_are_numbered_from_two() -> None:
    assert list(islice(candidates("a.b"), 3)) == ["a.b", "a.b2", "a.b3"]
    found = list(candidates("a.b"))
    assert len(found) == len(set(found)) == HOMONYMS_MAX


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("Secrétariat de cardiologie", "secretariat-de-cardiologie"),
        ("Unité 12 – Pédiatrie", "unite-12-pediatrie"),
        ("x" * 200, "x" * 60),
        ("…", ""),
    ],
)
def test_services_become_local_parts(name: str, local: str) -> None:
    assert service_part(name) == local


@pytest.mark.parametrize(
    ("holder", "parts"),
    [
        ("Dr Claire MARTIN", ("DR", "MARTIN", "Claire")),
        ("Mme Anne DE LA FONTAINE", ("MME", "DE LA FONTAINE", "Anne")),
        ("Claire Martin", ("", "Martin", "Claire")),
        ("CLAIRE MARTIN", ("", "CLAIRE MARTIN", "")),
        ("Martin", ("", "Martin", "")),
        ("Dr", ("DR", "", "")),
        ("", ("", "", "")),
    ],
)
def test_a_shown_name_is_split_at_its_capitals(holder: str, parts: tuple[str, str, str]) -> None:
    assert split_holder(holder) == parts


@pytest.mark.parametrize(
    ("holder", "word"), [("Dr Claire MARTIN", "Dr"), ("mme. X", "mme."), ("Drifa MARTIN", ""), ("Dr", "Dr"), (" ", "")]
)
def test_a_civility_is_given_as_it_is_written(holder: str, word: str) -> None:
    assert civility(holder) == word


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Dr Éloïse MARTIN", "ELOISE MARTIN", True),
        ("CLAIRE MARTIN", "Mme CLAIRE MARTIN", True),
        ("Claire, Marie MARTIN", "Claire MARTIN", True),
        ("Jean-Pierre MARTIN", "jean pierre MARTIN", True),
        ("Luc PETIT", "Luc ROUX", False),
        ("Luc PETIT", "Eve PETIT", False),
        ("Dr", "", False),
        ("Dr", "Martin", False),
    ],
)
def test_names_are_the_same_whatever_case_accents_and_civility(one: str, other: str, same: bool) -> None:
    assert is_same_name(one, other) is same
    assert is_same_name(other, one) is same
