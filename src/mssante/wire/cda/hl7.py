"""The HL7 data types of a CDA, from elements to our values; not for the places where they stand (see `header`).

What is missing or of another shape is "" or None: a document of others is read as far as it goes.

Source: HL7 CDA R2 (data types II, CD, TS, EN, AD, TEL); clients.md 5.6.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from lxml import etree

from mssante.model.document import Coded, Identifier, PersonName

NAMESPACE: Final = "urn:hl7-org:v3"
HL7: Final = f"{{{NAMESPACE}}}"
XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"

_DAY: Final = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_STREET: Final = ("houseNumber", "houseNumberNumeric", "streetNameType", "streetNameBase", "streetName")
_TOWN: Final = ("postalCode", "city")


def path(names: str) -> str:
    """Return a path of ElementPath in the namespace of HL7: ``a/b`` gives ``{urn:hl7-org:v3}a/{urn:hl7-org:v3}b``."""
    return "/".join(HL7 + name for name in names.split("/"))


def first(element: etree._Element | None, names: str) -> etree._Element | None:
    """Return the first element at a path, None when there is none."""
    return None if element is None else element.find(path(names))


def every(element: etree._Element | None, names: str) -> list[etree._Element]:
    """Return all elements at a path."""
    return [] if element is None else element.findall(path(names))


def elements(element: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Yield the children that are elements, with their name; one of another namespace has the name ""."""
    for child in element:
        tag: object = child.tag  # a comment's is a function
        if isinstance(tag, str):
            yield (tag[len(HL7) :] if tag.startswith(HL7) else ""), child


def plain(text: str | None) -> str:
    """Return a text in one line, single spaces between its words."""
    return " ".join((text or "").split())


def all_text(element: etree._Element | None) -> str:
    """Return the text of an element and of those in it, in one line."""
    if element is None:
        return ""
    return plain("".join(str(text) for text in element.itertext()))


def beginning(element: etree._Element, most: int) -> str:
    """Return the first characters of the text of an element, in one line; what comes after is not even read."""
    said: list[str] = []
    count = 0
    for text in element.itertext():
        said.append(str(text[: 4 * most]))
        count += len(said[-1].strip())
        if count > most:
            break
    return plain("".join(said))[:most]


def attribute(element: etree._Element | None, name: str) -> str:
    """Return an attribute in one line, "" when it is not there."""
    return "" if element is None else plain(element.get(name))


def identifier(element: etree._Element | None) -> Identifier | None:
    """Return an identifier (II), None when it has no root."""
    root = attribute(element, "root")
    return Identifier(root, attribute(element, "extension")) if root else None


def identifiers(element: etree._Element | None, names: str) -> tuple[Identifier, ...]:
    """Return the identifiers at a path that have a root."""
    return tuple(found for item in every(element, names) if (found := identifier(item)))


def coded(element: etree._Element | None) -> Coded:
    """Return a code (CD, CE); everything "" when it has none."""
    code = attribute(element, "code")
    return Coded(code, attribute(element, "codeSystem"), attribute(element, "displayName")) if code else Coded("")


def whole_date(text: str) -> date | None:
    """Return the day of a time (TS) that says one, None when it is vaguer or no day of the calendar."""
    found = _DAY.match(text)
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def interval(element: etree._Element | None) -> tuple[str, str]:
    """Return the start and the end of a time (IVL_TS), as written; a single time is its start."""
    low = attribute(first(element, "low"), "value") or attribute(element, "value")
    return low, attribute(first(element, "high"), "value")


def person_name(element: etree._Element | None) -> PersonName:
    """Return a name (PN) in its parts; one that is a bare text is taken for the family name."""
    if element is None:
        return PersonName()
    parts: dict[str, list[str]] = {}
    for name, child in elements(element):
        if text := all_text(child):
            parts.setdefault(name, []).append(text)
    if not parts:
        return PersonName(family=all_text(element))
    said = {name: " ".join(parts.get(name, ())) for name in ("family", "given", "prefix", "suffix")}
    return PersonName(**said)


def address(element: etree._Element | None) -> str:
    """Return an address (AD) in one line: street, further lines, town, country."""
    if element is None:
        return ""
    parts: dict[str, list[str]] = {}
    for name, child in elements(element):
        if text := all_text(child):
            parts.setdefault(name, []).append(text)
    lines = [" ".join(text for name in _STREET for text in parts.pop(name, ()))]
    town = " ".join(text for name in _TOWN for text in parts.pop(name, ()))
    country = parts.pop("country", [])
    for texts in parts.values():
        lines.extend(texts)
    said = ", ".join(line for line in (*lines, town, *country) if line)
    return said or plain(element.text)


def telecom(element: etree._Element | None, scheme: str) -> str:
    """Return the first telecom of a scheme (``tel:``, ``mailto:``) without it, "" when there is none."""
    for item in every(element, "telecom"):
        value = attribute(item, "value")
        if value[: len(scheme)].lower() == scheme:
            return value[len(scheme) :].strip()
    return ""
