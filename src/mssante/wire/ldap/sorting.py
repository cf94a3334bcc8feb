"""The controls by which a client has its results sorted, and the order itself.

Names are put in the order of French lists: without case, accents, hyphens; what differs in nothing else keeps the
order in which it was found. Not for how many results are sorted at most (see `mssante.doors.ldap.sorting`).

Source: RFC 2891; decision 0018.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mssante.model.directory import Entry
from mssante.model.errors import TheirProtocolError
from mssante.model.folding import fold
from mssante.wire.ldap import ber
from mssante.wire.ldap.attributes import BY_NAME
from mssante.wire.ldap.entries import Node
from mssante.wire.ldap.messages import Control
from mssante.wire.ldap.results import SORTED, SORTING, ResultCode

KEYS_MAX: Final = 5
SORTABLE: Final = frozenset({"cn", "sn", "givenName", "mail", "l"})
"""What results are sorted by."""
_RULE: Final = 0x80
_REVERSE: Final = 0x81
_ATTRIBUTE: Final = 0x80
_RULES: Final = frozenset({"", "2.5.13.3", "caseignoreorderingmatch"})

Item = Node | Entry


@dataclass(frozen=True, slots=True)
class SortKey:
    """One attribute to sort by.

    Attributes:
        rule: a matching rule by name or object identifier, "" for the attribute's own.
    """

    attribute: str
    rule: str = ""
    is_reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sorting:
    """What a client asks for; the first key counts most."""

    keys: tuple[SortKey, ...]
    is_critical: bool = False


@dataclass(frozen=True, slots=True)
class SortResult:
    """What became of it; `attribute` is the one that is the fault, or ""."""

    code: ResultCode
    attribute: str = ""


def read_sorting(control: Control) -> Sorting:
    """Return what a client asks for.

    Raises:
        TheirProtocolError: it is malformed, or has no key.

    Source: RFC 2891 section 1.1.
    """
    listed = ber.Elements(control.value or b"").inside()
    keys: list[SortKey] = []
    while not listed.at_end:
        one = listed.inside()
        attribute = one.text()
        rule = one.text(_RULE) if one.next_tag == _RULE else ""
        keys.append(SortKey(attribute, rule, one.flag(_REVERSE) if one.next_tag == _REVERSE else False))
    if not keys:
        msg = "a sort without a key"
        raise TheirProtocolError(msg)
    return Sorting(tuple(keys), control.is_critical)


def write_sorting(sorting: Sorting) -> Control:
    """Return the control of a client."""
    keys = [_write_key(one) for one in sorting.keys]
    return Control(SORTING, sorting.is_critical, ber.sequence(*keys))


def _write_key(key: SortKey) -> bytes:
    parts = [ber.text(key.attribute)]
    if key.rule:
        parts.append(ber.element(_RULE, key.rule.encode()))
    if key.is_reverse:
        parts.append(ber.element(_REVERSE, b"\xff"))
    return ber.sequence(*parts)


def read_sorted(control: Control) -> SortResult:
    """Return what a server says of its order.

    Raises:
        TheirProtocolError: it is malformed.

    Source: RFC 2891 section 1.2.
    """
    inside = ber.Elements(control.value or b"").inside()
    number = inside.number(ber.ENUMERATED)
    attribute = inside.text(_ATTRIBUTE) if inside.next_tag == _ATTRIBUTE else ""
    try:
        return SortResult(ResultCode(number), attribute)
    except ValueError as error:
        msg = f"{number} is no result"
        raise TheirProtocolError(msg) from error


def write_sorted(result: SortResult) -> Control:
    """Return the control of a server; it is never critical."""
    parts = [ber.number(result.code.value, ber.ENUMERATED)]
    if result.attribute:
        parts.append(ber.element(_ATTRIBUTE, result.attribute.encode("utf-8", "surrogateescape")))
    return Control(SORTED, is_critical=False, value=ber.sequence(*parts))


def judge_keys(keys: Sequence[SortKey]) -> SortResult:
    """Return whether results can be sorted by these keys: success, or why not and by which of them.

    Source: RFC 2891 section 1.2 (noSuchAttribute, inappropriateMatching, unwillingToPerform).
    """
    seen: set[str] = set()
    for key in keys[:KEYS_MAX]:
        known = BY_NAME.get(key.attribute.lower())
        if known is None:
            return SortResult(ResultCode.NO_SUCH_ATTRIBUTE, key.attribute)
        if key.rule.lower() not in _RULES or known.name not in SORTABLE:
            return SortResult(ResultCode.INAPPROPRIATE_MATCHING, key.attribute)
        if known.name in seen:
            return SortResult(ResultCode.UNWILLING_TO_PERFORM, key.attribute)
        seen.add(known.name)
    return SortResult(ResultCode.UNWILLING_TO_PERFORM if len(keys) > KEYS_MAX else ResultCode.SUCCESS)


def in_order(items: Sequence[Item], keys: Sequence[SortKey]) -> list[Item]:
    """Return the items in the order of keys that `judge_keys` has passed.

    Of several values the least counts; without a value an item is larger than any with one.

    Source: RFC 2891 section 2 (missing values are the largest; the least of several values is used).
    """
    found = list(items)
    for key in reversed(keys):
        attribute = BY_NAME[key.attribute.lower()]

        def place(item: Item, name: str = attribute.name) -> tuple[bool, str]:
            values = item.values(name) if isinstance(item, Node) else BY_NAME[name.lower()].values(item)
            return not values, min(map(fold, values), default="")

        found.sort(key=place, reverse=key.is_reverse)
    return found
