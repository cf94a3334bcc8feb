"""Ask for client certificates at an HTTPS door, and say why one is refused.

Only whether a certificate comes from the trust space is judged in the handshake; dates, usage, revocation and the white
list are judged by the flows at each request, so that a caller reads the reason and not the end of a connection. Not for
the doors that hold their TLS themselves (see `mssante.doors.net.tls`).

Source: decision 0002; RFC 8446 sections 4.3.2, 4.4.2.4 and 6.2 (alerts); design.md laws 6 and 8.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mssante.doors.net.peer import tls_failure
from mssante.model.decision import Refusal

# X509_V_FLAG_NO_CHECK_TIME, which Python has no name for: dates are judged with the rest, by the clock of the flows.
_NO_CHECK_TIME: Final = 0x200000


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """What a door needs to ask for certificates.

    Attributes:
        authorities: PEM files of those whose certificates pass the handshake.
        protocol: of uvicorn, one that shows the TLS layer to the application.
        refused: called with the reason when a handshake was refused.
    """

    authorities: tuple[Path, ...]
    protocol: type[asyncio.Protocol]
    refused: Callable[[Refusal], None]


def ask_for_certificates(context: ssl.SSLContext, asked: ClientCertificates) -> ssl.SSLContext:
    """Return the context of a server, changed to ask each client for a certificate; none is demanded.

    Raises:
        OSError: a file of authorities cannot be read or holds none.
    """
    for path in asked.authorities:
        context.load_verify_locations(cafile=path)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.sslobject_class = _telling(asked.refused)
    return context


def _telling(refused: Callable[[Refusal], None]) -> type[ssl.SSLObject]:
    """Return a TLS session that sends the alert of a refused handshake before it fails.

    The event loops drop what is to be sent when a handshake fails. So the failure is first said to be a wait for more:
    then the alert goes out; the next bytes, the end of the connection or the time limit of handshakes ends it.
    """

    class Telling(ssl.SSLObject):
        _failure: ssl.SSLError | None = None

        def do_handshake(self) -> None:
            if self._failure is not None:
                raise self._failure
            try:
                super().do_handshake()
            except ssl.SSLCertVerificationError as error:
                self._failure = error
                refused(tls_failure(error))
                raise ssl.SSLWantReadError from error

    return Telling
