"""Is an INS qualified, does it agree with the traits, and may the citizen be written to."""

from dataclasses import replace
from datetime import date

import pytest
from xdm_documents import PATIENT

from mssante.model.address import Address
from mssante.model.document import INS_DEMO, INS_NIA, INS_NIR, INS_TEST, Identifier, Patient, Sex
from mssante.model.national import ins_key, is_ins
from mssante.rules.ins import check_ins, citizen_address, qualified


def matricule(thirteen: str) -> str:
    return thirteen + ins_key(thirteen)


REAL = replace(PATIENT, ins=Identifier(INS_NIR, "279035121518989"))
CORSICA = replace(
    REAL,
    ins=Identifier(INS_NIR, matricule("161012A004123")),
    sex=Sex.MALE,
    birth_date=date(1961, 1, 5),
    birth_place="2A004",
)


def codes(patient: Patient, *, allow_test: bool = False) -> list[str]:
    return [finding.code for finding in check_ins(patient, "x", allow_test=allow_test)]


@pytest.mark.parametrize(
    ("patient", "missing"),
    [
        (REAL, ()),
        (CORSICA, ()),
        (replace(CORSICA, ins=Identifier(INS_NIR, matricule("161012B004123"))), ()),
        (replace(CORSICA, ins=Identifier(INS_NIR, matricule("161012A004123").lower())), ()),
        (replace(REAL, birth_place=""), ()),
        (replace(REAL, ins=Identifier(INS_NIA, matricule("7790351215189"))), ()),
        (replace(REAL, ins=None), ("matricule INS",)),
        (replace(REAL, ins=Identifier(INS_NIR)), ("matricule INS",)),
        (replace(REAL, ins=Identifier(INS_NIR, "279035121518988")), ("clé du matricule INS",)),
        (replace(REAL, ins=Identifier(INS_NIR, "2790351215189")), ("clé du matricule INS",)),
        (replace(REAL, ins=Identifier(INS_NIR, "27903512151898９")), ("clé du matricule INS",)),
        (replace(REAL, ins=Identifier("1.2.3", "279035121518989")), ("OID de l'INS (NIR ou NIA)",)),
        (PATIENT, ("OID de l'INS (NIR ou NIA)",)),
        (replace(REAL, birth_name=" "), ("nom de naissance",)),
        (replace(REAL, first_given=""), ("premier prénom de naissance",)),
        (replace(REAL, birth_date=None), ("date de naissance",)),
        (replace(REAL, sex=None), ("sexe",)),
        (replace(REAL, sex=Sex.UNDETERMINED), ("sexe",)),
        (Patient(), ("matricule INS", "nom de naissance", "premier prénom de naissance", "date de naissance", "sexe")),
    ],
)
def test_what_a_qualified_ins_lacks_is_named(patient: Patient, missing: tuple[str, ...]) -> None:
    assert qualified(patient) == missing
    assert ("ins-not-qualified" in codes(patient)) == bool(missing)


@pytest.mark.parametrize("root", [INS_TEST, INS_DEMO])
def test_test_identifiers_count_only_where_the_setting_allows_them(root: str) -> None:
    patient = replace(PATIENT, ins=Identifier(root, "279035121518989"))
    assert qualified(patient)
    assert not qualified(patient, allow_test=True)


@pytest.mark.parametrize(
    ("patient", "found"),
    [
        (REAL, []),
        (CORSICA, []),
        (replace(REAL, birth_place=""), ["ins-no-birth-place"]),
        (replace(REAL, sex=Sex.MALE), ["ins-sex"]),
        (replace(REAL, birth_date=date(1978, 3, 28)), ["ins-birth-date"]),
        (replace(REAL, birth_date=date(1979, 4, 28)), ["ins-birth-date"]),
        (replace(REAL, birth_date=date(1879, 3, 1)), []),
        (replace(REAL, ins=Identifier(INS_NIR, matricule("2793351215189"))), []),
        (replace(REAL, birth_place="75056"), ["ins-birth-place"]),
        (replace(REAL, birth_place="France"), []),
        (replace(REAL, ins=Identifier(INS_NIA, "279035121518989")), ["ins-oid"]),
        (replace(REAL, ins=Identifier(INS_NIR, matricule("8790351215189"))), ["ins-oid"]),
        (replace(REAL, ins=Identifier(INS_NIR, "279035121518988")), ["ins-key", "ins-not-qualified"]),
        (replace(CORSICA, sex=Sex.FEMALE), ["ins-sex"]),
        (replace(REAL, ins=None, birth_place=""), ["ins-not-qualified", "ins-no-birth-place"]),
    ],
)
def test_traits_at_odds_with_the_matricule_are_warnings(patient: Patient, found: list[str]) -> None:
    assert codes(patient) == found
    assert all(finding.text and finding.fix for finding in check_ins(patient, "x"))


def test_the_key_of_corsica_counts_its_letters_as_19_and_18() -> None:
    assert is_ins("161012A004123" + f"{97 - 1610119004123 % 97:02d}")
    assert is_ins("161012B004123" + f"{97 - 1610118004123 % 97:02d}")


def test_a_citizen_is_written_to_from_a_qualified_ins_only() -> None:
    assert citizen_address(REAL) == Address("279035121518989", "patient.mssante.fr")
    assert citizen_address(replace(REAL, birth_place="")) == Address("279035121518989", "patient.mssante.fr")
    assert citizen_address(PATIENT, allow_test=True) == Address("279035121518989", "patient.mssante.fr")
    lower = replace(CORSICA, ins=Identifier(INS_NIR, matricule("161012A004123").lower()))
    assert citizen_address(lower) == Address(matricule("161012A004123"), "patient.mssante.fr")


@pytest.mark.parametrize(
    "patient", [PATIENT, replace(REAL, ins=None), replace(REAL, sex=None), replace(REAL, ins=Identifier(INS_NIR, "1"))]
)
def test_without_one_the_reasons_come_back(patient: Patient) -> None:
    found = citizen_address(patient)
    assert isinstance(found, tuple)
    assert found
