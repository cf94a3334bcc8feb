r"""Expressions of the full-text engine of SQLite, as `mssante.store.directory.search` makes them, as tsquery.

The index holds each word behind a colon and the letter of its column (``':pdupont'``), and the words of all columns but
the address once more as they are: most questions look there. An expression is made of words in quotes (``"dupont"``,
``"dup"*``), of words in some columns (``{person joined} : (...)``), AND and OR.

Source: PostgreSQL 15 documentation 8.11.2 (tsquery: words in quotes, \ and ' doubled in them, ``:*`` for a beginning).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mssante.model.errors import StoreError

WORD_MAX_CHARS: Final = 500
"""Words are kept up to here: 2046 bytes are the most that a tsvector takes."""

_MARKS: Final[Mapping[str, str]] = {
    "person": ":p",
    "joined": ":p",
    "work": ":w",
    "house": ":h",
    "place": ":l",
    "address": ":a",
}
_ANYWHERE: Final = frozenset(_MARKS.values())
_NAMED: Final = _ANYWHERE - {":a"}
_TOKEN: Final = re.compile(r'\s*(?:"((?:[^"]|"")*)"(\*?)|([()])|(AND|OR)\b|\{([a-z ]+)\}\s*:)\s*')
_SIGNS: Final = {"AND": "&", "OR": "|"}


@dataclass(slots=True)
class _Reading:
    """What was read so far.

    Attributes:
        marks: of the columns in force, which were opened `inside` parentheses.
        groups: how deep -> words of which one is wanted.
        wanted: such groups, all of which are wanted.
        is_plain: nothing else is wanted, and no beginnings.
    """

    parts: list[str] = field(default_factory=list)
    depth: int = 0
    marks: frozenset[str] = frozenset()
    inside: int = 0
    group: list[str] = field(default_factory=list)
    wanted: list[list[str]] = field(default_factory=list)
    is_plain: bool = True


def as_tsquery(expression: str) -> tuple[str, str]:
    """Return the same question as a tsquery, and the groups of words (JSON) of which it wants one each.

    Returns:
        The groups are "" when the question is not made of such groups only.

    Raises:
        StoreError: it is no such expression (a bug in the caller).
    """
    reading, place = _Reading(), 0
    while place < len(expression):
        token = _TOKEN.match(expression, place)
        if token is None:
            msg = f"not an expression of the directory's search, from {place} on: {expression[:200]!r}"
            raise StoreError(msg)
        word, star, bracket, sign, columns = token.groups()
        if word is not None:
            _read_word(reading, word.replace('""', '"')[:WORD_MAX_CHARS], star)
        elif bracket:
            _read_bracket(reading, bracket)
        elif sign:
            reading.is_plain &= sign == "AND" or bool(reading.group)
            reading.parts.append(_SIGNS[sign])
        else:
            reading.marks = frozenset([_MARKS[one] for one in columns.split()])
            reading.inside = reading.depth + 1
        place = token.end()
    return " ".join(reading.parts), json.dumps(reading.wanted) if reading.is_plain else ""


def _read_bracket(reading: _Reading, bracket: str) -> None:
    reading.parts.append(bracket)
    reading.depth += 1 if bracket == "(" else -1
    if bracket == ")":
        if reading.group:
            reading.wanted.append(reading.group)
            reading.group = []
        if reading.depth < reading.inside:
            reading.marks, reading.inside = frozenset(), 0


def _read_word(reading: _Reading, word: str, star: str) -> None:
    reading.group.append(word)
    reading.is_plain &= not star
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    end = ":*" if star else ""
    marks = reading.marks or _ANYWHERE
    if marks >= _NAMED:
        marks = (marks - _NAMED) | {""}
    found = [f"'{mark}{quoted}'{end}" for mark in sorted(marks)]
    reading.parts.append(f"({' | '.join(found)})" if len(found) > 1 else found[0])
