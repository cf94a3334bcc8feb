"""Questions of the embedded engine as questions of PostgreSQL."""

import json

import pytest

from mssante.model.directory_search import Column
from mssante.model.errors import StoreError
from mssante.store.directory.postgres.expressions import as_tsquery
from mssante.store.directory.search import any_word, either, every

ONE = any_word(["martin"])
IN = any_word(["martin", "paul"], [Column.PERSON])


@pytest.mark.parametrize(
    ("expression", "tsquery", "groups"),
    [
        (ONE, "( ('martin' | ':amartin') )", [["martin"]]),
        (IN, "( ':pmartin' | ':ppaul' )", [["martin", "paul"]]),
        (any_word(["du"], [Column.PLACE], begun=True), "( ':ldu':* )", None),
        (any_word(["x"], [Column.PERSON, Column.HOUSE]), "( (':hx' | ':px') )", [["x"]]),
        (
            any_word(["x"], [Column.PERSON, Column.WORK, Column.HOUSE, Column.PLACE]),
            "( 'x' )",
            [["x"]],
        ),
        (
            every([IN, any_word(["x"])]),
            "( ( ':pmartin' | ':ppaul' ) ) & ( ( (':ax' | 'x') ) )",
            [["martin", "paul"], ["x"]],
        ),
        (either([IN, IN]), "( ( ':pmartin' | ':ppaul' ) ) | ( ( ':pmartin' | ':ppaul' ) )", None),
        (any_word(["a'b\\c"], [Column.WORK]), "( ':wa''b\\\\c' )", [["a'b\\c"]]),
        (any_word(['a"b'], [Column.WORK]), "( ':wa\"b' )", [['a"b']]),
        (any_word(["é" * 600], [Column.WORK]), f"( ':w{'é' * 500}' )", [["é" * 500]]),
    ],
)
def test_an_expression_becomes_a_tsquery(expression: str, tsquery: str, groups: list[list[str]] | None) -> None:
    found, said = as_tsquery(expression)
    assert sorted(found.replace("(", " ").replace(")", " ").split()) == sorted(
        tsquery.replace("(", " ").replace(")", " ").split()
    )
    assert found.count("(") == found.count(")") == tsquery.count("(")
    assert said == ("" if groups is None else json.dumps(groups))


@pytest.mark.parametrize("text", ["martin", '"martin" NEAR "paul"', '"martin', "'; DROP SCHEMA directory"])
def test_what_is_no_expression_of_ours_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="not an expression"):
        as_tsquery(text)
