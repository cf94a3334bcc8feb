"""What the FHIR server can do, said by itself: made from the same tables as the search, so that it is always true.

Source: FHIR R4 capabilitystatement; operators.md 4.5 (metadata).
"""

from typing import Final

from msgspec import Struct

from mssante.wire.fhir.criteria import CRITERIA
from mssante.wire.fhir.resources import CodeableConcept, Coding
from mssante.wire.fhir.search import CONTROLS, INCLUDES, RESOURCES, REVINCLUDES

FHIR_VERSION: Final = "4.0.1"
_FORMATS: Final = ("application/fhir+json", "json")
_SECURITY: Final = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_TYPES: Final = {"_id": "token", "_lastUpdated": "date"}
_WRITING: Final = (
    "Écriture par FHIR Patch (Parameters), par identifiant ou conditionnelle : insert, replace, delete sur telecom ; "
    "l'adresse et le type d'une BAL ne changent pas."
)


class _Named(Struct, omit_defaults=True, frozen=True):
    code: str
    documentation: str = ""


class _SearchParam(Struct, frozen=True):
    name: str
    type: str
    documentation: str


class _Resource(Struct, rename="camel", frozen=True):
    type: str
    interaction: tuple[_Named, ...]
    versioning: str
    search_param: tuple[_SearchParam, ...]
    search_include: tuple[str, ...] = ()
    search_rev_include: tuple[str, ...] = ()


class _Security(Struct, frozen=True):
    service: tuple[CodeableConcept, ...]
    description: str


class _Rest(Struct, frozen=True):
    mode: str
    security: _Security
    resource: tuple[_Resource, ...]
    interaction: tuple[_Named, ...]


class _Software(Struct, frozen=True):
    name: str
    version: str


class _Implementation(Struct, frozen=True):
    description: str
    url: str


class CapabilityStatement(
    Struct, rename="camel", tag_field="resourceType", tag="CapabilityStatement", omit_defaults=True, frozen=True
):
    """What a server serves."""

    status: str
    date: str
    kind: str
    software: _Software
    implementation: _Implementation
    fhir_version: str
    format: tuple[str, ...]
    patch_format: tuple[str, ...]
    rest: tuple[_Rest, ...]


def capability(*, version: str, date: str, base_url: str) -> CapabilityStatement:
    """Return the statement.

    Args:
        version: of this program.
        date: of its last change, ``2026-11-30``.
        base_url: address under which the resources are.
    """
    security = _Security(
        (CodeableConcept((Coding(system=_SECURITY, code="Basic"),)),),
        "En-tête ESANTE-API-KEY, Authorization: Bearer ou Basic, ou certificat client.",
    )
    rest = _Rest("server", security, tuple([_resource(name) for name in RESOURCES]), (_Named("search-system"),))
    return CapabilityStatement(
        status="active",
        date=date,
        kind="instance",
        software=_Software("mssante", version),
        implementation=_Implementation("Annuaire MSSanté : boîtes aux lettres, professionnels, structures", base_url),
        fhir_version=FHIR_VERSION,
        format=_FORMATS,
        patch_format=("application/fhir+json",),
        rest=(rest,),
    )


def _resource(name: str) -> _Resource:
    holder = RESOURCES[name]
    params = [_SearchParam(one, criterion.kind, criterion.told) for one, criterion in CRITERIA[holder].items()]
    params += [_SearchParam(one, kind, CONTROLS[one]) for one, kind in _TYPES.items()]
    return _Resource(
        name,
        (_Named("read"), _Named("search-type"), _Named("patch", _WRITING)),
        "no-version",
        tuple(params),
        tuple(sorted(INCLUDES[holder])),
        tuple(sorted(REVINCLUDES[holder])),
    )
