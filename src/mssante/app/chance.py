"""Clock, references and other sources that only `app` may touch (law 5), handed to the flows as functions."""

import os
import signal
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from mssante.flows.ports import Probe, no_probe

KILL_ENVIRONMENT: Final = "MSSANTE_TEST_KILL_AT"


def utc_now() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


def new_reference() -> str:
    """Return a reference of 28 characters: 32 bits of seconds, so that they sort, then 80 random bits."""
    return f"{int(time.time()):08x}{os.urandom(10).hex()}"


def probe_from(environment: Mapping[str, str]) -> Probe:
    """Return the probe that kills this process at a named step, for the crash tests; does nothing as a rule.

    Args:
        environment: ``MSSANTE_TEST_KILL_AT`` is ``K08`` or ``K08:3`` (at its third passage).

    Source: reliability.md 3.2.
    """
    wanted, _, count = environment.get(KILL_ENVIRONMENT, "").partition(":")
    if not wanted:
        return no_probe
    left = int(count or 1)

    def probe(step: str) -> None:
        nonlocal left
        if step == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return probe
