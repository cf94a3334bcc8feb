"""METADATA.XML against the documents and their headers; the message against both."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from xdm_documents import HEADER, IDS, NOW, PATIENT, SENDER, archive, document, header

from mssante.model.document import Coded, DocumentHeader, Identifier, Patient, Sex
from mssante.model.national import ins_key
from mssante.model.xds import DocumentEntry, Metadata, SubmissionSet
from mssante.rules.document_message import MessageFacts, check_message
from mssante.rules.documents import DocumentFacts, check_documents, same_patient
from mssante.wire.xdm.archive import read_archive
from mssante.wire.xdm.build import metadata_of
from mssante.wire.xdm.contents import read_contents
from mssante.wire.xdm.entry import XdmDocument

WHERE = "IHE_XDM/SUBSET01/DOC0001.XML"
OTHER = replace(
    PATIENT,
    ins=Identifier(PATIENT.ins.root if PATIENT.ins else "", f"1790351215189{ins_key('1790351215189')}"),
    local_ids=(Identifier("1.2.3", "7"),),
    birth_name="AUTRE",
    used_name="",
    sex=Sex.MALE,
)


def facts(given: DocumentHeader = HEADER, **changes: Any) -> DocumentFacts:  # noqa: ANN401 - any field of the entry
    """Return a document as we make it, then with changes in what METADATA.XML says."""
    entry = metadata_of((XdmDocument(b"<d/>", given),), SENDER, now=NOW, ids=IDS).entries[0]
    return DocumentFacts(WHERE, replace(entry, **changes), 4, entry.hash, given)


def codes(*documents: DocumentFacts, metadata: tuple[Metadata, ...] = ()) -> list[str]:
    found = check_documents(documents, metadata, allow_test=True)
    assert all(finding.text and finding.fix and finding.where for finding in found)
    assert all(finding.text[0].isupper() and finding.text.endswith(".") for finding in found)
    return [finding.code for finding in found]


def test_what_we_build_has_no_finding() -> None:
    documents = (document(1), document(2, replaces=Identifier("1.2.3")))
    contents = read_contents(read_archive(archive(*documents)))
    known = [
        DocumentFacts(held.where, held.entry, len(held.file.data) if held.file else None, held.sha1, one.header)
        for held, one in zip(contents.documents, documents, strict=True)
    ]
    assert check_documents(known, contents.metadata, allow_test=True) == ()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"hash": "0" * 40}, ["hash-differs"]),
        ({"hash": ""}, []),
        ({"size": 5}, ["size-differs"]),
        ({"size": None}, []),
        ({"unique_id": "9.9"}, ["unique-id-differs"]),
        ({"type_code": Coded("11502-2", "", "CR de biologie")}, ["type-differs"]),
        ({"version": "2"}, ["version-differs"]),
        ({"version": ""}, []),
        ({"confidentiality": (Coded("R"),)}, ["confidentiality-differs"]),
        ({"confidentiality": (Coded("MASQUE_PS"), Coded("N"))}, []),
        ({"title": "Autre titre"}, ["title-differs"]),
        ({"title": "COMPTE-RENDU DE CONSULTATION"}, []),
        ({"creation_time": "20171201100000"}, ["date-differs"]),
        ({"creation_time": "2018"}, []),
        ({"patient": Identifier("1.2.3", "1")}, ["patient-differs"]),
        ({"patient": PATIENT.local_ids[0]}, ["patient-id-local"]),
        ({"patient": None}, []),
        ({"source_patient_info": (("PID-5", "AUTRE^X"),)}, ["patient-traits-differ"]),
        ({"source_patient_info": (("PID-7", "19790329"),)}, ["patient-traits-differ"]),
        ({"source_patient_info": (("PID-8", "M"),)}, ["patient-traits-differ"]),
        ({"source_patient_info": (("PID-5", "pat trois^x"), ("PID-7", "197903280000"))}, []),
    ],
)
def test_each_difference_between_metadata_and_document_is_found(changes: dict[str, Any], found: list[str]) -> None:
    assert codes(facts(**changes)) == found


def test_missing_and_unlisted_files_are_found() -> None:
    one = facts()
    assert codes(replace(one, size=None, sha1="", header=None)) == ["file-missing"]
    assert codes(DocumentFacts("IHE_XDM/SUBSET01/X.XML", None, 3, "aa")) == ["file-unlisted"]
    assert codes(replace(one, header=None)) == []


def test_the_patient_of_a_header_is_checked_too() -> None:
    assert codes(facts(header(patient=replace(PATIENT, sex=None)))) == ["ins-not-qualified"]
    found = check_documents([facts()])
    assert [finding.code for finding in found] == ["ins-not-qualified"]


def test_replacement_is_said_by_both_or_by_none() -> None:
    old = header(replaces=Identifier("1.2.3"))
    said = metadata_of((XdmDocument(b"<d/>", old),), SENDER, now=NOW, ids=IDS)
    assert codes(facts(old), metadata=(said,)) == []
    assert codes(facts(old), metadata=(replace(said, associations=()),)) == ["replacement-unsaid"]
    assert codes(facts(), metadata=(replace(said, entries=(facts().entry,)),)) == ["replacement-only-said"]  # type: ignore[arg-type]


def test_several_patients_are_found_wherever_they_are_named() -> None:
    two = facts(header(patient=OTHER))
    assert codes(facts(), facts()) == []
    assert codes(facts(), two) == ["several-patients"]
    entry = two.entry
    assert entry
    mixed = Metadata((entry, DocumentEntry("x", patient=PATIENT.ins)))
    assert codes(replace(two, header=None), metadata=(mixed,)) == ["several-patients"]
    by_set = Metadata((entry,), (SubmissionSet("s", patient=PATIENT.ins),))
    assert codes(replace(two, header=None), metadata=(by_set,)) == ["several-patients"]
    married = header(patient=replace(PATIENT, birth_name="PAT-QUATRE", used_name="PAT-TROIS"))
    assert codes(facts(), facts(married)) == ["patient-traits-differ"]


NONE = Patient()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (PATIENT, PATIENT, True),
        (PATIENT, replace(PATIENT, birth_name="X"), True),
        (PATIENT, OTHER, False),
        (PATIENT, replace(PATIENT, ins=Identifier("1.2.250.1.213.1.4.8", "279035121518989")), False),
        (PATIENT, replace(PATIENT, ins=None, birth_name="X"), True),
        (replace(PATIENT, ins=None, local_ids=()), PATIENT, True),
        (replace(PATIENT, ins=None, local_ids=()), replace(PATIENT, local_ids=(), birth_date=date(2000, 1, 1)), False),
        (replace(PATIENT, ins=None, local_ids=()), replace(PATIENT, sex=Sex.MALE), False),
        (NONE, NONE, True),
    ],
)
def test_two_headers_name_one_patient_or_two(one: Patient, other: Patient, same: bool) -> None:
    assert same_patient(one, other) is same
    assert same_patient(other, one) is same


SUBJECT = "XDM/1.0/DDM+CR ou fiche de consultation ou de visite PAT-TROIS DOMINIQUE 28/03/1979"
PDF = "20181201_CR ou fiche de consultation_PAT-TROIS_DOMINIQUE.pdf"
GOOD = MessageFacts(SUBJECT, "11488-4", "O", (PDF,))


def said(message: MessageFacts, *headers: DocumentHeader, allow_test: bool = True) -> list[str]:
    found = check_message(message, headers, allow_test=allow_test)
    assert all(finding.text and finding.fix and finding.where for finding in found)
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"subject": "[Annule et remplace] " + SUBJECT}, []),
        ({"subject": "XDM/1.0/DDM+[Annule et remplace] " + SUBJECT[12:]}, []),
        ({"subject": "Re: courrier"}, ["subject-no-marker"]),
        ({"subject": "xdm/1.0/ddm+x"}, ["subject-no-marker"]),
        ({"subject": SUBJECT.replace("PAT-TROIS", "Pat Trois")}, []),
        ({"subject": SUBJECT.replace("PAT-TROIS", "PAT-QUATRE")}, ["subject-patient"]),
        ({"subject": SUBJECT.replace(" 28/03/1979", "")}, []),
        ({"subject": SUBJECT.replace("28/03", "29/03")}, ["subject-birth-date"]),
        ({"subject": "XDM/1.0/DDM+2 documents PAT-TROIS DOMINIQUE"}, ["subject-count"]),
        ({"subject": "XDM/1.0/DDM+1 documents PAT-TROIS DOMINIQUE"}, []),
        ({"subject": "XDM/1.0/DDM+CR d'imagerie PAT-TROIS DOMINIQUE"}, ["subject-type"]),
        ({"subject": "XDM/1.0/DDM"}, ["subject-patient", "subject-type"]),
        ({"codes": " 11488-4 , "}, []),
        ({"codes": "11502-2"}, ["codes-differ"]),
        ({"codes": "11488-4,11488-4"}, ["codes-differ"]),
        ({"codes": ""}, ["codes-differ"]),
        ({"codes": None}, ["codes-missing"]),
        ({"ins": "o"}, []),
        ({"ins": "N"}, ["ins-denied"]),
        ({"ins": "oui"}, ["ins-unknown"]),
        ({"ins": None}, ["ins-missing"]),
        ({"pdf_names": ()}, ["copy-missing"]),
        ({"pdf_names": ("20181201_CR_AUTRE_X.pdf",)}, ["copy-patient"]),
        ({"pdf_names": (PDF, "notice.pdf")}, ["copy-patient"]),
    ],
)
def test_each_difference_between_message_and_document_is_found(changes: dict[str, Any], found: list[str]) -> None:
    assert said(replace(GOOD, **changes), HEADER) == found


def test_a_message_that_claims_a_qualified_ins_needs_one() -> None:
    assert said(GOOD, header(patient=replace(PATIENT, birth_date=None))) == ["ins-claimed"]
    assert said(GOOD, HEADER, allow_test=False) == ["ins-claimed"]
    assert said(replace(GOOD, ins="N"), HEADER, allow_test=False) == []


def test_several_documents_are_counted_and_named() -> None:
    two = (HEADER, header(code=Coded("11502-2", "", "CR d'examens biologiques")))
    good = MessageFacts("XDM/1.0/DDM+2 documents PAT-TROIS DOMINIQUE", "11502-2,11488-4", "O", (PDF, PDF))
    assert said(good, *two) == []
    assert said(replace(good, subject=SUBJECT), *two) == ["subject-count"]
    assert said(replace(good, codes="11488-4", pdf_names=(PDF,)), *two) == ["codes-differ", "copy-missing"]


def test_without_documents_nothing_may_be_claimed() -> None:
    assert said(MessageFacts("Bonjour", None, None, ("x.pdf",))) == []
    assert said(MessageFacts("Bonjour", "11488-4", "O")) == ["codes-differ", "ins-without-document"]
