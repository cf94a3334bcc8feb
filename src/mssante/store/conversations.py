"""Which professionals each citizen may write to: those who wrote to him and have not closed the exchange.

Source: clients.md 5.10.
"""

from datetime import datetime

from mssante.model.address import Address
from mssante.store.times import to_micros
from mssante.store.tx import Tx


async def open_conversation(tx: Tx, citizen: Address, professional: Address, now: datetime) -> None:
    """Let a citizen answer a professional from now on, also after an exchange that was closed."""
    await tx.run("open_conversation", citizen=citizen.key, professional=professional.key, at=to_micros(now))


async def close_conversation(tx: Tx, citizen: Address, professional: Address, now: datetime) -> None:
    """End the exchange between both; nothing when there is none."""
    await tx.run("close_conversation", citizen=citizen.key, professional=professional.key, at=to_micros(now))


async def is_open(tx: Tx, citizen: Address, professional: Address) -> bool:
    """Tell whether a citizen may write to a professional."""
    return await tx.one("conversation_is_open", citizen=citizen.key, professional=professional.key) is not None
