"""The paths of patches: the forms of the draft, nothing else, each with the place of what is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.errors import TheirProtocolError
from mssante.wire.fhir import systems
from mssante.wire.fhir.paths import Element, Path, read_path, write_path

META = f".extension('{systems.METADATA}')"
BOX = "Practitioner.telecom.where(value = 'a@b.mssante.fr')"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Practitioner.telecom", Path("", Element.WHOLE)),
        (BOX, Path("a@b.mssante.fr", Element.WHOLE)),
        ("Practitioner.telecom.where(value='a@b.mssante.fr')", Path("a@b.mssante.fr", Element.WHOLE)),
        (f"{BOX}.rank", Path("a@b.mssante.fr", Element.RANK)),
        (f"{BOX}.value", Path("a@b.mssante.fr", Element.ADDRESS)),
        (f"{BOX}{META}.extension('listeRouge').value", Path("a@b.mssante.fr", Element.RED)),
        (f"{BOX}{META}.extension('service')", Path("a@b.mssante.fr", Element.SERVICE)),
        (f"{BOX}{META}.extension('type').value", Path("a@b.mssante.fr", Element.TYPE)),
        (r"Practitioner.telecom.where(value = 'd\'arc\\x@b.mssante.fr')", Path("d'arc\\x@b.mssante.fr", Element.WHOLE)),
        (r"Practitioner.telecom.where(value = '\u0061')", Path("a", Element.WHOLE)),
    ],
)
def test_the_forms_of_the_draft_are_read(text: str, path: Path) -> None:
    assert read_path(text, "Practitioner") == path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at character 1 where Practitioner.telecom"),
        ("Organization.telecom", "where Practitioner.telecom"),
        ("Practitioner.telecom[0]", "character 21"),
        ("Practitioner.name", "character 1"),
        ("Practitioner.telecom.where(system = 'email')", "where.value = "),
        ("Practitioner.telecom.where(value = a)", "a string between single quotes"),
        ("Practitioner.telecom.where(value = 'a", "a string between single quotes"),
        ("Practitioner.telecom.where(value = 'a' or value = 'b')", "'\\)' is expected"),
        ("Practitioner.telecom.where(value = 'a' or 'x' = 'x')", "'\\)' is expected"),
        ("Practitioner.telecom.where(value = '')", "address that is empty"),
        (r"Practitioner.telecom.where(value = '\ud800')", "not printable"),
        ("Practitioner.telecom.where(value = '" + "x" * 255 + "')", "too long"),
        (r"Practitioner.telecom.where(value = '\q')", "escape that is none"),
        (r"Practitioner.telecom.where(value = '\u00')", "escape that is none"),
        (f"{BOX}.system", "character 53"),
        (f"{BOX}.rank.value", ".rank or .extension"),
        (f"{BOX}.extension('https://else.where').extension('type')", "not served: 'https://else.where'"),
        (f"{BOX}{META}.extension('digitization')", "cannot be changed here: 'digitization'"),
        (f"{BOX}{META}", "extension"),
        (f"{BOX}{META}.extension('type').value.coding", "'.value' is expected"),
        ("Practitioner.telecom.where(value = 'a').where(value = 'b')", ".rank or .extension"),
        ("x" * 1001, "longer than 1000"),
    ],
)
def test_other_paths_are_refused_where_they_stop(text: str, said: str) -> None:
    with pytest.raises(TheirProtocolError, match=said):
        read_path(text, "Practitioner")


@given(st.text(min_size=1, max_size=100).filter(str.isprintable), st.sampled_from(list(Element)))
def test_an_address_with_any_characters_comes_back_whole(address: str, element: Element) -> None:
    path = Path(address, element)
    assert read_path(write_path(path, "Organization"), "Organization") == path


@given(st.text(alphabet="ab'\\.()= wherevalutcomkx", max_size=80))
def test_any_ending_is_read_or_refused(text: str) -> None:
    try:
        found = read_path(f"Practitioner.telecom{text}", "Practitioner")
    except TheirProtocolError:
        return
    assert read_path(write_path(found, "Practitioner"), "Practitioner") == found


def test_long_hostile_paths_take_no_time_worth_naming() -> None:
    for text in ("'" * 900, "\\" * 900, "Practitioner.telecom.where(value = '" + "\\'" * 450, " " * 900):
        with pytest.raises(TheirProtocolError):
            read_path(text[:1000], "Practitioner")
