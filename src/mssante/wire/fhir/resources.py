"""The resources that the directory serves and takes, as msgspec structs: R4 names, only the elements in use.

An element that is empty is not written (FHIR R4 json section 2.6.2: no null, no empty array). What is read from
others (`Parameters` and all below it) refuses what it does not know, with its place.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct


class Coding(Struct, omit_defaults=True, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A code of a system."""

    system: str = ""
    version: str = ""
    code: str = ""
    display: str = ""


class CodeableConcept(Struct, omit_defaults=True, rename="camel", forbid_unknown_fields=True, frozen=True):
    """A concept in one or several code systems."""

    coding: tuple[Coding, ...] = ()
    text: str = ""


class Extension(Struct, omit_defaults=True, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Something the standard has no place for; with parts, or with one value."""

    url: str
    extension: tuple["Extension", ...] = ()
    value_boolean: bool | None = None
    value_code: str | None = None
    value_string: str | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_coding: Coding | None = None


class ContactPoint(Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """A mailbox or a telephone."""

    id: str = ""
    extension: tuple[Extension, ...] = ()
    system: str = ""
    value: str = ""
    use: str = ""
    rank: int | None = None


class Identifier(Struct, omit_defaults=True, frozen=True):
    """A number and the register it is of."""

    use: str = ""
    type: CodeableConcept | None = None
    system: str = ""
    value: str = ""


class HumanName(Struct, omit_defaults=True, frozen=True):
    """A name as it is exercised under."""

    use: str = ""
    text: str = ""
    family: str = ""
    given: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()


class Address(Struct, omit_defaults=True, rename="camel", frozen=True):
    """Where a structure stands."""

    use: str = ""
    line: tuple[str, ...] = ()
    city: str = ""
    district: str = ""
    postal_code: str = ""
    country: str = ""


class Reference(Struct, omit_defaults=True, frozen=True):
    """A link to another resource."""

    reference: str = ""
    display: str = ""


class Meta(Struct, omit_defaults=True, rename="camel", frozen=True):
    """About a resource."""

    last_updated: str = ""
    profile: tuple[str, ...] = ()
    tag: tuple[Coding, ...] = ()


class Qualification(Struct, omit_defaults=True, frozen=True):
    """A profession or a savoir-faire of a practitioner."""

    code: CodeableConcept


class Practitioner(
    Struct, omit_defaults=True, rename="camel", tag_field="resourceType", tag="Practitioner", frozen=True
):
    """A professional."""

    id: str
    meta: Meta | None = None
    language: str = ""
    identifier: tuple[Identifier, ...] = ()
    active: bool | None = None
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    qualification: tuple[Qualification, ...] = ()


class PractitionerRole(
    Struct, omit_defaults=True, rename="camel", tag_field="resourceType", tag="PractitionerRole", frozen=True
):
    """A professional at work in a structure."""

    id: str
    meta: Meta | None = None
    language: str = ""
    identifier: tuple[Identifier, ...] = ()
    active: bool | None = None
    practitioner: Reference | None = None
    organization: Reference | None = None
    code: tuple[CodeableConcept, ...] = ()
    specialty: tuple[CodeableConcept, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()


class Organization(
    Struct, omit_defaults=True, rename="camel", tag_field="resourceType", tag="Organization", frozen=True
):
    """A structure."""

    id: str
    meta: Meta | None = None
    language: str = ""
    identifier: tuple[Identifier, ...] = ()
    active: bool | None = None
    type: tuple[CodeableConcept, ...] = ()
    name: str = ""
    alias: tuple[str, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    address: tuple[Address, ...] = ()
    part_of: Reference | None = None


class Issue(Struct, omit_defaults=True, frozen=True):
    """One thing that is wrong, or to be known."""

    severity: str
    code: str
    details: CodeableConcept | None = None
    diagnostics: str = ""
    expression: tuple[str, ...] = ()


class OperationOutcome(Struct, omit_defaults=True, tag_field="resourceType", tag="OperationOutcome", frozen=True):
    """How it went."""

    issue: tuple[Issue, ...]


Resource = Practitioner | PractitionerRole | Organization


class Link(Struct, frozen=True):
    """A link of a bundle."""

    relation: str
    url: str


class Search(Struct, frozen=True):
    """Why an entry is in the bundle: match, include or outcome."""

    mode: str


class BundleEntry(Struct, omit_defaults=True, rename="camel", frozen=True):
    """One resource of a bundle."""

    resource: Practitioner | PractitionerRole | Organization | OperationOutcome
    search: Search
    full_url: str = ""


class Bundle(Struct, omit_defaults=True, tag_field="resourceType", tag="Bundle", frozen=True):
    """An answer to a search."""

    type: str
    total: int | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[BundleEntry, ...] = ()


class Part(Struct, omit_defaults=True, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One part of an operation of a patch."""

    name: Literal["type", "path", "index", "value"]
    value_code: str | None = None
    value_string: str | None = None
    value_integer: int | None = None
    value_boolean: bool | None = None
    value_contact_point: ContactPoint | None = None


class Operation(Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """One operation of a patch."""

    name: Literal["operation"]
    part: tuple[Part, ...]


class Parameters(
    Struct,
    tag_field="resourceType",
    tag="Parameters",
    omit_defaults=True,
    forbid_unknown_fields=True,
    frozen=True,
):
    """A FHIR Patch."""

    parameter: tuple[Operation, ...]
    id: str = ""
    meta: Meta | None = None


_ENCODER: Final = msgspec.json.Encoder()


def encode(resource: Struct) -> bytes:
    """Return the resource as JSON."""
    return _ENCODER.encode(resource)
