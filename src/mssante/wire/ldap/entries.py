"""Which attributes were asked for, and entries with them in BER; and the few entries that are no directory entries.

Source: RFC 4511 section 4.5.1.8; RFC 3673 ("+").
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.directory import Entry
from mssante.wire.ldap import ber
from mssante.wire.ldap import filters as f
from mssante.wire.ldap.attributes import ATTRIBUTES, BY_NAME
from mssante.wire.ldap.responses import attribute
from mssante.wire.ldap.values import Getter

_NONE: Final = "1.1"


@dataclass(frozen=True, slots=True)
class Selection:
    """The attributes that a search wants.

    Attributes:
        names: lower case, as asked; what they mean is looked up, so that an alias or an identifier serves.
    """

    has_user: bool
    has_operational: bool
    names: frozenset[str]

    def wants(self, name: str, *, is_operational: bool = False) -> bool:
        """Tell whether an attribute of that name, lower case, is returned."""
        return (self.has_operational if is_operational else self.has_user) or name in self.names


def read_selection(asked: tuple[str, ...]) -> Selection:
    """Return what the list of a search means; an empty one is all that is the user's."""
    names = frozenset(name.lower() for name in asked if name not in {"*", "+", _NONE})
    known = {BY_NAME[name].name.lower() for name in names if name in BY_NAME}
    return Selection(not asked or "*" in asked, "+" in asked, names | known)


class Projection:
    """Writes directory entries with the attributes of one search."""

    __slots__ = ("_types_only", "_wanted")

    def __init__(self, selection: Selection, *, types_only: bool) -> None:
        """Choose once for all entries of a search."""
        chosen = [one for one in ATTRIBUTES if selection.wants(one.name.lower(), is_operational=one.is_operational)]
        self._wanted: tuple[tuple[Getter, bytes], ...] = tuple((one.values, ber.text(one.name)) for one in chosen)
        self._types_only = types_only

    def write(self, entry: Entry) -> bytes:
        """Return the attributes that the entry has, behind one another."""
        pieces: list[bytes] = []
        for getter, name in self._wanted:
            values = getter(entry)
            if values:
                pieces.append(_attribute(name, () if self._types_only else values))
        return b"".join(pieces)


def _attribute(name: bytes, values: tuple[str, ...]) -> bytes:
    """Return one attribute; `name` is written already.

    One short value, which nearly all have, is written in one go: 1.1 us instead of 2.0 (an address, best of 15).
    """
    if len(values) == 1:
        value = values[0].encode()
        length = len(value)
        inside = len(name) + length + 4
        if inside < 0x80:
            return bytes((ber.SEQUENCE, inside)) + name + bytes((ber.SET, length + 2, ber.OCTETS, length)) + value
    held = b"".join([ber.octets(value.encode()) for value in values])
    return ber.element(ber.SEQUENCE, name + ber.element(ber.SET, held))


@dataclass(frozen=True, slots=True)
class Node:
    """An entry that is ours and never changes: the root, the schema, the branches of the tree.

    Attributes:
        user, operational: names and values, in their order.
    """

    name: str
    user: tuple[tuple[str, tuple[str, ...]], ...]
    operational: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def write(self, selection: Selection, *, types_only: bool) -> bytes:
        """Return the attributes that were asked for."""
        found = [(name, values) for name, values in self.user if selection.wants(name.lower())]
        found += [one for one in self.operational if selection.wants(one[0].lower(), is_operational=True)]
        return b"".join(
            attribute(name, () if types_only else tuple(value.encode() for value in values)) for name, values in found
        )

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of an attribute, by any of its names; none when it has it not."""
        known = BY_NAME.get(name.lower())
        asked = name.lower() if known is None else known.name.lower()
        return next((values for key, values in (*self.user, *self.operational) if key.lower() == asked), ())

    def holds(self, wanted: f.Filter) -> bool | None:
        """Tell whether the filter finds it; None: Undefined.

        Source: RFC 4511 section 4.5.1.7.
        """
        match wanted:
            case f.Not(part):
                found = self.holds(part)
                return None if found is None else not found
            case f.And(parts) | f.Or(parts):
                judged = {self.holds(part) for part in parts}
                strong = isinstance(wanted, f.Or)
                return strong if strong in judged else None if None in judged else not strong
            case f.Extensible():
                return None
            case _:
                return self._compare(wanted)

    def _compare(self, wanted: f.Comparison | f.Substrings | f.Present) -> bool | None:
        asked = wanted.attribute.lower()
        held = [value.lower() for value in self.values(asked)]
        if isinstance(wanted, f.Present):
            return bool(held)
        if not held and asked not in BY_NAME:
            return None
        if isinstance(wanted, f.Substrings):
            return any(_has_pieces(value, wanted) for value in held)
        if wanted.tag in {f.GREATER, f.LESS}:
            return None
        return wanted.value.decode("utf-8", "replace").lower() in held


def _has_pieces(value: str, wanted: f.Substrings) -> bool:
    pieces = [piece.decode("utf-8", "replace").lower() for piece in wanted.middle]
    first, last = ((piece or b"").decode("utf-8", "replace").lower() for piece in (wanted.initial, wanted.final))
    if not value.startswith(first):
        return False
    at = len(first)
    for piece in pieces:
        found = value.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(value) - len(last) >= at and value.endswith(last)
