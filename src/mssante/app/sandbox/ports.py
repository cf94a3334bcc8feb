"""Free ports of this machine that stay ours while the program that had one is down."""

import random
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from mssante.app.sandbox.pki import LOOPBACK
from mssante.model.errors import MssError

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUAL_FIRST: Final = 32768
_LOWEST: Final = 10240
_TRIES: Final = 500


def free_ports(count: int) -> list[int]:
    """Return that many free TCP ports of loopback outside the range of outgoing connections.

    A port of that range could be taken by any client while its program is down, which could not come back; a client
    that tries again and again could even be joined to itself.

    Raises:
        MssError: there are not that many.
    """
    chance = random.SystemRandom()
    below = max(_first_outgoing(), _LOWEST + 2 * count)
    found: list[int] = []
    with ExitStack() as held:
        for _ in range(_TRIES):
            if len(found) == count:
                return found
            one = held.enter_context(socket.socket())
            with suppress(OSError):
                one.bind((LOOPBACK, chance.randrange(_LOWEST, below)))
                found.append(int(one.getsockname()[1]))
    msg = f"il n'y a pas {count} ports libres sur {LOOPBACK}"
    raise MssError(msg)


def _first_outgoing() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except OSError:
        return _USUAL_FIRST
