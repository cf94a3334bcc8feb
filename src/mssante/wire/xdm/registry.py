"""The objects of an ebXML registry request, opened: slots, codes and identifiers by name, wherever they stand.

Source: ebRIM 3.0 (elements and attributes, general knowledge of it); clients.md 5.5.
"""

from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from mssante.model.document import Coded

_NAMESPACES: Final = ("urn:oasis:names:tc:ebxml-regrep", "urn:ihe:iti:xds")


@dataclass(slots=True)
class RegistryObject:
    """A registry object, opened: its slots by name, its classifications and identifiers by scheme."""

    element: etree._Element
    slots: dict[str, list[str]] = field(default_factory=dict)
    codes: dict[str, list[etree._Element]] = field(default_factory=dict)
    identifiers: dict[str, str] = field(default_factory=dict)
    nodes: set[str] = field(default_factory=set)
    title: str = ""
    comments: str = ""
    version: str = ""

    @property
    def id(self) -> str:
        """Return its id in the file."""
        return attribute(self.element, "id")

    def slot(self, name: str) -> str:
        """Return the first value of a slot, whatever the case of its name; "" when there is none."""
        return next(iter(self.slots.get(name.lower(), ())), "")

    def add(self, child: etree._Element) -> None:
        """Take a child, or a classification or identifier that stands elsewhere and points here."""
        name = name_of(child)
        if name == "Slot":
            self.slots.setdefault(attribute(child, "name").lower(), []).extend(values_of(child))
        elif name == "Classification":
            self.nodes.add(attribute(child, "classificationNode").lower())
            self.codes.setdefault(attribute(child, "classificationScheme").lower(), []).append(child)
        elif name == "ExternalIdentifier":
            self.identifiers.setdefault(attribute(child, "identificationScheme").lower(), attribute(child, "value"))
        elif name == "Name":
            self.title = self.title or localized(child)
        elif name == "Description":
            self.comments = self.comments or localized(child)
        elif name == "VersionInfo":
            self.version = attribute(child, "versionName")


def name_of(element: etree._Element) -> str:
    """Return the local name, or "" for what is no element of ebXML."""
    # A comment has a function for a tag; its text names no element.
    space, _, name = str(element.tag).rpartition("}")
    return name if not space or space[1:].startswith(_NAMESPACES) else ""


def attribute(element: etree._Element, name: str) -> str:
    """Return an attribute without spaces around; "" when it is missing."""
    return (element.get(name) or "").strip()


def values_of(slot: etree._Element) -> list[str]:
    """Return the values of a slot that are not empty."""
    return [
        value.text.strip()
        for values in slot
        if name_of(values) == "ValueList"
        for value in values
        if name_of(value) == "Value" and value.text and value.text.strip()
    ]


def localized(element: etree._Element) -> str:
    """Return the first text of a Name or a Description."""
    return next((attribute(one, "value") for one in element if name_of(one) == "LocalizedString"), "")


def opened(element: etree._Element) -> RegistryObject:
    """Return an object with its direct children taken."""
    found = RegistryObject(element)
    for child in element:
        found.add(child)
    return found


def attach(loose: list[etree._Element], objects: list[RegistryObject]) -> None:
    """Give classifications and identifiers that stand beside the objects to the object that they name."""
    by_id = {one.id: one for one in objects}
    for element in loose:
        owner = by_id.get(attribute(element, "classifiedObject") or attribute(element, "registryObject"))
        if owner is not None:
            owner.add(element)


def code_of(one: RegistryObject, scheme: str) -> Coded:
    """Return the first code of a scheme."""
    return next(iter(codes_of(one, scheme)), Coded(""))


def codes_of(one: RegistryObject, scheme: str) -> tuple[Coded, ...]:
    """Return the codes of a scheme, in the order of the file."""
    return tuple(coded_of(element) for element in one.codes.get(scheme, ()))


def coded_of(element: etree._Element) -> Coded:
    """Return the code that a Classification gives."""
    slots = opened(element)
    return Coded(attribute(element, "nodeRepresentation"), slots.slot("codingScheme"), slots.title)
