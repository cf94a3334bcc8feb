"""Files taken out of documents: only what is what it is called."""

import base64

import pytest
from cda_documents import HL7, PDF, example, narrated, whole_header

from mssante.model.errors import TheirProtocolError
from mssante.wire.cda.extract import attached_file, embedded_files
from mssante.wire.cda.read import CdaDocument, read_document
from mssante.wire.cda.write import write_level1

JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20


def level_1(text: str) -> CdaDocument:
    start, _, _rest = narrated("x").partition(b"<component>")
    body = f"<component><nonXMLBody>{text}</nonXMLBody></component></ClinicalDocument>"
    return read_document(start + body.encode())


def packed(data: bytes, media_type: str, more: str = 'representation="B64"') -> CdaDocument:
    return level_1(f'<text mediaType="{media_type}" {more}>{base64.b64encode(data).decode()}</text>')


@pytest.mark.parametrize("name", ["BIO-CR-BIO_2021.01_CDA", "DOC_NON", "IMG_CR_IMG", "TLM-CR"])
def test_the_pdf_of_every_national_level_1_example_is_given_out(name: str) -> None:
    found = attached_file(read_document(example(name)))
    assert found is not None
    assert found[0] == "application/pdf"
    assert found[1].rstrip().endswith(b"%%EOF")


def test_a_pdf_that_was_written_is_given_out_byte_by_byte() -> None:
    assert attached_file(read_document(write_level1(whole_header(), PDF))) == ("application/pdf", PDF)


def test_a_level_3_document_has_no_attached_file() -> None:
    assert attached_file(read_document(narrated("x"))) is None


def test_blanks_and_a_missing_padding_are_tolerated() -> None:
    text = base64.b64encode(PDF).decode().rstrip("=")
    broken = "\n\t ".join(text[place : place + 7] for place in range(0, len(text), 7))
    document = level_1(f'<text mediaType="Application/PDF; x=y" representation="b64">\n{broken}<!-- c -->\n</text>')
    assert attached_file(document) == ("application/pdf", PDF)


@pytest.mark.parametrize(
    ("data", "media_type", "given"),
    [
        (JPEG, "image/jpeg", "image/jpeg"),
        (JPEG, "image/png", "image/jpeg"),
        (b"{\\rtf1 x}", "text/rtf", "text/rtf"),
        (b"{\\rtf1 x}", "application/rtf", "text/rtf"),
        (b"bonjour", "text/plain", "text/plain"),
        (b"II*\0x", "image/tiff", "image/tiff"),
    ],
)
def test_other_accepted_types_are_given_out(data: bytes, media_type: str, given: str) -> None:
    assert attached_file(packed(data, media_type)) == (given, data)


def test_a_plain_text_is_given_out_as_written() -> None:
    assert attached_file(level_1("<text>Bonjour é</text>")) == ("text/plain", "Bonjour é".encode())


@pytest.mark.parametrize(
    ("data", "media_type", "said"),
    [
        (b"<html><script>", "application/pdf", "ne l'ouvrez pas"),
        (b" %PDF-1.4", "application/pdf", "ne l'ouvrez pas"),
        (PDF, "image/png", "ne l'ouvrez pas"),
        (JPEG, "application/pdf", "ne l'ouvrez pas"),
        (PDF, "text/plain", "ne l'ouvrez pas"),
        (b"a\0b", "text/plain", "ne l'ouvrez pas"),
        (b"<html>", "text/html", "pas accepté"),
        (b"<svg/>", "image/svg+xml", "pas accepté"),
        (b"MZ", "application/x-msdownload", "pas accepté"),
        (b"", "application/pdf", "ne l'ouvrez pas"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_not_given_out(data: bytes, media_type: str, said: str) -> None:
    with pytest.raises(TheirProtocolError, match=said):
        attached_file(packed(data, media_type))


@pytest.mark.parametrize("text", ["JVBERi0x*", "é", "JVBER", "J=VBERi0x"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(TheirProtocolError, match="base64"):
        attached_file(level_1(f'<text mediaType="application/pdf" representation="B64">{text}</text>'))


def test_a_compressed_file_is_refused() -> None:
    with pytest.raises(TheirProtocolError, match="compressé"):
        attached_file(packed(PDF, "application/pdf", 'representation="B64" compression="GZ"'))


def test_embedded_files_have_the_names_that_the_narrative_uses() -> None:
    files = embedded_files(read_document(example("BIO-CR-BIO_2023.01_Electro")))
    assert [(file.id, file.media_type, file.problem) for file in files] == [
        ("ELECTROPHORESE", "image/png", ""),
        ("doc-1", "application/pdf", ""),
    ]
    assert files[1].data.startswith(b"%PDF-")


def test_a_picture_called_jpeg_that_is_a_png_is_a_png() -> None:
    files = embedded_files(read_document(example("eP-MED-DM_2024")))
    assert [(file.id, file.media_type) for file in files] == [("Code2dPDF", "image/png"), ("doc-1", "application/pdf")]


def test_an_embedded_file_that_cannot_be_read_says_why() -> None:
    entries = (
        '<entry><observationMedia ID="a"><value mediaType="image/png" representation="B64">*</value></observationMedia></entry>'
        '<entry><regionOfInterest ID="r"><entryRelationship><observationMedia>'
        f'<value mediaType="image/jpeg" representation="B64">{base64.b64encode(JPEG).decode()}</value>'
        '</observationMedia></entryRelationship></regionOfInterest></entry>'
        '<entry><observationMedia ID="none"/></entry>'
    )  # fmt: skip
    bad, good = embedded_files(read_document(narrated("x", entries=entries)))
    assert (bad.id, bad.data, "base64" in bad.problem) == ("a", b"", True)
    assert (good.id, good.data, good.problem) == ("r", JPEG, "")


def test_the_namespace_of_the_tests_is_that_of_hl7() -> None:
    assert HL7.encode() in example("DOC_NON")
