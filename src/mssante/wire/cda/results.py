"""Results of a structured body that their laboratory marks as out of range, and the words that say so.

Only the mark of the laboratory counts (interpretationCode of the observation itself, not of its reference range):
values are never compared here.

Source: HL7 v3 ObservationInterpretation (2.16.840.1.113883.5.83); IHE PaLM XD-LAB; clients.md 6.2 (BIO/va1.01, va1.06).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from mssante.wire.cda.hl7 import HL7, XSI_TYPE, all_text, attribute, beginning, elements, every, first
from mssante.wire.cda.read import CdaDocument

INTERPRETATION: Final = "2.16.840.1.113883.5.83"
LABEL_MAX: Final = 300

_HIGH: Final = "▲ au-dessus des valeurs attendues"
_LOW: Final = "▼ au-dessous des valeurs attendues"
MARKS: Final[Mapping[str, str]] = {
    "HH": "‼ ▲ très au-dessus des valeurs attendues (HH)",
    "LL": "‼ ▼ très au-dessous des valeurs attendues (LL)",
    "AA": "‼ très anormal (AA)",
    "HU": "‼ ▲ très au-dessus des valeurs attendues (HU)",
    "LU": "‼ ▼ très au-dessous des valeurs attendues (LU)",
    "H>": "‼ ▲ très au-dessus des valeurs attendues (H>)",
    "L<": "‼ ▼ très au-dessous des valeurs attendues (L<)",
    ">": "▲ au-dessus de ce que l'appareil mesure (>)",
    "<": "▼ au-dessous de ce que l'appareil mesure (<)",
    "HX": f"{_HIGH} (HX)",
    "LX": f"{_LOW} (LX)",
    "H": f"{_HIGH} (H)",
    "L": f"{_LOW} (L)",
    "A": "● anormal (A)",
}
CRITICAL: Final = frozenset({"HH", "LL", "AA", "HU", "LU", "H>", "L<"})


@dataclass(frozen=True, slots=True)
class AbnormalResult:
    """A result that its laboratory marks as out of range.

    Attributes:
        label: what was measured, in the words of the narrative where it has some.
        value, unit: as written, never rounded; a value that is no measure has no unit.
        interpretation: a key of `MARKS`.
        reference: the expected values in French, "" when they are not given.
        places: ID of the elements of the narrative that tell it.
    """

    label: str
    value: str
    unit: str
    interpretation: str
    reference: str
    places: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Return how far it is from what is expected, in French and without any colour."""
        return MARKS[self.interpretation]

    @property
    def is_critical(self) -> bool:
        """Return whether it must alert."""
        return self.interpretation in CRITICAL


def abnormal_results(document: CdaDocument) -> tuple[AbnormalResult, ...]:
    """Return the results out of range, the alerts first, then in the order of the document."""
    if document.body is None:
        return ()
    marked = [
        (observation, code)
        for observation in document.body.iter(f"{HL7}observation")
        if (code := _interpretation(observation))
    ]
    if not marked:
        return ()
    told = _told(document.body, {place for observation, _code in marked for place in _places(observation)})
    found = [_result(observation, code, told) for observation, code in marked]
    return tuple(sorted(found, key=lambda result: not result.is_critical))


def _interpretation(observation: etree._Element) -> str:
    """Return the worst mark of an observation, "" when it has none of ours."""
    codes = {
        attribute(item, "code").upper()
        for item in every(observation, "interpretationCode")
        if attribute(item, "codeSystem") in {INTERPRETATION, ""}
    }
    return next((code for code in MARKS if code in codes), "")


def _told(body: etree._Element, wanted: set[str]) -> dict[str, str]:
    """Return the text of the wanted elements of the narrative; the first that has an ID has it."""
    told: dict[str, str] = {}
    for element in body.iter(f"{HL7}*"):
        name = element.get("ID")
        if name in wanted and name not in told:
            told[name] = beginning(element, LABEL_MAX)
    return told


def _places(observation: etree._Element) -> tuple[str, ...]:
    references = [
        *every(observation, "code/originalText/reference"),
        *every(observation, "text/reference"),
        *every(observation, "value/originalText/reference"),
    ]
    values = (attribute(reference, "value") for reference in references)
    return tuple(dict.fromkeys(value[1:] for value in values if value.startswith("#")))


def _result(observation: etree._Element, code: str, told: dict[str, str]) -> AbnormalResult:
    named = first(observation, "code")
    places = _places(observation)
    of_code = [attribute(item, "value")[1:] for item in every(observation, "code/originalText/reference")]
    label = (
        next((told[place] for place in of_code if told.get(place)), "")
        or all_text(first(named, "originalText"))
        or attribute(named, "displayName")
        or attribute(named, "code")
        or "Résultat"
    )
    value, unit = measured(first(observation, "value"))
    return AbnormalResult(label[:LABEL_MAX], value[:LABEL_MAX], unit[:80], code, _reference(observation), places)


def measured(element: etree._Element | None) -> tuple[str, str]:
    """Return a value and its unit as texts: a quantity, an interval, a code or a text.

    Source: HL7 CDA R2 (PQ, IVL_PQ, CD, ST, INT).
    """
    if element is None:
        return "", ""
    low, high = first(element, "low"), first(element, "high")
    if low is not None or high is not None:
        return _interval(low, high)
    kind = (element.get(XSI_TYPE) or "").rpartition(":")[2]
    if kind in {"CD", "CE", "CO", "CS", "CV"}:
        return attribute(element, "displayName") or all_text(element) or attribute(element, "code"), ""
    unit = attribute(element, "unit")
    return attribute(element, "value") or all_text(element), "" if unit == "1" else unit


def _interval(low: etree._Element | None, high: etree._Element | None) -> tuple[str, str]:
    start, end = attribute(low, "value"), attribute(high, "value")
    unit = attribute(low, "unit") or attribute(high, "unit")
    if start and end:
        return f"{start} à {end}", unit
    if start:
        return ("> " if attribute(low, "inclusive") == "false" else "≥ ") + start, unit
    if end:
        return ("< " if attribute(high, "inclusive") == "false" else "≤ ") + end, unit
    return "", ""


def _reference(observation: etree._Element) -> str:
    """Return the expected values: of the range that is called normal, else of the only one."""
    ranges = every(observation, "referenceRange/observationRange")
    normal = [item for item in ranges if attribute(first(item, "interpretationCode"), "code") == "N"]
    chosen = normal[0] if normal else ranges[0] if len(ranges) == 1 else None
    if chosen is None:
        return ""
    names = dict(elements(chosen))
    value, unit = measured(names.get("value"))
    return (f"{value} {unit}".strip() or all_text(names.get("text")))[:LABEL_MAX]
