"""A DNS server on loopback that answers from a zone text."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.zone


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, zone: dns.zone.Zone) -> None:
        self.zone = zone
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asked = dns.message.from_wire(data)
        answer = dns.message.make_response(asked)
        answer.flags |= dns.flags.RA
        (question,) = asked.question
        node = self.zone.get_node(question.name) if question.name.is_subdomain(self.zone.origin) else None
        if node is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            found = self.zone.get_rrset(question.name, question.rdtype)
            if found is not None:
                answer.answer.append(found)
        self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def name_server(text: str, domain: str) -> AsyncIterator[str]:
    """Serve the zone; yields "address:port"."""
    zone = dns.zone.from_text(text, origin=domain, relativize=False, check_origin=False)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Answers(zone), local_addr=("127.0.0.1", 0))
    try:
        yield "127.0.0.1:{}".format(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()
