from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mssante.model.errors import TheirProtocolError
from mssante.wire.annuaire.lines import (
    BATCH_LINES,
    LINE_MAX_BYTES,
    BadLine,
    Batch,
    Row,
    Unreadable,
    columns_of,
    fields_of,
    header_of,
    in_batches,
    read_lines,
)

BYTES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"\n",
                b"\r\n",
                b"\r",
                b"abc",
                b"\xc3\xa9",
                b"\xff",
                b"\0",
                b"\t",
                b"|",
                b"\xef\xbb\xbf",
                b"x" * LINE_MAX_BYTES,
                b"yyyyyyyy",
            ]
        ),
        st.binary(max_size=8),
    ),
    max_size=12,
).map(b"".join)


def lines_of(*chunks: bytes, fallback: str | None = None) -> list[str | Unreadable]:
    return list(read_lines(chunks, fallback=fallback))


def one_field(line: str) -> Row | str:
    return (line,) if line else "ligne vide"


def test_lines_end_with_lf_or_crlf_and_the_last_one_needs_no_end() -> None:
    assert lines_of(b"a\r\nb\nc") == ["a", "b", "c"]
    assert lines_of(b"a\r\nb\n") == ["a", "b"]
    assert lines_of(b"a\n\nb\n") == ["a", "", "b"]
    assert lines_of() == []


def test_a_byte_order_mark_goes_at_the_beginning_only() -> None:
    assert lines_of(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n") == ["a", "\ufeffb"]
    assert lines_of(b"\xef", b"\xbb", b"\xbfa") == ["a"]


def test_a_line_that_is_not_utf_8_is_unreadable_and_the_others_are_read() -> None:
    found = lines_of("été\n".encode() + b"\xe9t\xe9\n" + b"fin\n")
    assert found == ["été", Unreadable("la ligne n'est pas en UTF-8", "\ufffdt\ufffd"), "fin"]


def test_a_file_of_one_byte_a_character_is_read_when_its_encoding_is_given() -> None:
    assert lines_of("été\n".encode() + b"\xe9t\xe9\n", fallback="latin-1") == ["été", "été"]


@pytest.mark.parametrize("char", [b"\0", b"\x07", b"\x1b", b"\x7f", b"\r"])
def test_a_control_character_makes_a_line_unreadable(char: bytes) -> None:
    found = lines_of(b"a\nb" + char + b"c\nd\n")
    assert found == ["a", Unreadable("caractère de contrôle dans la ligne", "b\ufffdc"), "d"]


def test_an_endless_line_is_unreadable_and_only_its_beginning_is_kept() -> None:
    endless = (b"x" * 100_000 for _ in range(200))
    found = list(read_lines(endless))
    assert found == [Unreadable("ligne de plus de 16384 octets", "x" * 200)]


def test_a_line_of_just_the_longest_length_is_read() -> None:
    longest = b"x" * LINE_MAX_BYTES
    assert lines_of(longest + b"\r\n" + longest) == [longest.decode()] * 2
    assert all(isinstance(line, Unreadable) for line in lines_of(longest + b"x\n" + longest + b"x"))


@given(BYTES, st.integers(1, 9))
@example(b"x" * (LINE_MAX_BYTES + 1) + b"\r" + b"x" * 20, 7)
@example(b"\xef\xbb\xbf" + b"x" * (LINE_MAX_BYTES + 1) + b"\r", 5)
def test_where_the_chunks_are_cut_changes_nothing(data: bytes, step: int) -> None:
    whole = lines_of(data)
    assert list(read_lines(data[at : at + step] for at in range(0, len(data), step))) == whole
    middle = len(data) // 2
    assert lines_of(data[:middle], data[middle:]) == whole


@given(BYTES)
def test_there_are_as_many_lines_as_line_feeds_and_perhaps_one(data: bytes) -> None:
    ends = data.count(b"\n")
    rest = data.rpartition(b"\n")[2]
    assert len(lines_of(data)) == ends + bool(rest)


def test_batches_count_every_line_once_and_number_the_bad_ones() -> None:
    lines = iter(["a", "", "b", Unreadable("pourquoi", "quoi"), "c"])
    assert list(in_batches(lines, one_field, 2)) == [
        Batch([("a",), ("b",), ("c",)], [BadLine(3, "ligne vide", ""), BadLine(5, "pourquoi", "quoi")], 5)
    ]


def test_batches_are_of_bounded_length_and_are_made_as_they_are_asked_for() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "a"

    first, second = islice(in_batches(endless(), one_field, 1), 2)
    assert first.lines == second.lines == BATCH_LINES
    assert len(first.rows) == BATCH_LINES


def test_the_text_of_a_bad_line_is_cut() -> None:
    (batch,) = in_batches(iter(["y" * 500]), lambda _: "non", 2)
    assert batch.bad == [BadLine(2, "non", "y" * 200)]


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "vide"), (b"\n\n", "vide"), (b"\xff\n", "UTF-8"), (b"x" * 20_000, "16384")]
)
def test_a_file_without_header_is_refused_with_its_name(data: bytes, said: str) -> None:
    with pytest.raises(TheirProtocolError, match=f"liste X : .*{said}"):
        header_of(read_lines([data]), "liste X")


def test_columns_are_found_by_name_whatever_their_case_accents_and_order() -> None:
    header = ["NUMERO  finess site", "Ajoutée", "Nom d’exercice"]
    assert columns_of(header, ["Nom d'exercice", "Numéro FINESS site"], "liste X") == [2, 0]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(TheirProtocolError, match="liste X : la colonne « Code rôle » manque"):
        columns_of(["a"], ["Code rôle"], "liste X")


def test_a_header_of_too_many_columns_is_refused() -> None:
    with pytest.raises(TheirProtocolError, match="plus de 300 colonnes"):
        columns_of(["a"] * 301, ["a"], "liste X")


def test_fields_lose_the_spaces_around_them_of_any_kind() -> None:
    assert fields_of(" a |b \t|\xa0c\xa0| d e |") == ["a", "b", "c", "d e", ""]
