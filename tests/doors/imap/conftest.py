"""The doors are proved on the event loop that the program runs on."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return uvloop's loop."""
    return {"uvloop": uvloop.new_event_loop}
