"""What a copy of a store copies: its tables in an order in which rows may be added, as the embedded schema has them.

Both engines have the same tables with the same columns; what only one of them has is made anew where it arrives.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import apsw

from mssante.store.migrate import load_migrations

LEFT_OUT: Final = frozenset(
    {
        # Of the database itself.
        "migration",
        "last_number",
        # What search keeps of the messages, each engine in its own way; it is found in them again.
        "message_index",
        "document",
        "message_text",
        "message_text_config",
        "message_text_content",
        "message_text_data",
        "message_text_docsize",
        "message_text_idx",
        "text_row",
        # What processes tell each other while they run.
        "lease",
        "node",
        # The copy's own.
        "copying",
        "copied_body",
    }
)
UNCHANGING: Final = frozenset({"body"})
"""Large rows that are written once under a number that is never given again: a pass looks at their numbers only."""
PARKED: Final = {"folder": "name = '/' || folder_id, role = NULL", "account": "certificate_key = NULL"}
"""What keeps a row out of the way of others until its own turn: two folders may have exchanged their names."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        key: columns of its primary key.
        columns: all of them with their types, those of the key first.
        ties: columns of references and of whatever else must be unique.
    """

    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    ties: tuple[str, ...]

    @property
    def parked(self) -> str:
        """Return what parks a row, "" when a row that stands in the way may go and come back."""
        return PARKED.get(self.name, "")


@cache
def tables() -> tuple[Table, ...]:
    """Return every table that is copied; what a row refers to comes before it."""
    schema = apsw.Connection(":memory:")
    for migration in load_migrations():
        schema.execute(migration.sql)
    names = [name for (name,) in schema.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    found = {name: _table(schema, name) for name in names if name not in LEFT_OUT}
    parents = {name: _parents(schema, name) for name in found}
    schema.close()
    ordered: dict[str, Table] = {}
    while len(ordered) < len(found):
        free = [name for name in found if name not in ordered and parents[name] <= ordered.keys()]
        ordered |= {name: found[name] for name in free}
    return tuple(ordered.values())


def _table(schema: apsw.Connection, name: str) -> Table:
    described = _pragma(schema, "table_info", name)
    key = tuple(row[1] for row in sorted((row for row in described if row[5]), key=lambda row: row[5]))
    types = {row[1]: row[2] for row in described}
    ordered = {column: types[column] for column in (*key, *(one for one in types if one not in key))}
    unique = [row[1] for row in _pragma(schema, "index_list", name) if row[2] and row[3] == "u"]
    ties = {row[2] for index in unique for row in _pragma(schema, "index_info", index)}
    ties |= {row[3] for row in _pragma(schema, "foreign_key_list", name)}
    return Table(name, key, ordered, tuple(sorted(ties - set(key))))


def _parents(schema: apsw.Connection, name: str) -> set[str]:
    return {row[2] for row in _pragma(schema, "foreign_key_list", name)} - {name}


def _pragma(schema: apsw.Connection, pragma: str, name: str) -> list[tuple[Any, ...]]:
    return schema.execute(f"SELECT * FROM pragma_{pragma}(?)", (name,)).fetchall()  # noqa: S608 - one of three words
