"""How much room is left, as last seen."""

import asyncio

import pytest

from mssante.flows import room as module
from mssante.flows.room import Room
from mssante.model.decision import Kind, Permit, Refusal
from mssante.model.settings import StoreSettings

SETTINGS = StoreSettings(free_bytes=1000)


@pytest.mark.parametrize(
    ("free", "size", "fits"), [(1000, 0, True), (999, 0, False), (5000, 4000, True), (5000, 4001, False)]
)
def test_room_is_kept_back(free: int, size: int, fits: bool) -> None:
    decision = Room(lambda: free, SETTINGS).judge(size)
    assert isinstance(decision, Permit) is fits
    if isinstance(decision, Refusal):
        assert (decision.kind, decision.is_temporary) == (Kind.STORE_FULL, True)


async def test_room_that_comes_back_is_seen_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0)
    free = [0]
    room = Room(lambda: free[0], SETTINGS)
    assert isinstance(room.judge(0), Refusal)
    watching = asyncio.get_running_loop().create_task(room.watch())
    free[0] = 10_000
    for _ in range(3):
        await asyncio.sleep(0)
    assert isinstance(room.judge(0), Permit)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
