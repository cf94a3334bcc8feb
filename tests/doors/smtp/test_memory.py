"""What a connection costs before anybody has signed in, measured on the event loop that the program runs on.

Source: design.md law 11; reliability.md A11.
"""

import asyncio
import gc
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvloop
from proofs import one_site, peer, talking
from world import Talk

from mssante.model.settings import LimitSettings

CROWD = 200
KIB = 1024
STATM = Path("/proc/self/statm")


def _resident_bytes() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _cost(folder: Path, pki, *, inside_tls: bool) -> float:
    """Return the bytes for one connection, both ends of it: above what the server alone takes."""
    limits = LimitSettings(connections=CROWD + 50, connections_per_address=CROWD + 50)
    async with one_site(folder, pki, limits=limits) as stage, AsyncExitStack() as stack:
        context = stage.world.client_context(None)

        async def knock() -> None:
            if inside_tls:
                await stack.enter_async_context(peer(stage.site, context, "submission"))
                return
            talk = await stack.enter_async_context(talking(await Talk.open(stage.site.ports["submission"])))
            await talk.say("EHLO x")
            # The longest thing that may lie unread before anybody is known.
            talk.writer.write(b"NOOP " + b"a" * 2000)

        for _ in range(20):
            await knock()
        gc.collect()
        before = _resident_bytes()
        for _ in range(CROWD):
            await knock()
        await asyncio.sleep(0)
        return (_resident_bytes() - before) / CROWD


@pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from /proc (Linux)")
@pytest.mark.parametrize("inside_tls", [False, True])
def test_a_connection_before_sign_in_costs_less_than_256_kib(tmp_path: Path, pki, inside_tls: bool) -> None:
    each = uvloop.run(_cost(tmp_path, pki, inside_tls=inside_tls))
    assert each < 256 * KIB, f"{each / KIB:.0f} KiB for one connection"
