"""The listening IMAP doors."""

import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final

from mssante.doors.imap.connection import Connection
from mssante.doors.imap.state import Desk
from mssante.doors.net.account_door import AccountDoor
from mssante.model.log import Log

# What other processes commit rings no bell here: whoever waits in IDLE is looked after at one sweep of so many.
LOOK_SWEEPS: Final = 5


def imap_door(
    *,
    name: str,
    desk: Desk,
    implicit_tls: bool,
    tls_context: Callable[[], ssl.SSLContext],
    accounts: Counter[int],
    log: Log,
) -> AccountDoor[Connection]:
    """Return a door of mail programs, which does not listen yet.

    Args:
        name: in logs: ``imap``, ``imaps``.
        desk: behind each connection.
        implicit_tls: TLS from the first byte.
        tls_context, accounts, log: see `AccountDoor`.
    """
    return AccountDoor(
        name=name,
        make=lambda door: Connection(door, desk, implicit_tls=implicit_tls),
        look=_look,
        bounds=desk.settings,
        tls_context=tls_context,
        accounts=accounts,
        log=log,
    )


def _look(connection: Connection, now: float, turn: int) -> None:
    connection.check(now)
    if connection.session.is_waiting and turn % LOOK_SWEEPS == 0:
        connection.poke()
