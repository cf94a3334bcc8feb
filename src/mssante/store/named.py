"""Named queries: reads ``store/queries/*.sql`` once and prepares them for binding by place.

A query is a line ``-- name: mailbox_by_key``, one sentence of comment, then the SQL with ``:name`` parameters.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from operator import itemgetter
from typing import Final

from mssante.model.errors import StoreError
from mssante.store.tx import Value

_HEADING: Final = re.compile(r"^-- name: ([a-z0-9_]+)\n", re.MULTILINE)
_PARAMETER: Final = re.compile(r"(?<![:\w]):([a-z][a-z0-9_]*)")

Place = Callable[[int, str], str]
"""Returns how an engine writes a parameter, from its number and its name."""


def _question_mark(number: int, _name: str) -> str:
    return f"?{number}"


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Attributes:
        sql: with parameters by place (``?1`` or ``$1``), which bind in two thirds of the time of named ones.
        parameters: their names, in that order.
        bind: makes the tuple of values from the named ones; KeyError for one that is missing.
        caption: the sentence that says what it is for.
    """

    sql: str
    parameters: tuple[str, ...]
    bind: Callable[[Mapping[str, Value]], tuple[Value, ...]]
    caption: str


def parse_queries(text: str, source: str, place: Place = _question_mark) -> dict[str, Query]:
    """Return the queries of one file by name.

    Args:
        text: content of the file.
        source: its name, for errors.
        place: how the engine writes its parameters.

    Raises:
        StoreError: a name stands twice, or a query has no sentence or no SQL.
    """
    parts = _HEADING.split(text)
    queries: dict[str, Query] = {}
    for name, block in zip(parts[1::2], parts[2::2], strict=True):
        lines = block.strip().splitlines()
        comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip()
        if name in queries or not comment or not sql:
            msg = f"{source}: query {name} stands twice, or has no sentence or no SQL"
            raise StoreError(msg)
        queries[name] = _prepare(sql, " ".join(comment), place)
    return queries


@cache
def load_queries() -> Mapping[str, Query]:
    """Return every named query of the store as the embedded engine takes it, read once.

    Raises:
        StoreError: two files give the same name, or a file is not well-formed.
    """
    return read_queries("mssante.store", _question_mark)


def read_queries(package: str, place: Place) -> dict[str, Query]:
    """Return the queries of the folder ``queries`` of a package.

    Args:
        package: its dotted name.
        place: how the engine writes its parameters.

    Raises:
        StoreError: two files give the same name, or a file is not well-formed.
    """
    queries: dict[str, Query] = {}
    for file in sorted(resources.files(package).joinpath("queries").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        found = parse_queries(file.read_text(encoding="utf-8"), file.name, place)
        twice = sorted(queries.keys() & found.keys())
        if twice:
            msg = f"{file.name}: query {twice[0]} stands in another file too"
            raise StoreError(msg)
        queries.update(found)
    return queries


def _prepare(sql: str, caption: str, place: Place) -> Query:
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    places = {name: place(number, name) for number, name in enumerate(names, start=1)}
    return Query(_PARAMETER.sub(lambda found: places[found[1]], sql), names, _binder(names), caption)


def _binder(names: tuple[str, ...]) -> Callable[[Mapping[str, Value]], tuple[Value, ...]]:
    if not names:
        return lambda _params: ()
    if len(names) == 1:
        only = names[0]
        return lambda params: (params[only],)
    return itemgetter(*names)
