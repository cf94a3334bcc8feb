"""The HTTPS answers to mail programs that look for their settings, and a page for people.

What is answered depends on the domain only, never on whether the address exists; nothing asked is logged.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mssante.doors.autoconfig.page import PAGE_POLICY, help_page
from mssante.model.address import Address, parse_address, parse_domain
from mssante.model.autoconfig import MailServices
from mssante.model.errors import TheirProtocolError
from mssante.wire.autoconfig import autodiscover, mobileconfig, mozilla, well_known

ADDRESS_MAX_CHARS: Final = 320
HOST_MAX_CHARS: Final = 260
BODY_SECONDS: Final = 10.0
# Names under which programs look for a domain's settings.
_PREFIXES: Final = ("autoconfig.", "autodiscover.", "ua-auto-config.")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
_SHARED: Final = {"Cache-Control": "public, max-age=3600"}
# The answer has somebody's address in it.
_PERSONAL: Final = {"Cache-Control": "no-store"}

Signer = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the door stands on.

    Attributes:
        services: domain of ours -> what its programs are told.
        domains: gives our domains at each question.
        sign: puts an Apple profile in a signature; None leaves it as it is.
    """

    services: Callable[[str], MailServices]
    domains: Callable[[], Awaitable[tuple[str, ...]]]
    sign: Signer | None = None

    async def ask(self, domain: str) -> MailServices:
        """Return what the domain's programs are told.

        Raises:
            HTTPException: 404, the domain is not ours.
        """
        if domain not in await self.domains():
            raise HTTPException(404, "Ce domaine n'est pas servi ici.\n")
        return self.services(domain)

    async def of_host(self, request: Request) -> MailServices | None:
        """Return what the domain in the name of the host is told, or our only domain; None when neither is known."""
        ours = await self.domains()
        host = request.headers.get("host", "")[:HOST_MAX_CHARS].partition(":")[0].lower().removesuffix(".")
        names = (host, *(host.removeprefix(prefix) for prefix in _PREFIXES))
        found = next((name for name in names if name in ours), ours[0] if len(ours) == 1 else None)
        return self.services(found) if found else None


def build_app(desk: Desk) -> Starlette:
    """Return the application."""

    async def client_config(request: Request) -> Response:
        text = request.query_params.get("emailaddress", "")
        services = await desk.ask(_domain_of(text)) if text else _known(await desk.of_host(request))
        return Response(mozilla.client_config(services), media_type=mozilla.MEDIA_TYPE, headers=_HEADERS | _SHARED)

    async def outlook(request: Request) -> Response:
        try:
            address = autodiscover.read_request(await _body(request))
        except TheirProtocolError:
            raise HTTPException(400, "Demande Autodiscover illisible.\n") from None
        services = await desk.ask(address.domain)
        return Response(
            autodiscover.answer(services, address), media_type=autodiscover.MEDIA_TYPE, headers=_HEADERS | _PERSONAL
        )

    async def outlook_signpost(request: Request) -> Response:
        services = _known(await desk.of_host(request))
        if services.web is None:
            raise HTTPException(404, "Aucun document à cette adresse.\n")
        status, body = autodiscover.json_answer(services.web, request.query_params.get("Protocol", "")[:40])
        return Response(body, status, media_type="application/json", headers=_HEADERS | _PERSONAL)

    async def user_agent(request: Request) -> Response:
        document = well_known.user_agent_configuration(_known(await desk.of_host(request)))
        if document is None:
            raise HTTPException(404, "Aucun document à cette adresse.\n")
        return Response(document, media_type="application/json", headers=_HEADERS | _SHARED)

    async def apple(request: Request) -> Response:
        address = _address_of(request.query_params.get("address", ""))
        data = mobileconfig.profile(await desk.ask(address.domain), address)
        if desk.sign is not None:
            data = await asyncio.to_thread(desk.sign, data)
        disposition = {"Content-Disposition": f'attachment; filename="{mobileconfig.FILE_NAME}"'}
        return Response(data, media_type=mobileconfig.MEDIA_TYPE, headers=_HEADERS | _PERSONAL | disposition)

    async def people(request: Request) -> Response:
        services = await desk.of_host(request)
        ours = await desk.domains()
        if services is None and ours:
            # Several domains with the same settings: the page tells them for all.
            services = desk.services(ours[0])
        headers = _HEADERS | _SHARED | {"Content-Security-Policy": PAGE_POLICY}
        return Response(help_page(_known(services)), media_type="text/html", headers=headers)

    routes = [Route(path, client_config, methods=["GET"]) for path in mozilla.PATHS]
    routes += [Route(path, outlook, methods=["POST"]) for path in autodiscover.XML_PATHS]
    routes += [
        Route(autodiscover.JSON_PATH, outlook_signpost, methods=["GET"]),
        Route(autodiscover.JSON_PATH + "/v1.0/{address}", outlook_signpost, methods=["GET"]),
        Route(well_known.PATH, user_agent, methods=["GET"]),
        Route(mobileconfig.PATH, apple, methods=["GET"]),
        Route("/", people, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused})


async def _refused(request: Request, error: Exception) -> Response:
    """Answer a question that cannot be answered, in clear words and without repeating it."""
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    texts = {404: "Aucun document à cette adresse.\n", 405: "Cette adresse se demande autrement.\n"}
    detail = error.detail if isinstance(error, HTTPException) else ""
    text = detail if detail.endswith("\n") else texts.get(status, "Demande refusée.\n")
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return PlainTextResponse(text, status, headers=_HEADERS | _PERSONAL | headers)


async def _body(request: Request) -> bytes:
    """Return the body, within its bounds of size and time.

    Raises:
        HTTPException: 413 or 408.
    """
    collected = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                collected += chunk
                if len(collected) > autodiscover.REQUEST_MAX_BYTES:
                    raise HTTPException(413, "Demande trop longue.\n", headers={"Connection": "close"})
    except TimeoutError:
        raise HTTPException(408, "Demande trop lente.\n", headers={"Connection": "close"}) from None
    return bytes(collected)


def _address_of(text: str) -> Address:
    try:
        return parse_address(text[:ADDRESS_MAX_CHARS].strip())
    except TheirProtocolError:
        raise HTTPException(400, "Il faut une adresse de la forme nom@domaine.\n") from None


def _domain_of(text: str) -> str:
    """Return the domain of what a program gives as its address; some give a stand-in before the at sign."""
    try:
        return parse_domain(text[:ADDRESS_MAX_CHARS].strip().rpartition("@")[2])
    except TheirProtocolError:
        raise HTTPException(400, "Il faut une adresse de la forme nom@domaine.\n") from None


def _known(services: MailServices | None) -> MailServices:
    if services is None:
        raise HTTPException(404, "Ce domaine n'est pas servi ici.\n")
    return services
