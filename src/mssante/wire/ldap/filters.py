"""Search filters as values, read from and written to BER within bounds.

Not for the text form (see `filter_text`), nor for what a filter means in the directory (see `conditions`).

Source: RFC 4511 section 4.5.1.7; RFC 4526 (empty "and" and "or").
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.errors import TheirProtocolError
from mssante.wire.ldap import ber

AND: Final = 0xA0
OR: Final = 0xA1
NOT: Final = 0xA2
EQUAL: Final = 0xA3
SUBSTRINGS: Final = 0xA4
GREATER: Final = 0xA5
LESS: Final = 0xA6
PRESENT: Final = 0x87
APPROX: Final = 0xA8
EXTENSIBLE: Final = 0xA9
_INITIAL: Final = 0x80
_ANY: Final = 0x81
_FINAL: Final = 0x82
_RULE: Final = 0x81
_TYPE: Final = 0x82
_VALUE: Final = 0x83
_DN_ATTRIBUTES: Final = 0x84


class FilterTooLargeError(TheirProtocolError):
    """The filter is well-formed as far as it was read, yet deeper or longer than we read."""


@dataclass(frozen=True, slots=True)
class FilterLimits:
    """How much of a filter is read.

    Attributes:
        depth: most parts inside each other.
        parts: most parts in all, the pieces of substrings counted.
    """

    depth: int = 32
    parts: int = 256


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds; true when there is none."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; false when there is none."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute compared with one value; `tag` is EQUAL, GREATER, LESS or APPROX."""

    tag: int
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Substrings:
    """An attribute that begins with, holds in that order, and ends with; None: no such piece."""

    attribute: str
    initial: bytes | None
    middle: tuple[bytes, ...]
    final: bytes | None


@dataclass(frozen=True, slots=True)
class Present:
    """An attribute that has a value."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Extensible:
    """A value compared by a named rule; `rule` or `attribute` may be "", not both."""

    rule: str
    attribute: str
    value: bytes
    dn_attributes: bool = False


Filter = And | Or | Not | Comparison | Substrings | Present | Extensible


class Counter:
    """Counts what was read of one filter, so that a small message never becomes much work."""

    __slots__ = ("_depth", "_parts")

    def __init__(self, limits: FilterLimits) -> None:
        """Start at the outermost part."""
        self._depth = limits.depth
        self._parts = limits.parts

    def part(self, depth: int) -> None:
        """Count a part.

        Raises:
            FilterTooLargeError: it is one too many, or too deep.
        """
        self._parts -= 1
        if self._parts < 0 or depth > self._depth:
            msg = "the filter is too deep or has too many parts"
            raise FilterTooLargeError(msg)


def read_filter(elements: ber.Elements, limits: FilterLimits) -> Filter:
    """Return the filter that stands here.

    Raises:
        TheirProtocolError: it is none.
        FilterTooLargeError: it is deeper or longer than the limits.
    """
    return _read(elements, Counter(limits), 1)


def _read(elements: ber.Elements, counter: Counter, depth: int) -> Filter:
    counter.part(depth)
    tag = elements.next_tag
    if tag in {AND, OR}:
        inside = elements.inside(tag)
        parts: list[Filter] = []
        while not inside.at_end:
            parts.append(_read(inside, counter, depth + 1))
        return And(tuple(parts)) if tag == AND else Or(tuple(parts))
    if tag == NOT:
        return Not(_read(elements.inside(tag), counter, depth + 1))
    if tag in {EQUAL, GREATER, LESS, APPROX}:
        inside = elements.inside(tag)
        return Comparison(tag, inside.text(), inside.octets())
    if tag == PRESENT:
        return Present(elements.text(tag))
    if tag == SUBSTRINGS:
        return _read_substrings(elements.inside(tag), counter)
    if tag == EXTENSIBLE:
        return _read_extensible(elements.inside(tag))
    msg = f"0x{tag & 0xFF:02x} is no kind of filter"
    raise TheirProtocolError(msg)


def _read_substrings(inside: ber.Elements, counter: Counter) -> Substrings:
    attribute, pieces = inside.text(), inside.inside()
    initial = pieces.octets(_INITIAL) if pieces.next_tag == _INITIAL else None
    middle: list[bytes] = []
    while pieces.next_tag == _ANY:
        counter.part(0)
        middle.append(pieces.octets(_ANY))
    final = pieces.octets(_FINAL) if pieces.next_tag == _FINAL else None
    if not pieces.at_end or (initial is None and final is None and not middle):
        msg = "substrings are none, or not initial, any and final in that order"
        raise TheirProtocolError(msg)
    return Substrings(attribute, initial, tuple(middle), final)


def _read_extensible(inside: ber.Elements) -> Extensible:
    rule = inside.text(_RULE) if inside.next_tag == _RULE else ""
    attribute = inside.text(_TYPE) if inside.next_tag == _TYPE else ""
    value = inside.octets(_VALUE)
    dn_attributes = inside.flag(_DN_ATTRIBUTES) if inside.next_tag == _DN_ATTRIBUTES else False
    if not rule and not attribute:
        msg = "an extensible match names neither a rule nor an attribute"
        raise TheirProtocolError(msg)
    return Extensible(rule, attribute, value, dn_attributes)


def write_filter(wanted: Filter) -> bytes:
    """Return the filter in BER."""
    match wanted:
        case And(parts):
            return ber.sequence(*(write_filter(part) for part in parts), tag=AND)
        case Or(parts):
            return ber.sequence(*(write_filter(part) for part in parts), tag=OR)
        case Not(part):
            return ber.element(NOT, write_filter(part))
        case Comparison(tag, attribute, value):
            return ber.sequence(ber.text(attribute), ber.octets(value), tag=tag)
        case Present(attribute):
            return ber.element(PRESENT, attribute.encode("utf-8", "surrogateescape"))
        case Substrings():
            return _write_substrings(wanted)
        case Extensible():
            return _write_extensible(wanted)


def _write_substrings(wanted: Substrings) -> bytes:
    pieces = [ber.element(_ANY, piece) for piece in wanted.middle]
    if wanted.initial is not None:
        pieces.insert(0, ber.element(_INITIAL, wanted.initial))
    if wanted.final is not None:
        pieces.append(ber.element(_FINAL, wanted.final))
    return ber.sequence(ber.text(wanted.attribute), ber.sequence(*pieces), tag=SUBSTRINGS)


def _write_extensible(wanted: Extensible) -> bytes:
    parts = [ber.element(_VALUE, wanted.value)]
    if wanted.attribute:
        parts.insert(0, ber.element(_TYPE, wanted.attribute.encode("utf-8", "surrogateescape")))
    if wanted.rule:
        parts.insert(0, ber.element(_RULE, wanted.rule.encode("utf-8", "surrogateescape")))
    if wanted.dn_attributes:
        parts.append(ber.element(_DN_ATTRIBUTES, b"\xff"))
    return ber.sequence(*parts, tag=EXTENSIBLE)
