"""Filters as text and in BER: what goes in comes out, and what somebody typed stays one value.

Source: RFC 4515; reliability.md D08.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap import ber
from mssante.wire.ldap.filter_text import build_filter, parse_filter
from mssante.wire.ldap.filters import (
    APPROX,
    EQUAL,
    GREATER,
    LESS,
    And,
    Comparison,
    Extensible,
    Filter,
    FilterLimits,
    FilterTooLargeError,
    Not,
    Or,
    Present,
    Substrings,
    read_filter,
    write_filter,
)

LIMITS = FilterLimits(depth=32, parts=256)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9\-]{0,8}(;[a-z]{1,4})?", fullmatch=True)
RULES = st.sampled_from(["", "caseIgnoreMatch", "2.5.13.2"])
VALUES = st.one_of(st.binary(max_size=12), st.text(max_size=6).map(lambda text: text.encode("utf-8", "ignore")))
PIECES = st.binary(min_size=1, max_size=6)
SUBSTRINGS = st.builds(
    Substrings, NAMES, st.none() | PIECES, st.lists(PIECES, max_size=3).map(tuple), st.none() | PIECES
).filter(lambda one: one.initial is not None or one.final is not None or bool(one.middle))
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Comparison, st.sampled_from([EQUAL, GREATER, LESS, APPROX]), NAMES, VALUES),
    SUBSTRINGS,
    st.builds(Present, NAMES),
    st.builds(Extensible, RULES, NAMES, VALUES, st.booleans()),
    st.builds(Extensible, st.just("caseExactMatch"), st.just(""), VALUES, st.booleans()),
)
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=12,
)


@given(FILTERS)
def test_a_filter_is_parsed_as_it_was_built(wanted: Filter) -> None:
    assert parse_filter(build_filter(wanted), LIMITS) == wanted


@given(FILTERS)
def test_a_filter_is_read_from_ber_as_it_was_written(wanted: Filter) -> None:
    assert read_filter(ber.Elements(write_filter(wanted)), LIMITS) == wanted


@given(st.one_of(st.binary(max_size=40), st.text(alphabet="*()\\|&!=\0é~<>:", max_size=20).map(str.encode)))
def test_whatever_somebody_types_stays_one_leaf(typed: bytes) -> None:
    text = build_filter(And((Present("mail"), Comparison(EQUAL, "cn", typed))))
    assert parse_filter(text) == And((Present("mail"), Comparison(EQUAL, "cn", typed)))
    assert text.isascii()
    assert text.count("(") == text.count(")") == 3


@pytest.mark.parametrize("typed", ["*)(uid=*))(|(uid=*", "\0", "\\", "*", "(", ")", "\\2a", "a*b", "é", "\udcff"])
def test_known_injections_stay_one_leaf(typed: str) -> None:
    value = typed.encode("utf-8", "surrogateescape")
    assert parse_filter(build_filter(Comparison(EQUAL, "cn", value))) == Comparison(EQUAL, "cn", value)
    middle = Substrings("cn", None, (value,), None)
    assert parse_filter(build_filter(middle)) == middle


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(cn=Babs Jensen)", Comparison(EQUAL, "cn", b"Babs Jensen")),
        ("cn=x", Comparison(EQUAL, "cn", b"x")),
        ("(!(cn=Tim Howes))", Not(Comparison(EQUAL, "cn", b"Tim Howes"))),
        ("(cn~=dupon)", Comparison(APPROX, "cn", b"dupon")),
        ("(a>=1)", Comparison(GREATER, "a", b"1")),
        ("(a<=1)", Comparison(LESS, "a", b"1")),
        ("(o=univ*of*mich*)", Substrings("o", b"univ", (b"of", b"mich"), None)),
        ("(cn=**a**)", Substrings("cn", None, (b"a",), None)),
        ("(cn=**)", Present("cn")),
        ("(seeAlso=)", Comparison(EQUAL, "seeAlso", b"")),
        ("(cn:caseExactMatch:=Fred)", Extensible("caseExactMatch", "cn", b"Fred")),
        ("(cn:=Betty)", Extensible("", "cn", b"Betty")),
        ("(sn:dn:2.4.6.8.10:=Barney)", Extensible("2.4.6.8.10", "sn", b"Barney", dn_attributes=True)),
        ("(o:dn:=Ace)", Extensible("", "o", b"Ace", dn_attributes=True)),
        ("(:1.2.3:=Wilma)", Extensible("1.2.3", "", b"Wilma")),
        (r"(cn=a\2ab\28\29\5c\00)", Comparison(EQUAL, "cn", b"a*b()\\\0")),
        (r"(sn=Lu\c4\8di\c4\87)", Comparison(EQUAL, "sn", "Lučić".encode())),
        ("(sn=D'Été)", Comparison(EQUAL, "sn", "D'Été".encode())),
        ("(&)", And(())),
        ("(|)", Or(())),
        ("(cn;lang-fr=x)", Comparison(EQUAL, "cn;lang-fr", b"x")),
    ],
)
def test_the_examples_of_the_standard_are_read(text: str, wanted: Filter) -> None:
    assert parse_filter(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "(", ")", "()", "(cn)", "(cn=a", "(cn=a))", "(cn=a)(cn=b)", "(&(cn=a)", "(!)", "(!(a=b)(c=d))", "(=x)", r"(cn=\)", r"(cn=\2)", r"(cn=\zz)",
     "(c n=x)", "(cn=a(b)", "(:=x)", "(:dn:=x)", "(a:b:c:=x)", "(cn>=a*b)", "(cn=\udc80)", "(a=" + "x" * 20_000 + ")"],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(TheirProtocolError):
        parse_filter(text)


@pytest.mark.parametrize("count", [33, 10_000])
def test_deep_filters_are_refused_without_descending(count: int) -> None:
    nested = b"\x87\x02cn"
    for _ in range(count):
        nested = ber.element(0xA2, nested)
    with pytest.raises(FilterTooLargeError):
        read_filter(ber.Elements(nested), LIMITS)
    with pytest.raises(TheirProtocolError):
        parse_filter("(!" * count + "(cn=a)" + ")" * count)


def test_wide_filters_and_long_substrings_are_refused() -> None:
    wide = Or(tuple(Present("cn") for _ in range(300)))
    long = Substrings("cn", None, tuple(b"a" for _ in range(300)), None)
    for one in (wide, long):
        with pytest.raises(FilterTooLargeError):
            read_filter(ber.Elements(write_filter(one)), LIMITS)
        with pytest.raises(FilterTooLargeError):
            parse_filter(build_filter(one))


@pytest.mark.parametrize(
    "data",
    ["8a00", "a400", "a406 0402636e 3000", "a40b 0402636e 3005 820161 8001", "a403 040161", "a902 8300", "a2 00", "04 00", ""],
)  # fmt: skip
def test_what_is_no_filter_in_ber_is_refused(data: str) -> None:
    with pytest.raises(TheirProtocolError):
        read_filter(ber.Elements(bytes.fromhex(data)), LIMITS)


@pytest.mark.parametrize("name", ["", "c n", "cn)", "cn=", "é", "*"])
def test_a_name_that_no_filter_can_write_is_refused(name: str) -> None:
    with pytest.raises(TheirProtocolError):
        build_filter(Present(name))
    with pytest.raises(TheirProtocolError):
        build_filter(Extensible(name or "dn", "", b"x"))
