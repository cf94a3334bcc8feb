"""Staff files as human-resources programs write them, good and dirty."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mssante.flows.publication import staff_file
from mssante.flows.publication.staff_file import COLUMNS, read_staff
from mssante.flows.publication.wanted import Wanted, wanted_of
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.model.national import with_luhn
from mssante.model.publication import Listing

RPPS, FINESS, SIRET = with_luhn("1000123456"), with_luhn("31000010"), with_luhn("1234567890123")
TEXT = "N° RPPS;Nom d'exercice;Prénom;Grade\n10001;MARTIN;Éloïse;PH\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_separator_and_line_ends_are_found(encoding: str, separator: str, end: str) -> None:
    found = read_staff(TEXT.replace(";", separator).replace("\n", end).encode(encoding))
    (line,) = found.lines
    assert (line["rpps"], line["nom"], line["prenom"], line["finess"]) == ("10001", "MARTIN", "Éloïse", "")
    assert found.ignored == ("Grade",)
    assert found.separator == separator
    assert found.encoding == ("Windows-1252" if encoding == "cp1252" else "UTF-8")


def test_quoted_fields_may_hold_separators_and_lines_are_numbered_as_in_the_file() -> None:
    data = 'nom;prenom\r\n"DE; LA\r\nTOUR";Anne\r\n\r\n;\r\nPETIT; Luc \r\n'
    found = read_staff(data.encode())
    assert [(line.number, line["nom"], line["prenom"]) for line in found.lines] == [
        (2, "DE; LA TOUR", "Anne"),
        (6, "PETIT", "Luc"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "aucune colonne"),
        (b"a;b\n1;2\n", "aucune colonne"),
        (b"nom;prenom;Nom\n", "deux colonnes"),
        (b'nom;prenom\n"MARTIN;Claire\n', "ligne 2"),
        ("nom;prenom\n".encode("utf-16"), "CSV UTF-8"),
        (b"nom;prenom\n\0;a\n", "CSV UTF-8"),
        (b"nom;prenom\n\x81\x8d;a\n", "Windows-1252"),
        (b"nom;prenom\n" + b"a;b\n" * 50_001, "50000 lignes"),
        (b"nom;prenom\n" + b";" * 101 + b"\n", "100 colonnes"),
        (b"nom;prenom\n" + b"a" * 200_000 + b";b\n", "trop long"),
    ],
)
def test_a_broken_file_is_refused_whole_with_the_place(data: bytes, said: str) -> None:
    with pytest.raises(TheirProtocolError, match=said):
        read_staff(data)


def test_a_file_beyond_the_bound_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff_file, "FILE_MAX_BYTES", 10)
    with pytest.raises(TheirProtocolError, match="Mio"):
        read_staff(b"nom;prenom\na;b\n")


@given(st.binary(max_size=500) | st.text(max_size=200).map(lambda text: f"nom;prenom\n{text}".encode()))
def test_any_bytes_give_lines_or_one_refusal(data: bytes) -> None:
    try:
        found = read_staff(data)
    except TheirProtocolError:
        return
    for line in found.lines:
        assert set(line.values) <= {*COLUMNS, ""}
        assert isinstance(wanted_of(line, ""), Wanted | str)


def wanted(structure: str = "", **values: str) -> Wanted | str:
    header, row = ";".join(values), ";".join(values.values())
    (line,) = read_staff(f"{header}\n{row}\n".encode()).lines
    return wanted_of(line, structure)


def test_a_person_is_what_the_line_says() -> None:
    found = wanted(
        FINESS, nom="Martin", prenom="Claire", civilite="Dr", rpps=f"8{RPPS}", liste_rouge="Oui", zero_papier="N",
        telephone="01 02", matricule="A12", service="Cardiologie",
    )  # fmt: skip
    assert isinstance(found, Wanted)
    assert (found.kind, found.holder, found.identifier, found.local) == (
        MailboxType.PER, "Dr Claire MARTIN", RPPS, "claire.martin",
    )  # fmt: skip
    listing = found.listing
    assert (listing.structure, listing.is_red, listing.is_paperless) == (f"1{FINESS}", True, False)
    assert (listing.local_id, listing.service) == ("A12", "")


def test_a_column_that_means_nothing_here_is_left_out() -> None:
    found = wanted(nom="Martin", prenom="Claire", rpps=RPPS, grade="PH", echelon="3")
    assert isinstance(found, Wanted)
    assert found.says == {"holder"}


def test_a_line_says_only_what_its_fields_hold() -> None:
    found = wanted(nom="Martin", prenom="Claire", rpps=RPPS, telephone="-", rang="2", liste_rouge="-", zero_papier="")
    assert isinstance(found, Wanted)
    assert found.says == {"holder", "phone", "rank"}
    assert (found.listing.phone, found.listing.rank) == ("", 2)
    there = Listing(phone="01", is_red=True, is_paperless=True, structure=FINESS)
    assert found.amended(there) == replace(there, phone="", rank=2)
    assert found.holder_after("Dr Claire PETIT") == "Dr Claire MARTIN"
    assert found.holder_after("") == "Claire MARTIN"


def test_a_structure_written_with_its_type_or_without_is_the_same() -> None:
    found = wanted(FINESS, nom="Martin", prenom="Claire", rpps=RPPS)
    assert isinstance(found, Wanted)
    assert found.amended(Listing(structure=FINESS)).structure == FINESS
    assert found.amended(Listing(structure=SIRET)).structure == f"1{FINESS}"


def test_a_practice_is_what_the_line_says() -> None:
    found = wanted(
        SIRET, type="CAB", libelle="Cabinet des Lilas", rpps=f"8{RPPS}", service="x", responsable="Dr Martin"
    )
    assert isinstance(found, Wanted)
    assert (found.kind, found.identifier, found.local) == (MailboxType.CAB, RPPS, "cabinet-des-lilas")
    assert found.listing == Listing(responsible="Dr Martin")


def test_a_team_is_what_the_line_says() -> None:
    found = wanted(
        type="org", libelle="Secrétariat", service="Cardiologie", finess=SIRET, membres="a@x.fr, b@x.fr a@x.fr"
    )
    assert isinstance(found, Wanted)
    assert (found.kind, found.identifier, found.local) == (MailboxType.ORG, SIRET, "secretariat")
    assert (found.members, found.listing.service) == (("a@x.fr", "b@x.fr"), "Cardiologie")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"nom": "A", "prenom": "B"}, "ni RPPS ni matricule"),
        ({"nom": "A", "prenom": "B", "rpps": "10001234560"}, "n'est pas un RPPS"),
        ({"nom": "A", "rpps": RPPS}, "nom ou le prénom"),
        ({"nom": "李", "prenom": "伟", "rpps": RPPS}, "lettre latine"),
        ({"nom": "A", "prenom": "B", "rpps": RPPS, "liste_rouge": "peut-être"}, "O ou N"),
        ({"nom": "A", "prenom": "B", "rpps": RPPS, "finess": "310000109"}, "FINESS"),
        ({"nom": "A", "prenom": "B", "rpps": RPPS, "adresse": "a b"}, "adresse"),
        ({"type": "USAGER", "nom": "A"}, "PER, ORG, APP ou CAB"),
        ({"type": "ORG", "libelle": "Cardiologie"}, "FINESS ou le SIRET"),
        ({"type": "ORG", "finess": FINESS}, "libellé"),
        ({"type": "ORG", "finess": FINESS, "libelle": "…"}, "lettre latine"),
        ({"type": "CAB", "libelle": "Cabinet"}, "praticien responsable"),
        ({"type": "CAB", "libelle": "Cabinet", "rpps": "10001234560"}, "n'est pas un RPPS"),
        ({"nom": "A", "prenom": "B", "rpps": RPPS, "rang": "premier"}, "rang"),
        ({"nom": "A", "prenom": "B;trop;trop"}, "plus de champs"),
    ],
)
def test_a_line_that_cannot_be_taken_says_why(values: dict[str, str], said: str) -> None:
    found = wanted(**values)
    assert isinstance(found, str)
    assert said in found
