"""Is the national health identity (INS) of a patient qualified, and may he be written to? Facts in, findings out.

Qualified here means: everything that a qualified identity has is there and agrees. That the traits were confirmed by
the national service, only the software that holds the patient's file knows.

Source: clients.md 5.4 (ECO.2.4.2), 5.10 (ECO.2.2.6); issue 6.
"""

from datetime import date
from typing import Final

from mssante.model.address import CITIZEN_DOMAIN, Address
from mssante.model.document import INS_DEMO, INS_NIA, INS_NIR, INS_TEST, Finding, Patient, Severity, Sex
from mssante.model.national import is_ins

_REAL: Final = frozenset({INS_NIR, INS_NIA})
_TEST: Final = frozenset({INS_TEST, INS_DEMO})
# Provisional numbers of people whose registration is under way; to confirm against the national text.
_PROVISIONAL: Final = frozenset("3478")
_FIX_TRAITS: Final = "Complétez l'identité du patient dans son dossier, puis recréez le document."
_FIX_INS: Final = "Interrogez le téléservice INSi pour obtenir l'identité vérifiée, puis recréez le document."


def qualified(patient: Patient, *, allow_test: bool = False) -> tuple[str, ...]:
    """Return what a patient lacks for a qualified INS, in French; nothing when it is qualified.

    Args:
        allow_test: identifiers of the national test and demonstration domains count too.

    Source: clients.md 5.4 (matricule + OID + birth name, first given name, birth date, sex).
    """
    ins = patient.ins
    facts = (
        ("matricule INS", ins is not None and bool(ins.extension)),
        ("clé du matricule INS", ins is None or not ins.extension or is_ins(ins.extension)),
        ("OID de l'INS (NIR ou NIA)", ins is None or _oid_serves(ins.root, allow_test=allow_test)),
        ("nom de naissance", bool(patient.birth_name.strip())),
        ("premier prénom de naissance", bool(patient.first_given.strip())),
        ("date de naissance", patient.birth_date is not None),
        ("sexe", patient.sex in {Sex.FEMALE, Sex.MALE}),
    )
    return tuple(name for name, there in facts if not there)


def _oid_serves(root: str, *, allow_test: bool) -> bool:
    return root in _REAL or (allow_test and root in _TEST)


def check_ins(patient: Patient, where: str, *, allow_test: bool = False) -> tuple[Finding, ...]:
    """Return what is wrong with a patient's INS: not qualified (error), or at odds with the traits (warning).

    Args:
        where: the document that names the patient.
    """
    found: list[Finding] = []
    ins = patient.ins
    missing = qualified(patient, allow_test=allow_test)
    if ins is not None and ins.extension and not is_ins(ins.extension):
        text = f"Le matricule INS {ins.extension} n'est pas valide : sa clé ou sa forme est fausse."
        found.append(Finding(Severity.ERROR, "ins-key", where, text, _FIX_INS))
    if missing:
        text = f"L'INS du patient n'est pas qualifiée ; il manque : {', '.join(missing)}."
        found.append(Finding(Severity.ERROR, "ins-not-qualified", where, text, _FIX_TRAITS))
    if not patient.birth_place.strip():
        text = "Le lieu de naissance du patient n'est pas dit ; c'est le cinquième trait de l'INS."
        found.append(Finding(Severity.WARNING, "ins-no-birth-place", where, text, _FIX_TRAITS))
    if ins is not None and is_ins(ins.extension):
        found.extend(_at_odds(patient, ins.root, ins.extension.upper(), where))
    return tuple(found)


def _at_odds(patient: Patient, root: str, matricule: str, where: str) -> list[Finding]:
    found: list[Finding] = []
    if root in _REAL and (matricule[0] in _PROVISIONAL) != (root == INS_NIA):
        text = "L'OID de l'INS annonce un NIR pour un numéro d'attente, ou l'inverse."
        found.append(Finding(Severity.WARNING, "ins-oid", where, text, _FIX_INS))
    if patient.sex in {Sex.FEMALE, Sex.MALE} and (int(matricule[0]) % 2 == 1) != (patient.sex is Sex.MALE):
        text = "Le sexe du patient n'est pas celui du matricule INS."
        found.append(Finding(Severity.WARNING, "ins-sex", where, text, _FIX_INS))
    if patient.birth_date is not None and not _born_so(matricule, patient.birth_date):
        text = "La date de naissance du patient n'est pas celle du matricule INS."
        found.append(Finding(Severity.WARNING, "ins-birth-date", where, text, _FIX_INS))
    place = patient.birth_place.strip().upper()
    if len(place) == 5 and place != matricule[5:10]:
        # Towns merge and numbers stay: a note only.
        text = "Le lieu de naissance du patient n'est pas celui du matricule INS."
        found.append(Finding(Severity.NOTE, "ins-birth-place", where, text, _FIX_INS))
    return found


def _born_so(matricule: str, born: date) -> bool:
    """Tell whether a matricule says this year and month; months above 12 stand for an unknown one."""
    month = int(matricule[3:5])
    return matricule[1:3] == f"{born.year % 100:02d}" and (month == born.month or not 1 <= month <= 12)


def citizen_address(patient: Patient, *, allow_test: bool = False) -> Address | tuple[Finding, ...]:
    """Return the secure address of a citizen, or why there is none: only a qualified INS makes one.

    Source: clients.md 5.10; ECO.2.2.6; clients.md 6.2 (INS/va1.53).
    """
    errors = tuple(
        finding
        for finding in check_ins(patient, "dossier du patient", allow_test=allow_test)
        if finding.severity is Severity.ERROR
    )
    if errors or patient.ins is None:
        return errors
    return Address(patient.ins.extension.upper(), CITIZEN_DOMAIN)
