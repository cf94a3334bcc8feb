"""Header blocks: found, counted, summarised; compared with the standard library where the two must agree."""

import email
import email.policy
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.model.decision import Kind
from mssante.wire.mime.headers import HeaderWatch, iter_fields, split_header, summarize

LETTER = (
    b"Received: from a.mssante.fr ([10.0.0.1])\r\n\tby b.mssante.fr with ESMTPS id x;\r\n\tMon, 23 Nov 2026 10:00:00 +0000\r\n"
    b"received: from z.mssante.fr by a.mssante.fr\r\n"
    b"From: =?utf-8?q?Dr_Ad=C3=A8le?= Martin <Adele.Martin@chu-valdore.mssante.fr>\r\n"
    b"To: <x@medecin.mssante.fr>\r\n"
    b"Subject: =?utf-8?B?TGV0dHJl?=\r\n =?UTF-8?q?_de_sortie_=C3?= =?utf-8?q?=A9?=\r\n"
    b"Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <abc.def@chu-valdore.mssante.fr>\r\n"
    b"X-MSS-NIL: MSS-123\r\nX-MSS-CODECDA: 34112-3,\r\n 11490-0\r\nx-mss-ins: O\r\nX-MSS-MES: FIN\r\n"
    b"\r\nFrom: not@header.fr\r\n"
)


def test_summary_holds_what_is_kept_beside_a_message() -> None:
    summary = summarize(LETTER)
    assert summary.message_id == "abc.def@chu-valdore.mssante.fr"
    assert summary.subject == "Lettre de sortie é"
    assert [str(address) for address in summary.from_addresses] == ["Adele.Martin@chu-valdore.mssante.fr"]
    assert summary.from_count == 1
    assert summary.received_count == 2
    assert summary.date == "Mon, 23 Nov 2026 10:00:00 +0000"
    assert LETTER[summary.header_bytes :] == b"From: not@header.fr\r\n"
    assert summary.national == {
        "x-mss-nil": "MSS-123",
        "x-mss-codecda": "34112-3, 11490-0",
        "x-mss-ins": "O",
        "x-mss-mes": "FIN",
    }
    assert {"from", "to", "subject", "x-mss-ins"} <= summary.present
    assert summary.broken_lines == 0


def test_a_long_subject_is_cut_and_an_empty_message_has_an_empty_summary() -> None:
    assert len(summarize(b"Subject: " + b"x" * 5000).subject) == 998
    assert summarize(b"").present == frozenset()
    assert summarize(b"\r\nbody").header_bytes == 2


def test_all_from_fields_are_counted_and_all_their_addresses_kept() -> None:
    summary = summarize(b"From: <a@x.fr>,\r\n <b@x.fr>\r\nFROM : c@y.fr\r\n\tSubject: no\r\nFrom:\r\n d@z.fr\r\n\r\n")
    assert summary.from_count == 3
    assert [str(address) for address in summary.from_addresses] == ["a@x.fr", "b@x.fr", "d@z.fr"]


@pytest.mark.parametrize("value", [b"a@b.fr, " * 101, b"a@b.fr" + b" " * 20_000 + b", evil@c.fr", b"a@b.fr, " * 3000])
def test_a_from_field_of_more_than_is_read_names_nobody(value: bytes) -> None:
    summary = summarize(b"From: " + value + b"\r\n\r\n")
    assert summary.from_count == 1
    assert summary.from_addresses == ()


@pytest.mark.parametrize("line", [b"From", b"Fr om: a@b.fr", b": x", "Dé: x".encode(), b"bonjour", b"Fr\0om: x"])
def test_a_line_that_is_no_field_is_counted_and_belongs_to_nobody(line: bytes) -> None:
    summary = summarize(b"Subject: one\r\n" + line + b"\r\n folded\r\nDate: x\r\n\r\n")
    assert summary.broken_lines == 1
    assert summary.subject == "one"
    assert summary.date == "x"


def test_a_header_that_begins_with_a_continuation_is_broken() -> None:
    summary = summarize(b" From: a@b.fr\r\n\tx\r\nFrom: c@d.fr\r\n y\r\n\r\n")
    assert summary.broken_lines == 1
    assert summary.from_count == 1


def test_the_first_of_repeated_fields_counts() -> None:
    summary = summarize(b"Subject: one\r\nSubject: two\r\n three\r\nMessage-ID: <1@a>\r\nMessage-Id: <2@a>\r\n\r\n")
    assert summary.subject == "one"
    assert summary.message_id == "1@a"


def test_no_control_character_gets_into_a_summary() -> None:
    summary = summarize(b"Subject: a\0b\x1bc=?utf-8?q?=0D=0AX:_y?=\r\nMessage-ID: x\x07y\r\n\r\n")
    assert summary.subject.isprintable()
    assert summary.message_id.isprintable()


@given(st.binary(max_size=400))
def test_summary_never_raises(data: bytes) -> None:
    summarize(data)
    summarize(b"From: " + data + b"\r\nSubject: =?" + data)


NAMES = st.sampled_from(["Subject", "From", "Date", "Received", "X-A", "Message-ID", "X-MSS-NIL"])
VALUES = st.lists(st.text("abcXYZ019 .-;", min_size=1).map(str.strip).filter(bool), min_size=1, max_size=3)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_fields_are_those_that_the_standard_library_reads(fields: list[tuple[str, list[str]]]) -> None:
    head = "".join(f"{name}: " + "\r\n\t".join(value) + "\r\n" for name, value in fields)
    data = head.encode() + b"\r\nbody\r\n"
    theirs = email.message_from_bytes(data, policy=email.policy.compat32)
    ours = list(iter_fields(data))
    assert [name.decode() for name, _ in ours] == [name for name, _ in theirs.items()]
    assert [value.decode().split() for _, value in ours] == [value.split() for _, value in theirs.items()]
    summary = summarize(data)
    assert summary.received_count == len(theirs.get_all("Received", []))
    assert summary.from_count == len(theirs.get_all("From", []))
    assert summary.subject.split() == str(theirs.get("Subject", "")).split()
    assert summary.header_bytes == len(data) - len(b"body\r\n")


def test_fields_end_at_the_empty_line_and_keep_their_folding() -> None:
    assert list(iter_fields(b"A: 1\r\n 2\r\nbad\r\n 3\r\nB:\r\n\r\nC: 4")) == [
        (b"A", b" 1\r\n 2"),
        (b"", b"bad"),
        (b"", b" 3"),
        (b"B", b""),
    ]


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"A: b\r\n\r\nx", 8),
        (b"A: b\n\nx", 6),
        (b"A: b\r\n\nx", 7),
        (b"\r\nx", 2),
        (b"\nx", 1),
        (b"A: b\r\n", -1),
        (b"", -1),
        (b"A: b\n\nc\r\n\r\n", 6),
        (b"A: b\r\n\r\nc\n\n", 8),
    ],
)
def test_the_body_begins_after_the_first_empty_line(data: bytes, offset: int) -> None:
    assert split_header(data, len(data)) == offset


def _watch(data: bytes, step: int, *, limit_bytes: int = 10_000, limit_count: int = 100) -> HeaderWatch:
    watch = HeaderWatch(limit_bytes=limit_bytes, limit_count=limit_count)
    for start in range(0, len(data), step):
        watch.feed(data[start : start + step])
    return watch


@pytest.mark.parametrize("data", [LETTER, b"\r\nbody", b"\nbody", b"A: b\n\nbody", b"A: b\r\n\r\n"])
def test_the_header_is_the_same_in_chunks_of_any_size(data: bytes) -> None:
    expected = data[: split_header(data, len(data))]
    for step in range(1, len(data) + 1):
        watch = _watch(data, step)
        assert watch.done
        assert watch.head == expected
        assert watch.refusal is None


def test_a_message_without_an_empty_line_is_all_header() -> None:
    watch = _watch(b"A: b\r\nC: d\r\n", 5)
    assert not watch.done
    watch.finish()
    assert watch.head == b"A: b\r\nC: d\r\n"
    empty = HeaderWatch(limit_bytes=10, limit_count=1)
    empty.finish()
    assert empty.head == b""


@pytest.mark.parametrize("step", [1, 7, 64, 5000])
def test_a_header_that_is_too_long_is_refused(step: int) -> None:
    watch = _watch(b"A: " + b"x" * 5000, step, limit_bytes=1000)
    assert watch.refusal is not None
    assert watch.refusal.kind is Kind.MESSAGE_MALFORMED
    assert watch.refusal.rule == "header-bytes"
    assert len(watch.head) <= 1004


@pytest.mark.parametrize(("count", "refused"), [(10, False), (11, True), (500, True)])
def test_too_many_fields_are_refused_but_folded_lines_are_not_fields(count: int, *, refused: bool) -> None:
    watch = _watch(b"A: x\r\n y\r\n\tz\r\n" * count + b"\r\n", 5000, limit_count=10)
    assert (watch.refusal is not None) is refused
    if watch.refusal is not None:
        assert watch.refusal.rule == "header-count"


PATTERNS: list[Callable[[int], bytes]] = [
    lambda n: b"From: " + b"a@b.fr, " * (n // 8),
    lambda n: b"From: " + b'"\\' * (n // 2),
    lambda n: b"From: " + b"(" * n,
    lambda n: b"From: " + b"<" * n,
    lambda n: b"Subject: " + b"=?utf-8?q?a?= " * (n // 14),
    lambda n: b"Subject: x\r\n" + b" y\r\n" * (n // 4),
    lambda n: b"A: b\r\n" * (n // 6),
    lambda n: b"From: a@b.fr\r\n" * (n // 14),
    lambda n: b"\r\n ".join([b"X"] * (n // 4)),
    lambda n: b":" * n,
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_time_grows_no_faster_than_the_header(pattern: Callable[[int], bytes]) -> None:
    def cost(size: int) -> float:
        data = pattern(size)
        best = 10.0
        for _ in range(3):
            start = time.process_time()
            summarize(data)
            best = min(best, time.process_time() - start)
        return best

    # Generous: a quadratic step would cost seconds on a megabyte.
    assert cost(1_000_000) < 1.5
