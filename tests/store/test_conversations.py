"""Exchanges between citizens and professionals are opened, closed and opened again; the same on each engine."""

from store_world import NOW

from mssante.model.address import Address, parse_address
from mssante.store.conversations import close_conversation, is_open, open_conversation
from mssante.store.engine import Store

CITIZEN = Address("279035121518989", "patient.mssante.fr")
OTHER = Address("258038619401210", "patient.mssante.fr")
DOCTOR = parse_address("Dr@chu.mssante.fr")
NURSE = parse_address("ide@chu.mssante.fr")


async def test_an_exchange_is_open_between_two_until_it_is_closed(store: Store) -> None:
    async def open_between(citizen: Address, professional: Address) -> bool:
        return await store.read(lambda tx: is_open(tx, citizen, professional))

    assert not await open_between(CITIZEN, DOCTOR)
    await store.write(lambda tx: open_conversation(tx, CITIZEN, DOCTOR, NOW))
    await store.write(lambda tx: open_conversation(tx, CITIZEN, DOCTOR, NOW))
    assert await open_between(CITIZEN, parse_address("dr@chu.mssante.fr"))
    assert not await open_between(OTHER, DOCTOR)
    assert not await open_between(CITIZEN, NURSE)
    await store.write(lambda tx: close_conversation(tx, CITIZEN, NURSE, NOW))
    await store.write(lambda tx: close_conversation(tx, CITIZEN, DOCTOR, NOW))
    assert not await open_between(CITIZEN, DOCTOR)
    await store.write(lambda tx: open_conversation(tx, CITIZEN, DOCTOR, NOW))
    assert await open_between(CITIZEN, DOCTOR)
