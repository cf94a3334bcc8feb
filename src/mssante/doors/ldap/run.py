"""A search under way: how much it may give and has given, what it asks of the directory, how entries are written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from mssante.doors.ldap.state import State
from mssante.model.decision import Refusal
from mssante.model.directory import Condition, EntryId, Selected, Subject
from mssante.wire.ldap.entries import Node, Projection, Selection, read_selection
from mssante.wire.ldap.messages import Message, Search
from mssante.wire.ldap.paging import Paging
from mssante.wire.ldap.responses import write_entry
from mssante.wire.ldap.sorting import Item, Sorting, SortResult

# Entries that are written before the others are let at the processor.
PIECE: Final = 100
# A directory that finds little may give short answers: so often is it asked again for one search.
ROUNDS_MAX: Final = 8


@dataclass(slots=True)
class Run:
    """A search under way.

    Attributes:
        most: entries that may be given now.
        most_in_all: entries that the search may give, on all its pages.
        begun: how far the pages before went.
        sent: entries given now.
        nodes: fixed entries given so far.
        after: where the directory goes on.
        is_whole: nothing follows.
        was_cut: the directory looked at as much as it looks at.
        sorting: the order that is wished, or None.
        order: what became of it.
        rest: what was gathered to be sorted and is not given yet; `is_gathered` tells that something was.
    """

    state: State
    message: Message
    search: Search
    paging: Paging | None
    most: int
    most_in_all: int
    begun: int = 0
    sent: int = 0
    nodes: int = 0
    after: EntryId | None = None
    is_whole: bool = False
    was_cut: bool = False
    sorting: Sorting | None = None
    order: SortResult | None = None
    rest: list[Item] = field(default_factory=list)
    is_gathered: bool = False
    selection: Selection = field(init=False)
    projection: Projection = field(init=False)

    def __post_init__(self) -> None:
        """Choose the attributes once."""
        self.selection = read_selection(self.search.attributes)
        self.projection = Projection(self.selection, types_only=self.search.types_only)

    async def ask(
        self, subject: Subject, wanted: Condition, *, limit: int, after: EntryId | None
    ) -> Selected | Refusal:
        """Return one answer of the directory to who has signed in."""
        desk, who = self.state.desk, self.state.who
        assert who is not None  # noqa: S101 - judged before; nothing signs out while an operation is under way
        return await desk.directory.select(desk.caller_of(who), subject, wanted, limit=limit, after=after)

    async def give(self, items: Sequence[Item]) -> None:
        """Write entries, in pieces that a slow client may take its time for."""
        line = self.state.line
        for start in range(0, len(items), PIECE):
            piece = items[start : start + PIECE]
            line.write(b"".join([self._written(one) for one in piece]))
            self.sent += len(piece)
            await line.drain()
            await asyncio.sleep(0)

    def _written(self, item: Item) -> bytes:
        if isinstance(item, Node):
            attributes = item.write(self.selection, types_only=self.search.types_only)
            return write_entry(self.message.message_id, item.name, attributes)
        return write_entry(self.message.message_id, self.state.desk.tree.name_of(item), self.projection.write(item))
