"""Exchanges with citizens, at the operator that holds their mailboxes: noted when mail comes, asked when they write."""

from datetime import datetime

from mssante.model.address import Address
from mssante.model.mailbox import Mailbox
from mssante.model.message import Summary
from mssante.rules.conversation import exchange_of
from mssante.store import conversations
from mssante.store.tx import Tx


async def note_exchange(tx: Tx, mailbox: Mailbox, sender: Address | None, summary: Summary, now: datetime) -> None:
    """Open or close the exchange that a message to a citizen's mailbox stands for; nothing for other mailboxes."""
    if not mailbox.address.is_citizen:
        return
    exchange = exchange_of(sender, summary)
    for contact in exchange.contacts:
        if exchange.ends:
            await conversations.close_conversation(tx, mailbox.address, contact, now)
        else:
            await conversations.open_conversation(tx, mailbox.address, contact, now)
