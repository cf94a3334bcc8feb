"""The addresses that name extensions, code systems and kinds of identifiers in the national directory.

Source: operators.md 4.3 (identifiers), 4.5 (extensions), 4.6 (TRE_R257, and TRE_R256 in the draft's examples).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NOS: Final = "https://mos.esante.gouv.fr/NOS"
_GUIDE: Final = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition"
_CORE: Final = "https://hl7.fr/ig/fhir/core"

METADATA: Final = f"{_GUIDE}/as-ext-mailbox-mss-metadata"
EMAIL_TYPE: Final = f"{_CORE}/StructureDefinition/fr-core-contact-point-email-type"
MESSAGING: Final = f"{_NOS}/TRE_R256-TypeMessagerie/FHIR/TRE-R256-TypeMessagerie"
MESSAGING_CODE: Final = "MSSANTE"
BOX_TYPE: Final = f"{_NOS}/TRE_R257-TypeBAL/FHIR/TRE-R257-TypeBAL"
BOX_TYPES: Final = frozenset({BOX_TYPE, MESSAGING})
"""Where a type of mailbox may be said to come from: the right system, and the one of the draft's examples."""

PERSON_OID: Final = "urn:oid:1.2.250.1.71.4.2.1"
PLACE_OID: Final = "urn:oid:1.2.250.1.71.4.2.2"
RPPS: Final = "https://rpps.esante.gouv.fr"
RPPS_RANG: Final = "https://rppsrang.esante.gouv.fr"
FINESS: Final = "https://finess.esante.gouv.fr"
SIRENE: Final = "https://sirene.fr"
SITUATION: Final = "https://annuaire.sante.fr"
RPPS_NAMES: Final = frozenset({RPPS, "http://rpps.esante.gouv.fr", "http://rpps.fr"})
FINESS_NAMES: Final = frozenset({FINESS, "http://finess.esante.gouv.fr", "http://finess.sante.gouv.fr"})
SIRENE_NAMES: Final = frozenset({SIRENE, "http://sirene.fr"})

IDENTIFIER_TYPE: Final = f"{_CORE}/CodeSystem/fr-core-cs-v2-0203"
PLACE_TYPE: Final = f"{_CORE}/CodeSystem/fr-core-cs-v2-3307"
PROFESSION: Final = f"{_NOS}/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
CATEGORY: Final = f"{_NOS}/TRE_R09-CategorieProfessionnelle/FHIR/TRE-R09-CategorieProfessionnelle"
MODE: Final = f"{_NOS}/TRE_R23-ModeExercice/FHIR/TRE-R23-ModeExercice"
FUNCTION: Final = f"{_NOS}/TRE_R21-Fonction/FHIR/TRE-R21-Fonction"
ESTABLISHMENT: Final = f"{_NOS}/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement"
SPECIALITY: Final = f"{_NOS}/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
SPECIALITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SM": SPECIALITY,
        "SCD": SPECIALITY,
        "SI": SPECIALITY,
        "CEX": f"{_NOS}/TRE_R40-CompetenceExclusive/FHIR/TRE-R40-CompetenceExclusive",
        "CAPA": f"{_NOS}/TRE_R43-Capacite/FHIR/TRE-R43-Capacite",
        "C": f"{_NOS}/TRE_R39-Competence/FHIR/TRE-R39-Competence",
        "FQ": f"{_NOS}/TRE_R45-FonctionQualifiee/FHIR/TRE-R45-FonctionQualifiee",
    }
)
"""Letters that a savoir-faire begins with -> its system (value set JDV_J107)."""

TAGS: Final = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
SUBSETTED: Final = "SUBSETTED"


def speciality_system(code: str) -> str:
    """Return the system of a savoir-faire by the letters it begins with, "" when they are not known."""
    return SPECIALITIES.get(code.rstrip("0123456789"), "")
