"""Named queries: read once, bound by place, none lost and none unused."""

import re
from pathlib import Path

import pytest

import mssante.store
from mssante.model.errors import StoreError
from mssante.store.named import load_queries, parse_queries
from mssante.store.postgres.queries import JOINED


def test_binds_parameters_by_place_in_the_order_of_the_text() -> None:
    query = parse_queries("-- name: a\n-- One.\nSELECT :x, :y, :x, 'a::b' WHERE t > :long_name\n", "t.sql")["a"]
    assert query.sql == "SELECT ?1, ?2, ?1, 'a::b' WHERE t > ?3"
    assert query.bind({"y": 2, "x": 1, "long_name": 3}) == (1, 2, 3)
    assert query.caption == "One."


@pytest.mark.parametrize(
    "text",
    [
        "-- name: a\n-- One.\nSELECT 1\n-- name: a\n-- Two.\nSELECT 2\n",
        "-- name: a\nSELECT 1\n",
        "-- name: a\n-- One.\n",
    ],
)
def test_refuses_a_file_with_a_fault(text: str) -> None:
    with pytest.raises(StoreError, match=r"t\.sql"):
        parse_queries(text, "t.sql")


def test_every_query_is_used_and_every_name_exists() -> None:
    folder = Path(str(mssante.store.__file__)).parent
    source = "\n".join(file.read_text() for file in folder.glob("*.py"))
    used = set(re.findall(r"""(?:tx\.(?:run|insert|one|all)\(|_all\(tx,)\s*"([a-z_0-9]+)\"""", source))
    assert used == set(load_queries()) | JOINED


def test_every_query_says_what_it_is_for() -> None:
    assert all(query.caption.endswith((".", '"')) for query in load_queries().values())
