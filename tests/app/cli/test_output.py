"""What commands write: nothing that drives a terminal, sizes as people read them, tables that cut nothing."""

import pytest

from mssante.app.cli.output import safe, say_json, show_facts, show_table, size_text
from mssante.model.decision import Kind


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Été – à l'hôpital", "Été – à l'hôpital"),
        ("a\u00a0b", "a\u00a0b"),
        ("\x1b[2Jrm", "\\x1b[2Jrm"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("\x00", "\\x00"),
    ],
)
def test_makes_what_drives_a_terminal_visible(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_keeps_lines_when_asked() -> None:
    assert safe("a\n\tb\x1b", lines=True) == "a\n\tb\\x1b"


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 o"),
        (1023, "1023 o"),
        (1024, "1,0 Kio"),
        (1536, "1,5 Kio"),
        (25 * 2**20, "25,0 Mio"),
        (3 * 2**50, "3072,0 Tio"),
    ],
)
def test_writes_sizes_as_people_read_them(size: int, shown: str) -> None:
    assert size_text(size) == shown


def test_cuts_nothing_in_a_file_and_adds_no_colour(capsys) -> None:
    long = "x" * 150
    show_table(("Un", "Deux"), [(long, "[red]b[/red]\x1b[31m")])
    out = capsys.readouterr().out
    assert long in out
    assert "[red]b[/red]\\x1b[31m" in out
    assert "\x1b" not in out


def test_says_when_there_is_nothing(capsys) -> None:
    show_table(("Un",), [], nothing="Aucune boîte.")
    assert capsys.readouterr().out == "Aucune boîte.\n"


def test_leaves_empty_facts_out(capsys) -> None:
    show_facts((("Nom", "a"), ("Rien", "")))
    assert capsys.readouterr().out.split() == ["Nom", ":", "a"]


def test_writes_json_with_accents_on_one_line(capsys) -> None:
    say_json({"é": Kind.RELAY, "n": [1]})
    assert capsys.readouterr().out == '{"é":"relay","n":[1]}\n'
