"""Documents of level 1 that we write: valid, whole, and the same when they are read again."""

import dataclasses
from datetime import date

import pytest
from cda_documents import PDF, example, schema_errors, whole_header
from hypothesis import given, settings
from hypothesis import strategies as st

from mssante.model.document import (
    INS_NIA,
    INS_NIR,
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
from mssante.model.errors import WireError
from mssante.wire.cda import write
from mssante.wire.cda.extract import attached_file
from mssante.wire.cda.read import read_document
from mssante.wire.cda.write import LEVEL1_TEMPLATES, IncompleteHeaderError, missing_parts, write_level1

replace = dataclasses.replace
WHOLE = whole_header()

LETTERS = st.characters(
    codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"
)
WORD = st.text(LETTERS, min_size=1, max_size=8)
TEXT = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
MAYBE = st.one_of(st.just(""), TEXT)
OID = st.from_regex(r"[12](\.[1-9][0-9]{0,4}){2,6}", fullmatch=True)
IDS = st.builds(Identifier, OID, MAYBE)
CODE = st.from_regex(r"[A-Z0-9_/.-]{1,10}", fullmatch=True)
CODES = st.builds(Coded, CODE, OID, TEXT)
MAYBE_CODES = st.one_of(st.just(Coded("")), st.builds(Coded, CODE, st.one_of(st.just(""), OID), MAYBE))
TIMES = st.datetimes().map(lambda at: f"{at.year:04}{at:%m%d%H%M%S}+0100")
MAYBE_TIMES = st.one_of(st.just(""), TIMES)
NAMES = st.builds(PersonName, TEXT, MAYBE, MAYBE, MAYBE)
PHONES = st.one_of(st.just(""), st.from_regex(r"\+?[0-9]{3,12}", fullmatch=True))
MAILS = st.one_of(st.just(""), st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.mssante\.fr", fullmatch=True))
ADDRESSES = st.one_of(st.just(""), TEXT.filter(lambda text: "," not in text))
PLACES = st.builds(Organization, st.tuples(IDS), TEXT, PHONES, ADDRESSES)
ACTIVE = st.builds(Organization, st.tuples(IDS), TEXT, PHONES, ADDRESSES, MAYBE_CODES)
PEOPLE = st.builds(Actor, st.tuples(IDS), NAMES, MAYBE_CODES, st.one_of(st.none(), PLACES), TIMES, MAILS)
DEVICES = st.builds(Actor, ids=st.tuples(IDS), at=TIMES, device=TEXT)
RECIPIENTS = st.builds(
    Actor, st.lists(IDS, max_size=2).map(tuple), NAMES, organization=st.one_of(st.none(), ACTIVE), mail=MAILS
)
PATIENTS = st.builds(
    Patient,
    st.builds(Identifier, st.sampled_from([INS_NIR, INS_NIA]), st.from_regex(r"[12][0-9]{14}", fullmatch=True)),
    st.lists(IDS, max_size=2).map(tuple),
    TEXT, TEXT, TEXT, MAYBE, MAYBE,
    st.dates(min_value=date(1800, 1, 1)),
    birth_place=st.from_regex(r"[0-9AB]{5}", fullmatch=True),
    sex=st.sampled_from(Sex),
).map(lambda patient: replace(patient, birth_text=f"{patient.birth_date:%Y%m%d}"))  # fmt: skip


@st.composite
def headers(draw: st.DrawFn) -> DocumentHeader:
    """Return any header that may be written; the modality of care is where a reader looks for it."""
    setting = draw(CODES)
    performer = draw(PEOPLE)
    performer = replace(performer, function=draw(MAYBE_CODES), organization=replace(draw(PLACES), activity=setting))
    acts = [Act(draw(st.one_of(st.none(), IDS)), draw(MAYBE_CODES), draw(TIMES), draw(MAYBE_TIMES), performer)]
    acts += draw(st.lists(st.builds(Act, st.one_of(st.none(), IDS), CODES, MAYBE_TIMES, MAYBE_TIMES), max_size=2))
    return DocumentHeader(
        id=draw(IDS),
        code=draw(CODES),
        title=draw(TEXT),
        created_at=draw(TIMES),
        patient=draw(PATIENTS),
        authors=tuple(draw(st.lists(st.one_of(PEOPLE, DEVICES), min_size=1, max_size=2))),
        custodian=draw(PLACES),
        legal_authenticator=draw(PEOPLE),
        recipients=tuple(draw(st.lists(RECIPIENTS, max_size=2))),
        templates=LEVEL1_TEMPLATES,
        set_id=draw(IDS),
        version=draw(st.integers(1, 1_000_000)),
        replaces=draw(st.one_of(st.none(), IDS)),
        confidentiality=draw(CODES),
        language=draw(st.sampled_from(["fr-FR", "fr", "en-US"])),
        acts=tuple(acts),
        setting=setting,
        facility=draw(CODES),
        order_ids=tuple(draw(st.lists(IDS, max_size=2))),
        encounter_start=draw(MAYBE_TIMES),
        encounter_stop=draw(MAYBE_TIMES),
        attached_type="application/pdf",
    )


@settings(max_examples=60, deadline=None)
@given(headers())
def test_what_is_written_is_valid_and_the_same_when_it_is_read_again(header: DocumentHeader) -> None:
    data = write_level1(header, PDF)
    document = read_document(data)
    assert document.header == header
    assert attached_file(document) == ("application/pdf", PDF)
    assert schema_errors(data) == []


def test_the_header_has_all_that_the_national_level_1_example_has() -> None:
    data = write_level1(replace(WHOLE, replaces=Identifier("1.2", "3")), PDF)
    assert schema_errors(data) == []
    written = read_document(data)
    sample = read_document(example("DOC_NON"))

    def names(document: object) -> set[str]:
        return {child.tag for child in document.root if isinstance(child.tag, str)}  # type: ignore[attr-defined]

    assert {name.rpartition("}")[2] for name in names(sample) - names(written)} == {"participant"}
    assert written.root.find("{*}realmCode").get("code") == "FR"
    assert written.header.templates == sample.header.templates


def test_an_example_of_level_1_can_be_written_again() -> None:
    header = read_document(example("DOC_NON")).header
    again = read_document(write_level1(replace(header, legal_authenticator=header.authors[0]), PDF)).header
    assert again == replace(header, legal_authenticator=header.authors[0])


def test_conformance_of_level_1_is_declared_once_beside_others() -> None:
    other = Identifier("1.2.250.1.213.1.1.1.55", "2024.01")
    header = replace(WHOLE, templates=(LEVEL1_TEMPLATES[1], other))
    assert read_document(write_level1(header, PDF)).header.templates == (*LEVEL1_TEMPLATES, other)


def test_the_modality_of_care_is_said_of_who_did_the_act() -> None:
    bare = replace(WHOLE.acts[0], performer=replace(WHOLE.authors[0], organization=None))
    data = write_level1(replace(WHOLE, acts=(bare,)), PDF)
    assert read_document(data).header.setting == WHOLE.setting
    assert schema_errors(data) == []


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"title": ""}, "le titre"),
        ({"code": Coded("1", LOINC)}, "le type du document (code et libellé)"),
        ({"created_at": "20260101"}, "la date de création avec son fuseau"),
        ({"set_id": None}, "l'identifiant commun aux versions"),
        ({"version": 0}, "le numéro de version (1 ou plus)"),
        ({"authors": ()}, "un auteur"),
        ({"authors": (replace(WHOLE.authors[0], ids=()),)}, "l'identifiant de l'auteur"),
        ({"authors": (replace(WHOLE.authors[0], at="hier"),)}, "la date de l'auteur"),
        ({"legal_authenticator": None}, "le responsable du document"),
        ({"legal_authenticator": replace(WHOLE.authors[0], name=PersonName())}, "le nom du responsable"),
        ({"custodian": None}, "l'établissement qui conserve le document"),
        ({"acts": ()}, "l'acte documenté et sa date"),
        ({"acts": (replace(WHOLE.acts[0], performer=None),)}, "l'exécutant de l'acte"),
        ({"setting": Coded("")}, "le cadre d'exercice"),
        ({"facility": Coded("")}, "le secteur d'activité"),
        ({"confidentiality": Coded("")}, "la confidentialité"),
    ],
)
def test_what_the_national_header_wants_is_named_when_it_is_missing(changes: dict[str, object], missing: str) -> None:
    header = replace(WHOLE, **changes)
    assert missing in missing_parts(header)
    with pytest.raises(IncompleteHeaderError, match=r"complétez-le") as caught:
        write_level1(header, PDF)
    assert missing in str(caught.value)
    assert missing in caught.value.missing


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"birth_name": ""}, "le nom de naissance du patient"),
        ({"first_given": ""}, "le premier prénom de naissance du patient"),
        ({"birth_given": ""}, "la liste des prénoms de naissance du patient"),
        ({"birth_date": None}, "la date de naissance du patient"),
        ({"sex": None}, "le sexe du patient"),
        ({"birth_place": ""}, "le code INSEE du lieu de naissance du patient"),
        ({"ins": Identifier("1.2.3", "279035121518989")}, "l'OID de l'INS du patient"),
        ({"ins": Identifier(INS_NIR)}, "le matricule INS du patient"),
        ({"ins": None, "local_ids": ()}, "un identifiant du patient (INS ou numéro local)"),
    ],
)
def test_an_identity_is_written_whole_or_not_at_all(changes: dict[str, object], missing: str) -> None:
    header = replace(WHOLE, patient=replace(WHOLE.patient, **changes))
    assert missing_parts(header) == (missing,)
    with pytest.raises(IncompleteHeaderError):
        write_level1(header, PDF)


def test_a_patient_without_ins_has_a_local_number() -> None:
    patient = replace(WHOLE.patient, ins=None, birth_place="", birth_given="")
    data = write_level1(replace(WHOLE, patient=patient), PDF)
    assert read_document(data).header.patient == patient
    assert schema_errors(data) == []


def test_a_whole_header_lacks_nothing() -> None:
    assert missing_parts(WHOLE) == ()


@pytest.mark.parametrize("char", ["\0", "\x01", "\x1f", "\ufffe", "\uffff", "\ud800"])
def test_a_character_that_xml_cannot_hold_is_named(char: str) -> None:
    with pytest.raises(WireError, match=f"title contient le caractère U\\+{ord(char):04X}"):
        write_level1(replace(WHOLE, title=f"a{char}b"), PDF)
    with pytest.raises(WireError, match="interdit en XML"):
        write_level1(replace(WHOLE, set_id=Identifier("1.2", char)), PDF)


@pytest.mark.parametrize("text", ["<b>&amp;</b>", "]]>", "\"'", "a é 😀 \u202e"])
def test_texts_of_any_kind_stay_texts(text: str) -> None:
    data = write_level1(replace(WHOLE, title=text, id=Identifier("1.2", text)), PDF)
    header = read_document(data).header
    assert (header.title, header.id.extension) == (text.strip(), text.strip())


@pytest.mark.parametrize("data", [b"", b"hello", b"<html>", b"\xef\xbb\xbf%PDF-1.4"])
def test_only_a_pdf_is_written(data: bytes) -> None:
    with pytest.raises(WireError, match="n'est pas un PDF"):
        write_level1(WHOLE, data)


def test_a_pdf_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "PDF_MAX_BYTES", len(PDF) - 1)
    with pytest.raises(WireError, match="octets, plus que"):
        write_level1(WHOLE, PDF)


def test_a_large_pdf_is_written_and_read_again() -> None:
    large = PDF + b"\0" * 12_000_000
    assert attached_file(read_document(write_level1(WHOLE, large))) == ("application/pdf", large)
