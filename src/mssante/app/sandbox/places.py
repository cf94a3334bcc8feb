"""Where the people and services of the space work, as the national directory knows it, and its files about them.

Source: operators.md 4.3 (identifiers), 4.4 (files).
"""

from typing import Final

from mssante.app.sandbox import space
from mssante.model.directory import Coded, ListedMailbox, PostalAddress, Professional, Structure
from mssante.model.mailbox import MailboxType
from mssante.model.publication import Listing
from mssante.wire.annuaire.extraction import EXTRACTION_HEADER, extraction_line
from mssante.wire.annuaire.persons import ACTIVITY_HEADER

_CIVIL, _DOCTOR, _NURSE = Coded("C", "Civil"), Coded("10", "Médecin"), Coded("60", "Infirmier")
_GENERAL: Final = Coded("SM54", "Médecine générale")
_CARDIOLOGY: Final = Coded("SM04", "Cardiologie et maladies vasculaires")
_VALDORE: Final = PostalAddress("", "", "1 AVENUE DU CHU", "", "31000", "TOULOUSE", "31", "FRANCE")
_POITIERS: Final = PostalAddress("", "", "12 RUE DU CLAIN", "", "86000", "POITIERS", "86", "FRANCE")
HOSPITAL: Final = Structure(f"1{space.HOSPITAL_FINESS}", "CENTRE HOSPITALIER UNIVERSITAIRE DE VALDORE", "", _VALDORE)
_NURSING_HOME: Final = Structure(f"1{space.NURSING_HOME_FINESS}", "EHPAD LES TILLEULS", "", _POITIERS)
_LABORATORY: Final = Structure(f"1{space.LABORATORY_FINESS}", "LABORATOIRE RIVALIE", "", _POITIERS)
_PRACTICE: Final = Structure(f"1{space.finess('86099056')}", "CABINET MEDICAL DU CLAIN", "", _POITIERS)
_PLACES: Final = {
    "claire.martel": (HOSPITAL, _CARDIOLOGY),
    "cardiologie": (HOSPITAL, Coded()),
    "paul.lenoir": (_PRACTICE, _GENERAL),
    "sophie.arnaud": (_PRACTICE, Coded()),
    "coordination": (_NURSING_HOME, Coded()),
    "anne.robin": (_LABORATORY, Coded("SM03", "Biologie médicale")),
}
_LISTED: Final = frozenset({MailboxType.PER, MailboxType.ORG})


def space_extraction() -> bytes:
    """Return the mailboxes of the space that an extraction shows: no software, no citizens."""
    return EXTRACTION_HEADER + b"".join(_line(box) for box in _boxes(_LISTED))


def space_activities() -> bytes:
    """Return the professionals of the space, each at work in a structure: a mailbox is attached to that."""
    return ACTIVITY_HEADER + b"".join(_activity(box) for box in _boxes(frozenset({MailboxType.PER})))


def listing_of(box: space.PlannedMailbox) -> Listing:
    """Return what a mailbox of the plan says of itself beside its holder: where somebody works, what a service is."""
    if box.kind is MailboxType.ORG:
        return Listing(service=box.holder)
    return Listing(structure=_PLACES[box.address.local][0].identifier) if box.kind is MailboxType.PER else Listing()


def _boxes(kinds: frozenset[MailboxType]) -> list[space.PlannedMailbox]:
    return [box for plan in space.OPERATORS for box in plan.mailboxes if box.kind in kinds]


def _professional(box: space.PlannedMailbox) -> Professional:
    civility, given, family = box.holder.split(" ", 2)
    speciality = _PLACES[box.address.local][1]
    return Professional(
        f"8{box.identifier}",
        civility.upper(),
        family,
        given,
        _DOCTOR if civility == "Dr" else _NURSE,
        _CIVIL,
        (speciality,) if speciality.code else (),
    )


def _line(box: space.PlannedMailbox) -> bytes:
    where = _PLACES[box.address.local][0]
    if box.kind is MailboxType.ORG:
        mailbox = ListedMailbox(str(box.address), box.kind, structure=where.identifier, service=box.holder)
        return extraction_line(mailbox, None, where)
    who = _professional(box)
    return extraction_line(ListedMailbox(str(box.address), box.kind, who.identifier, where.identifier), who, where)


def _activity(box: space.PlannedMailbox) -> bytes:
    who, (where, speciality) = _professional(box), _PLACES[box.address.local]
    values = {
        "Type d'identifiant PP": "8",
        "Identifiant PP": box.identifier,
        "Identification nationale PP": who.identifier,
        "Code civilité d'exercice": who.civility,
        "Nom d'exercice": who.family,
        "Prénom d'exercice": who.given,
        "Code profession": who.profession.code,
        "Libellé profession": who.profession.label,
        "Code catégorie professionnelle": who.category.code,
        "Libellé catégorie professionnelle": who.category.label,
        "Code savoir-faire": speciality.code,
        "Libellé savoir-faire": speciality.label,
        "Numéro FINESS site": where.identifier[1:],
        "Raison sociale site": where.name,
        "Libellé Voie (coord. structure)": where.address.street,
        "Code postal (coord. structure)": where.address.postcode,
        "Libellé commune (coord. structure)": where.address.town,
        "Code Département (structure)": where.address.department,
    }
    columns = ACTIVITY_HEADER.decode().strip().split("|")
    return "|".join(values.get(name, "") for name in columns).encode() + b"\n"
