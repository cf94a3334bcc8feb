"""Our archives: their layout, their pages, their metadata, and the same values when they are read again."""

import hashlib
import io
import random
import re
import tracemalloc
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from xdm_documents import (
    DOCTOR,
    HEADER,
    IDS,
    NOW,
    PATIENT,
    SENDER,
    archive,
    document,
    ebrim_errors,
    header,
)
from xdm_zips import by_library

from mssante.model.document import Actor, Coded, Identifier, Organization, PersonName
from mssante.model.errors import TheirProtocolError
from mssante.model.xds import (
    HAS_MEMBER,
    REPLACES,
    Association,
    DocumentEntry,
    Metadata,
    SubmissionSet,
    XdsAuthor,
)
from mssante.wire.cda.read import read_document
from mssante.wire.xdm.archive import read_archive
from mssante.wire.xdm.build import SubmissionIds, build_archive, metadata_of
from mssante.wire.xdm.contents import read_contents
from mssante.wire.xdm.entry import Choices, XdmDocument, entry_id
from mssante.wire.xdm.hl7 import read_cx, write_cx
from mssante.wire.xdm.metadata import read_metadata
from mssante.wire.xdm.pages import Sender
from mssante.wire.xdm.write import write_metadata


def made(*documents: XdmDocument) -> Metadata:
    return metadata_of(documents or (document(),), SENDER, now=NOW, ids=IDS)


def test_the_layout_is_the_one_of_the_profile_with_names_of_8_and_3() -> None:
    file = zipfile.ZipFile(io.BytesIO(archive(document(1), document(2))))
    assert file.testzip() is None
    assert file.namelist() == [
        "README.TXT",
        "INDEX.HTM",
        "IHE_XDM/SUBSET01/METADATA.XML",
        "IHE_XDM/SUBSET01/DOC0001.XML",
        "IHE_XDM/SUBSET01/DOC0002.XML",
    ]
    for name in file.namelist():
        assert all(re.fullmatch(r"[A-Z0-9_]{1,8}(\.[A-Z0-9]{1,3})?", part) for part in name.split("/"))
    assert {info.date_time for info in file.infolist()} == {(2026, 11, 28, 10, 30, 2)}
    assert file.read("IHE_XDM/SUBSET01/DOC0002.XML") == document(2).data


def test_the_same_values_give_the_same_bytes() -> None:
    assert archive(document(1), document(2)) == archive(document(1), document(2))
    paris = NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+01:00").tzinfo)
    again = build_archive((document(),), SENDER, now=paris, ids=IDS)
    assert again == archive(document())


def test_a_clock_before_1980_is_no_accident() -> None:
    assert read_archive(build_archive((document(),), SENDER, now=datetime(1970, 1, 1, tzinfo=UTC), ids=IDS))


def test_readme_says_who_what_and_how() -> None:
    text = read_archive(archive(document())).readme
    assert text
    assert b"\r\n" in text.data
    assert b"\n" not in text.data.replace(b"\r\n", b"")
    lines = text.data.decode("latin-1")
    for part in (
        "Expéditeur : Jacques BIDEAULT", "Structure : Clinique du Belvédère", "142 rue Belvédère", "01 44 53 45 51",
        "Logiciel : Essai", "Version : 1.0", "Éditeur : OEuvre de l'éditeur - ", "DOC0001.XML", "INDEX.HTM", "28/11/2026",
    ):  # fmt: skip
        assert part in lines


class Links(HTMLParser):
    """The targets of the links of a page, and its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links.extend(value or "" for name, value in attrs if name == "href")


def test_index_links_to_each_document_and_lets_nobody_in() -> None:
    title = '<script>alert(1)</script> & "x"'
    page = read_archive(archive(document(1, title=title), document(2))).index
    assert page
    text = page.data.decode()
    links = Links()
    links.feed(text)
    assert links.links == ["IHE_XDM/SUBSET01/DOC0001.XML", "IHE_XDM/SUBSET01/DOC0002.XML", "README.TXT"]
    assert "script" not in links.tags
    assert "&lt;script&gt;" in text
    root = etree.fromstring(page.data, etree.XMLParser(no_network=True, load_dtd=False))
    assert root.get("lang") == "fr"
    assert "(01/12/2018)" in text


def test_metadata_are_derived_from_the_header() -> None:
    entry = made().entries[0]
    assert entry == DocumentEntry(
        id=entry_id(HEADER.id),
        uri="DOC0001.XML",
        mime="text/xml",
        hash=hashlib.sha1(document().data, usedforsecurity=False).hexdigest(),
        size=len(document().data),
        creation_time="20181201100000",
        title="Compte rendu de consultation",
        language="fr-FR",
        service_start="20181201091700",
        service_stop="20181201101700",
        unique_id="1.2.250.1.999.2.1",
        patient_id="279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH",
        patient=PATIENT.ins,
        source_patient_id="1234567890121^^^&1.2.3.4.567.8.9.10&ISO^PI",
        source_patient_info=(
            ("PID-5", "PAT-TROIS^DOMINIQUE^^^^^L"),
            ("PID-5", "PAT-TROIS^DOMINIQUE^^^^^D"),
            ("PID-7", "19790328"),
            ("PID-8", "F"),
        ),
        authors=(
            XdsAuthor(
                "801234567897^BIDEAULT^Jacques^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
                ("Clinique du Belvédère^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1750803447",),
                (),
                ("G15_10/SM32^Médecin - Neurologie (SM)^1.2.250.1.213.1.1.4.5",),
            ),
        ),
        class_code=Coded("10", "1.2.250.1.213.1.1.4.1", "Compte rendu"),
        type_code=HEADER.code,
        format_code=Coded("urn:asip:ci-sis:pavc:2016", "1.2.250.1.213.1.1.4.2.282", HEADER.code.label),
        facility=HEADER.facility,
        setting=HEADER.setting,
        confidentiality=(HEADER.confidentiality,),
        events=(HEADER.acts[0].code,),
        legal_authenticator="801234567897^BIDEAULT^Jacques^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS",
        repository_unique_id=IDS.source_id,
        version="1",
        status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved",
    )


def test_the_set_names_sender_patient_and_recipients() -> None:
    one = made(document(1), document(2)).sets[0]
    assert (one.unique_id, one.source_id) == (IDS.unique_id, IDS.source_id)
    assert one.submission_time == "20261128103002"
    assert one.patient == PATIENT.ins
    assert one.content_type == HEADER.facility
    assert one.recipients == ("|^MARTIN^Anne^^^^^^^D|^^Internet^anne.martin@cabinet.mssante.fr",)
    assert one.authors[0].person.startswith("801234567897^BIDEAULT^Jacques")
    assert one.title == "2 documents"


def test_members_and_replacements_are_links() -> None:
    old = Identifier("1.2.250.1.999.2.77", "3")
    metadata = made(document(1), document(2, replaces=old))
    members = [link for link in metadata.associations if link.kind == HAS_MEMBER]
    assert [link.target for link in members] == [entry.id for entry in metadata.entries]
    assert {(link.source, link.member_status) for link in members} == {("SubmissionSet01", "Original")}
    assert metadata.replaced_by(metadata.entries[0].id) == ()
    assert metadata.replaced_by(metadata.entries[1].id) == (entry_id(old),)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"code": Coded("18748-4")}, "class_code", Coded("31", "1.2.250.1.213.1.1.4.1", "Imagerie médicale")),
        ({"code": Coded("NOT-KNOWN")}, "class_code", Choices().class_code),
        ({"templates": ()}, "format_code", Choices().format_code),
        (
            {"has_structured_body": False, "attached_type": "application/pdf"},
            "format_code",
            Coded("urn:ihe:iti:xds-sd:pdf:2008", "1.3.6.1.4.1.19376.1.2.3", "Document à corps non structuré en Pdf/A-1"),
        ),
        ({"id": Identifier("1.2.3", "A/1")}, "unique_id", "1.2.3^A/1"),
        ({"patient": replace(PATIENT, local_ids=())}, "source_patient_id", "279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH"),
        ({"patient": replace(PATIENT, ins=None)}, "patient_id", "1234567890121^^^&1.2.3.4.567.8.9.10&ISO^PI"),
        ({"title": " "}, "title", HEADER.code.label),
        ({"language": ""}, "language", "fr-FR"),
        ({"version": 0}, "version", ""),
        ({"confidentiality": Coded("")}, "confidentiality", (Coded("N", "2.16.840.1.113883.5.25", "Normal"),)),
        ({"acts": (), "encounter_start": "202301040735+0100"}, "service_start", "202301040635"),
        ({"created_at": "20181201"}, "creation_time", "20181201"),
        ({"legal_authenticator": None}, "legal_authenticator", ""),
        ({"authors": (Actor((Identifier("1.2.3", "9"),), device="Automate"),)}, "authors", (XdsAuthor("9^Automate^^^^^^^&1.2.3&ISO^U^^^RI"),)),
        ({"authors": (replace(DOCTOR, ids=(), organization=None, profession=Coded(""), function=Coded("PCP", "", "Médecin traitant")),)}, "authors", (XdsAuthor("^BIDEAULT^Jacques^^^^^^^D", (), ("Médecin traitant",)),)),
        ({"authors": (replace(DOCTOR, ids=(Identifier("1.2.250.1.71.4.2.1", "310000001/42"),), organization=Organization((), "SOS ^ & |"), profession=Coded("")),)}, "authors", (XdsAuthor("310000001/42^BIDEAULT^Jacques^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^EI", ("SOS",)),)),
    ],
)  # fmt: skip
def test_each_part_of_the_header_finds_its_place(changes: dict[str, object], field: str, value: object) -> None:
    entry = made(XdmDocument(b"x", header(**changes))).entries[0]
    assert getattr(entry, field) == value


def test_hidden_codes_stand_beside_confidentiality() -> None:
    hidden = Coded("MASQUE_PS", "1.2.250.1.213.1.1.4.13", "Masqué aux professionnels de santé")
    entry = made(replace(document(), hidden=(hidden,), comments="Lu au téléphone")).entries[0]
    assert entry.confidentiality == (HEADER.confidentiality, hidden)
    assert entry.comments == "Lu au téléphone"


OTHER = replace(PATIENT, ins=Identifier(PATIENT.ins.root if PATIENT.ins else "", "161012A123456" + "43"))


@pytest.mark.parametrize(
    ("documents", "ids", "why"),
    [
        ((), IDS, "0 documents"),
        ((document(),) * 101, IDS, "101 documents"),
        ((document(1), document(2, patient=OTHER)), IDS, "plusieurs patients"),
        ((document(1), document(1)), IDS, "même identifiant"),
        ((document(),), SubmissionIds("x", "1.2.3"), "OID"),
        ((document(),), SubmissionIds("1.2.3", ""), "OID"),
        ((document(created_at="hier"),), IDS, "date de création"),
        ((document(created_at=""),), IDS, "date de création"),
        ((document(code=Coded("")),), IDS, "type"),
        ((document(patient=replace(PATIENT, ins=None, local_ids=())),), IDS, "pas d'identifiant"),
        ((XdmDocument(b"", header(id=Identifier(""))),), IDS, "identifiant"),
    ],
)
def test_what_cannot_be_described_is_refused_in_french(
    documents: tuple[XdmDocument, ...], ids: SubmissionIds, why: str
) -> None:
    with pytest.raises(TheirProtocolError, match=why):
        build_archive(documents, SENDER, now=NOW, ids=ids)


def test_what_was_built_is_read_with_the_same_values() -> None:
    documents = (document(1), document(2, replaces=Identifier("1.2.3")), document(3, data=b"\x00\xff" * 5000))
    contents = read_contents(read_archive(archive(*documents)))
    assert not contents.findings
    assert contents.metadata == (made(*documents),)
    assert [held.file.data for held in contents.documents if held.file] == [one.data for one in documents]
    assert [held.sha1 for held in contents.documents] == [entry.hash for entry in made(*documents).entries]


def test_missing_and_unlisted_files_are_told_from_style_sheets() -> None:
    file = zipfile.ZipFile(io.BytesIO(archive(document(1), document(2))))
    files = {name.lower(): file.read(name) for name in file.namelist() if not name.endswith("DOC0002.XML")}
    more = {"ihe_xdm/subset01/style.xsl": b"<x/>", "ihe_xdm/subset01/doc0003.xml": b"<d/>"}
    contents = read_contents(read_archive(by_library(files | more)))
    assert [(held.where, held.entry is None, held.file is None) for held in contents.documents] == [
        ("ihe_xdm/subset01/doc0001.xml", False, False),
        ("ihe_xdm/subset01/DOC0002.XML", False, True),
        ("ihe_xdm/subset01/doc0003.xml", True, False),
    ]
    assert contents.documents[1].sha1 == ""


def test_our_metadata_follow_our_short_schema_of_ebrim() -> None:
    documents = (document(1), document(2, replaces=Identifier("1.2.3")), XdmDocument(b"", header(id=Identifier("1.2"), acts=(), facility=Coded(""), setting=Coded(""), recipients=(), legal_authenticator=None)))  # fmt: skip
    assert not ebrim_errors(write_metadata(made(*documents)))


def test_national_examples_are_packed_and_read_with_the_same_values(shared: Path) -> None:
    examples = sorted((shared / "data" / "cda").glob("*.xml"))
    assert len(examples) == 31
    for path in examples:
        data = path.read_bytes()
        one = XdmDocument(data, read_document(data).header)
        built = build_archive((one,), SENDER, now=NOW, ids=IDS)
        contents = read_contents(read_archive(built))
        metadata = metadata_of((one,), SENDER, now=NOW, ids=IDS)
        assert contents.metadata == (metadata,), path.name
        assert contents.documents[0].file
        assert contents.documents[0].file.data == data
        assert not contents.findings, path.name
        assert not ebrim_errors(write_metadata(metadata)), path.name
        entry = metadata.entries[0]
        assert entry.class_code.label, path.name
        assert entry.facility.code, path.name
        assert entry.patient, path.name
        assert entry.service_start, path.name


def test_every_type_of_the_national_list_has_a_class(shared: Path) -> None:
    from mssante.wire.xdm.national import class_of

    path = shared / "data" / "valuesets" / "JDV_J07_XdsTypeCode_CISIS.xml"
    codes = [one.get("code") or "" for one in etree.parse(str(path)).iterfind(".//{*}Concept")]
    # E1762 is a signature, which has a class of its own; 101881-1 (implant card) is newer than the table.
    assert {code for code in codes if class_of(code) is None} == {"E1762", "101881-1"}


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"), max_size=20)  # fmt: skip
WORD = TEXT.filter(bool)
CODE = st.builds(Coded, WORD, TEXT, TEXT)
SOME_CODE = st.one_of(st.just(Coded("")), CODE)
CX = st.builds(Identifier, st.sampled_from(["1.2.3", "1.2.250.1.213.1.4.8"]), st.text("0123456789AB", min_size=1)).map(
    write_cx
)
AUTHOR = st.builds(
    XdsAuthor,
    TEXT,
    st.lists(WORD, max_size=2).map(tuple),
    st.lists(WORD, max_size=2).map(tuple),
    st.lists(WORD, max_size=2).map(tuple),
)
ENTRY = st.builds(
    DocumentEntry,
    id=WORD, uri=TEXT.filter(lambda text: "|" not in text), mime=TEXT, hash=st.text("0123456789abcdef", max_size=40),
    size=st.one_of(st.none(), st.integers(0, 10**11)), creation_time=TEXT, title=TEXT, comments=TEXT, language=TEXT,
    service_start=TEXT, service_stop=TEXT, unique_id=TEXT, patient_id=st.one_of(st.just(""), CX), source_patient_id=TEXT,
    source_patient_info=st.lists(st.tuples(st.sampled_from(["PID-5", "PID-7"]), WORD), max_size=3).map(tuple),
    authors=st.lists(AUTHOR, max_size=2).map(tuple), class_code=SOME_CODE, type_code=SOME_CODE, format_code=SOME_CODE,
    facility=SOME_CODE, setting=SOME_CODE, confidentiality=st.lists(CODE, max_size=2).map(tuple),
    events=st.lists(CODE, max_size=2).map(tuple), legal_authenticator=TEXT, repository_unique_id=TEXT, version=TEXT, status=TEXT,
).map(lambda entry: replace(entry, patient=read_cx(entry.patient_id)))  # fmt: skip
SET = st.builds(
    SubmissionSet,
    id=WORD, unique_id=TEXT, source_id=TEXT, patient_id=st.one_of(st.just(""), CX), submission_time=TEXT,
    content_type=SOME_CODE, authors=st.lists(AUTHOR, max_size=2).map(tuple), recipients=st.lists(WORD, max_size=2).map(tuple),
    title=TEXT, comments=TEXT, status=TEXT,
).map(lambda one: replace(one, patient=read_cx(one.patient_id)))  # fmt: skip
LINK = st.builds(Association, WORD, st.sampled_from([HAS_MEMBER, REPLACES, "urn:x"]), WORD, WORD, TEXT)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ENTRY, max_size=3).map(tuple), st.lists(SET, max_size=2).map(tuple), st.lists(LINK, max_size=3).map(tuple)
)
def test_any_metadata_come_back_as_they_were_written(
    entries: tuple[DocumentEntry, ...], sets: tuple[SubmissionSet, ...], links: tuple[Association, ...]
) -> None:
    written = Metadata(entries, sets, links)
    found = read_metadata(write_metadata(written))
    assert replace(found, findings=()) == written


@settings(max_examples=60, deadline=None)
@given(
    st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.text(max_size=12), st.text(max_size=40),
    st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.integers(1, 4),
)  # fmt: skip
def test_whatever_the_header_says_archive_and_values_agree(
    name: str, given_name: str, title: str, code: str, place: str, born: date, count: int
) -> None:
    patient = replace(PATIENT, birth_name=name, first_given=given_name, used_name=place, birth_date=born)
    author = replace(DOCTOR, name=PersonName(name, given_name), organization=Organization(DOCTOR.ids, place))
    documents = tuple(
        document(number, patient=patient, title=title, code=Coded(f"c{code}"), authors=(author,))
        for number in range(1, count + 1)
    )
    sender = Sender(name, given_name, organization=place, address=title, editor=code)
    data = build_archive(documents, sender, now=NOW + timedelta(days=count), ids=IDS)
    contents = read_contents(read_archive(data))
    assert len(contents.documents) == count
    assert all(held.file and held.entry and held.entry.hash == held.sha1 for held in contents.documents)
    assert {held.entry.patient for held in contents.documents if held.entry} == {patient.ins}
    assert not ebrim_errors(read_archive(data).subsets[0].metadata.data)


def test_a_document_of_25_mb_is_held_once() -> None:
    data = random.Random(6).randbytes(25_000_000)
    one = document(data=data)
    tracemalloc.start()
    try:
        built = archive(one)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
        opened = read_archive(built)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert opened.subsets[0].files[0].data == data
    assert now < 51_000_000
    assert peak < 57_000_000
