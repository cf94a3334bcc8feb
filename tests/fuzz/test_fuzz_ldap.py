"""The fuzz target of LDAP, run in small by hypothesis on bytes that look like it."""

import pytest
from fuzzing import target
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HEADS = [
    b"\x30\x0c\x02\x01\x01", b"\x30\x82\x00\x10", b"\x30\x84\x00\x00\x00\x20", b"\x02\x01\x05", b"\x60\x07\x02\x01\x03\x04\x00\x80\x00", b"\x42\x00", b"\x50\x01\x02",
    b"\x63\x25\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x00\x02\x01\x00\x01\x01\x00", b"\x87\x0bobjectClass", b"\x30\x00", b"\x77\x18\x80\x16", b"\xa0\x05", b"\xa1\x03", b"\xa2\x04",
    b"\xa3\x08\x04\x02cn\x04\x02ab", b"\xa4\x09\x04\x02cn\x30\x03\x81\x01a", b"\xa9\x06\x82\x02cn\x83\x00", b"\x04\x02cn", b"\x6e\x10\x04\x03o=x\x30\x09\x04\x02cn", b"\xff", b"\0",
]  # fmt: skip
TEXTS = [
    "(",
    ")",
    "&",
    "|",
    "!",
    "cn=",
    "*",
    "\\2a",
    "\\",
    "mail=a@b",
    ">=",
    ":dn:",
    ":=",
    "ou=boites,",
    "ou=mssante,o=annuaire,c=fr",
    "é",
    "+",
    ",",
    "#",
]
ONE = target("fuzz_ldap")
QUIET = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUIET
@given(st.lists(st.one_of(st.sampled_from(HEADS), st.binary(max_size=6)), max_size=30).map(b"".join))
def test_the_reader_holds_on_bytes_that_look_like_requests(data: bytes) -> None:
    ONE(data)


@QUIET
@given(st.lists(st.one_of(st.sampled_from(TEXTS), st.text(max_size=4)), max_size=20).map("".join))
def test_filters_and_names_hold_on_text_that_looks_like_them(text: str) -> None:
    ONE(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x00", b"\x30\x05\x02\x01\x01\x42\x00", b"(cn=*)", b"(&(|)(!(a=b)))"]
)
def test_small_inputs(data: bytes) -> None:
    ONE(data)
