"""What the server says, byte by byte. Source: RFC 9051 section 7; RFC 5256 section 4; RFC 7162 section 3.2.10."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.search import Thread
from mssante.wire.imap import responses as r
from mssante.wire.imap.patterns import matcher
from mssante.wire.mime.strings import imap_string


@pytest.mark.parametrize(
    ("value", "utf8", "said"),
    [
        (b"", False, b'""'),
        (b'a"b\\c', False, b'"a\\"b\\\\c"'),
        (b"a\r\nb", False, b"{4}\r\na\r\nb"),
        ("é".encode(), False, b"{2}\r\n\xc3\xa9"),
        ("é".encode(), True, b'"\xc3\xa9"'),
        (b"\xff", True, b"{1}\r\n\xff"),
        (b"a\0b", False, b'"ab"'),
        (b"x" * 1001, False, b"{1001}\r\n" + b"x" * 1001),
    ],
)
def test_strings(value: bytes, utf8: bool, said: bytes) -> None:
    assert imap_string(value, utf8=utf8) == said


def test_lines() -> None:
    assert r.tagged(b"a", "NO", "No\r\nway", "NOPERM") == b"a NO [NOPERM] No  way\r\n"
    assert r.list_line(("\\Sent",), "Envoyés", utf8=False) == b'* LIST (\\Sent) "/" "Envoy&AOk-s"\r\n'
    assert r.list_line((), "Envoyés", utf8=True) == '* LIST () "/" "Envoyés"\r\n'.encode()
    assert r.status_line("a", [("MESSAGES", 2), ("MAILBOXID", "F1")], utf8=False) == (
        b'* STATUS "a" (MESSAGES 2 MAILBOXID (F1))\r\n'
    )
    assert r.fetch_lines([1, 3], [b"FLAGS ()", b"UID 7"]) == b"* 1 FETCH (FLAGS ())\r\n* 3 FETCH (UID 7)\r\n"
    assert r.vanished_line([1, 2, 3, 9], earlier=True) == b"* VANISHED (EARLIER) 1:3,9\r\n"
    assert r.vanished_line([], earlier=True) == b""
    assert r.search_line([2, 5], 17) == b"* SEARCH 2 5 (MODSEQ 17)\r\n"
    assert r.search_line([], 17) == b"* SEARCH\r\n"
    assert r.esearch_line(b"a1", [("MIN", "2")], by_uid=True) == b'* ESEARCH (TAG "a1") UID MIN 2\r\n'
    assert r.date_time(datetime(2026, 7, 1, 2, 3, 4, tzinfo=UTC)) == b'" 1-Jul-2026 02:03:04 +0000"'
    assert r.quota_line("a@b.fr", 1025, 4096) == b"* QUOTA a@b.fr (STORAGE 2 4)\r\n"


@pytest.mark.parametrize(
    ("threads", "said"),
    [
        ((), b"* THREAD\r\n"),
        ((Thread(2),), b"* THREAD (2)\r\n"),
        (
            (Thread(3, (Thread(6, (Thread(4, (Thread(23),)), Thread(44, (Thread(7, (Thread(96),)),)))),)),),
            b"* THREAD (3 6 (4 23)(44 7 96))\r\n",
        ),
        ((Thread(0, (Thread(3), Thread(5))),), b"* THREAD ((3)(5))\r\n"),
    ],
)
def test_threads(threads: tuple[Thread, ...], said: bytes) -> None:
    assert r.thread_line(threads) == said


def test_a_thread_as_deep_as_ten_thousand_answers() -> None:
    thread = Thread(10_000)
    for number in range(9_999, 0, -1):
        thread = Thread(number, (thread,))
    assert r.thread_line((thread,)).startswith(b"* THREAD (1 2 3 ")


def naive(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] in "*%":
        stop = len(name) if pattern[0] == "*" else next((at for at, char in enumerate(name) if char == "/"), len(name))
        return any(naive(pattern[1:], name[at:]) for at in range(stop + 1))
    return bool(name) and pattern[0] == name[0] and naive(pattern[1:], name[1:])


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=10))
def test_wildcards_match_as_the_standard_says(pattern: str, name: str) -> None:
    assert matcher(pattern)(name) == naive(pattern, name)


def test_wildcards_without_going_back() -> None:
    assert not matcher("%*" * 400 + "x")("a/" * 500)
