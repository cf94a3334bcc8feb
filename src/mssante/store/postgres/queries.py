"""The named queries as PostgreSQL takes them: those of the embedded engine, a few in words of their own.

``store/postgres/queries`` holds what the two dialects do not share, under the same names.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from mssante.model.errors import StoreError
from mssante.store.named import Query, read_queries
from mssante.store.postgres import words
from mssante.store.tx import Value

_WHOLE_NUMBERS: Final = frozenset(
    {
        "account_id", "after", "after_id", "after_seq", "after_uid", "amount", "arrived", "before_id", "body_only",
        "copy_id", "delegation_id", "folder_id", "from_uid", "high", "last_id", "limit", "low", "mailbox_id",
        "message_id", "messages", "modseq", "now", "now_seconds", "size_bytes", "uid", "unseen",
    }
)  # fmt: skip
"""Parameters that are whole numbers everywhere; the server would take some of them for smaller ones than they are."""
JOINED: Final = frozenset({"add_message_at_once", "append_audit", "file_at_once"})
"""Queries of this engine alone: several steps of the other in one, on the path of acceptance."""
_TABLE: Final = re.compile(r"INSERT INTO (\w+)")
_NUMBERS: Final = {"trust_list": "list_id"}
_DERIVED: Final[Mapping[str, Callable[[Mapping[str, Value]], Mapping[str, Value]]]] = {
    "add_text": words.to_add,
    "search_text": words.to_search,
}
"""Queries that take more than the other engine needs."""


@cache
def load_queries() -> Mapping[str, Query]:
    """Return every named query of the store, read once.

    Raises:
        StoreError: a query of this engine has a name that the other does not know, or a file is not well-formed.
    """
    shared = read_queries("mssante.store", _place)
    own = read_queries("mssante.store.postgres", _place)
    unknown = sorted(own.keys() - shared.keys() - JOINED)
    if unknown:
        msg = f"postgres/queries: query {unknown[0]} is in no file of store/queries"
        raise StoreError(msg)
    return {**shared, **own, **{name: _deriving(own[name], derive) for name, derive in _DERIVED.items()}}


def _deriving(query: Query, derive: Callable[[Mapping[str, Value]], Mapping[str, Value]]) -> Query:
    return replace(query, bind=lambda params: query.bind(derive(params)))


@cache
def returning_number(sql: str) -> str:
    """Return a plain INSERT that gives the number of its new row back."""
    found = _TABLE.match(sql)
    if found is None:
        msg = f"this query is no plain INSERT: {sql[:60]}"
        raise StoreError(msg)
    return f"{sql} RETURNING {_NUMBERS.get(found[1], f'{found[1]}_id')}"


def _place(number: int, name: str) -> str:
    return f"CAST(${number} AS bigint)" if name in _WHOLE_NUMBERS else f"${number}"
