"""Ready-made values for tests of the store and of what stands on it."""

import hashlib
from datetime import UTC, datetime
from typing import Final

from mssante.model.address import Address, parse_address
from mssante.model.mailbox import Mailbox, MailboxType
from mssante.model.message import Body, MessageId, Summary
from mssante.store import mailboxes, messages
from mssante.store.tx import Row, Tx, Value

NOW: Final = datetime(2026, 11, 23, 8, 30, 15, 123456, UTC)
ALICE: Final = parse_address("Alice.Martin@chu.mssante.fr")
BOB: Final = parse_address("bob@medecin.mssante.fr")


def inline(data: bytes) -> Body:
    """Return a body that goes into the transaction."""
    return Body(hashlib.sha256(data).digest(), len(data), data, None)


async def mailbox(tx: Tx, address: Address = ALICE) -> Mailbox:
    """Create a mailbox."""
    return await mailboxes.create_mailbox(
        tx, address, MailboxType.PER, holder="Dr Martin", identifier="", quota_bytes=1_000_000, now=NOW
    )


async def message(tx: Tx, reference: str = "ref-1", data: bytes = b"Subject: x\r\n\r\nBonjour\r\n") -> MessageId:
    """Keep a message from Bob."""
    return await messages.add_message(
        tx, reference=reference, sender=BOB, summary=Summary(), body=inline(data), decision="R5", now=NOW
    )


async def by_hand(tx: Tx, sql: str, *values: Value) -> list[Row]:
    """Run SQL of the test's own in a transaction of either engine; values stand where it has ``?``."""
    if type(tx).__name__ == "SqliteTx":
        return list(tx._connection.execute(sql, values))
    for place in range(1, len(values) + 1):
        sql = sql.replace("?", f"${place}", 1)
    if not sql.startswith(("SELECT", "EXPLAIN")) and not values:
        await tx._ask(tx._connection.execute(sql))
        return []
    return [tuple(row) for row in await tx._ask(tx._connection.fetch(sql, *values))]
