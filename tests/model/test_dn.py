import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.model.dn import DistinguishedName, parse_dn
from mssante.model.errors import TheirProtocolError

REAL = "CN=mss.enovacom.fr,OU=344368557300034,O=ENOVACOM,ST=Bouches-du-Rhône (13),C=FR"
KINDS = st.sampled_from(["CN", "OU", "O", "ST", "C", "L", "1.2.3.4", "SERIALNUMBER"])
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.builds(
    DistinguishedName,
    st.lists(st.lists(st.tuples(KINDS, VALUES), min_size=1, max_size=2).map(tuple), min_size=1, max_size=5).map(tuple),
)


def test_reads_a_real_name_most_specific_first() -> None:
    found = parse_dn(REAL)
    assert found.rdns[0] == (("CN", "mss.enovacom.fr"),)
    assert found.first("ST") == "Bouches-du-Rhône (13)"
    assert found.first("L") is None
    assert str(found) == REAL


@settings(max_examples=200)
@given(NAMES)
def test_what_is_printed_is_read_back(name: DistinguishedName) -> None:
    assert parse_dn(str(name)) == name


@settings(max_examples=100)
@given(NAMES)
def test_the_key_does_not_see_unicode_forms_nor_spaces_around(name: DistinguishedName) -> None:
    for form in ("NFC", "NFD"):
        other = DistinguishedName(
            tuple(tuple((kind, f"  {unicodedata.normalize(form, value)} ") for kind, value in rdn) for rdn in name.rdns)
        )
        assert other.key == name.key


@settings(max_examples=100)
@given(st.text("abcéèêôçàÉÔÇÀÏœŒ -'()09", max_size=20))
def test_the_key_does_not_see_case(value: str) -> None:
    keys = {parse_dn(f"CN=x{text}").key for text in (value, value.upper(), value.lower())}
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=a,O=b", "CN=a\\,O\\=b"),
        ("CN=a,O=b", "CN=a+O=b"),
        ("CN=a,O=b", "O=b,CN=a"),
        ("CN=a", "CN=a\\00"),
        ("CN=a", "CN=a,C=FR"),
        ("CN=a", "O=a"),
        ("CN=a b", "CN=ab"),
        ("CN=a b", "CN=a\\1fb"),
        ("CN=a", "CN=\u0430"),
        ("CN=a", "CN=\u200ba"),
        ("OU=1", "OU=\u0661"),
    ],
)
def test_names_that_only_look_alike_have_different_keys(one: str, other: str) -> None:
    assert parse_dn(one).key != parse_dn(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=a,O=b", "cn=A, o=B"),
        ("CN=a+O=b", "O=b+CN=a"),
        ("S=x", "ST=x"),
        ("2.5.4.3=x", "CN=x"),
        ("CN=a  b", "CN=a b"),
        ("CN=a\u00a0b", "CN=a b"),
        ("E=x@y", "EMAILADDRESS=x@y"),
        ("CN=Rho\u0302ne", "CN=RH\u00d4NE"),
        ("CN=\\C3\\B4", "CN=ô"),
    ],
)
def test_names_that_are_the_same_have_the_same_key(one: str, other: str) -> None:
    assert parse_dn(one).key == parse_dn(other).key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "x",
        "=x",
        "CN",
        "CN=a,",
        ",CN=a",
        "CN=a,,O=b",
        "CN=a\\",
        "CN=a\\q",
        "CN=\\C3",
        "C N=a",
        "CN=#0403616263",
        "CN=" + "a" * 1022,
        "ČN=a",
        "CN=\\41\udcff",
    ],
)
def test_refuses_what_is_no_name(text: str) -> None:
    with pytest.raises(TheirProtocolError):
        parse_dn(text)


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        found = parse_dn(text)
    except TheirProtocolError:
        return
    assert parse_dn(str(found)) == found
