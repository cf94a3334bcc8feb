"""National identifiers: shape and check digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.national import ins_key, is_finess, is_ins, is_rpps, is_siret, luhn_is_valid, with_luhn

DIGITS = st.text("0123456789", min_size=1, max_size=20)


@given(DIGITS)
def test_a_luhn_key_catches_every_single_wrong_digit(digits: str) -> None:
    whole = with_luhn(digits)
    assert luhn_is_valid(whole)
    for place, char in enumerate(whole):
        wrong = whole[:place] + str((int(char) + 1) % 10) + whole[place + 1 :]
        assert not luhn_is_valid(wrong)


@pytest.mark.parametrize("text", ["", "12a4", "１２３", "-1", " 18"])
def test_a_luhn_key_is_only_of_ascii_digits(text: str) -> None:
    assert not luhn_is_valid(text)


def test_identifiers_have_their_length_and_key() -> None:
    assert is_rpps(with_luhn("1000000000"))
    assert not is_rpps(with_luhn("100000000"))
    assert is_siret(with_luhn("1875127510002"))
    assert is_finess(with_luhn("75010071"))


def test_corsican_establishments_are_known() -> None:
    key = with_luhn("20000001")[-1]
    assert is_finess(f"2A000001{key}")
    assert is_finess(f"2b000001{key}")
    assert not is_finess(f"2C000001{key}")


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("255081416802538", True),  # the example of the social security handbook
        ("255081416802539", False),
        ("25508141680253", False),
        ("２55081416802538", False),
        ("190012A00112311", False),
        ("12345AA89012345", False),
        ("123451A89012345", False),
        ("12345A189012345", False),
        ("123452A8901234B", False),
    ],
)
def test_an_ins_has_thirteen_characters_and_their_key(text: str, valid: bool) -> None:
    assert is_ins(text) is valid


@given(st.text("0123456789", min_size=13, max_size=13), st.sampled_from(["", "2A", "2B", "2a"]))
def test_an_ins_with_its_key_is_valid_and_with_another_is_not(digits: str, department: str) -> None:
    body = digits[:5] + department + digits[7:] if department else digits
    assert is_ins(body + ins_key(body))
    assert not is_ins(body + f"{(int(ins_key(body)) + 1) % 100:02d}")


@given(st.text("0123456789ABab ", max_size=16))
def test_checks_never_raise(text: str) -> None:
    for check in (is_ins, is_rpps, is_finess, is_siret):
        assert check(text) in {True, False}
