"""Whether a value is among those that an entry has, for attributes that the directory is not searched by.

Source: RFC 4511 section 4.10; RFC 4517 section 4.2.11 (caseIgnoreMatch); decision 0018.
"""

from collections.abc import Sequence

from mssante.wire.ldap.results import ResultCode


def compared(values: Sequence[str], value: bytes) -> ResultCode:
    """Return how a comparison ends: true, false, or that the entry has no such attribute."""
    if not values:
        return ResultCode.NO_SUCH_ATTRIBUTE
    asked = _prepared(value.decode("utf-8", "replace"))
    is_there = any(_prepared(one) == asked for one in values)
    return ResultCode.COMPARE_TRUE if is_there else ResultCode.COMPARE_FALSE


def _prepared(text: str) -> str:
    """Return the text without case, with single spaces.

    Source: RFC 4518 sections 2.2 and 2.6.1.
    """
    return " ".join(text.casefold().split())
