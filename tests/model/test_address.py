"""Addresses: parsed once, exactly; compared and traced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.address import Address, for_trace, login_for_trace, parse_address, parse_domain
from mssante.model.errors import TheirProtocolError

KEY = b"k" * 32


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("jean.dupont@chu-valdore.mssante.fr", "jean.dupont", "chu-valdore.mssante.fr"),
        ("Jean@UC-CMP.mssante.FR", "Jean", "uc-cmp.mssante.fr"),
        ("o'neil+x@a.fr", "o'neil+x", "a.fr"),
        ('"a b"@c.fr', "a b", "c.fr"),
        ('"a@b"@c.fr', "a@b", "c.fr"),
        ('"a\\"b\\\\c"@d.fr', 'a"b\\c', "d.fr"),
        ('"plain"@d.fr', "plain", "d.fr"),
        ("adèle@a.fr", "adèle", "a.fr"),
        ("a@xn--bcher-kva.fr", "a", "xn--bcher-kva.fr"),
        ("a%b@c.fr", "a%b", "c.fr"),
        ("a!b@c.fr", "a!b", "c.fr"),
        (f"{'a' * 64}@c.fr", "a" * 64, "c.fr"),
    ],
)
def test_reads_one_exact_address(text: str, local: str, domain: str) -> None:
    assert parse_address(text) == Address(local, domain)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "a",
        "a@",
        "@b.fr",
        "@a,@b:c@d.fr",
        "a@b@c.fr",
        "a..b@c.fr",
        ".a@c.fr",
        "a.@c.fr",
        "a b@c.fr",
        "<a@b.fr>",
        "a@b.fr ",
        " a@b.fr",
        "a@b.fr\r\n",
        "a\r\n@b.fr",
        "a\0@b.fr",
        "a@b.fr.",
        "a@b..fr",
        "a@.fr",
        "a@-b.fr",
        "a@b-.fr",
        "a@b_c.fr",
        "a@[10.0.0.1]",
        "a@é.fr",
        "a@chu-\u212a.fr",
        "a@аpple.fr",
        '""@c.fr',
        '"a@c.fr',
        'a"@c.fr',
        '"a"b"@c.fr',
        '"a\\"@c.fr',
        '"a\nb"@c.fr',
        "a(x)@c.fr",
        "a\u202eb@c.fr",
        "a\u200bb@c.fr",
        "a\x85b@c.fr",
        "a\ud800@c.fr",
        f"{'a' * 65}@c.fr",
        f"{'é' * 33}@c.fr",
        f"a@{'b' * 64}.fr",
        f"a@{'b.' * 127}fr",
        f"{'a' * 60}@{'b' * 63}.{'c' * 63}.{'d' * 63}.fr",
    ],
)
def test_refuses_everything_else(text: str) -> None:
    with pytest.raises(TheirProtocolError):
        parse_address(text)


@given(st.text(max_size=300))
def test_raises_nothing_but_its_own_error(text: str) -> None:
    for candidate in (text, f"{text}@a.fr", f"a@{text}", f'"{text}"@a.fr'):
        try:
            address = parse_address(candidate)
        except TheirProtocolError:
            continue
        assert parse_address(str(address)) == address
        assert str(address).isprintable()


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20))
def test_what_is_written_is_read_back(local: str) -> None:
    address = Address(local, "a.fr")
    assert parse_address(str(address)) == address


def test_comparison_ignores_case_but_never_makes_ascii_of_another_letter() -> None:
    assert Address("JEAN", "a.fr").key == Address("jean", "a.fr").key
    assert Address("ADÈLE", "a.fr").key == Address("adèle", "a.fr").key
    assert Address("ade\u0300le", "a.fr").key == Address("adèle", "a.fr").key
    assert Address("\u212aevin", "a.fr").key != Address("kevin", "a.fr").key
    assert Address("straße", "a.fr").key != Address("strasse", "a.fr").key
    assert Address("\u017fam", "a.fr").key != Address("sam", "a.fr").key


def test_domains_are_lower_case_ascii_names() -> None:
    assert parse_domain("UC-CMP.mssante.fr") == "uc-cmp.mssante.fr"
    with pytest.raises(TheirProtocolError):
        parse_domain("\u212a.fr")


@pytest.mark.parametrize(
    ("address", "citizen"),
    [
        (Address("190017500112345", "patient.mssante.fr"), True),
        (Address("someone", "patient.mssante.fr"), True),
        (Address("190012A00112345", "chu.mssante.fr"), True),
        (Address("190012b00112345", "chu.mssante.fr"), True),
        (Address("1900175001123", "chu.mssante.fr"), False),
        (Address("jean", "chu.mssante.fr"), False),
    ],
)
def test_a_citizen_is_known_by_domain_or_by_shape(address: Address, citizen: bool) -> None:
    assert address.is_citizen is citizen
    trace = for_trace(address, KEY)
    assert (str(address) == trace) is not citizen
    if citizen:
        assert address.local not in trace
        assert trace.endswith(f"@{address.domain}")


def test_traces_are_stable_for_one_key_and_differ_for_another() -> None:
    address = Address("190017500112345", "patient.mssante.fr")
    assert for_trace(address, KEY) == for_trace(address, KEY)
    assert for_trace(address, KEY) != for_trace(address, b"x" * 32)
    assert for_trace(None, KEY) == "<>"


@pytest.mark.parametrize(
    "login",
    [
        "190017500112345@patient.mssante.fr",
        "190017500112345@patient.mssante.fr ",
        "190017500112345@patient.mssante.fr@a.fr",
        "1900175001123452a @patient",
        "<190017500112345@patient.mssante.fr>",
    ],
)
def test_a_login_never_carries_a_health_number_into_traces(login: str) -> None:
    trace = login_for_trace(login, KEY)
    assert "190017500112345" not in trace
    assert trace.startswith("ins-")


@pytest.mark.parametrize("login", ["jean@a.fr", "cn=logiciel,o=318751275100020", "scanner"])
def test_other_logins_stand_in_traces_as_they_are(login: str) -> None:
    assert login_for_trace(login, KEY) == login


def test_an_address_says_whether_it_needs_smtputf8() -> None:
    assert Address("jean", "a.fr").is_ascii
    assert not Address("adèle", "a.fr").is_ascii
