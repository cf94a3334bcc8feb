"""What a connection costs: before anybody has signed in, and while it waits for news inside TLS.

Source: design.md law 11; reliability.md A11; issue of the IMAP door (100 KB for an idle TLS connection).
"""

import asyncio
import gc
import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvloop
from imap_talk import USER, imap
from proofs import one_site

from mssante.model.settings import ImapSettings

CROWD = 200
KIB = 1024
STATM = Path("/proc/self/statm")


def _resident_bytes() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _cost(folder: Path, pki, *, waits: bool) -> float:
    """Return the bytes for one connection, both ends of it: above what the server alone takes."""
    settings = ImapSettings("127.0.0.1", 0, 0, connections_per_account=CROWD + 50)
    async with one_site(folder, pki, imap=settings) as stage, AsyncExitStack() as stack:

        async def knock() -> None:
            talk = await stack.enter_async_context(imap(stage, door="imaps", user=USER if waits else ""))
            if waits:
                await talk.good("SELECT INBOX")
                await talk.raw(b"i IDLE\r\n")
                await talk.until(b"+ ")
            else:
                # The longest thing that may lie unread before anybody is known.
                await talk.raw(b"a LOGIN {15000+}\r\n" + b"a" * 14_000)

        for _ in range(20):
            await knock()
        gc.collect()
        before = _resident_bytes()
        for _ in range(CROWD):
            await knock()
        await asyncio.sleep(0)
        return (_resident_bytes() - before) / CROWD


@pytest.mark.skipif(not STATM.exists(), reason="resident memory is read from /proc (Linux)")
@pytest.mark.parametrize(("waits", "most"), [(False, 256 * KIB), (True, 200_000)], ids=["unknown", "in IDLE"])
def test_a_connection_costs_little(tmp_path: Path, pki, waits: bool, most: int) -> None:
    # Both ends live in this process: half of it, or less, is the server's.
    each = uvloop.run(_cost(tmp_path, pki, waits=waits))
    assert each < most, f"{each / KIB:.0f} KiB for one connection"
