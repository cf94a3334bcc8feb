"""The documents of the demonstration: a discharge letter and a laboratory report about an invented patient, as CDA."""

from datetime import date, datetime
from typing import Final

from mssante.app.sandbox import space
from mssante.app.sandbox.pdf import letter_pdf
from mssante.model.document import (
    INS_TEST,
    LOINC,
    Act,
    Actor,
    Coded,
    DocumentHeader,
    Identifier,
    Organization,
    Patient,
    PersonName,
    Sex,
)
from mssante.wire.cda.write import write_level1

OID: Final = "1.2.250.1.999.2026"
"""Ours for trials, below the agency's branch for tests."""
STRUCTURES: Final = "1.2.250.1.71.4.2.2"
PEOPLE: Final = "1.2.250.1.71.4.2.1"
_PROFESSIONS: Final = "1.2.250.1.213.1.1.4.5"
_SETTINGS: Final = "1.2.250.1.213.1.1.4.9"

JEANNE: Final = Patient(
    ins=Identifier(INS_TEST, space.CITIZEN_INS),
    birth_name="VIDAL",
    birth_given="JEANNE",
    first_given="JEANNE",
    used_name="VIDAL",
    used_given="JEANNE",
    birth_date=date(1958, 3, 14),
    birth_text="19580314",
    sex=Sex.FEMALE,
    birth_place="86194",
)
KARIM: Final = Patient(
    ins=Identifier(INS_TEST, space.OTHER_CITIZEN_INS),
    birth_name="HADDAD",
    birth_given="KARIM",
    first_given="KARIM",
    used_name="HADDAD",
    used_given="KARIM",
    birth_date=date(1971, 9, 2),
    birth_text="19710902",
    sex=Sex.MALE,
    birth_place="86194",
)
_HOSPITAL: Final = Organization((Identifier(STRUCTURES, f"1{space.HOSPITAL_FINESS}"),), "CHU de Valdoré")
_LABORATORY: Final = Organization((Identifier(STRUCTURES, f"1{space.LABORATORY_FINESS}"),), "Laboratoire Rivalie")
_DISCHARGE: Final = (
    "CHU de Valdoré, service de cardiologie",
    "",
    "Patiente : Mme Jeanne VIDAL (personne inventée)",
    "Hospitalisée du 16 au 23 novembre 2026 pour décompensation cardiaque.",
    "Sortie ce jour à l'EHPAD Les Tilleuls. Contrôle biologique dans 7 jours.",
    "",
    "Dr Claire MARTEL",
)
_RESULT: Final = (
    "Laboratoire Rivalie",
    "",
    "Patiente : Mme Jeanne VIDAL (personne inventée)",
    "Potassium : 4,2 mmol/L (3,5 à 5,1)",
    "Créatinine : 84 µmol/L (49 à 90)",
    "",
    "Validé par le Dr Anne ROBIN",
)


def discharge_letter(now: datetime, patient: Patient = JEANNE) -> bytes:
    """Return the discharge letter of the hospital, a CDA of level 1 with its PDF."""
    author = _doctor("MARTEL", "Claire", "10003000017", _HOSPITAL, now)
    header = _header(
        "1", now, Coded("11490-0", LOINC, "Lettre de liaison"), "Lettre de liaison de sortie", author, patient
    )
    return write_level1(header, letter_pdf("Lettre de liaison", _DISCHARGE))


def laboratory_report(now: datetime) -> bytes:
    """Return the report of the laboratory."""
    author = _doctor("ROBIN", "Anne", "10003000025", _LABORATORY, now)
    code = Coded("11502-2", LOINC, "CR d'examens biologiques")
    header = _header("2", now, code, "Compte rendu d'examens biologiques", author, JEANNE)
    return write_level1(header, letter_pdf("Compte rendu de biologie", _RESULT))


def _doctor(family: str, given: str, rpps: str, place: Organization, now: datetime) -> Actor:
    return Actor(
        ids=(Identifier(PEOPLE, f"8{rpps}"),),
        name=PersonName(family, given, suffix="DR"),
        profession=Coded("G15_10/SM04", _PROFESSIONS, "Médecin - Cardiologie et maladies vasculaires (SM)"),
        organization=place,
        at=_time(now),
    )


def _header(number: str, now: datetime, code: Coded, title: str, author: Actor, patient: Patient) -> DocumentHeader:
    own = f"{OID}.{now:%Y%m%d%H%M%S}.{number}.{patient.birth_text}"
    return DocumentHeader(
        id=Identifier(own),
        code=code,
        title=title,
        created_at=_time(now),
        patient=patient,
        authors=(author,),
        custodian=author.organization,
        legal_authenticator=author,
        set_id=Identifier(f"{own}.1"),
        version=1,
        confidentiality=Coded("N", "2.16.840.1.113883.5.25", "Normal"),
        language="fr-FR",
        acts=(Act(start=_time(now), stop=_time(now), performer=author),),
        setting=Coded("ETABLISSEMENT", _SETTINGS, "Etablissement de santé"),
        facility=Coded("SA01", "1.2.250.1.71.4.2.4", "Etablissement public de santé"),
        encounter_start=_time(now),
        encounter_stop=_time(now),
    )


def _time(now: datetime) -> str:
    return f"{now:%Y%m%d%H%M%S}+0000"
