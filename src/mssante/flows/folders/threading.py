"""Make threads of found messages, step by step as the standard has them; nothing here recurses.

Source: RFC 5256 section 3 (THREAD=ORDEREDSUBJECT, THREAD=REFERENCES).
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final

from mssante.flows.folders.sorting import Sortable
from mssante.model.search import Thread, Threading


class _Node:
    """A message of the tree being built, or the place of one that is missing (`row` None)."""

    __slots__ = ("below", "children", "parent", "row")

    def __init__(self, row: Sortable | None = None) -> None:
        self.row = row
        self.parent: _Node | None = None
        # How many stand right below; the list itself is made when all are linked, so that unlinking costs nothing.
        self.below = 0
        self.children: list[_Node] = []


Tick = Callable[[], None]
_LOOK_EVERY: Final = 512


def _no_tick() -> None:
    """Do nothing between two messages."""


def make_threads(rows: Sequence[Sortable], threading: Threading, *, tick: Tick = _no_tick) -> tuple[Thread, ...]:
    """Return the threads of messages.

    Args:
        rows: in any order.
        threading: which algorithm.
        tick: called now and then; raises to stop the work.
    """
    ordered = sorted(rows, key=attrgetter("uid"))
    if threading is Threading.ORDEREDSUBJECT:
        return _by_subject(ordered)
    roots = [node for node in _linked(ordered, tick) if node.parent is None]
    roots = _pruned(roots)
    roots.sort(key=_sent)
    roots = _gathered(roots)
    _sort_all(roots)
    return _values(roots)


def _by_subject(rows: list[Sortable]) -> tuple[Thread, ...]:
    groups: dict[str, list[Sortable]] = {}
    for row in sorted(rows, key=lambda row: (row.base_subject.casefold(), row.sent_at, row.uid)):
        groups.setdefault(row.base_subject.casefold(), []).append(row)
    found = sorted(groups.values(), key=lambda group: (group[0].sent_at, group[0].uid))
    return tuple(Thread(group[0].uid, tuple(Thread(row.uid) for row in group[1:])) for group in found)


class _Places:
    """The nodes of one list of messages, found by the identifiers of the messages."""

    def __init__(self) -> None:
        self.nodes: list[_Node] = []
        self._by_id: dict[str, _Node] = {}

    def of_message(self, row: Sortable) -> _Node:
        """Return the node of a message: a place that references made for it, or a new one."""
        node = self._by_id.get(row.message_id) if row.message_id else None
        if node is not None and node.row is None:
            node.row = row
            return node
        # No identifier, or another message has it already: the message stands for itself.
        made = self._new(row)
        if row.message_id and node is None:
            self._by_id[row.message_id] = made
        return made

    def of_reference(self, reference: str) -> _Node:
        """Return the node of an identifier, empty when no message has it yet."""
        node = self._by_id.get(reference)
        if node is None:
            node = self._by_id[reference] = self._new(None)
        return node

    def _new(self, row: Sortable | None) -> _Node:
        node = _Node(row)
        self.nodes.append(node)
        return node


def _linked(rows: list[Sortable], tick: Tick) -> list[_Node]:
    """Return every node, linked by the references of the messages (step 1)."""
    places = _Places()
    for count, row in enumerate(rows):
        if count % _LOOK_EVERY == 0:
            tick()
        node = places.of_message(row)
        last: _Node | None = None
        for reference in row.references:
            named = places.of_reference(reference)
            if last is not None and named.parent is None and not _is_under(last, named):
                _link(named, last)
            last = named
        # What the message says of its own parent goes before what others said of it.
        if last is None:
            _unlink(node)
        elif last is not node.parent and not _is_under(last, node):
            _unlink(node)
            _link(node, last)
    for node in places.nodes:
        if node.parent is not None:
            node.parent.children.append(node)
    return places.nodes


def _is_under(node: _Node, top: _Node) -> bool:
    """Tell whether a node stands under another one, or is it; at once for what has no children."""
    if not top.below:
        return node is top
    at: _Node | None = node
    while at is not None:
        if at is top:
            return True
        at = at.parent
    return False


def _link(child: _Node, parent: _Node) -> None:
    child.parent = parent
    parent.below += 1


def _unlink(child: _Node) -> None:
    if child.parent is not None:
        child.parent.below -= 1
        child.parent = None


def _adopt(child: _Node, parent: _Node) -> None:
    child.parent = parent
    parent.children.append(child)


def _downwards(roots: list[_Node]) -> list[_Node]:
    """Return every node under the roots, parents first."""
    found, todo = [], list(roots)
    while todo:
        node = todo.pop()
        found.append(node)
        todo.extend(node.children)
    return found


def _pruned(roots: list[_Node]) -> list[_Node]:
    """Return the roots without needless empty places (step 3)."""
    for node in reversed(_downwards(roots)):
        if any(child.row is None for child in node.children):
            kept: list[_Node] = []
            for child in node.children:
                # An empty child passes its own children up, where it stood; without any it goes.
                kept.extend([child] if child.row is not None else child.children)
            for child in kept:
                child.parent = node
            node.children = kept
    found: list[_Node] = []
    for root in roots:
        if root.row is not None or len(root.children) > 1:
            found.append(root)
        elif root.children:
            root.children[0].parent = None
            found.append(root.children[0])
    for root in found:
        # The date of an empty root is that of its first child.
        if root.row is None:
            root.children.sort(key=_sent)
    return found


def _sent(node: _Node) -> tuple[int, int]:
    row = _first_row(node)
    return (row.sent_at, row.uid)


def _first_row(node: _Node) -> Sortable:
    while node.row is None:
        node = node.children[0]
    return node.row


def _gathered(roots: list[_Node]) -> list[_Node]:
    """Return the roots, those of one subject put together (step 5)."""
    table: dict[str, _Node] = {}
    for root in roots:
        subject = _first_row(root).base_subject.casefold()
        if not subject:
            continue
        known = table.get(subject)
        if (
            known is None
            or (root.row is None and known.row is not None)
            or (known.row is not None and known.row.is_answer and root.row is not None and not root.row.is_answer)
        ):
            table[subject] = root
    replaced: dict[int, _Node] = {}
    gone: set[int] = set()
    for root in roots:
        subject = _first_row(root).base_subject.casefold()
        known = table.get(subject) if subject else None
        if known is None or known is root:
            continue
        gone.add(id(root))
        if known.row is None and root.row is None:
            for child in root.children:
                _adopt(child, known)
        elif known.row is None or (root.row is not None and root.row.is_answer and not known.row.is_answer):
            _adopt(root, known)
        else:
            both = _Node()
            _adopt(known, both)
            _adopt(root, both)
            table[subject] = replaced[id(known)] = both
    return [replaced.get(id(root), root) for root in roots if id(root) not in gone]


def _sort_all(roots: list[_Node]) -> None:
    """Sort every list of answers by date, the deepest first, then the roots (step 6)."""
    for node in reversed(_downwards(roots)):
        if len(node.children) > 1:
            node.children.sort(key=_sent)
    roots.sort(key=_sent)


def _values(roots: list[_Node]) -> tuple[Thread, ...]:
    made: dict[int, Thread] = {}
    for node in reversed(_downwards(roots)):
        answers = tuple(made.pop(id(child)) for child in node.children)
        made[id(node)] = Thread(0 if node.row is None else node.row.uid, answers)
    return tuple(made[id(root)] for root in roots)
