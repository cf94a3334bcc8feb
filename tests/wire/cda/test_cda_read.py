"""Headers of documents as values: the national examples, and documents that lack something or say it otherwise."""

from datetime import date
from pathlib import Path

import pytest
from cda_documents import EXAMPLES, example, narrated, schema_errors

from mssante.model.document import INS_NIR, INS_TEST, Coded, Identifier, PersonName, Sex
from mssante.model.errors import TheirProtocolError
from mssante.wire.cda.read import DOCUMENT_MAX_BYTES, read_document

# Written by hand from the files: code, version, INS, family and given name, practice, facility, level.
KNOWN = {
    "AVC-PAVC_2022.01": ("11488-4", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "ETABLISSEMENT", "SA01", 3),
    "BIO-CR-BIO_2021.01_CDA-R2-Niveau-1": ("11502-2", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA25", 1),
    "BIO-CR-BIO_2023.01_Electrophorese": ("11502-2", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA25", 3),
    "BIO-TROD_2024.01_COVID-19": ("96173-0", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "DEPISTAGE", "SA33", 3),
    "CANCER-CR-GM_2022.01_AnalyseNonRealisee": ("51969-4", 2, "279035121518989", "PAT-TROIS", "DOMINIQUE", "ETABLISSEMENT", "SA29", 3),
    "CARD-F-PRC-AVK_2022.01": ("34133-9", 2, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA21", 3),
    "CSE-CS24_2024.01": ("CERT_DECL", 1, "221042545611404", "DECOURCY", "Ruth", "ETABLISSEMENT", "SA03", 3),
    "DOC_NON_STRUCTURE_CDA-R2-N1": ("11502-2", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA07", 1),
    "IMG_CR_IMG_2024.01_CDA-R2-Niveau-1": ("18748-4", 2, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA08", 1),
    "LDL-SES_2022.01": ("11490-0", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "ETABLISSEMENT", "SA01", 3),
    "OBP-SCM_2024.01": ("89235-6", 1, "277076322082910", "NESSI", "Marie", "ETABLISSEMENT", "SA04", 3),
    "OBP-SEM_2024.01": ("78489-2", 1, "223042545611404", "DECOURCY", "Léa", "ETABLISSEMENT", "SA04", 3),
    "OPH-BRE_2022.02": ("78513-9", 3, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA41", 3),
    "TLM-CR_2022.01": ("85208-7", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "ETABLISSEMENT", "SA03", 1),
    "VAC-NOTE_2023.01": ("87273-9", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA07", 3),
    "eP-MED-DM_2024.01_PosoStruct": ("57833-6", 1, "279035121518989", "PAT-TROIS", "DOMINIQUE", "AMBULATOIRE", "SA07", 3),
}  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_national_example_is_read(path: Path) -> None:
    header = read_document(path.read_bytes()).header
    assert header.title
    assert header.code.label
    assert header.created_at
    assert header.language == "fr-FR"
    assert header.confidentiality.code == "N"
    assert header.patient.ins is not None
    assert header.patient.birth_date is not None
    assert header.patient.sex is not None
    assert header.patient.first_given
    assert header.authors[0].ids
    assert header.authors[0].name.family
    assert header.custodian is not None
    assert header.legal_authenticator is not None
    assert header.acts[0].start
    assert header.acts[0].performer is not None
    assert header.has_structured_body == (header.attached_type == "")
    assert Identifier("1.2.250.1.213.1.1.1.1") in header.templates
    level = 3 if header.has_structured_body else 1
    assert KNOWN.get(path.stem, ())[-1:] in {(), (level,)}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_national_example_is_valid_against_the_schema(path: Path) -> None:
    assert schema_errors(path.read_bytes()) == []


@pytest.mark.parametrize("name", KNOWN)
def test_headers_say_what_the_files_say(name: str) -> None:
    document = read_document(example(name))
    header = document.header
    patient = header.patient
    assert patient.ins is not None
    assert KNOWN[name] == (
        header.code.code,
        header.version,
        patient.ins.extension,
        patient.birth_name,
        patient.first_given,
        header.setting.code,
        header.facility.code,
        3 if header.has_structured_body else 1,
    )


def test_the_national_level_1_example_in_detail() -> None:
    header = read_document(example("DOC_NON")).header
    patient = header.patient
    assert header.title == "Compte rendu d'examens biologiques"
    assert header.code == Coded("11502-2", "2.16.840.1.113883.6.1", "CR d'examens biologiques")
    assert patient.ins == Identifier(INS_TEST, "279035121518989")
    assert patient.local_ids == (Identifier("1.2.3.4.567.8.9.10", "1234567890121"),)
    assert (patient.birth_given, patient.used_name, patient.used_given) == (
        "DOMINIQUE MARIE-LOUISE",
        "PAT-TROIS",
        "DOMINIQUE",
    )
    assert (patient.birth_date, patient.sex, patient.birth_place) == (date(1979, 3, 28), Sex.FEMALE, "51215")
    (author,) = header.authors
    assert author.name == PersonName("CAMPARINI", "Marcel", "M", "DR")
    assert author.profession.code == "G15_10/SM03"
    assert author.organization is not None
    assert author.organization.address == "8 Rue Frédéric Bastia, 92100 BOULOGNE-BILLANCOURT"
    assert author.organization.phone == "0174589607"
    assert header.custodian is not None
    assert header.custodian.name == "Laboratoire des charmes"
    assert (header.acts[0].code.code, header.acts[0].start) == ("18723-7", "20210104134700+0100")
    assert header.encounter_start == "20200701134745"
    assert header.set_id == Identifier("1.3.6.1.4.1.19376.1.2.20.12345.1")
    assert header.attached_type == "application/pdf"


def test_the_social_security_number_of_an_insured_is_no_ins() -> None:
    patient = read_document(example("CSE-CS9")).header.patient
    assert patient.ins == Identifier(INS_TEST, "221042545611404")
    assert patient.local_ids == (Identifier("1.2.250.1.213.1.4.13", "221042545611404"),)


def test_a_used_name_may_be_another_than_that_of_birth() -> None:
    patient = read_document(example("OBP-SCM")).header.patient
    assert (patient.birth_name, patient.used_name, patient.ins) == (
        "NESSI",
        "DECOURCY",
        Identifier(INS_NIR, "277076322082910"),
    )


def test_replacement_recipients_and_orders_are_read() -> None:
    assert read_document(example("OPH-BRE")).header.replaces == Identifier(
        "1.2.250.1.213.1.1.9", "OPH-BRE_2021.01_20210827_00001_2"
    )
    header = read_document(example("BIO-TROD")).header
    assert [(actor.mail, actor.name.family) for actor in header.recipients] == [
        ("stephane.medioni@mssante.fr", "MEDIONI")
    ]
    assert read_document(example("BIO-CR-BIO_2023")).header.order_ids[0].extension == "2023123456789"


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("19790328", date(1979, 3, 28)),
        ("197903281200", date(1979, 3, 28)),
        ("197903", None),
        ("19790231", None),
        ("00000000", None),
        ("hier", None),
        ("", None),
        ("１９７９０３２８", None),
    ],
)
def test_a_birth_date_is_a_day_of_the_calendar_or_the_text_as_written(born: str, expected: date | None) -> None:
    data = narrated("x").replace(b"</name></patient>", f'</name><birthTime value="{born}"/></patient>'.encode())
    patient = read_document(data).header.patient
    assert (patient.birth_date, patient.birth_text) == (expected, born)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("<family>A</family><given>B</given>", ("", "B", "", "A", "")),
        ('<family qualifier="BR CL">A</family><given qualifier="BR">B</given>', ("A", "", "B", "A", "")),
        ('<family qualifier="SP">A</family><given qualifier="SP">B</given>', ("", "", "", "A", "B")),
        ("<given>B</given><given>C</given>", ("", "B C", "", "", "")),
        ('<family qualifier="BR"/>', ("", "", "", "", "")),
        ("</name><name><family qualifier='BR'>A<!-- x -->B</family>", ("AB", "", "", "", "")),
    ],
)
def test_names_are_of_birth_or_used_by_their_qualifier(names: str, expected: tuple[str, ...]) -> None:
    start, _, rest = narrated("x").partition(b"<name>")
    data = start + b"<name>" + names.encode() + b"</name>" + rest.partition(b"</name>")[2]
    patient = read_document(data).header.patient
    assert expected == (
        patient.birth_name,
        patient.birth_given,
        patient.first_given,
        patient.used_name,
        patient.used_given,
    )


def test_a_device_may_be_an_author() -> None:
    header = (
        "<author><time value='20260102'/><assignedAuthor><id root='1.2'/><assignedAuthoringDevice>"
        "<manufacturerModelName>M</manufacturerModelName><softwareName>LogiLabo</softwareName>"
        "</assignedAuthoringDevice></assignedAuthor></author>"
    )
    (author,) = read_document(narrated("x", header=header)).header.authors
    assert (author.device, author.name, author.at) == ("LogiLabo", PersonName(), "20260102")


def test_what_is_missing_is_empty() -> None:
    header = read_document(narrated("x")).header
    assert (header.authors, header.custodian, header.legal_authenticator, header.acts) == ((), None, None, ())
    assert (header.set_id, header.version, header.replaces, header.language) == (None, 0, None, "")
    assert (header.setting, header.facility, header.patient.sex) == (Coded(""), Coded(""), None)


@pytest.mark.parametrize("version", ["-1", "x", "1.5", "9" * 50, "²"])
def test_a_version_that_is_no_number_is_not_said(version: str) -> None:
    assert read_document(narrated("x", header=f"<versionNumber value='{version}'/>")).header.version == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b'<id root="1.2.3" extension="4"/>', b"", "pas d'identifiant"),
        (b'<id root="1.2.3" extension="4"/>', b'<id nullFlavor="UNK"/>', "pas d'identifiant"),
        (b'<code code="11502-2"', b"<code", "de quel type"),
        (b"patientRole>", b"other>", "de quel patient"),
        (b"<recordTarget>", b"<recordTarget><patientRole/></recordTarget><recordTarget>", "2 patients"),
        (b"ClinicalDocument", b"Other", "n'est pas un document CDA"),
        (b"urn:hl7-org:v3", b"urn:hl7-org:v2", "n'est pas un document CDA"),
        (b"</title>", b"", "ne peut pas être lu"),
        (b'encoding="UTF-8"', b'encoding="UTF-16"', "ne peut pas être lu"),
    ],
)
def test_a_document_that_cannot_be_used_is_refused_with_the_reason(old: bytes, new: bytes, said: str) -> None:
    data = narrated("x")
    assert old in data
    with pytest.raises(TheirProtocolError, match=said):
        read_document(data.replace(old, new))


@pytest.mark.parametrize("data", [b"", b"hello", b"\0", b"<a", b"\xff\xfe<\0a\0"])
def test_what_is_no_xml_is_refused(data: bytes) -> None:
    with pytest.raises(TheirProtocolError, match="ne peut pas être lu"):
        read_document(data)


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(TheirProtocolError, match="ne peut pas être lu"):
        read_document(bytes(DOCUMENT_MAX_BYTES + 1))
