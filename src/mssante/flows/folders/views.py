"""One picture of each open folder for all its readers, brought up to date from what was committed.

Changes of this process and of others come the same way: the counters of the folder say that there is something new.
"""

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import MutableSequence
from dataclasses import replace
from itertools import compress
from typing import Any, Final

from mssante.model.folder import Snapshot
from mssante.model.mailbox import FolderId
from mssante.store import folders
from mssante.store.engine import Store
from mssante.store.tx import Row

# A picture takes 28 bytes a message: 64 MiB of them are kept for who comes back.
KEPT_MESSAGES: Final = 64 * 1024 * 1024 // 28

FEW: Final = 64
"""Up to here, what is gone is cut out of the arrays one by one."""


class Views:
    """The pictures of the folders, newest last; guards their common bound."""

    def __init__(self, store: Store) -> None:
        """Start without any."""
        self._store = store
        self._known: OrderedDict[FolderId, Snapshot] = OrderedDict()

    async def newest(self, folder_id: FolderId) -> Snapshot | None:
        """Return the picture of a folder as committed now, or None when it is gone."""
        known = self._known.get(folder_id)
        if known is None:
            found = await self._store.read_long(lambda tx: folders.snapshot(tx, folder_id))
        else:
            found = await self._fresh(known)
        self._keep(folder_id, found)
        return found

    async def _fresh(self, known: Snapshot) -> Snapshot | None:
        changes = await self._store.read(lambda tx: folders.changes_since(tx, known))
        if changes is None:
            return None
        head, changed, gone = changes
        if head[4] == known.highest_modseq:
            return known
        return merged(known, head, changed, gone)

    def _keep(self, folder_id: FolderId, found: Snapshot | None) -> None:
        self._known.pop(folder_id, None)
        if found is not None:
            self._known[folder_id] = found
        total = sum(len(snapshot.uids) for snapshot in self._known.values())
        while len(self._known) > 1 and total > KEPT_MESSAGES:
            total -= len(self._known.popitem(last=False)[1].uids)


def merged(known: Snapshot, head: Row, changed: list[Row], gone: list[int]) -> Snapshot:
    """Return the next picture: a copy of the arrays with what changed put in, which moves memory and reads no row.

    Args:
        known: the picture so far.
        head: the counters of the folder now.
        changed: (uid, flags, modseq, message) of what is new or changed, by UID.
        gone: UIDs, ascending.
    """
    uids, flags, modseqs, messages = known.uids[:], list(known.flags), known.modseqs[:], known.messages[:]
    lists: tuple[MutableSequence[Any], ...] = (uids, flags, modseqs, messages)
    if len(gone) > FEW:
        lost = set(gone)
        keep = [uid not in lost for uid in uids]
        uids, modseqs, messages = (array(one.typecode, compress(one, keep)) for one in (uids, modseqs, messages))
        flags = list(compress(flags, keep))
        lists = (uids, flags, modseqs, messages)
    else:
        for uid in reversed(gone):
            place = bisect_left(uids, uid)
            if place < len(uids) and uids[place] == uid:
                for one in lists:
                    del one[place]
    for row in changed:
        place = bisect_left(uids, row[0])
        is_known = place < len(uids) and uids[place] == row[0]
        for one, value in zip(lists, row, strict=True):
            if is_known:
                one[place] = value
            else:
                one.insert(place, value)
    return replace(
        known,
        uid_next=head[3],
        highest_modseq=head[4],
        uids=uids,
        flags=tuple(flags),
        modseqs=modseqs,
        messages=messages,
    )
