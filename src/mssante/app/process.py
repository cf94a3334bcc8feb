"""The process of ``mssante serve``: one role, one event loop, stopped by a signal.

Each role is imported when it is wanted: an operator does not carry the manager's web server, nor the other way round.
"""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable

import uvloop

from mssante.app.config import Config

Run = Callable[[Config, asyncio.Event], Awaitable[None]]


def serve(config: Config) -> None:
    """Run what the configuration says until SIGTERM or SIGINT.

    Raises:
        ConfigError: a setting, a certificate or an address cannot be used.
        StoreError: the store cannot be opened.
    """
    run = _role(config)
    spare_collector()
    uvloop.run(_until_stopped(config, run))


def spare_collector() -> None:
    """Leave what is loaded now to the end of the process, and collect seldom.

    The many small values of each message die by themselves. The default thresholds made the collector take 18 % of the
    instructions of a received message (1.71 to 1.40 million, 4 KiB, perf stat).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _role(config: Config) -> Run:
    if config.role == "manager":
        from mssante.app.manager import run_manager

        return run_manager
    if config.role == "identity":
        from mssante.app.identity import run_provider

        return run_provider
    from mssante.app.serve import run_operator

    return run_operator


async def _until_stopped(config: Config, run: Run) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await run(config, stop)
