"""What a search or a comparison is about: where its name stands, and what is in its scope there.

Source: RFC 4511 section 4.5.1.2; decision 0018.
"""

from dataclasses import dataclass

from mssante.doors.ldap.state import State
from mssante.model.directory import Subject
from mssante.wire.ldap.entries import Node
from mssante.wire.ldap.messages import Scope
from mssante.wire.ldap.schema import root_node, schema_node
from mssante.wire.ldap.tree import Branch, Fixed, Leaf, Place, Tree, subject_of


@dataclass(frozen=True, slots=True)
class Aim:
    """What a search looks at.

    Attributes:
        nodes: fixed entries in its scope.
        subject: what it asks the directory for; None: nothing.
        leaf: the one entry that it is about, or None.
    """

    nodes: tuple[Node, ...] = ()
    subject: Subject | None = None
    leaf: Leaf | None = None


def aim_at(tree: Tree, scope: Scope, place: Place) -> Aim:
    """Return what stands in the scope below a place.

    The root counts as above the tree, so that a program that was told no base finds it all the same.

    Source: RFC 4511 section 4.5.1.2.
    """
    branches = tuple(tree.branches.values())
    match place:
        case Fixed.ROOT if scope is Scope.ONE:
            return Aim((tree.top,))
        case Fixed.ROOT | Fixed.TOP if scope is Scope.SUBTREE:
            return Aim((tree.top, *branches), Subject.EVERYTHING)
        case Fixed.TOP:
            return Aim((tree.top,) if scope is Scope.BASE else branches)
        case Fixed.SCHEMA:
            return Aim((schema_node(),) if scope is Scope.SUBTREE else ())
        case Branch():
            own = () if scope is Scope.ONE else (tree.branches[place],)
            return Aim(own, None if scope is Scope.BASE else subject_of(place))
        case Leaf() if scope is not Scope.ONE:
            return Aim(leaf=place)
        case _:
            return Aim()


def node_at(state: State, place: Place) -> Node | None:
    """Return the fixed entry of a place, as this client sees it now; None when a place is none of those."""
    desk, is_tls = state.desk, state.line.is_tls
    match place:
        case Fixed.ROOT:
            mechanisms = desk.mechanisms if is_tls else ()
            return root_node(desk.tree.suffix, mechanisms, starttls=desk.starttls and not is_tls)
        case Fixed.SCHEMA:
            return schema_node()
        case Fixed.TOP:
            return desk.tree.top
        case Branch():
            return desk.tree.branches[place]
        case _:
            return None
