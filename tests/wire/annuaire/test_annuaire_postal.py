import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.wire.annuaire.postal import department_of, joined, postcode_of, town_of


@pytest.mark.parametrize(
    ("line", "town", "postcode"),
    [
        ("44000 NANTES", "NANTES", "44000"),
        ("44093 NANTES CEDEX 1", "NANTES", "44093"),
        ("97306 CAYENNE CEDEX", "CAYENNE", "97306"),
        ("75651 PARIS CEDEX 13", "PARIS", "75651"),
        ("35404 ST MALO  cedex", "ST MALO", "35404"),
        ("NANTES", "NANTES", ""),
        ("44000", "", "44000"),
        ("L AIGLE", "L AIGLE", ""),
        ("GL 5O 2QJ CHELTENHAM", "GL 5O 2QJ CHELTENHAM", ""),
        ("", "", ""),
        ("01440 CEDEXVILLE", "CEDEXVILLE", "01440"),
    ],
)
def test_town_and_postcode_come_out_of_the_last_line(line: str, town: str, postcode: str) -> None:
    assert (town_of(line), postcode_of(line)) == (town, postcode)


@pytest.mark.parametrize(
    ("postcode", "given_code", "department"),
    [
        ("44000", "", "44"),
        ("44000", "44", "44"),
        ("01440", "01", "01"),
        ("20000", "", "2A"),
        ("20137", "", "2A"),
        ("20200", "", "2B"),
        ("20620", "", "2B"),
        ("97400", "9D", "974"),
        ("97139", "9A", "971"),
        ("98000", "", "980"),
        ("44000", "Loire-Atlantique", "44"),
        ("", "2A", "2A"),
        ("", "Nord", ""),
        ("GL", "", ""),
        ("4400", "", ""),
        ("٤٤٠٠٠", "", ""),
    ],
)
def test_the_department_is_the_code_given_or_that_of_the_postcode(
    postcode: str, given_code: str, department: str
) -> None:
    assert department_of(postcode, given_code) == department


@given(st.text(max_size=60))
def test_any_last_line_gives_a_part_of_itself(line: str) -> None:
    assert town_of(line) in line
    assert postcode_of(line) in line


def test_parts_are_joined_without_the_empty_ones() -> None:
    assert joined("12", "", "RUE", "DE LA PAIX") == "12 RUE DE LA PAIX"
