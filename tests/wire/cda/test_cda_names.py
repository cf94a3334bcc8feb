"""Names of PDF copies and subjects of mails, in the national form and safe on any system."""

from dataclasses import replace
from datetime import date

import pytest
from cda_documents import whole_header

from mssante.model.document import INS_NIR, Coded, Identifier, Patient
from mssante.model.errors import WireError
from mssante.wire.cda.names import (
    FILE_NAME_MAX_BYTES,
    has_marker,
    is_replacement,
    pdf_name,
    subject_of,
    without_accents,
    without_marker,
)

HEADER = whole_header()
VIAL = Patient(birth_name="Vial", first_given="Paul", birth_date=date(1978, 11, 26))


def test_a_pdf_is_named_as_the_national_example() -> None:
    act = replace(HEADER.acts[0], start="20220531")
    header = replace(
        HEADER,
        acts=(act,),
        code=Coded("18748-4", "", "CR d'imagerie médicale"),
        patient=Patient(birth_name="Corse", first_given="FIGATELLIX"),
    )
    assert pdf_name(header) == "20220531_CR d'imagerie médicale_CORSE_FIGATELLIX.pdf"
    assert pdf_name(header, file_number="12_34") == "20220531_CR d'imagerie médicale_CORSE_FIGATELLIX_12 34.pdf"


def test_without_an_act_the_pdf_has_the_day_of_the_document() -> None:
    assert pdf_name(replace(HEADER, acts=())).startswith("20260104_")


@pytest.mark.parametrize(
    "text",
    ["../../etc/passwd", "a/b\\c:d", "a\0b", "a\r\nX: y", "CON|x?*", "x\u202efdp.exe", "a_b", "trop " * 200, "é" * 500, ". .", "<b>\"'"],
)  # fmt: skip
def test_a_pdf_name_cannot_lead_elsewhere_nor_hide_its_end(text: str) -> None:
    header = replace(
        HEADER, code=Coded("1", "", text), patient=replace(HEADER.patient, birth_name=text + "N", first_given=text + "p")
    )  # fmt: skip
    name = pdf_name(header, file_number=text)
    assert len(name.encode()) <= FILE_NAME_MAX_BYTES
    assert name.endswith(".pdf")
    assert not set(name) & set('/\\:*?"<>|\0\r\n\u202e')
    assert 3 <= name.count("_") <= 4
    assert name.startswith("20260104_")


def test_a_pdf_without_day_or_name_is_refused() -> None:
    with pytest.raises(WireError, match="date de l'acte"):
        pdf_name(replace(HEADER, acts=(), created_at="2026"))
    with pytest.raises(WireError, match="nom de naissance"):
        pdf_name(replace(HEADER, patient=Patient(used_name="X", used_given="Y")))


def test_subjects_are_those_of_the_national_examples() -> None:
    header = replace(HEADER, patient=VIAL)
    assert subject_of([header]) == "XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978"
    assert subject_of([header, header]) == "XDM/1.0/DDM+2 documents VIAL Paul 26/11/1978"
    assert subject_of([header], with_birth_date=False) == "XDM/1.0/DDM+CR d'examens biologiques VIAL Paul"


def test_names_in_a_subject_have_no_accents_and_the_label_is_cut_at_40() -> None:
    patient = Patient(birth_name="Lévêque-d'Œuvre", first_given="Zoë", birth_date=date(999, 1, 2))
    header = replace(
        HEADER, code=Coded("1", "", "Lettre de liaison à la sortie de l'établissement de soins"), patient=patient
    )
    assert (
        subject_of([header]) == "XDM/1.0/DDM+Lettre de liaison à la sortie de l'établ LEVEQUE-D'OEUVRE Zoe 02/01/0999"
    )


def test_a_new_version_says_so() -> None:
    header = replace(HEADER, patient=VIAL, replaces=Identifier("1.2", "3"))
    subject = subject_of([header])
    assert subject == "[Annule et remplace] XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978"
    assert is_replacement(subject)
    assert without_marker(subject) == "[Annule et remplace] CR d'examens biologiques VIAL Paul 26/11/1978"


def test_a_mail_has_one_patient() -> None:
    other = replace(HEADER, patient=replace(HEADER.patient, ins=Identifier(INS_NIR, "100000000000000")))
    with pytest.raises(WireError, match="seul patient"):
        subject_of([HEADER, other])
    with pytest.raises(WireError, match="seul patient"):
        subject_of([replace(HEADER, patient=VIAL), replace(HEADER, patient=replace(VIAL, birth_date=None))])
    with pytest.raises(WireError, match="pas de document"):
        subject_of([])


def test_a_label_cannot_add_a_header_field() -> None:
    header = replace(HEADER, patient=VIAL, code=Coded("1", "", "a\r\nBcc: x\u2028\0y"))
    assert subject_of([header]) == "XDM/1.0/DDM+a Bcc: x y VIAL Paul 26/11/1978"


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("XDM/1.0/DDM+CR VIAL Paul", "CR VIAL Paul"),
        ("xdm/1.0/ddm+CR VIAL Paul", "CR VIAL Paul"),
        ("XDM/1.0/DDM + CR VIAL Paul", "CR VIAL Paul"),
        ("XDM/1.0/DDM", ""),
        ("[Annule et remplace] XDM/1.0/DDM+CR", "[Annule et remplace] CR"),
        ("XDM/1.0/DDM+[Annule et remplace] CR", "[Annule et remplace] CR"),
        ("XDM/1.0/DDM [annule  et remplace]+CR", "[Annule et remplace] CR"),
        ("XDM/1.0/DDM+CR VIAL [ANNULE ET REMPLACE]", "[Annule et remplace] CR VIAL"),
        ("Re: XDM/1.0/DDM+2 documents", "Re: 2 documents"),
        ("[KO Intégration système !][903] XDM/1.0/DDM+CR", "[KO Intégration système !][903] CR"),
        ("Bonjour", "Bonjour"),
        ("XDM/1.0/DDMX", "XDM/1.0/DDMX"),
    ],
)
def test_a_reader_sees_no_marker(subject: str, shown: str) -> None:
    assert without_marker(subject) == shown
    assert has_marker(subject) == (subject.upper() != shown.upper())
    assert is_replacement(subject) == shown.startswith("[Annule et remplace]")


def test_accents_are_taken_off_letters_only() -> None:
    assert without_accents("Léa Zoë ŒUF d’Été ß Łódź") == "Lea Zoe OEUF d'Ete ss Łodz"
