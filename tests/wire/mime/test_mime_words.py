"""Encoded words, and the lines that hold them."""

import email.header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.wire.mime.words import decode_words, encode_words, field_line, one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Compte_rendu_=C3=A9t=C3=A9?=", "Compte rendu été"),
        ("=?UTF-8?B?w6nDqA==?=", "éè"),
        ("=?UTF-8?B?w6nDqA?=", "éè"),
        ("=?iso-8859-1?q?=E9?= =?iso-8859-15?q?=A4?=", "é€"),
        ("a =?utf-8?q?b?= c =?utf-8?q?d?=  =?utf-8?q?e?= f", "a b c de f"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),
        ("=?windows-1252*fr?q?=80?=", "€"),
        ("=?unknown?q?a?=", "=?unknown?q?a?="),
        ("=?punycode?q?a?=", "=?punycode?q?a?="),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?b?a?=", "=?utf-8?b?a?="),
        ("=?utf-8?q?=FF?=", "\ufffd"),
        ("=?", "=?"),
    ],
)
def test_decodes_leniently(text: str, expected: str) -> None:
    assert decode_words(text) == expected


@given(st.text(max_size=300))
def test_never_raises(text: str) -> None:
    decode_words("=?" + text)
    decode_words(f"=?utf-8?b?{text}?= =?utf-8?q?{text}?=")


PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=200)


@given(PRINTABLE)
def test_reads_back_what_it_writes(text: str) -> None:
    written = encode_words(text)
    assert written.isascii()
    assert decode_words(written) == one_line(text)


@given(PRINTABLE.filter(lambda text: not text.isascii()))
def test_the_standard_library_reads_what_it_writes(text: str) -> None:
    assert str(email.header.make_header(email.header.decode_header(encode_words(text)))) == one_line(text)


@given(st.text(max_size=400))
def test_a_field_is_one_field_whatever_its_text(text: str) -> None:
    line = field_line("Subject", encode_words(text))
    assert line.endswith(b"\r\n")
    lines = line[:-2].split(b"\r\n")
    assert all(part.startswith(b" ") and part.strip() for part in lines[1:])
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)


def test_a_long_field_is_folded_under_78_characters() -> None:
    line = field_line("Subject", encode_words("été " * 60))
    assert all(len(part) <= 78 for part in line.split(b"\r\n"))
