"""FHIR Patch over HTTP: by id and conditional; the changes are made by the flow, all or none.

Source: operators.md 4.6 (404 for none, 412 for several, address and type never change); FHIR R4 http (patch, If-Match).
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from mssante.doors.directory import asking
from mssante.doors.directory.answers import FHIR_JSON, HEADERS, refused
from mssante.doors.directory.gathering import Found, by_ids, fetch, resource_of
from mssante.doors.directory.ports import Authenticate, Directory, MayPublish
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import AddMailbox, Caller, Holder, Person, Place, Role, Target
from mssante.model.errors import TheirProtocolError
from mssante.wire.fhir.ids import RESOURCE_ID
from mssante.wire.fhir.patch import FixedPartError, Patch, read_patch, unmet
from mssante.wire.fhir.resources import encode
from mssante.wire.fhir.search import SearchRequest, read_search

_UNKNOWN: Final = Refusal(Kind.ENTRY_UNKNOWN, "directory-door", "No such resource")
_TIES: Final = Refusal(Kind.ENTRY_AMBIGUOUS, "directory-door", "More than one resource matches")
_CHANGED: Final = Refusal(
    Kind.ENTRY_AMBIGUOUS,
    "if-match",
    "The resource is not the one that If-Match names",
    "",
    "La fiche a changé depuis que vous l'avez lue : relisez-la.",
)


class FhirPatching:
    """Patches; holds nothing but the use cases."""

    def __init__(self, directory: Directory, authenticate: Authenticate, may_publish: MayPublish) -> None:
        """Keep them."""
        self._directory = directory
        self._authenticate = authenticate
        self._may_publish = may_publish

    async def patch(self, request: Request, holder: Holder) -> Response:
        """Patch the resource that the address names."""
        caller = await asking.caller_of(request, self._authenticate)
        if isinstance(caller, Refusal):
            return refused(caller)
        identifier = request.path_params["id"]
        if not RESOURCE_ID.fullmatch(identifier):
            return refused(_UNKNOWN)
        return await self._patch(request, caller, Target(holder, identifier))

    async def patch_found(self, request: Request, holder: Holder) -> Response:
        """Patch the one resource that the criteria find (operators.md 4.6: 404 for none, 412 for several)."""
        caller = await asking.caller_of(request, self._authenticate)
        if isinstance(caller, Refusal):
            return refused(caller)
        pairs = asking.query_of(request)
        if isinstance(pairs, Refusal):
            return refused(pairs)
        try:
            criteria = read_search(holder, pairs, is_strict=True)
        except TheirProtocolError as error:
            return refused(asking.wrong(str(error)))
        if not criteria.has_criteria:
            return refused(asking.wrong("a conditional patch needs a criterion, such as identifier"))
        target = await self._only(caller, criteria)
        return refused(target) if isinstance(target, Refusal) else await self._patch(request, caller, target)

    async def _only(self, caller: Caller, criteria: SearchRequest) -> Target | Refusal:
        found: Sequence[Found]
        if criteria.ids is not None:
            answer = await by_ids(self._directory, caller, criteria.holder, criteria.ids)
            if isinstance(answer, Refusal):
                return answer
            found, is_sure = answer, True
        else:
            page = await fetch(self._directory, caller, criteria.holder, criteria.condition, limit=2)
            if isinstance(page, Refusal):
                return page
            found, is_sure = page.items, not page.was_cut
        kept = [one for one in found if criteria.changed.holds(one.updated_at)]
        if len(kept) > 1 or not is_sure:
            return _TIES
        return _target(kept[0]) if kept else _UNKNOWN

    async def _patch(self, request: Request, caller: Caller, target: Target) -> Response:
        if not asking.is_fhir_json(request):
            return refused(asking.wrong("a patch is application/fhir+json"), status=415)
        body = await asking.body_of(request)
        if isinstance(body, Refusal):
            return refused(body)
        try:
            patch = read_patch(body, target.holder)
            refusal = await self._unfit(caller, target, patch, request.headers.get("if-match", ""))
        except FixedPartError as error:
            return refused(asking.wrong(str(error), Kind.ADDRESS_FIXED))
        except TheirProtocolError as error:
            return refused(asking.wrong(str(error), Kind.SYNTAX))
        if refusal is not None:
            return refused(refusal)
        done = await self._directory.change(caller, target, patch.changes)
        return refused(done) if isinstance(done, Refusal) else shown(done, "")

    async def _unfit(self, caller: Caller, target: Target, patch: Patch, if_match: str) -> Refusal | None:
        """Return why the patch is not for what the directory holds, or None.

        Raises:
            TheirProtocolError: it changes a type, or says what a mailbox of that type does not have.
        """
        for one in patch.changes:
            address = one.mailbox.address if isinstance(one, AddMailbox) else one.address
            refusal = self._may_publish(caller, address.rpartition("@")[2])
            if refusal is not None:
                return refusal
        if not patch.needs and not if_match:
            return None
        current = await self._directory.one(caller, target)
        if isinstance(current, Refusal):
            return current
        if if_match and not _names(if_match, _etag(encode(resource_of(current)))):
            return _CHANGED
        kinds = {box.address.lower(): box.kind for box in current.mailboxes}
        for need in patch.needs:
            if kinds.get(need.address.lower(), next(iter(need.kinds))) not in need.kinds:
                raise unmet(need)
        return None


def _target(found: Found) -> Target:
    match found:
        case Person():
            return Target(Holder.PERSON, found.professional.identifier)
        case Role():
            return Target(Holder.ROLE, found.situation.identifier)
        case Place():
            return Target(Holder.PLACE, found.structure.identifier)


def shown(found: Found, held: str) -> Response:
    """Return the resource with its entity tag, or 304 when `held` names it already."""
    raw = encode(resource_of(found))
    etag = _etag(raw)
    headers = {**HEADERS, "Cache-Control": "private, no-cache", "ETag": etag}
    if held and _names(held, etag):
        return Response(status_code=304, headers=headers)
    return Response(raw, headers=headers, media_type=FHIR_JSON)


def _etag(raw: bytes) -> str:
    return f'W/"{hashlib.blake2b(raw, digest_size=16).hexdigest()}"'


def _names(header: str, etag: str) -> bool:
    """Tell whether a list of entity tags names this one, compared weakly (RFC 9110 section 13.1)."""
    tags = {tag.strip().removeprefix("W/") for tag in header[:1000].split(",")}
    return etag.removeprefix("W/") in tags or "*" in tags
