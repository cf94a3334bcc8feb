"""What the commands share to show things: tables without noise, JSON for programs, text that cannot drive a terminal.

Not for what the sandbox shows (see `mssante.app.sandbox.show`).
"""

import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

_UNITS: Final = ("o", "Kio", "Mio", "Gio", "Tio")
_TABLE_CHARS: Final = 220
_FACT_CHARS: Final = 24

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="Fichier de configuration ; à défaut MSSANTE_CONFIG, puis /etc/mssante/mssante.toml.",
)
"""The option of every command that works on an operator."""

json_option = click.option("--json", "as_json", is_flag=True, help="Du JSON, pour un programme.")
"""The option of every command that a program would read."""


def say_json(value: object) -> None:
    """Write one JSON value on one line; dates are ISO 8601, enums their values."""
    click.echo(msgspec.json.encode(value).decode())


def safe(text: str, *, lines: bool = False) -> str:
    """Return the text with everything that could drive a terminal made visible.

    Args:
        text: from anybody.
        lines: keep line ends and tabulations.

    Source: reliability.md G02.
    """
    kept = "\n\t" if lines else ""
    return "".join(char if char in kept or _is_harmless(char) else _visible(char) for char in text)


def size_text(size_bytes: int) -> str:
    """Return the size as people read it: ``18,4 Kio``."""
    size, unit = float(size_bytes), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    number = f"{size:.0f}" if unit == 0 else f"{size:.1f}".replace(".", ",")
    return f"{number} {_UNITS[unit]}"


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, nothing: str = "Rien à montrer.") -> None:
    """Write a table; every cell goes through `safe`, nothing is cut when the output is not a terminal."""
    # Drawing tables costs 50 ms of start, which the other outputs do not pay.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    found = [tuple(safe(cell) for cell in row) for row in rows]
    if not found:
        click.echo(nothing)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in found:
        table.add_row(*(Text(cell) for cell in row))
    terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if terminal else _TABLE_CHARS, highlight=False)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n"))


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Write one ``name : value`` line for each fact, in one column; empty values are left out."""
    for name, value in facts:
        if value:
            click.echo(f"{name:<{_FACT_CHARS}}: {safe(value)}")


def _is_harmless(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"


def _visible(char: str) -> str:
    return char.encode("unicode_escape").decode()
