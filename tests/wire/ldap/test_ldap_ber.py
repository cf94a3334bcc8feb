"""Source: RFC 4511 section 5.1; X.690."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap import ber


@given(st.integers(0, ber.MAX_INT))
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    assert ber.Elements(ber.number(value)).number() == value


@given(st.binary(max_size=70_000))
def test_a_string_is_read_as_it_was_written(value: bytes) -> None:
    assert ber.Elements(ber.octets(value)).octets() == value


@given(st.binary(max_size=300))
def test_text_that_is_no_utf8_goes_through_unharmed(value: bytes) -> None:
    text = ber.Elements(ber.octets(value)).text()
    assert ber.text(text) == ber.octets(value)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_lengths_are_written_in_their_shortest_form(length: int) -> None:
    written = ber.octets(bytes(length))
    head = {0: 2, 1: 2, 127: 2, 128: 3, 255: 3, 256: 4, 65_535: 4, 65_536: 5}[length]
    assert len(written) == length + head


@pytest.mark.parametrize("head", ["0403", "048103", "04820003", "0484 00000003", "0488 0000000000000003"])
def test_any_definite_length_is_read(head: str) -> None:
    assert ber.Elements(bytes.fromhex(head) + b"abc").octets() == b"abc"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ("0480 6162 0000", "indefinite"),
        ("04ff 01", "reserved"),
        ("0489 000000000000000003 616263", "more than 8"),
        ("1f8101 00", "form that LDAP does not use"),
        ("0403 6162", "longer than what holds it"),
        ("04 84ffffffff 6162", "longer than what holds it"),
        ("04 88ffffffffffffffff 6162", "longer than what holds it"),
        ("04", "cut short"),
        ("0482 01", "cut short"),
    ],
)
def test_what_is_no_element_of_ldap_is_refused(data: str, what: str) -> None:
    with pytest.raises(TheirProtocolError, match=what):
        ber.Elements(bytes.fromhex(data)).skip()


def test_an_element_never_reaches_out_of_the_one_that_holds_it() -> None:
    outer = ber.Elements(bytes.fromhex("3003 0402 6162 6364"))
    with pytest.raises(TheirProtocolError, match="longer than what holds it"):
        outer.inside().octets()


@pytest.mark.parametrize("data", ["0200", "0201ff", "0205 0080000000", "0209 000000000000000001"])
def test_numbers_that_ldap_has_not_are_refused(data: str) -> None:
    with pytest.raises(TheirProtocolError, match="number"):
        ber.Elements(bytes.fromhex(data)).number()


def test_true_is_written_as_the_standard_says_and_read_as_clients_write_it() -> None:
    assert ber.flag(value=True) == b"\x01\x01\xff"
    assert ber.Elements(b"\x01\x01\x01").flag()
    assert not ber.Elements(b"\x01\x01\x00").flag()
    with pytest.raises(TheirProtocolError, match="one byte"):
        ber.Elements(b"\x01\x02\xff\xff").flag()


def test_the_wrong_kind_of_element_is_named() -> None:
    with pytest.raises(TheirProtocolError, match="expected element 0x04, found 0x02"):
        ber.Elements(ber.number(1)).octets()
    with pytest.raises(TheirProtocolError, match="found the end"):
        ber.Elements(b"").octets()
