"""The bytes of one message as its reader gets them: our trace header of that copy, then the body as it came in."""

from collections.abc import Sequence
from dataclasses import dataclass

from mssante.flows.folders.boxes import Who, find_spot
from mssante.model.decision import Refusal
from mssante.model.message import Body
from mssante.rules.access import Act
from mssante.store import messages
from mssante.store.blobs import BlobFolder
from mssante.store.engine import Store
from mssante.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Content:
    """One message, whose large body is read when it is asked for.

    Attributes:
        prefix: stands in front of the body; offsets of parts count from the body.
    """

    prefix: bytes
    body: Body
    blobs: BlobFolder

    @property
    def size_bytes(self) -> int:
        """Return the length of the whole message."""
        return len(self.prefix) + self.body.size_bytes

    async def data(self) -> bytes:
        """Return the body; a large one is read and checked beside the event loop.

        Raises:
            StoreDamagedError: its file is missing or is not what was written.
        """
        if self.body.data is not None:
            return self.body.data
        return await self.blobs.aside(self.blobs.read, self.body)

    async def whole(self) -> bytes:
        """Return prefix and body."""
        return self.prefix + await self.data()


async def load_contents(store: Store, who: Who, name: str, uids: Sequence[int]) -> dict[int, Content] | Refusal:
    """Return messages of a folder by UID, without those that are gone, or the refusal: one look at the rights for all.

    One by one, the look at the rights was most of a FETCH of bodies (18 MB/s to 60 MB/s for messages of 4 KiB).
    """

    async def work(tx: Tx) -> dict[int, Content] | Refusal:
        spot = await find_spot(tx, who, name, Act.READ)
        if isinstance(spot, Refusal):
            return spot
        mailbox_id, folder_id = spot.box.mailbox.mailbox_id, spot.folder.folder_id
        found: dict[int, Content] = {}
        for uid in uids:
            row = await messages.message_content(tx, mailbox_id, folder_id, uid)
            if row is not None:
                found[uid] = Content(row[0], row[1], store.blobs)
        return found

    return await store.read(work)
