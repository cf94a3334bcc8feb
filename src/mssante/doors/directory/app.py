"""The directory's application: both interfaces, their OpenAPI document, and refusals for everything else.

Source: operators.md 4.5, 4.6; reliability.md D09, D10.
"""

from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mssante.doors.directory import asking
from mssante.doors.directory.answers import HEADERS, problem, refused
from mssante.doors.directory.fhir import PREFIX, FhirDoor, Presented
from mssante.doors.directory.openapi import document
from mssante.doors.directory.page_token import PageTokens
from mssante.doors.directory.ports import Authenticate, Directory, MayPublish
from mssante.doors.directory.rest import RestDoor
from mssante.model.decision import Kind, Refusal

_FAULT: Final = Refusal(Kind.DIRECTORY_UNAVAILABLE, "directory-door", "Internal error")
_NOTHING: Final = asking.wrong("nothing answers at this address asked so", Kind.COMMAND_UNKNOWN)


def build_app(
    directory: Directory,
    authenticate: Authenticate,
    *,
    public_url: str,
    token_key: bytes,
    version: str,
    date: str,
    may_publish: MayPublish = lambda _caller, _domain: None,
) -> Starlette:
    """Return the application.

    Args:
        directory: the use cases.
        authenticate: knows the callers.
        public_url: address under which others reach this server, ``https://annuaire.example.fr``; links are made of
            it and never of what a request says of itself.
        token_key: 16 random bytes or more for page tokens, the same for every process that serves this door.
        version: of this program.
        date: of its last change, ``2026-11-30``.
        may_publish: asked before each patch, for the domain of each mailbox that it names.
    """
    root = public_url.rstrip("/")
    presented = Presented(f"{root}{PREFIX}", version, date)
    fhir = FhirDoor(directory, authenticate, PageTokens(token_key), presented, may_publish)
    told = msgspec.json.encode(document(base_url=root, prefix=PREFIX, version=version))

    async def openapi(_request: Request) -> Response:
        return Response(told, headers=dict(HEADERS), media_type="application/json")

    app = Starlette(
        routes=[*fhir.routes(), *RestDoor(directory, authenticate).routes(), Route("/openapi.json", openapi)],
        exception_handlers={HTTPException: _missing, Exception: _failed},
    )
    # A redirection would be made of the Host that the request names.
    app.router.redirect_slashes = False
    return app


async def _missing(request: Request, error: Exception) -> Response:
    """Answer what no address answers, in the words of the interface that was meant."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    allowed = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    answer = (refused if request.url.path.startswith("/fhir") else problem)(_NOTHING, status=status)
    answer.headers.update(allowed)
    return answer


async def _failed(request: Request, _error: Exception) -> Response:
    """Answer an accident of ours without a word of it; the server logs it."""
    return (refused if request.url.path.startswith("/fhir") else problem)(_FAULT, status=500)
