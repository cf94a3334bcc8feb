"""Put found messages in the order that a reader asks for.

Source: RFC 5256 section 3 (SORT).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mssante.model.search import SortBy, SortKey


@dataclass(frozen=True, slots=True)
class Sortable:
    """What is kept of a message for sorting and threading.

    Attributes:
        internal_at, sent_at: microseconds since 1970, UTC; without a Date field the second is the first.
        is_answer: the subject had the mark of an answer or a forward.
        references: identifiers of what it answers, oldest first.
    """

    uid: int
    internal_at: int = 0
    sent_at: int = 0
    size_bytes: int = 0
    from_key: str = ""
    to_key: str = ""
    cc_key: str = ""
    base_subject: str = ""
    is_answer: bool = False
    message_id: str = ""
    references: tuple[str, ...] = ()


_KEYS: Final[dict[SortBy, Callable[[Sortable], int | str]]] = {
    SortBy.ARRIVAL: lambda row: row.internal_at,
    SortBy.CC: lambda row: row.cc_key.casefold(),
    SortBy.DATE: lambda row: row.sent_at,
    SortBy.FROM: lambda row: row.from_key.casefold(),
    SortBy.SIZE: lambda row: row.size_bytes,
    SortBy.SUBJECT: lambda row: row.base_subject.casefold(),
    SortBy.TO: lambda row: row.to_key.casefold(),
}


def sort_rows(rows: Sequence[Sortable], keys: tuple[SortKey, ...]) -> list[int]:
    """Return the UIDs of the rows in the order of the keys, the first key first; the UID breaks ties.

    One stable sort for each key, the last key first; a reversed key leaves ties in the order of the mailbox.
    """
    found = sorted(rows, key=lambda row: row.uid)
    for key in reversed(keys):
        found.sort(key=_KEYS[key.by], reverse=key.reverse)
    return [row.uid for row in found]
