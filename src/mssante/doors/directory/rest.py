"""The search for software: words in, ranked addresses out, each with its reasons; and what words may become.

Source: clients.md 6.2 (SC.MSS/UX.41, criteria); decision of the house: the same ranking as everywhere else.
"""

from dataclasses import fields
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mssante.doors.directory import asking
from mssante.doors.directory.answers import HEADERS, problem
from mssante.doors.directory.ports import Authenticate, Directory
from mssante.model.decision import Kind, Refusal
from mssante.model.directory import Coded, Entry
from mssante.model.directory_search import Filters, Ranked, RankedEntry
from mssante.wire.fhir.resources import encode

PATH: Final = "/api/v1/directory"
LIMIT_DEFAULT: Final = 20
LIMIT_MAX: Final = 100
SUGGESTIONS_MAX: Final = 20
SUGGESTIONS_DEFAULT: Final = 8
WORDS_MAX_CHARS: Final = 200
FILTERS: Final = tuple(one.name for one in fields(Filters))


class CodedOut(msgspec.Struct, frozen=True):
    """A code with its label."""

    code: str
    label: str


class PersonOut(msgspec.Struct, frozen=True):
    """Whose mailbox it is."""

    identifier: str
    civility: str
    family: str
    given: str
    profession: CodedOut
    specialities: tuple[CodedOut, ...]


class StructureOut(msgspec.Struct, frozen=True):
    """Where the mailbox is held."""

    identifier: str
    name: str
    sign: str
    street: str
    postcode: str
    town: str
    department: str


class EntryOut(msgspec.Struct, frozen=True):
    """One line of the answer.

    Attributes:
        address: "" for somebody without mailbox.
        reasons: why it stands there, in French, the strongest first.
        warning: what to look at before one writes there, in French; "".
    """

    address: str
    kind: str
    name: str
    service: str
    description: str
    paperless: bool | None
    professional: PersonOut | None
    structure: StructureOut | None
    score: float
    reasons: tuple[str, ...]
    warning: str


class Answer(msgspec.Struct, frozen=True):
    """The best first; `truncated`: there are more."""

    interpreted: str
    truncated: bool
    entries: tuple[EntryOut, ...]


class Suggestions(msgspec.Struct, frozen=True):
    """What the words may become."""

    suggestions: tuple[str, ...]


class RestDoor:
    """The endpoints; hold nothing but the use cases."""

    def __init__(self, directory: Directory, authenticate: Authenticate) -> None:
        """Keep them."""
        self._directory = directory
        self._authenticate = authenticate

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(PATH, self.search, methods=["GET"]),
            Route(f"{PATH}/complete", self.complete, methods=["GET"]),
        ]

    async def search(self, request: Request) -> Response:
        """Answer a search."""
        caller = await asking.caller_of(request, self._authenticate)
        if isinstance(caller, Refusal):
            return problem(caller)
        asked = _asked(request, ("q", "limit", "department", *FILTERS))
        if isinstance(asked, Refusal):
            return problem(asked)
        limit = _limit(asked.pop("limit", ""), LIMIT_DEFAULT, LIMIT_MAX)
        if isinstance(limit, Refusal):
            return problem(limit)
        words, department = asked.pop("q", ""), asked.pop("department", "")
        if not (words or department or asked):
            return problem(asking.wrong("q: says what is searched, or a filter does"))
        # The flow takes a département where it takes a postcode, which says more when both are given.
        asked.setdefault("postcode", department)
        found = await self._directory.search(caller, words, Filters(**asked), limit=limit)
        return problem(found) if isinstance(found, Refusal) else _json(_answer(found))

    async def complete(self, request: Request) -> Response:
        """Answer what words may become; nothing below two letters."""
        caller = await asking.caller_of(request, self._authenticate)
        if isinstance(caller, Refusal):
            return problem(caller)
        asked = _asked(request, ("q", "limit"))
        if isinstance(asked, Refusal):
            return problem(asked)
        limit = _limit(asked.get("limit", ""), SUGGESTIONS_DEFAULT, SUGGESTIONS_MAX)
        if isinstance(limit, Refusal):
            return problem(limit)
        if "q" not in asked:
            return problem(asking.wrong("q: the letters typed so far are missing"))
        found = await self._directory.complete(caller, asked["q"], limit=limit)
        return problem(found) if isinstance(found, Refusal) else _json(Suggestions(found))


def _asked(request: Request, known: tuple[str, ...]) -> dict[str, str] | Refusal:
    """Return the parameters that say something, each once; what is not known is refused by its name."""
    pairs = asking.query_of(request)
    if isinstance(pairs, Refusal):
        return pairs
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            return asking.wrong(f"{name[:40]!r} is no parameter here", Kind.PARAMETER_UNKNOWN)
        if name in found:
            return asking.wrong(f"{name}: stands there twice")
        if len(value) > WORDS_MAX_CHARS or any(not char.isprintable() for char in value):
            return asking.wrong(f"{name}: longer than {WORDS_MAX_CHARS} characters, or not printable")
        found[name] = value.strip()
    return {name: value for name, value in found.items() if value or name == "q"}


def _limit(text: str, usual: int, most: int) -> int | Refusal:
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= most):
        return asking.wrong(f"limit: is no number from 1 to {most}")
    return int(text)


def _answer(found: Ranked) -> Answer:
    return Answer(found.interpreted, found.was_cut, tuple([_entry(one) for one in found.entries]))


def _entry(ranked: RankedEntry) -> EntryOut:
    entry = ranked.entry
    box = entry.mailbox
    return EntryOut(
        address=entry.address,
        kind="" if box is None else box.kind.value,
        name=entry.name,
        service="" if box is None else box.service,
        description="" if box is None else box.description,
        paperless=None if box is None else box.is_paperless,
        professional=_person(entry),
        structure=_structure(entry),
        score=ranked.score,
        reasons=ranked.reasons,
        warning=ranked.warning,
    )


def _person(entry: Entry) -> PersonOut | None:
    who = entry.professional
    if who is None:
        return None
    known = tuple([_coded(one) for one in who.specialities])
    return PersonOut(who.identifier, who.civility, who.family, who.given, _coded(who.profession), known)


def _structure(entry: Entry) -> StructureOut | None:
    where = entry.structure
    if where is None:
        return None
    at = where.address
    return StructureOut(where.identifier, where.name, where.sign, at.street, at.postcode, at.town, at.department)


def _coded(value: Coded) -> CodedOut:
    return CodedOut(value.code, value.label)


def _json(value: msgspec.Struct) -> Response:
    return Response(encode(value), headers=dict(HEADERS), media_type="application/json")
