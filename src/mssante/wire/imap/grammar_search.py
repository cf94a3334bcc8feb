"""The conditions of SEARCH, SORT and THREAD.

Source: RFC 9051 section 6.4.4; RFC 3501 section 6.4.4; RFC 5032; RFC 5182; RFC 7162 section 3.1.5; RFC 8474 section 6;
RFC 8514 section 4.3.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from mssante.model import search as s
from mssante.model.errors import TheirProtocolError
from mssante.model.numbers import NumberSet
from mssante.wire.imap.scanner import MODSEQ_MAX, Scanner, decode_utf8

KEYS_MAX: Final = 1000


def parse_program(scanner: Scanner) -> s.Condition:
    """Return the condition that the search keys make together.

    Raises:
        TheirProtocolError: a key is not known, its argument is wrong, or there are more than 1,000.
    """
    left = [KEYS_MAX]
    conditions = [_key(scanner, left)]
    while scanner.try_char(b" "):
        conditions.append(_key(scanner, left))
    return conditions[0] if len(conditions) == 1 else s.All(tuple(conditions))


def _key(scanner: Scanner, left: list[int]) -> s.Condition:
    left[0] -= 1
    if left[0] < 0:
        raise TheirProtocolError(f"more than {KEYS_MAX} search keys")
    if scanner.peek() == b"(":
        found = scanner.many(lambda: _key(scanner, left))
        if not found:
            raise TheirProtocolError("empty brackets in a search")
        return found[0] if len(found) == 1 else s.All(found)
    if scanner.peek() in _SET_START:
        return _numbers(scanner.number_set(), by_uid=False)
    word = scanner.keyword()
    plain = _PLAIN.get(word)
    if plain is not None:
        return plain
    if word in {"NOT", "OR"}:
        return _combined(scanner, word, left)
    parse = _WITH_ARGUMENT.get(word)
    if parse is None:
        raise TheirProtocolError(f"unknown search key {word[:20]}")
    scanner.space()
    return parse(scanner)


def _combined(scanner: Scanner, word: str, left: list[int]) -> s.Condition:
    # Each one nests, though it has no bracket.
    scanner.deeper()
    scanner.space()
    first = _key(scanner, left)
    found: s.Condition = s.Not(first)
    if word == "OR":
        scanner.space()
        found = s.Either(first, _key(scanner, left))
    scanner.depth += 1
    return found


def _numbers(numbers: NumberSet | None, *, by_uid: bool) -> s.Numbers:
    return s.Numbers(numbers, by_uid, saved=numbers is None)


def _text(where: s.Where) -> Callable[[Scanner], s.Condition]:
    return lambda scanner: s.HasText(where, decode_utf8(scanner.astring()))


def _header(scanner: Scanner) -> s.Condition:
    name = decode_utf8(scanner.astring())
    scanner.space()
    return s.HasHeader(name, decode_utf8(scanner.astring()))


def _day(when: s.When, compare: s.Compare) -> Callable[[Scanner], s.Condition]:
    return lambda scanner: s.OnDay(when, compare, scanner.day())


def _size(*, larger: bool) -> Callable[[Scanner], s.Condition]:
    return lambda scanner: s.Size(scanner.number(MODSEQ_MAX), larger)


def _age(*, younger: bool) -> Callable[[Scanner], s.Condition]:
    def parse(scanner: Scanner) -> s.Condition:
        seconds = scanner.number()
        if seconds == 0:
            raise TheirProtocolError("an age is at least one second")
        return s.Age(seconds, younger)

    return parse


def _modseq(scanner: Scanner) -> s.Condition:
    if scanner.peek() == b'"':
        # A flag whose own number is asked for: we keep one number per message, which is allowed.
        scanner.string()
        scanner.space()
        if scanner.keyword() not in {"PRIV", "SHARED", "ALL"}:
            raise TheirProtocolError("MODSEQ takes priv, shared or all")
        scanner.space()
    return s.ChangedSince(scanner.number(MODSEQ_MAX))


def _keyword(*, wanted: bool) -> Callable[[Scanner], s.Condition]:
    return lambda scanner: s.HasFlag(scanner.flag(), wanted)


_SET_START: Final = frozenset(bytes([code]) for code in b"0123456789*$")
_FLAGS: Final = ("Answered", "Deleted", "Draft", "Flagged", "Seen")
_PLAIN: Final[Mapping[str, s.Condition]] = MappingProxyType(
    {
        "ALL": s.Everything(),
        "NEW": s.IsNew(),
        "OLD": s.HasFlag("\\Recent", wanted=False),
        "RECENT": s.HasFlag("\\Recent"),
        "SAVEDATESUPPORTED": s.SaveDateKnown(),
        **{flag.upper(): s.HasFlag(f"\\{flag}") for flag in _FLAGS},
        **{f"UN{flag.upper()}": s.HasFlag(f"\\{flag}", wanted=False) for flag in _FLAGS},
    }
)
_WITH_ARGUMENT: Final[Mapping[str, Callable[[Scanner], s.Condition]]] = MappingProxyType(
    {
        **{where.name: _text(where) for where in s.Where},
        "HEADER": _header,
        "BEFORE": _day(s.When.INTERNAL, s.Compare.BEFORE),
        "ON": _day(s.When.INTERNAL, s.Compare.ON),
        "SINCE": _day(s.When.INTERNAL, s.Compare.SINCE),
        "SENTBEFORE": _day(s.When.SENT, s.Compare.BEFORE),
        "SENTON": _day(s.When.SENT, s.Compare.ON),
        "SENTSINCE": _day(s.When.SENT, s.Compare.SINCE),
        "SAVEDBEFORE": _day(s.When.SAVED, s.Compare.BEFORE),
        "SAVEDON": _day(s.When.SAVED, s.Compare.ON),
        "SAVEDSINCE": _day(s.When.SAVED, s.Compare.SINCE),
        "LARGER": _size(larger=True),
        "SMALLER": _size(larger=False),
        "OLDER": _age(younger=False),
        "YOUNGER": _age(younger=True),
        "KEYWORD": _keyword(wanted=True),
        "UNKEYWORD": _keyword(wanted=False),
        "UID": lambda scanner: _numbers(scanner.number_set(), by_uid=True),
        "MODSEQ": _modseq,
        "EMAILID": lambda scanner: s.HasId(scanner.text(), thread=False),
        "THREADID": lambda scanner: s.HasId(scanner.text(), thread=True),
    }
)
