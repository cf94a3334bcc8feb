"""Who is at the other end of a request, with the client certificate that uvicorn does not hand over by itself.

Source: libraries.md (client certificate in uvicorn); RFC 8446 section 4.4.2.
"""

import asyncio
from typing import Any, Final

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mssante.doors.net.peer import peer_facts
from mssante.model.peer import PeerFacts

_TLS: Final = "mssante_tls"


class CertificateProtocol(HttpToolsProtocol):
    """HTTP/1.1 of uvicorn that shows the TLS layer to the application: give it as `http=` to `uvicorn.Config`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keep the TLS layer of this connection beside the state of the application."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, _TLS: transport.get_extra_info("ssl_object")}


def peer_of(request: Request) -> PeerFacts:
    """Return the other end of the request."""
    host, port = request.client or ("", 0)
    facts = PeerFacts(ip=host, port=port)
    tls = request.scope.get("state", {}).get(_TLS)
    return facts if tls is None else peer_facts(facts, tls)
