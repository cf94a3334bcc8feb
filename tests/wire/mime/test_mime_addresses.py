"""Address lists as people and programs write them."""

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.wire.mime.addresses import parse_addresses


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@b.fr", [("", "a@b.fr")]),
        (b" <a@b.fr>\r\n", [("", "a@b.fr")]),
        (b"Jean Dupont <a@b.fr>", [("Jean Dupont", "a@b.fr")]),
        (b'"Dupont, Jean" <a@b.fr>', [("Dupont, Jean", "a@b.fr")]),
        (b'"Du\\"pont" <a@b.fr>', [('Du"pont', "a@b.fr")]),
        (b"Dr. J. <a@b.fr>", [("Dr. J.", "a@b.fr")]),
        ("Adèle <adèle@b.fr>".encode(), [("Adèle", "adèle@b.fr")]),
        (b"=?utf-8?q?Ad=C3=A8le?= <a@b.fr>", [("Adèle", "a@b.fr")]),
        (b"=?utf-8?q?x=40y.fr=2C?=\r\n <a@b.fr>", [("x@y.fr,", "a@b.fr")]),
        (b"=?iso-8859-1*fr?q?=E9t=E9?= <a@b.fr>, c@d.fr", [("été", "a@b.fr"), ("", "c@d.fr")]),
        (b"a@b.fr (Jean (le vrai) Dupont)", [("", "a@b.fr")]),
        (b"Equipe: a@b.fr, <c@d.fr>; e@f.fr", [("", "a@b.fr"), ("", "c@d.fr"), ("", "e@f.fr")]),
        (b"undisclosed-recipients:;", []),
        (b"<@r.fr,@s.fr:a@b.fr>", [("", "a@b.fr")]),
        (b"jean . dupont @ b . fr", [("", "jean.dupont@b.fr")]),
        (b'"jean dupont"@b.fr', [("", '"jean dupont"@b.fr')]),
        (b"A@B.FR", [("", "A@b.fr")]),
        (b"a@b.fr,,c@d.fr", [("", "a@b.fr"), ("", "c@d.fr")]),
    ],
)
def test_reads_the_forms_of_the_standard(value: bytes, expected: list[tuple[str, str]]) -> None:
    assert [(name, str(address)) for name, address in parse_addresses(value)] == expected


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"<>",
        b"nobody",
        b"a b@c.fr",
        b"<a@b.fr><c@d.fr>",
        b"<a@b.fr> c@d.fr",
        b"<a@b.fr",
        b"a@b.fr>",
        b"a@[10.0.0.1]",
        b'"open <a@b.fr>',
        b"(open <a@b.fr>",
        "a@é.fr".encode(),
        b"<a@b.fr\0>",
        b"a@b.fr@c.fr",
        b"<a@b@c.fr>",
    ],
)
def test_leaves_out_what_is_broken(value: bytes) -> None:
    assert parse_addresses(value) == ()


def test_a_broken_address_does_not_hide_the_next_one() -> None:
    assert [str(address) for _, address in parse_addresses(b"x y@z, <a@b.fr, ok@b.fr, <a@b.fr> junk, last@b.fr")] == [
        "ok@b.fr",
        "last@b.fr",
    ]


def test_display_names_have_no_control_characters_and_an_end() -> None:
    ((name, _),) = parse_addresses(b'"a\r\n b\0" <a@b.fr>')
    assert name.isprintable()
    ((name, _),) = parse_addresses(b"x" * 100_000 + b" <a@b.fr>")
    assert len(name) == 512


LOCALS = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{1,8})?", fullmatch=True)
DISPLAYS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x7f=", exclude_categories=("Cc", "Zs")),
    max_size=20,
)


@given(st.lists(st.tuples(DISPLAYS, LOCALS), min_size=1, max_size=6))
def test_reads_back_what_the_standard_library_writes(pairs: list[tuple[str, str]]) -> None:
    value = ", ".join(email.utils.formataddr((name, f"{local}@b.fr")) for name, local in pairs)
    found = parse_addresses(value.encode())
    assert [(name, str(address)) for name, address in found] == [
        ("".join(name.splitlines()).strip(), f"{local}@b.fr") for name, local in pairs
    ]


@given(st.binary(max_size=300))
def test_never_raises(data: bytes) -> None:
    for _, address in parse_addresses(data):
        assert "@" in str(address)


def test_a_hundred_thousand_addresses_take_little_time() -> None:
    start = time.process_time()
    found = parse_addresses(b"<a@b.fr>, " * 100_000)
    assert len(found) == 100_000
    assert time.process_time() - start < 10
