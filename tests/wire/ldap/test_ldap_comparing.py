"""Values are compared without case and with single spaces; an entry without the attribute is told apart.

Source: RFC 4511 section 4.10; RFC 4518.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.wire.ldap.comparing import compared
from mssante.wire.ldap.results import ResultCode as R


@pytest.mark.parametrize(
    ("values", "value", "code"),
    [
        ((), b"x", R.NO_SUCH_ATTRIBUTE),
        (("Rue  du Clain",), b" rue du CLAIN ", R.COMPARE_TRUE),
        (("a", "É"), "é".encode(), R.COMPARE_TRUE),
        (("E",), "é".encode(), R.COMPARE_FALSE),
        (("TRUE",), b"true", R.COMPARE_TRUE),
        (("x",), b"\xff", R.COMPARE_FALSE),
        (("x",), b"", R.COMPARE_FALSE),
    ],
)
def test_a_value_is_there_or_not(values: tuple[str, ...], value: bytes, code: R) -> None:
    assert compared(values, value) is code


@given(st.text(min_size=1), st.binary())
def test_a_value_is_equal_to_itself_and_any_bytes_are_answered(text: str, value: bytes) -> None:
    assert compared((text,), text.encode("utf-8", "replace")) in {R.COMPARE_TRUE, R.COMPARE_FALSE}
    assert compared((text,), value) in {R.COMPARE_TRUE, R.COMPARE_FALSE}
