"""What became of works that were written, and telling it to who waits for them; the same on every engine."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Done:
    """The result of one work, or its error: then nothing of it was kept."""

    future: asyncio.Future[Any]
    value: object = None
    error: BaseException | None = None


def resolve(results: Iterable[Done]) -> None:
    """Tell it to those who still wait; from the event loop."""
    for done in results:
        if done.future.done():
            continue
        if done.error is not None:
            done.future.set_exception(done.error)
        else:
            done.future.set_result(done.value)
