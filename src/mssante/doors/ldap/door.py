"""The listening LDAP doors."""

import ssl
from collections import Counter
from collections.abc import Callable

from mssante.doors.ldap.connection import Connection
from mssante.doors.ldap.state import Desk
from mssante.doors.net.account_door import AccountDoor
from mssante.model.log import Log


def ldap_door(
    *,
    name: str,
    desk: Desk,
    implicit_tls: bool,
    tls_context: Callable[[], ssl.SSLContext],
    accounts: Counter[int],
    log: Log,
) -> AccountDoor[Connection]:
    """Return a door of address books, which does not listen yet.

    Args:
        name: in logs: ``ldap``, ``ldaps``.
        desk: behind each connection.
        implicit_tls: TLS from the first byte.
        tls_context, accounts, log: see `AccountDoor`.
    """
    return AccountDoor(
        name=name,
        make=lambda door: Connection(door, desk, implicit_tls=implicit_tls),
        look=lambda connection, now, _turn: connection.check(now),
        bounds=desk.settings,
        tls_context=tls_context,
        accounts=accounts,
        log=log,
    )
