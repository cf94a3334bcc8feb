"""What a request asks, read with its bounds: parameters, bodies, formats, who is there.

Source: RFC 9110 sections 12.5.1, 15.5; FHIR R4 http (content negotiation, _format); reliability.md D10.
"""

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from mssante.doors.directory.peer import peer_of
from mssante.doors.directory.ports import Authenticate
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Caller

QUERY_MAX_BYTES: Final = 8 * 1024
BODY_MAX_BYTES: Final = 64 * 1024
FIELDS_MAX: Final = 60
_FORMATS: Final = frozenset({"json", "application/json", "application/fhir+json", "text/json"})
_ACCEPTED: Final = frozenset({*_FORMATS, "*/*", "application/*"})
_BODIES: Final = frozenset({"application/fhir+json", "application/json"})

Pairs = list[tuple[str, str]]


def wrong(public: str, kind: Kind = Kind.QUERY_UNCLEAR) -> Refusal:
    """Return the refusal of a request that cannot be understood."""
    return Refusal(kind, "directory-door", public)


async def caller_of(request: Request, authenticate: Authenticate) -> Caller | Refusal:
    """Return who asks."""
    return await authenticate(request.headers, peer_of(request))


def query_of(request: Request) -> Pairs | Refusal:
    """Return the parameters of the address, decoded, in their order."""
    raw: bytes = request.scope["query_string"]
    if len(raw) > QUERY_MAX_BYTES:
        return wrong(f"the query is longer than {QUERY_MAX_BYTES} bytes", Kind.LINE_TOO_LONG)
    return _pairs(raw)


async def form_of(request: Request) -> Pairs | Refusal:
    """Return the parameters of the address, then those of a posted form."""
    found = query_of(request)
    if isinstance(found, Refusal):
        return found
    if media_type(request) != "application/x-www-form-urlencoded":
        return wrong("a search is posted as application/x-www-form-urlencoded", Kind.SYNTAX)
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    more = _pairs(body)
    return more if isinstance(more, Refusal) else [*found, *more]


def is_fhir_json(request: Request) -> bool:
    """Tell whether the body says that it is JSON of FHIR."""
    return media_type(request) in _BODIES


async def body_of(request: Request) -> bytes | Refusal:
    """Return the body; what is too long is not read to its end."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            return wrong(f"the body is longer than {BODY_MAX_BYTES} bytes", Kind.MESSAGE_TOO_BIG)
    return bytes(body)


def media_type(request: Request) -> str:
    """Return the type of the body without parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def speaks_json(request: Request, pairs: Pairs) -> bool:
    """Tell whether the answer may be JSON: `_format` decides, else Accept."""
    wanted = [value for name, value in pairs if name == "_format"]
    if wanted:
        # A plus sign that was not encoded has become a space.
        return wanted[-1].partition(";")[0].strip().lower().replace(" ", "+") in _FORMATS
    accept = request.headers.get("accept", "")[:1000]
    if not accept.strip():
        return True
    return any(one.partition(";")[0].strip().lower() in _ACCEPTED for one in accept.split(","))


def _pairs(raw: bytes) -> Pairs | Refusal:
    try:
        text = raw.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        return wrong("the parameters are not percent-encoded UTF-8, or too many")
