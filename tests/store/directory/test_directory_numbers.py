"""Numbers of rows made of identifiers: the same in each file, apart from each other, known to FHIR's ids too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.store.directory.numbers import BOX_LIMIT, PERSON_BASE, number_of, number_of_box
from mssante.wire.fhir.ids import resource_id


@given(st.text(min_size=1, max_size=80).filter(lambda text: text.isprintable() and text.isascii()))
def test_an_identifier_and_its_id_have_one_number(identifier: str) -> None:
    assert number_of(resource_id(identifier)) == number_of(identifier)
    assert 0 < number_of(identifier) < PERSON_BASE


@pytest.mark.parametrize(("one", "other"), [("0440012345", "440012345"), ("1440000289", "01440000289"), ("1", "01")])
def test_zeros_in_front_are_kept(one: str, other: str) -> None:
    assert number_of(one) != number_of(other)


def test_mailboxes_come_before_everybody() -> None:
    assert 0 < number_of_box("a@x.mssante.fr") < BOX_LIMIT < PERSON_BASE
