"""A search for some mailboxes in another directory: what is asked of each resource, and what its answers say.

Lenient with elements that are not known. What is not understood of an address is said: nobody may take it for absent.

Source: operators.md 4.2 (data model), 4.3 (identifiers), 4.5 (a BAL is a telecom element; where each type lives).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode, urlsplit

import msgspec

from mssante.model.directory import Holder, ListedMailbox
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.model.national import FINESS_DIGITS, SIRET_DIGITS
from mssante.wire.fhir import systems
from mssante.wire.fhir.search import INCLUDES, NAMES

ADDRESSES_MAX: Final = 20
"""Addresses of one question: the national API bounds the length of an address, ours the number of values."""
PAGE: Final = 100
_ELEMENTS: Final = {
    Holder.PERSON: "identifier,telecom",
    Holder.ROLE: "identifier,telecom,practitioner,organization",
    Holder.PLACE: "identifier,telecom",
}
_SYNTAX: Final = re.compile(r"([,|$\\])")
_TYPES: Final = {kind.value: kind for kind in MailboxType if kind is not MailboxType.CITIZEN}
_NOT_WHOLE: Final = frozenset({"too-costly", "incomplete", "throttled", "timeout"})


class _Coding(msgspec.Struct, frozen=True):
    system: str = ""
    code: str = ""


class _Concept(msgspec.Struct, frozen=True):
    coding: tuple[_Coding, ...] = ()


class _Extension(msgspec.Struct, rename="camel", frozen=True):
    url: str = ""
    extension: tuple["_Extension", ...] = ()
    value_boolean: bool | None = None
    value_string: str | None = None
    value_code: str | None = None
    value_coding: _Coding | None = None
    value_codeable_concept: _Concept | None = None


class _Telecom(msgspec.Struct, frozen=True):
    system: str = ""
    value: str = ""
    rank: int | None = None
    extension: tuple[_Extension, ...] = ()


class _Identifier(msgspec.Struct, frozen=True):
    system: str = ""
    value: str = ""


class _Reference(msgspec.Struct, frozen=True):
    reference: str = ""


class _Issue(msgspec.Struct, frozen=True):
    severity: str = ""
    code: str = ""


class _Resource(msgspec.Struct, rename="camel", frozen=True):
    resource_type: str
    id: str = ""
    identifier: tuple[_Identifier, ...] = ()
    telecom: tuple[_Telecom, ...] = ()
    practitioner: _Reference | None = None
    organization: _Reference | None = None
    issue: tuple[_Issue, ...] = ()


class _Entry(msgspec.Struct, frozen=True):
    resource: _Resource


class _Link(msgspec.Struct, frozen=True):
    relation: str = ""
    url: str = ""


class _Bundle(msgspec.Struct, rename="camel", frozen=True):
    # Both are demanded: what is no answer to a search must not be read as an empty one.
    resource_type: Literal["Bundle"]
    type: Literal["searchset"]
    entry: tuple[_Entry, ...] = ()
    link: tuple[_Link, ...] = ()


_DECODER: Final = msgspec.json.Decoder(_Bundle)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an answer.

    Attributes:
        lines: every mailbox that was understood, those that nobody asked for too.
        unclear: addresses that stand there in a way that was not understood.
        next_query: of the next page, "" at the end.
        is_whole: the server does not say that it left something out.
    """

    lines: tuple[ListedMailbox, ...]
    unclear: frozenset[str]
    next_query: str
    is_whole: bool


def look_up_queries(addresses: Sequence[str]) -> tuple[tuple[Holder, str], ...]:
    """Return the query for each resource that may hold one of the addresses, `ADDRESSES_MAX` at most.

    Without modifier: `:exact` counts capitals, and the directory may have others than we do. What only begins like an
    address is passed over by the reader.

    Source: operators.md 4.5; FHIR R4 search, 3.1.1.4.8 (string), 3.1.1.4.16 (escaping).
    """
    asked = ",".join([_SYNTAX.sub(r"\\\1", one) for one in addresses[:ADDRESSES_MAX]])
    return tuple(
        [
            (
                holder,
                urlencode(
                    [
                        ("mailbox-mss", asked),
                        ("_elements", _ELEMENTS[holder]),
                        *[("_include", one) for one in sorted(INCLUDES[holder])],
                        ("_count", str(PAGE)),
                    ]
                ),
            )
            for holder in NAMES
        ]
    )


def read_page(holder: Holder, body: bytes) -> Page:
    """Return what a page says.

    Args:
        holder: which resource was asked.

    Raises:
        TheirProtocolError: it is no bundle of FHIR R4.
    """
    try:
        bundle = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"the answer is no Bundle: {str(error)[:200]}"
        raise TheirProtocolError(msg) from error
    resources = [one.resource for one in bundle.entry]
    known = {f"{one.resource_type}/{one.id}": one for one in resources}
    lines: list[ListedMailbox] = []
    unclear: set[str] = set()
    for resource in resources:
        if resource.resource_type != NAMES[holder]:
            continue
        place = _place_of(holder, resource, known)
        for telecom in resource.telecom:
            if telecom.system != "email":
                continue
            line = None if place is None else _line(telecom, *place)
            if line is None:
                unclear.add(telecom.value)
            else:
                lines.append(line)
    issues = [issue for one in resources if one.resource_type == "OperationOutcome" for issue in one.issue]
    is_whole = not any(one.code in _NOT_WHOLE or one.severity in {"error", "fatal"} for one in issues)
    following = next((one.url for one in bundle.link if one.relation == "next"), "")
    return Page(tuple(lines), frozenset(unclear), _query_of(following), is_whole)


def _query_of(url: str) -> str:
    """Return the query of a link: the next page is asked where the first one was, wherever the link leads."""
    if not url:
        return ""
    try:
        query = urlsplit(url).query
    except ValueError as error:
        msg = "the link to the next page is no address"
        raise TheirProtocolError(msg) from error
    if not query or not (query.isascii() and query.isprintable()) or " " in query:
        msg = "the link to the next page has no query"
        raise TheirProtocolError(msg)
    return query


def _place_of(holder: Holder, resource: _Resource, known: Mapping[str, _Resource]) -> tuple[str, str] | None:
    """Return professional and structure of a resource's mailboxes, None when it is not said whose they are."""
    if holder is Holder.ROLE:
        person = _person_number(_target(resource.practitioner, known))
        place = _place_number(_target(resource.organization, known))
        return (person, place) if person and place else None
    number = _person_number(resource) if holder is Holder.PERSON else _place_number(resource)
    if not number:
        return None
    return (number, "") if holder is Holder.PERSON else ("", number)


def _target(reference: _Reference | None, known: Mapping[str, _Resource]) -> _Resource | None:
    """Return the included resource that is meant, whether the reference is relative or absolute."""
    if reference is None:
        return None
    path = reference.reference.partition("/_history/")[0].split("/")
    return known.get("/".join(path[-2:]))


def _person_number(resource: _Resource | None) -> str:
    """Return IdNat_PS: as it is said, else of the RPPS number; "" when neither is.

    Source: operators.md 4.3.
    """
    values = _values(resource)
    if values.get(systems.PERSON_OID):
        return values[systems.PERSON_OID]
    return next((f"8{values[name]}" for name in sorted(systems.RPPS_NAMES) if values.get(name)), "")


def _place_number(resource: _Resource | None) -> str:
    """Return IdNat_Struct: as it is said, else of the FINESS, RPPS-rang or SIRET number; "" when none is.

    Source: operators.md 4.3.
    """
    values = _values(resource)
    if values.get(systems.PLACE_OID):
        return values[systems.PLACE_OID]
    numbers = [("1", name, FINESS_DIGITS) for name in sorted(systems.FINESS_NAMES)]
    numbers += [("4", systems.RPPS_RANG, 0)]
    numbers += [("3", name, SIRET_DIGITS) for name in sorted(systems.SIRENE_NAMES)]
    for kind, name, digits in numbers:
        value = values.get(name, "")
        if value and digits in {0, len(value)}:
            return f"{kind}{value}"
    return ""


def _values(resource: _Resource | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in () if resource is None else resource.identifier:
        found.setdefault(one.system, one.value)
    return found


def _line(telecom: _Telecom, professional: str, structure: str) -> ListedMailbox | None:
    """Return the mailbox; None when its type is not said, whichever way the drafts write it (operators.md 4.6)."""
    parts: dict[str, _Extension] = {}
    for extension in telecom.extension:
        if extension.url == systems.METADATA:
            for part in extension.extension:
                parts.setdefault(part.url, part)
    kind = _TYPES.get(_code(parts.get("type")))
    if kind is None:
        return None
    return ListedMailbox(
        address=telecom.value,
        kind=kind,
        professional=professional,
        structure=structure,
        service=_text(parts.get("service")),
        description=_text(parts.get("description")),
        responsible=_text(parts.get("responsible")),
        is_red=bool(_flag(parts.get("listeRouge"))),
        is_paperless=_flag(parts.get("digitization")),
        rank=telecom.rank,
    )


def _code(part: _Extension | None) -> str:
    if part is None:
        return ""
    if part.value_codeable_concept is not None:
        return next((one.code for one in part.value_codeable_concept.coding if one.code in _TYPES), "")
    return part.value_coding.code if part.value_coding is not None else part.value_code or ""


def _text(part: _Extension | None) -> str:
    return "" if part is None else part.value_string or ""


def _flag(part: _Extension | None) -> bool | None:
    return None if part is None else part.value_boolean
