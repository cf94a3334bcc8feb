"""The public extraction: every mailbox of the directory that open access shows, as lines of 31 columns.

Not for the archive around them, nor for when it is made (see `mssante.app.extraction_file`).

Source: operators.md 4.4 (no APP, no red list); users.md 0 (which address is the right one).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mssante.model.directory import Entry
from mssante.model.mailbox import MailboxType
from mssante.store.directory import read
from mssante.store.tx import Tx
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER, extraction_line

PAGE_ROWS: Final = 1000
SHOWN: Final = frozenset({MailboxType.PER, MailboxType.ORG, MailboxType.CAB})
"""Types in open access. The national file has no CAB yet: to confirm."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """How many mailboxes an extraction holds, and how many it leaves out (red list, mailboxes of software)."""

    lines: int
    left_out: int


async def extract(tx: Tx, write: Callable[[bytes], object]) -> Extracted:
    """Hand the whole extraction over, its header first; return what it holds.

    Args:
        tx: one snapshot of the directory; read by pages, so that the memory does not grow with it.
        write: takes some lines at a time.

    Source: operators.md 4.4; operators.md 4.2 (red list: never published).
    """
    write(EXTRACTION_HEADER)
    after = lines = looked_at = 0
    while numbers := [row[0] for row in await tx.all("boxes_from", after=after, limit=PAGE_ROWS)]:
        shown = [line for one in await read.entries(tx, numbers) if (line := _line(one))]
        write(b"".join(shown))
        after, lines, looked_at = numbers[-1], lines + len(shown), looked_at + len(numbers)
    return Extracted(lines, looked_at - lines)


def _line(one: Entry) -> bytes:
    """Return the line of a mailbox, or nothing when open access does not show it."""
    if one.mailbox is None or one.mailbox.is_red or one.mailbox.kind not in SHOWN:
        return b""
    return extraction_line(one.mailbox, one.professional, one.structure)
