"""Let a flow that runs for ever make one turn, as the running operator would, and stop it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def one_turn(owner: object, name: str, running: Coroutine[Any, Any, None]) -> None:
    """Run until the method of that name has returned once.

    Args:
        owner: whose method it is.
        name: of the method that makes a turn.
        running: the endless work that calls it.
    """
    turned = asyncio.Event()
    turn = getattr(owner, name)

    async def watched(*args: object) -> object:
        done = await turn(*args)
        turned.set()
        return done

    setattr(owner, name, watched)
    task = asyncio.create_task(running)
    try:
        async with asyncio.timeout(20):
            await turned.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
