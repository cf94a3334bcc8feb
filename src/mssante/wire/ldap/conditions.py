"""What a search filter asks of the directory, as the directory's own condition: three-valued, then true or not.

A part that cannot be decided (an unknown attribute, an order that the schema has not, a value that is no text) is
Undefined: it never makes an entry found, not even behind "not". Pieces of substrings are each required; that they
come in their order is not looked at, since names are compared in any order anyway.

Source: RFC 4511 section 4.5.1.7; RFC 4515; decision 0018.
"""

from collections.abc import Callable, Iterable
from typing import Final

from mssante.model.directory import All, Any, Condition, Field, How, Match, Not
from mssante.wire.ldap import filters as f
from mssante.wire.ldap.attributes import BY_NAME, Attribute
from mssante.wire.ldap.values import BOX_CLASS, PERSON_CLASSES, PROFESSIONAL_CLASS, STRUCTURE_CLASS

VALUE_MAX_CHARS: Final = 256
EVERYTHING: Final = All(())
NOTHING: Final = Any(())

_HAS_BOX: Final = Match(Field.ADDRESS, How.PRESENT)
_HAS_PERSON: Final = Match(Field.PERSON, How.PRESENT)
_HAS_PLACE: Final = Match(Field.STRUCTURE, How.PRESENT)
_SOMEBODY: Final = Any((_HAS_BOX, _HAS_PERSON))
_CLASSES: Final[dict[str, Condition]] = {
    "top": EVERYTHING,
    **{name.lower(): _SOMEBODY for name in PERSON_CLASSES[1:]},
    "organization": All((Not(_HAS_BOX), Not(_HAS_PERSON))),
    BOX_CLASS.lower(): _HAS_BOX,
    PROFESSIONAL_CLASS.lower(): _HAS_PERSON,
    STRUCTURE_CLASS.lower(): _HAS_PLACE,
    # Known, but of no entry that the directory gives.
    "organizationalunit": NOTHING,
    "subschema": NOTHING,
}
# Attributes that every entry has, or whose presence says something else than that of their fields.
_PRESENT: Final[dict[str, Condition]] = {
    "objectClass": EVERYTHING,
    "cn": EVERYTHING,
    "displayName": EVERYTHING,
    "sn": _SOMEBODY,
}
# "caseIgnoreMatch" and its like say what "equal" says here already.
_EQUALITY_RULES: Final = frozenset(
    {"", "caseignorematch", "2.5.13.2", "caseignoreia5match", "1.3.6.1.4.1.1466.109.114.2"}
)
_CAPITALS: Final = frozenset({Field.KIND, Field.DEPARTMENT})


def condition(wanted: f.Filter) -> Condition:
    """Return what is true of exactly the entries that the filter finds."""
    return _truth(wanted, wants=True)


def all_of(parts: Iterable[Condition]) -> Condition:
    """Return what holds when every part does, without what says nothing."""
    kept: dict[Condition, None] = {}
    for part in parts:
        kept.update(dict.fromkeys(part.parts if isinstance(part, All) else (part,)))
    if NOTHING in kept:
        return NOTHING
    return next(iter(kept)) if len(kept) == 1 else All(tuple(kept))


def any_of(parts: Iterable[Condition]) -> Condition:
    """Return what holds when one part does, without what says nothing."""
    kept: dict[Condition, None] = {}
    for part in parts:
        kept.update(dict.fromkeys(part.parts if isinstance(part, Any) else (part,)))
    if EVERYTHING in kept:
        return EVERYTHING
    return next(iter(kept)) if len(kept) == 1 else Any(tuple(kept))


def _opposite(part: Condition) -> Condition:
    if part in {EVERYTHING, NOTHING}:
        return NOTHING if part == EVERYTHING else EVERYTHING
    return part.part if isinstance(part, Not) else Not(part)


def _truth(wanted: f.Filter, *, wants: bool) -> Condition:
    """Return when the filter is true, or when it is false: neither holds where it is Undefined."""
    match wanted:
        case f.Not(part):
            return _truth(part, wants=not wants)
        case f.And(parts) | f.Or(parts):
            judged = [_truth(part, wants=wants) for part in parts]
            return all_of(judged) if isinstance(wanted, f.And) == wants else any_of(judged)
        case _:
            found = _leaf(wanted)
            if found is None:
                return NOTHING
            return found if wants else _opposite(found)


def _leaf(wanted: f.Comparison | f.Substrings | f.Present | f.Extensible) -> Condition | None:
    attribute = BY_NAME.get(wanted.attribute.lower())
    if attribute is None:
        return None
    match wanted:
        case f.Present():
            return _present(attribute)
        case f.Comparison(tag, _, value):
            return _equal(attribute, value) if tag in {f.EQUAL, f.APPROX} else None
        case f.Extensible(rule, _, value):
            return _equal(attribute, value) if rule.lower() in _EQUALITY_RULES else None
        case f.Substrings():
            return _substrings(attribute, wanted)


def _present(attribute: Attribute) -> Condition | None:
    if attribute.name in _PRESENT:
        return _PRESENT[attribute.name]
    if not attribute.fields:
        return None
    return any_of(Match(one, How.PRESENT) for one in attribute.fields)


def _equal(attribute: Attribute, value: bytes) -> Condition | None:
    text = _text(value)
    if text is None:
        return None
    if attribute.name == "objectClass":
        return _CLASSES.get(text.lower())
    return _compare(attribute, lambda one: Match(one, How.EQUALS, _as_kept(one, text)))


def _substrings(attribute: Attribute, wanted: f.Substrings) -> Condition | None:
    pieces = [(How.STARTS, wanted.initial), *((How.CONTAINS, one) for one in wanted.middle), (How.ENDS, wanted.final)]
    texts = [(how, _text(value)) for how, value in pieces if value is not None]
    said = [(how, text) for how, text in texts if text is not None]
    if len(said) < len(texts):
        return None
    return _compare(attribute, lambda one: all_of(Match(one, how, _as_kept(one, text)) for how, text in said))


def _text(value: bytes) -> str | None:
    """Return the value as text, None when it is none that could be compared."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if 0 < len(text) <= VALUE_MAX_CHARS else None


def _as_kept(where: Field, text: str) -> str:
    return text.upper() if where in _CAPITALS else text


def _compare(attribute: Attribute, compare: Callable[[Field], Condition]) -> Condition | None:
    """Return when one of the attribute's fields compares; None when it is not searched by."""
    return any_of(compare(one) for one in attribute.fields) if attribute.fields else None
