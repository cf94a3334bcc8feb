"""Answers to searches: matches, what is included with them, what is to be known about them.

Source: FHIR R4 bundle and search (3.1.1.5.7 _elements, 3.1.1.5.2 _total); operators.md 4.5.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mssante.wire.fhir import systems
from mssante.wire.fhir.outcome import outcome
from mssante.wire.fhir.resources import (
    Bundle,
    BundleEntry,
    Coding,
    Issue,
    Link,
    Meta,
    Organization,
    Practitioner,
    PractitionerRole,
    Resource,
    Search,
)

_MATCH: Final = Search("match")
_INCLUDE: Final = Search("include")
_OUTCOME: Final = Search("outcome")
_ALWAYS: Final = frozenset({"id", "meta"})
_TAG: Final = Coding(system=systems.TAGS, code=systems.SUBSETTED)


def full_url(base_url: str, resource: Resource) -> str:
    """Return the address of a resource."""
    return f"{base_url}/{type(resource).__struct_config__.tag}/{resource.id}"


def subsetted(resource: Resource, elements: frozenset[str]) -> Resource:
    """Return the resource with those elements only, marked as incomplete; itself when none is named."""
    if not elements:
        return resource
    names = zip(resource.__struct_fields__, resource.__struct_encode_fields__, strict=True)
    kept = {field: getattr(resource, field) for field, name in names if name in elements and name not in _ALWAYS}
    meta = replace(resource.meta or Meta(), tag=(_TAG,))
    match resource:
        case Practitioner():
            return Practitioner(id=resource.id, meta=meta, **kept)
        case PractitionerRole():
            return PractitionerRole(id=resource.id, meta=meta, **kept)
        case Organization():
            return Organization(id=resource.id, meta=meta, **kept)


def searchset(
    base_url: str,
    matches: Sequence[Resource],
    included: Sequence[Resource],
    *,
    issues: Sequence[Issue],
    links: tuple[Link, ...],
    total: int | None,
) -> Bundle:
    """Return the bundle; what is to be known stands last, as an OperationOutcome."""
    entries = [BundleEntry(one, _MATCH, full_url(base_url, one)) for one in matches]
    entries += [BundleEntry(one, _INCLUDE, full_url(base_url, one)) for one in included]
    if issues:
        entries.append(BundleEntry(outcome(*issues), _OUTCOME))
    return Bundle(type="searchset", total=total, link=links, entry=tuple(entries))
