"""One picture of each open folder for all its readers, brought up to date from what was committed.

Changes of this process and of others come the same way: the counters of the folder say that there is something new.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from mssante.model.folder import Snapshot
from mssante.model.mailbox import FolderId
from mssante.store import folders
from mssante.store.engine import Store
from mssante.store.tx import Row

# A picture takes 28 bytes a message: 64 MiB of them are kept for who comes back.
KEPT_MESSAGES: Final = 64 * 1024 * 1024 // 28


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
        return folders.picture(head, _merged(known, changed, set(gone)))

    def _keep(self, folder_id: FolderId, found: Snapshot | None) -> None:
        self._known.pop(folder_id, None)
        if found is not None:
            self._known[folder_id] = found
        total = sum(len(snapshot.uids) for snapshot in self._known.values())
        while len(self._known) > 1 and total > KEPT_MESSAGES:
            total -= len(self._known.popitem(last=False)[1].uids)


def _merged(known: Snapshot, changed: list[Row], gone: set[int]) -> list[Row]:
    rows: Iterable[Row] = zip(known.uids, known.flags, known.modseqs, known.messages, strict=True)
    news = {row[0]: row for row in changed}
    kept: list[Row] = [news.pop(row[0], row) for row in rows if row[0] not in gone]
    return kept + sorted(news.values())
