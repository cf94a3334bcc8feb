"""The FHIR R4 interface: read, search, metadata; its addresses (patches are in `patching`).

Source: operators.md 4.5; the draft; FHIR R4 http; reliability.md D09, D10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mssante.doors.directory import asking
from mssante.doors.directory.answers import FHIR_JSON, HEADERS, refused
from mssante.doors.directory.gathering import Gathered, gather
from mssante.doors.directory.ordering import SORT, Order, put_in_order, read_order
from mssante.doors.directory.page_token import PageTokens
from mssante.doors.directory.patching import FhirPatching, shown
from mssante.doors.directory.ports import Authenticate, Directory, MayPublish
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Caller, Holder, Target
from mssante.model.errors import TheirProtocolError
from mssante.wire.fhir.bundle import searchset
from mssante.wire.fhir.capability import capability
from mssante.wire.fhir.ids import RESOURCE_ID
from mssante.wire.fhir.outcome import issue
from mssante.wire.fhir.resources import Issue, Link, encode
from mssante.wire.fhir.search import NAMES, RESOURCES, SearchRequest, read_search

PREFIX: Final = "/fhir/v2"
_UNKNOWN: Final = Refusal(Kind.ENTRY_UNKNOWN, "directory-door", "No such resource")


@dataclass(frozen=True, slots=True)
class Presented:
    """How the server presents itself.

    Attributes:
        base_url: address of the resources, without slash at the end; never taken from a request.
        version: of this program.
        date: of its last change, ``2026-11-30``.
    """

    base_url: str
    version: str
    date: str


class FhirDoor:
    """The endpoints; hold nothing but the use cases."""

    def __init__(
        self,
        directory: Directory,
        authenticate: Authenticate,
        tokens: PageTokens,
        presented: Presented,
        may_publish: MayPublish,
    ) -> None:
        """Keep them."""
        self._directory = directory
        self._authenticate = authenticate
        self._tokens = tokens
        self._presented = presented
        self._patching = FhirPatching(directory, authenticate, may_publish)

    def routes(self) -> list[Route]:
        """Return the routes; HEAD goes with GET."""
        found = [
            Route(f"{PREFIX}/metadata", self.metadata, methods=["GET"]),
            Route(PREFIX, self.search_types, methods=["GET"]),
            Route(f"{PREFIX}/", self.search_types, methods=["GET"]),
        ]
        for name, holder in RESOURCES.items():
            desk = _Desk(self, self._patching, holder)
            found += [
                Route(f"{PREFIX}/{name}", desk.collection, methods=["GET", "PATCH"]),
                Route(f"{PREFIX}/{name}/_search", desk.search_posted, methods=["POST"]),
                Route(f"{PREFIX}/{name}/{{id}}", desk.instance, methods=["GET", "PATCH"]),
            ]
        return found

    async def metadata(self, _request: Request) -> Response:
        """Say what is served; to everybody."""
        us = self._presented
        return _fhir(capability(version=us.version, date=us.date, base_url=us.base_url))

    async def search_types(self, request: Request) -> Response:
        """Search several types: ``?_type=Practitioner,PractitionerRole`` (the draft)."""
        pairs = asking.query_of(request)
        if isinstance(pairs, Refusal):
            return refused(pairs)
        names = [one.strip() for name, value in pairs if name == "_type" for one in value.split(",")]
        if not names or any(one not in RESOURCES for one in names):
            return refused(asking.wrong(f"_type: says one or more of {', '.join(RESOURCES)}"))
        holders = tuple(dict.fromkeys(RESOURCES[one] for one in names))
        return await self.search(request, holders, pairs)

    async def search(self, request: Request, holders: Sequence[Holder], pairs: asking.Pairs | Refusal) -> Response:
        """Answer a search of some types."""
        caller = await asking.caller_of(request, self._authenticate)
        if isinstance(caller, Refusal):
            return refused(caller)
        if isinstance(pairs, Refusal):
            return refused(pairs)
        if not asking.speaks_json(request, pairs):
            return _not_acceptable()
        asked = [pair for pair in pairs if pair[0] != "_type"]
        order = read_order(holders, asked)
        if isinstance(order, Refusal):
            return refused(order)
        chosen = [pair for pair in asked if pair[0] != SORT]
        is_strict = "handling=strict" in request.headers.get("prefer", "")[:1000].replace(" ", "").lower()
        try:
            requests = [read_search(holder, chosen, is_strict=is_strict) for holder in holders]
        except TheirProtocolError as error:
            return refused(asking.wrong(str(error)))
        used = [pair for pair in asked if not all(pair[0][:60] in one.ignored for one in requests)]
        return await self._searched(caller, requests, used, order)

    async def _searched(
        self, caller: Caller, requests: list[SearchRequest], asked: asking.Pairs, order: Order | None
    ) -> Response:
        what = ",".join([NAMES[one.holder] for one in requests])
        place: tuple[int, int | None] | None = (0, None)
        token = requests[0].page_token
        if token:
            place = self._tokens.read(token, caller.name, what, asked)
        if place is None or place[0] >= len(requests):
            return refused(asking.wrong("_page_token: is not of this caller and this search"))
        gathered = await gather(self._directory, caller, requests, place)
        if isinstance(gathered, Refusal):
            return refused(gathered)
        refusal = None if order is None else put_in_order(gathered, order, is_first=not token)
        if refusal is not None:
            return refused(refusal)
        links = self._links(caller, what, asked, gathered, is_one=len(requests) == 1)
        is_whole = not token and gathered.next is None and not gathered.was_cut
        wants_total = requests[0].total != "none"
        bundle = searchset(
            self._presented.base_url,
            gathered.matches,
            gathered.included,
            issues=_remarks(requests, gathered, is_whole=is_whole),
            links=links,
            total=len(gathered.matches) if is_whole and wants_total else None,
        )
        return _fhir(bundle)

    def _links(
        self, caller: Caller, what: str, asked: asking.Pairs, gathered: Gathered, *, is_one: bool
    ) -> tuple[Link, ...]:
        base = f"{self._presented.base_url}/{what}" if is_one else self._presented.base_url
        pairs = [] if is_one else [("_type", what)]
        links = [Link("self", _with_query(base, [*pairs, *asked]))]
        if gathered.next is not None:
            token = self._tokens.write(caller.name, what, asked, gathered.next)
            rest = [pair for pair in asked if pair[0] != "_page_token"]
            links.append(Link("next", _with_query(base, [*pairs, *rest, ("_page_token", token)])))
        return tuple(links)

    async def read(self, request: Request, holder: Holder) -> Response:
        """Answer one resource, or 304 when the asker has it already."""
        caller = await asking.caller_of(request, self._authenticate)
        if isinstance(caller, Refusal):
            return refused(caller)
        pairs = asking.query_of(request)
        if isinstance(pairs, Refusal):
            return refused(pairs)
        if not asking.speaks_json(request, pairs):
            return _not_acceptable()
        identifier = request.path_params["id"]
        if not RESOURCE_ID.fullmatch(identifier):
            return refused(_UNKNOWN)
        found = await self._directory.one(caller, Target(holder, identifier))
        if isinstance(found, Refusal):
            return refused(found)
        return shown(found, request.headers.get("if-none-match", ""))


class _Desk:
    """The endpoints of one type of resource."""

    def __init__(self, door: FhirDoor, patching: FhirPatching, holder: Holder) -> None:
        self._door = door
        self._patching = patching
        self._holder = holder

    async def collection(self, request: Request) -> Response:
        if request.method == "PATCH":
            return await self._patching.patch_found(request, self._holder)
        return await self._door.search(request, (self._holder,), asking.query_of(request))

    async def search_posted(self, request: Request) -> Response:
        return await self._door.search(request, (self._holder,), await asking.form_of(request))

    async def instance(self, request: Request) -> Response:
        if request.method == "PATCH":
            return await self._patching.patch(request, self._holder)
        return await self._door.read(request, self._holder)


def _remarks(requests: Sequence[SearchRequest], gathered: Gathered, *, is_whole: bool) -> list[Issue]:
    """Return what the asker is to know of the answer."""
    ignored = dict.fromkeys(name for request in requests for name in request.ignored)
    found = [
        issue("warning", "not-supported", f"Paramètre ignoré : {name}", diagnostics=f"ignored: {name}")
        for name in ignored
    ]
    if gathered.was_cut:
        found.append(issue("warning", "too-costly", "Résultats incomplets : précisez la recherche."))
    if gathered.was_cut_included:
        found.append(issue("warning", "incomplete", "Ressources liées incomplètes : elles sont trop nombreuses."))
    if requests[0].total == "accurate" and not is_whole:
        found.append(issue("information", "informational", "Le total n'est donné que s'il tient sur une page."))
    return found


def _with_query(base: str, pairs: asking.Pairs) -> str:
    return f"{base}?{urlencode(pairs)}" if pairs else base


def _fhir(resource: Struct) -> Response:
    return Response(encode(resource), headers=dict(HEADERS), media_type=FHIR_JSON)


def _not_acceptable() -> Response:
    return refused(asking.wrong("only application/fhir+json is served"), status=406)
