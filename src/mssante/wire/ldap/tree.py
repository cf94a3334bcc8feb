"""The tree of names: where a name stands, and the name of an entry. Ours: the national tree is not public.

::

    ou=mssante,o=annuaire,c=fr           (the suffix is a setting)
        ou=boites                        mail=<address>            each mailbox
        ou=professionnels                uid=<IdNat_PS>            each professional
        ou=structures                    idStructure=<IdNat_Struct> each structure

Source: decision 0018; clients.md 4.4 (tree and names unknown).
"""

import enum
import re
from dataclasses import dataclass
from typing import Final

from mssante.model.directory import Entry, Field, Subject
from mssante.model.dn import DistinguishedName, parse_dn
from mssante.wire.ldap.attributes import BY_NAME, SCHEMA_NAME
from mssante.wire.ldap.entries import Node

DEFAULT_SUFFIX: Final = "ou=mssante,o=annuaire,c=fr"
_PLAIN: Final = re.compile(r"[A-Za-z0-9@._\-]+")
_CLASS_OF: Final = {"ou": "organizationalUnit", "o": "organization", "dc": "domain"}
Rdn = frozenset[tuple[str, str]]


class Branch(enum.Enum):
    """The folders of the tree; the value is the ``ou``."""

    BOXES = "boites"
    PEOPLE = "professionnels"
    PLACES = "structures"


@dataclass(frozen=True, slots=True)
class _Kind:
    subject: Subject
    naming: str
    field: Field
    about: str


_KINDS: Final = {
    Branch.BOXES: _Kind(Subject.MAILBOXES, "mail", Field.ADDRESS, "Boîtes aux lettres MSSanté"),
    Branch.PEOPLE: _Kind(Subject.PROFESSIONALS, "uid", Field.PERSON, "Professionnels"),
    Branch.PLACES: _Kind(Subject.STRUCTURES, "idStructure", Field.STRUCTURE, "Structures"),
}


class Fixed(enum.Enum):
    """Names that are always there."""

    ROOT = "root"
    SCHEMA = "schema"
    TOP = "top"


@dataclass(frozen=True, slots=True)
class Leaf:
    """The name of what would be an entry of the directory; whether there is one, the directory knows."""

    branch: Branch
    value: str

    @property
    def subject(self) -> Subject:
        """Return what it would be."""
        return _KINDS[self.branch].subject

    @property
    def field(self) -> Field:
        """Return what its value is looked up in."""
        return _KINDS[self.branch].field


@dataclass(frozen=True, slots=True)
class Nowhere:
    """A name that is not in the tree; `matched` is the nearest above it that is."""

    matched: str


Place = Fixed | Branch | Leaf | Nowhere


class Tree:
    """The names below one suffix.

    Attributes:
        suffix: as it is written in names.
        top, branches: their entries.
    """

    __slots__ = ("_branch_keys", "_schema_key", "_suffix_key", "branches", "suffix", "top")

    def __init__(self, suffix: str = DEFAULT_SUFFIX) -> None:
        """Make the fixed names.

        Raises:
            TheirProtocolError: the suffix is no distinguished name.
        """
        parsed = parse_dn(suffix)
        self.suffix = suffix
        self._suffix_key = _key(parsed)
        self._schema_key = _key(parse_dn(SCHEMA_NAME))
        self._branch_keys: dict[Rdn, Branch] = {frozenset({("ou", one.value)}): one for one in Branch}
        naming, value = parsed.rdns[0][0]
        self.top = _node(suffix, _canonical(naming), value, "Annuaire MSSanté (arbre propre à ce serveur)", ())
        self.branches = {
            one: _node(f"ou={one.value},{suffix}", "ou", one.value, _KINDS[one].about, ()) for one in Branch
        }

    def locate(self, name: str) -> Place:
        """Return where a name stands.

        Raises:
            TheirProtocolError: it is no distinguished name.

        Source: RFC 4514 section 3; RFC 4511 section 4.5.1.1.
        """
        if not name.strip():
            return Fixed.ROOT
        parsed = parse_dn(name)
        key = _key(parsed)
        if key == self._schema_key:
            return Fixed.SCHEMA
        below = len(key) - len(self._suffix_key)
        if below < 0 or key[below:] != self._suffix_key:
            return Nowhere("")
        if below == 0:
            return Fixed.TOP
        branch = self._branch_keys.get(key[below - 1])
        if branch is None:
            return Nowhere(self.suffix)
        return branch if below == 1 else self._leaf(parsed, branch, below)

    def _leaf(self, parsed: DistinguishedName, branch: Branch, below: int) -> Leaf | Nowhere:
        pairs = parsed.rdns[0]
        if below == 2 and len(pairs) == 1 and _canonical(pairs[0][0]) == _KINDS[branch].naming and pairs[0][1]:
            return Leaf(branch, pairs[0][1])
        return Nowhere(self.branches[branch].name)

    def name_of(self, entry: Entry) -> str:
        """Return the name of an entry of the directory."""
        if entry.mailbox is not None:
            branch, value = Branch.BOXES, entry.mailbox.address
        elif entry.professional is not None:
            branch, value = Branch.PEOPLE, entry.professional.identifier
        else:
            branch, value = Branch.PLACES, "" if entry.structure is None else entry.structure.identifier
        naming = _KINDS[branch].naming
        if _PLAIN.fullmatch(value):
            return f"{naming}={value},ou={branch.value},{self.suffix}"
        return f"{DistinguishedName((((naming, value),),))},ou={branch.value},{self.suffix}"

    def is_at(self, leaf: Leaf, entry: Entry) -> bool:
        """Tell whether the entry has that name: the directory also finds numbers written without their kind."""
        return _key(parse_dn(self.name_of(entry)))[0] == _fold(_KINDS[leaf.branch].naming, leaf.value)


def subject_of(branch: Branch) -> Subject:
    """Return what stands in a branch."""
    return _KINDS[branch].subject


def _canonical(kind: str) -> str:
    """Return the usual name of an attribute type: ``OU``, ``organizationalUnitName`` and 2.5.4.11 are ``ou``."""
    known = BY_NAME.get(kind.lower())
    return kind.lower() if known is None else known.name


def _key(name: DistinguishedName) -> tuple[Rdn, ...]:
    return tuple(frozenset((_canonical(kind), value) for kind, value in rdn) for rdn in name.key)


def _fold(kind: str, value: str) -> Rdn:
    return _key(DistinguishedName((((kind, value),),)))[0]


def _node(name: str, naming: str, value: str, about: str, more: tuple[str, ...]) -> Node:
    return Node(
        name,
        (
            ("objectClass", ("top", _CLASS_OF.get(naming, "extensibleObject"), *more)),
            (naming, (value,)),
            ("description", (about,)),
        ),
        (("subschemaSubentry", (SCHEMA_NAME,)), ("hasSubordinates", ("TRUE",))),
    )
