"""French words for the values of a header: times, patients, professionals, sizes; for those who read a page.

Source: clients.md 5.5 (kinds of INS); users.md 7.2.
"""

import re
from datetime import date
from typing import Final

from mssante.model.document import (
    INS_DEMO,
    INS_NIA,
    INS_NIR,
    INS_TEST,
    Actor,
    Coded,
    Identifier,
    Organization,
    Patient,
    Sex,
)
from mssante.wire.cda.hl7 import whole_date

INS_KINDS: Final = {
    INS_NIR: "INS-NIR",
    INS_NIA: "INS-NIA",
    INS_TEST: "INS-NIR de test",
    INS_DEMO: "INS-NIR de démonstration",
}
SEXES: Final = {Sex.FEMALE: "féminin", Sex.MALE: "masculin", Sex.UNDETERMINED: "indéterminé"}

_BORN: Final = {Sex.FEMALE: "Née le", Sex.MALE: "Né le"}
_MONTHS: Final = (
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
)
_CLOCK: Final = re.compile(r"\d{8}(\d{2})(\d{2})", re.ASCII)
_VAGUE: Final = re.compile(r"(\d{4})(\d{2})?", re.ASCII)


def day(value: date) -> str:
    """Return ``28 mars 1979``."""
    first = "1er" if value.day == 1 else str(value.day)
    return f"{first} {_MONTHS[value.month - 1]} {value.year}"


def moment(text: str) -> str:
    """Return an HL7 time (TS) in French, with its clock as written; the text itself when it is no such time.

    ``20210401134745+0100`` gives ``1er avril 2021 à 13 h 47``, ``202104`` gives ``avril 2021``.
    """
    whole = whole_date(text)
    if whole is not None:
        clock = _CLOCK.match(text)
        return f"{day(whole)} à {_hour(clock)}" if clock else day(whole)
    vague = _VAGUE.fullmatch(text)
    if vague and vague[2] and 1 <= int(vague[2]) <= 12:
        return f"{_MONTHS[int(vague[2]) - 1]} {vague[1]}"
    return vague[1] if vague and not vague[2] else text


def _hour(clock: re.Match[str]) -> str:
    return f"{clock[1]}\u00a0h\u00a0{clock[2]}"


def period(start: str, stop: str) -> str:
    """Return when something was done, "" when nothing tells."""
    begun, ended = moment(start), moment(stop)
    whole, first, last = whole_date(start), _CLOCK.match(start), _CLOCK.match(stop)
    if begun != ended and whole and whole == whole_date(stop) and first and last:
        return f"le {day(whole)} de {_hour(first)} à {_hour(last)}"
    if begun and ended and begun != ended:
        return f"du {begun} au {ended}"
    return begun or ended


def birth_words(patient: Patient) -> tuple[str, str]:
    """Return what stands before a date of birth, and the date; the date is "" when it is unknown."""
    born = _BORN.get(patient.sex, "Né(e) le") if patient.sex else "Né(e) le"
    return born, day(patient.birth_date) if patient.birth_date else moment(patient.birth_text)


def patient_words(patient: Patient) -> str:
    """Return who the patient is in a few words: birth name, given names of birth."""
    given = patient.birth_given or patient.first_given or patient.used_given
    return f"{patient.birth_name or patient.used_name} {given}".strip() or "Patient sans nom"


def ins_words(ins: Identifier) -> str:
    """Return the matricule with its kind."""
    return f"{ins.extension} ({INS_KINDS.get(ins.root, ins.root)})"


def actor_words(actor: Actor) -> str:
    """Return who somebody is: name, profession, place."""
    name = actor.name
    title = name.suffix or name.prefix
    said = " ".join(part for part in (title, name.given, name.family) if part) or actor.device
    place = organization_words(actor.organization)
    return ", ".join(part for part in (said, actor.profession.label, place) if part) or "Non précisé"


def organization_words(place: Organization | None) -> str:
    """Return the name of an organisation, "" when there is none."""
    return place.name if place else ""


def code_words(code: Coded) -> str:
    """Return the label of a code, else the code."""
    return code.label or code.code


def size_words(count: int) -> str:
    """Return a size in bytes as people read it."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:.1f}\u00a0Mo".replace(".", ",")
    return f"{max(1, round(count / 1000))}\u00a0Ko"
