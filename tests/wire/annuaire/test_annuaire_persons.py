import pytest

from mssante.model.directory import Coded, PostalAddress, Professional, Situation, Structure
from mssante.model.errors import TheirProtocolError
from mssante.model.national import with_luhn
from mssante.wire.annuaire.lines import Row
from mssante.wire.annuaire.persons import (
    ACTIVITY_HEADER,
    SPECIALITY_HEADER,
    Activity,
    professional_of_activity,
    read_activities,
    read_specialities,
    situation_of_activity,
    structure_of_activity,
)

RPPS = with_luhn("1099000000")
NAMES = ACTIVITY_HEADER.decode().rstrip("\n").split("|")
DOCTOR = {
    "Type d'identifiant PP": "8",
    "Identifiant PP": RPPS,
    "Identification nationale PP": f"8{RPPS}",
    "Code civilité d'exercice": "DR",
    "Libellé civilité d'exercice": "Docteur",
    "Code civilité": "M",
    "Nom d'exercice": "MARTIN",
    "Prénom d'exercice": "Jean",
    "Code profession": "10",
    "Libellé profession": "Médecin",
    "Code catégorie professionnelle": "C",
    "Libellé catégorie professionnelle": "Civil",
    "Code savoir-faire": "SM54",
    "Libellé savoir-faire": "Médecine générale",
    "Code mode exercice": "S",
    "Libellé mode exercice": "Salarié",
    "Numéro SIRET site": "99000002800011",
    "Numéro FINESS site": "449000289",
    "Numéro FINESS établissement juridique": "448000281",
    "Identifiant technique de la structure": "F449000289",
    "Raison sociale site": "CHU EXEMPLE",
    "Enseigne commerciale site": "HOTEL-DIEU",
    "Complément point géographique (coord. structure)": "BAT A",
    "Numéro Voie (coord. structure)": "12",
    "Indice répétition voie (coord. structure)": "B",
    "Code type de voie (coord. structure)": "R",
    "Libellé type de voie (coord. structure)": "Rue",
    "Libellé Voie (coord. structure)": "DE LA PAIX",
    "Mention distribution (coord. structure)": "BP 12",
    "Bureau cedex (coord. structure)": "44093 NANTES CEDEX 1",
    "Code postal (coord. structure)": "44093",
    "Libellé commune (coord. structure)": "Nantes",
    "Téléphone (coord. structure)": "0261910000",
    "Code Département (structure)": "44",
    "Code rôle": "FON-05",
    "Libellé rôle": "Chef de service",
}  # fmt: skip


def line() -> str:
    return with_fields({})


def with_fields(changes: dict[str, str]) -> str:
    return "|".join({**DOCTOR, **changes}.get(name, "") for name in NAMES)


def rows_of(*lines: str) -> list[Row]:
    (batch,) = read_activities([ACTIVITY_HEADER, "\n".join(lines).encode()])
    assert batch.bad == []
    return batch.rows


def test_there_are_56_and_13_columns() -> None:
    assert len(NAMES) == 56
    assert SPECIALITY_HEADER.count(b"|") + 1 == 13


def test_a_situation_is_read_with_its_person_and_its_place() -> None:
    (row,) = rows_of(line())
    assert len(row) == len(Activity)
    profession = Coded("10", "Médecin")
    assert professional_of_activity(row) == Professional(
        f"8{RPPS}", "DR", "MARTIN", "Jean", profession, Coded("C", "Civil"), (Coded("SM54", "Médecine générale"),)
    )
    assert structure_of_activity(row) == Structure(
        "1449000289",
        "CHU EXEMPLE",
        "HOTEL-DIEU",
        PostalAddress("BAT A", "BP 12", "12 B Rue DE LA PAIX", "", "44093", "Nantes", "44"),
        parent="1448000281",
        siret="99000002800011",
        phone="0261910000",
    )
    assert situation_of_activity(row) == Situation(
        f"8{RPPS}",
        "1449000289",
        f"8{RPPS}-1449000289",
        profession,
        Coded("S", "Salarié"),
        Coded("FON-05", "Chef de service"),
    )


def test_somebody_without_structure_has_no_situation() -> None:
    nowhere = {name: "" for name in DOCTOR if "structure" in name or "site" in name or "FINESS" in name}
    (row,) = rows_of(with_fields(nowhere))
    assert row[Activity.STRUCTURE] == ""
    assert structure_of_activity(row) is None
    assert situation_of_activity(row) is None
    assert professional_of_activity(row).family == "MARTIN"


@pytest.mark.parametrize(
    ("changes", "identifier"),
    [
        ({}, "1449000289"),
        ({"Numéro FINESS site": "", "Ancien identifiant de la structure": "410990000000001"}, "410990000000001"),
        ({"Numéro FINESS site": "", "Ancien identifiant de la structure": "?"}, "399000002800011"),
        ({"Numéro FINESS site": ""}, "399000002800011"),
        ({"Numéro FINESS site": "", "Numéro SIRET site": ""}, "F449000289"),
    ],
)
def test_a_structure_is_called_by_the_first_number_that_it_has(changes: dict[str, str], identifier: str) -> None:
    (row,) = rows_of(with_fields(changes))
    assert row[Activity.STRUCTURE] == identifier


def test_the_civility_of_the_person_stands_in_for_that_of_exercise() -> None:
    (row,) = rows_of(with_fields({"Code civilité d'exercice": ""}))
    assert row[Activity.CIVILITY] == "M"


def test_town_and_postcode_come_from_the_postal_line_when_they_are_missing() -> None:
    changes = {
        "Code postal (coord. structure)": "",
        "Libellé commune (coord. structure)": "",
        "Code Département (structure)": "",
    }
    (row,) = rows_of(with_fields(changes))
    assert (row[Activity.POSTCODE], row[Activity.TOWN], row[Activity.DEPARTMENT]) == ("44093", "NANTES", "44")


def test_columns_in_another_order_with_others_between_are_found() -> None:
    order = ["Nouvelle colonne", *reversed(NAMES)]
    body = "|".join(DOCTOR.get(name, "") for name in order)
    (batch,) = read_activities([f"{'|'.join(order)}|\n{body}|\n".encode()])
    assert batch.rows == rows_of(line())


@pytest.mark.parametrize("with_end", [False, True])
def test_a_separator_at_the_end_changes_nothing(with_end: bool) -> None:
    header = ACTIVITY_HEADER.rstrip(b"\n") + (b"|\n" if with_end else b"\n")
    (batch,) = read_activities([header, f"{line()}|\n{line()}\n".encode()])
    assert batch.rows == rows_of(line(), line())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("8|1", "2 colonnes au lieu de 56"),
        ("", "ligne vide"),
        (line() + "|x", "57 colonnes au lieu de 56"),
        (with_fields({"Nom d'exercice": " "}), "professionnel sans nom"),
        (with_fields({"Identifiant PP": "", "Identification nationale PP": ""}), "professionnel sans identifiant"),
        (with_fields({"Identification nationale PP": "810000000001"}), "RPPS faux"),
        (with_fields({"Numéro FINESS site": "44"}), "identifiant de structure"),
        (with_fields({"Numéro FINESS site": "", "Numéro SIRET site": "", "Identifiant technique de la structure": "?"}), "identifiant de structure"),
    ],
)  # fmt: skip
def test_a_bad_line_is_told(text: str, said: str) -> None:
    (batch,) = read_activities([ACTIVITY_HEADER, text.encode() + b"\n"])
    assert batch.rows == []
    assert [bad.number for bad in batch.bad] == [2]
    assert said in batch.bad[0].reason


def test_a_missing_column_is_named() -> None:
    with pytest.raises(
        TheirProtocolError, match="PS_LibreAcces_Personne_activite : la colonne « Code profession » manque"
    ):
        list(read_activities([ACTIVITY_HEADER.replace(b"Code profession|", b"")]))
    with pytest.raises(TheirProtocolError, match="PS_LibreAcces_SavoirFaire : la colonne"):
        list(read_specialities([b"Identifiant PP\n"]))


def test_every_savoir_faire_is_read() -> None:
    good = f"8|{RPPS}|8{RPPS}|MARTIN|Jean|10|Médecin|C|Civil|S|Spécialité ordinale|SM54|Médecine générale|"
    bad = f"8|{RPPS}|8{RPPS}|MARTIN|Jean|10|Médecin|C|Civil|S|Spécialité ordinale|||"
    stranger = good.replace(f"8{RPPS}", "8123").replace(RPPS, "")
    (batch,) = read_specialities([SPECIALITY_HEADER, f"{good}\n{bad}\n{stranger}\nx".encode()])
    assert batch.rows == [(f"8{RPPS}", "10", "S", "Spécialité ordinale", "SM54", "Médecine générale")]
    reasons = [(one.number, one.reason.partition(" :")[0]) for one in batch.bad]
    assert reasons == [(3, "savoir-faire sans code"), (4, "numéro RPPS faux"), (5, "1 colonnes au lieu de 13")]
