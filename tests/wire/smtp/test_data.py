"""Transparency, the end mark, bounds: for any content and any cut."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.model.errors import OurProtocolError
from mssante.wire.smtp.data import DataReader, has_clean_lines, stuff

LINES = st.lists(
    st.one_of(st.sampled_from([b"", b".", b"..", b"..x", b".x", b"x.", b"a" * 70]), st.binary(max_size=30)), max_size=30
).map(lambda lines: b"".join(bytes(byte for byte in line if byte not in b"\r\n\0") + b"\r\n" for line in lines))
EDGES = (1, 2, 1023, 1024, 4095, 4096, 65535, 65536)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(marks)]


def read(pieces: list[bytes], limit: int = 10**7, line: int = 998) -> tuple[bytes, DataReader]:
    reader = DataReader(limit, line)
    out = b""
    for piece in pieces:
        assert not reader.ended
        out += reader.feed(piece)
    return out, reader


@given(
    message=LINES, ours=st.lists(st.integers(0, 5000), max_size=6), theirs=st.lists(st.integers(0, 5000), max_size=6)
)
@settings(max_examples=150, deadline=None)
def test_every_message_comes_back_byte_for_byte_in_any_cut(message: bytes, ours: list[int], theirs: list[int]) -> None:
    wire = b"".join(stuff(cut(message, ours)))
    pieces = cut(wire, theirs)
    reader = DataReader(10**7, 998)
    out = b""
    for place, piece in enumerate(pieces):
        out += reader.feed(piece)
        if reader.ended:
            assert b"".join(pieces[place + 1 :]) == b""
            break
    assert reader.ended
    assert reader.refusal is None
    assert reader.rest == b""
    assert reader.size_bytes == len(message)
    assert out == message


@pytest.mark.parametrize("size", EDGES)
@pytest.mark.parametrize("line", [b".", b"..", b"..x", b".x", b""])
def test_dots_at_the_edge_of_a_read_buffer_survive(size: int, line: bytes) -> None:
    for shift in range(-6, 3):
        filler = max(0, size + shift)
        body = (b"x" * 98 + b"\r\n") * (filler // 100) + b"y" * (filler % 100) + b"\r\n" + line + b"\r\nend\r\n"
        wire = b"".join(stuff((body,)))
        step = max(size, len(wire) // 200)
        out, reader = read([wire[start : start + step] for start in range(0, len(wire), step)])
        assert out == body
        assert reader.ended


def test_an_empty_message_is_a_lone_end_mark() -> None:
    assert b"".join(stuff(())) == b".\r\n"
    assert b"".join(stuff((b"",))) == b".\r\n"
    out, reader = read([b".\r\nRSET\r\n"])
    assert out == b""
    assert reader.rest == b"RSET\r\n"


def test_a_message_without_its_last_line_end_gets_one() -> None:
    assert b"".join(stuff((b"no end",))) == b"no end\r\n.\r\n"


def test_a_single_dot_before_text_is_taken_away() -> None:
    assert read([b".x\r\n.y\r\n.\r\n"])[0] == b"x\r\ny\r\n"


@pytest.mark.parametrize("dirt", [b"\r", b"\n", b"\0", b"\r\r\n", b"\n\r"])
def test_dirty_line_ends_are_never_sent(dirt: bytes) -> None:
    for chunks in ((b"a" + dirt + b"b\r\n",), (b"a" + dirt,), (b"a", dirt, b"b")):
        with pytest.raises(OurProtocolError):
            b"".join(stuff(chunks))


def test_a_pair_cut_in_two_is_no_dirt() -> None:
    assert b"".join(stuff((b"a\r", b"\n", b".", b"b\r", b"\n"))) == b"a\r\n..b\r\n.\r\n"


@given(st.binary(max_size=60).map(lambda data: data.translate(bytes(b"\r\n\0.x"[value % 5] for value in range(256)))))
@settings(max_examples=200, deadline=None)
def test_clean_lines_are_those_without_stray_bytes(data: bytes) -> None:
    bare = data.replace(b"\r\n", b"")
    assert has_clean_lines(data) == (not set(bare) & set(b"\r\n\0"))


@given(
    lengths=st.lists(st.integers(0, 25), max_size=12),
    cuts=st.lists(st.integers(0, 300), max_size=5),
)
@settings(max_examples=150, deadline=None)
def test_the_longest_line_decides_in_any_cut(lengths: list[int], cuts: list[int]) -> None:
    message = b"".join(b"x" * length + b"\r\n" for length in lengths)
    reader = DataReader(10**6, 20)
    for piece in cut(message + b".\r\n", cuts):
        reader.feed(piece)
        if reader.ended:
            break
    assert reader.ended
    assert (reader.refusal is None) == (max(lengths, default=0) <= 20)
