"""A document as a page: what is in it, where, in which words; the goldens are looked at before they are kept."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
from cda_documents import EXAMPLES, PDF, example, narrated, whole_header
from cda_pages import as_browsed, foreign_parts, shape
from lxml import html

from mssante.wire.cda.read import read_document
from mssante.wire.cda.results import abnormal_results
from mssante.wire.cda.show import show_html
from mssante.wire.cda.style import STYLE
from mssante.wire.cda.write import write_level1

GOLDEN = Path(__file__).parent / "golden"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def shown(text: str, **more: str) -> str:
    return show_html(read_document(narrated(text, **more)))


def section_of(page: str) -> str:
    """Return the HTML of the narrative of a page with one section."""
    found = re.search(r"<section>\n<h2>Partie</h2>\n(.*)\n</section>", page, re.DOTALL)
    assert found
    return found[1]


def media(name: str, data: bytes, media_type: str = "image/png") -> str:
    packed = base64.b64encode(data).decode()
    return (
        f'<entry><observationMedia classCode="OBS" moodCode="EVN" ID="{name}">'
        f'<value mediaType="{media_type}" representation="B64">{packed}</value></observationMedia></entry>'
    )


def measure(code: str, *, label: str = '<originalText><reference value="#r1"/></originalText>', more: str = "") -> str:
    return (
        '<entry><observation classCode="OBS" moodCode="EVN"><code code="2345-7" codeSystem="2.16.840.1.113883.6.1"'
        f' displayName="Glucose">{label}</code><value xsi:type="PQ" value="7.2" unit="mmol/L"/>'
        f'<interpretationCode code="{code}" codeSystem="2.16.840.1.113883.5.83"/>{more}</observation></entry>'
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_national_example_is_shown_with_our_elements_only(path: Path) -> None:
    document = read_document(path.read_bytes())
    page = show_html(document)
    assert foreign_parts(page) == []
    tree = html.document_fromstring(page)
    assert tree.findtext(".//h1") == document.header.title
    assert document.header.patient.birth_name in tree.findtext(".//strong")
    links = {link[1:] for link in tree.xpath("//a/@href")}
    assert links <= set(tree.xpath("//@id"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_word_of_a_national_narrative_is_lost(path: Path) -> None:
    document = read_document(path.read_bytes())
    if not document.header.has_structured_body:
        return
    page = html.document_fromstring(show_html(document))
    said = "".join("".join(page.itertext()).split())
    for text in document.root.iter("{urn:hl7-org:v3}text"):
        if text.getparent().tag == "{urn:hl7-org:v3}section":
            for word in text.itertext():
                assert "".join(word.split()) in said


@pytest.mark.parametrize("name", ["BIO-TROD_2024.01", "VAC-NOTE_2023.01", "BIO-CR-BIO_2024.01_Glyc"])
def test_a_page_is_the_golden_one(name: str) -> None:
    page = show_html(read_document(example(name))).replace(STYLE, "")
    assert page == (GOLDEN / f"{name}.html").read_text("utf-8")


def test_the_header_says_who_what_and_when_in_french() -> None:
    header = whole_header()
    old = replace(header, replaces=replace(header.id, extension="DOC-0"), version=2)
    page = html.document_fromstring(show_html(read_document(write_level1(old, PDF))))
    terms = [term.text for term in page.iter("dt")]
    said = dict(zip(terms, [term.text for term in page.iter("dd")], strict=True))
    assert said["Née le"] == "28 mars 1979"
    assert said["Matricule INS"] == "279035121518989 (INS-NIR de test)"
    assert said["Sexe"] == "féminin"
    assert said["Auteur"] == "DR Marcel CAMPARINI, Médecin - Biologie médicale (SM), Laboratoire des charmes"
    assert said["Établissement"] == "Laboratoire des charmes"
    assert said["Destinataires"] == "DR Stéphane MEDIONI"
    assert said["Acte"] == "Hématologie, le 4 janvier 2026 de 13\u00a0h\u00a047 à 13\u00a0h\u00a055"
    assert said["Version"] == "2"
    assert said["Remplace"] == "annule et remplace le document 1.2.250.1.213.1.1.9 DOC-0"
    assert page.get("lang") == "fr-FR"


def test_a_used_name_is_shown_when_it_is_another() -> None:
    assert "<dt>Nom et prénom utilisés</dt><dd>DECOURCY Marie</dd>" in show_html(read_document(example("OBP-SCM")))
    assert "utilisés" not in show_html(read_document(example("VAC-NOTE")))


def test_a_patient_without_ins_is_said_to_have_none() -> None:
    page = show_html(read_document(narrated("x").replace(b"1.2.250.1.213.1.4.10", b"1.2.3")))
    assert "<dt>Matricule INS</dt><dd>absent du document</dd>" in page
    assert "date de naissance inconnue" in page


@pytest.mark.parametrize(
    ("language", "written"),
    [("fr-FR", "fr-FR"), ("en", "en"), ('"><script>', "fr"), ("", "fr"), ("x" * 50, "fr")],
)
def test_the_language_of_the_page_is_that_of_the_document(language: str, written: str) -> None:
    code = language.replace('"', "&quot;").replace("<", "&lt;")
    page = shown("x", header=f'<languageCode code="{code}"/>')
    assert f'<html lang="{written}">' in page


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("<paragraph>a<br/>b</paragraph>", "<p>a<br>b</p>"),
        ('<paragraph styleCode="Bold">a</paragraph>', "<p><strong>a</strong></p>"),
        ('<content styleCode="Bold Italics">a</content>', "<strong><em>a</em></strong>"),
        ('<content styleCode="BoldItalics">a</content>', "<strong><em>a</em></strong>"),
        ('<content styleCode="Underline">a</content>', "<u>a</u>"),
        ('<content styleCode="xRed color:red">a</content>', "a"),
        ('<content ID="x">a</content>', "a"),
        ("m<sup>2</sup> H<sub>2</sub>O", "m<sup>2</sup> H<sub>2</sub>O"),
        ("<list><item>a</item><item>b</item></list>", "<ul><li>a</li><li>b</li></ul>"),
        ('<list listType="ordered"><item>a</item></list>', "<ol><li>a</li></ol>"),
        ("<list><caption>c</caption><item>a</item></list>", "<p>c</p><ul><li>a</li></ul>"),
        ("<list>b<item>a</item>d</list>", "<p>b</p><p>d</p><ul><li>a</li></ul>"),
        ('<linkHtml href="https://a.fr/b">voir</linkHtml>', "voir (adresse : https://a.fr/b)"),
        ('<linkHtml href="https://a.fr/b">https://a.fr/b</linkHtml>', "https://a.fr/b"),
        ('<linkHtml href="#here">x</linkHtml><paragraph ID="here">y</paragraph>', '<a href="#n-here">x</a><p id="n-here">y</p>'),
        ('<linkHtml href="#nowhere">x</linkHtml>', "x (adresse : #nowhere)"),
        ("<unknown>kept <deeper>too</deeper></unknown>", "kept too"),
        ('<content revised="delete">a</content>', "[supprimé : a]"),
        ("a<!-- no -->b<?pi no?>c", "abc"),
        ("<paragraph>a<list><item>b</item></list></paragraph>", "<div>a<ul><li>b</li></ul></div>"),
    ],
)  # fmt: skip
def test_narrative_becomes_html(text: str, expected: str) -> None:
    assert section_of(shown(text)).strip() == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("<caption>c</caption><tbody><tr><td>a</td></tr></tbody>", "<caption>c</caption><tbody><tr><td>a</td></tr></tbody>"),
        ("<thead><tr><th>h</th></tr></thead>", '<thead><tr><th scope="col">h</th></tr></thead>'),
        ('<thead><tr><th colspan="2">h</th></tr></thead>', '<thead><tr><th scope="colgroup" colspan="2">h</th></tr></thead>'),
        ("<tbody><tr><th>h</th><td>a</td></tr></tbody>", '<tbody><tr><th scope="row">h</th><td>a</td></tr></tbody>'),
        ('<tfoot><tr><td rowspan="3">a</td></tr></tfoot>', '<tfoot><tr><td rowspan="3">a</td></tr></tfoot>'),
        ('<tr><td colspan="100000" rowspan="-1">a</td></tr>', "<tr><td>a</td></tr>"),
        ('<tr><td colspan="99999">a</td></tr>', '<tr><td colspan="200">a</td></tr>'),
        ('<col width="1"/><colgroup/><tr><td>a</td></tr>', "<tr><td>a</td></tr>"),
        ("stray<tr>s<td>a</td>t<content>u</content></tr>", "<tr><td>stray</td></tr><tr><td>s</td><td>a</td><td>t</td><td>u</td></tr>"),
        ("<tbody><paragraph>p</paragraph>q</tbody>", "<tbody><tr><td><p>p</p></td></tr><tr><td>q</td></tr></tbody>"),
    ],
)  # fmt: skip
def test_tables_keep_their_structure_and_say_what_their_headers_are_for(table: str, expected: str) -> None:
    box = '<div class="table" role="region" tabindex="0" aria-label="Tableau 1"><table>'
    assert section_of(shown(f"<table>{table}</table>")) == f"{box}{expected}</table></div>"


def test_sections_within_sections_have_deeper_headings() -> None:
    inner = "<component><section><title>{}</title><text>t</text>{}</section></component>"
    nested = inner.format("B", inner.format("C", inner.format("D", "")))
    page = html.document_fromstring(shown("x", entries=nested))
    assert [(item.tag, item.text) for item in page.iter("h1", "h2", "h3", "h4")] == [
        ("h1", "Compte rendu"), ("h2", "Partie"), ("h3", "B"), ("h4", "C"), ("h4", "D"),
    ]  # fmt: skip


def test_footnotes_stand_at_the_end_with_their_numbers() -> None:
    page = shown(
        'a<footnoteRef IDREF="f"/> b<footnote ID="f">one<footnote>two</footnote></footnote><footnoteRef IDREF="no"/>'
    )
    assert section_of(page) == ('a<sup><a href="#note-1">1</a></sup> b<sup><a href="#note-1">1</a></sup>')
    assert (
        '<ol><li id="note-1" value="1">one<sup><a href="#note-2">2</a></sup></li><li id="note-2" value="2">two</li></ol>'
        in page
    )


def test_a_picture_is_shown_once_from_its_checked_bytes() -> None:
    page = shown(
        '<renderMultiMedia referencedObject="p"><caption>Une "radio"</caption></renderMultiMedia>'
        '<renderMultiMedia referencedObject="p"/>',
        entries=media("p", PNG, "image/jpeg"),
    )
    packed = base64.b64encode(PNG).decode()
    assert section_of(page) == (
        f'<img alt="Une &quot;radio&quot;" src="data:image/png;base64,{packed}"><span class="file">Une "radio"</span>'
        '<span class="file">Objet déjà montré plus haut</span>'
    )


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (media("p", PDF, "application/pdf"), "Fichier PDF joint au document (1\u00a0Ko)"),
        (media("p", b"<svg onload='x()'/>", "image/svg+xml"), "qui n'est pas accepté"),
        (media("p", b"<html>", "image/png"), "ne l'ouvrez pas"),
        ("", "Objet joint absent du document"),
    ],
)
def test_what_is_no_picture_is_told_in_words(entry: str, said: str) -> None:
    page = shown('<renderMultiMedia referencedObject="p"/>', entries=entry)
    assert said in section_of(page)
    assert "<img" not in page


def test_results_out_of_range_are_listed_first_and_marked_in_words() -> None:
    normal = (
        '<referenceRange><observationRange><value xsi:type="IVL_PQ"><low value="3.9" unit="mmol/L"/>'
        '<high value="6.1" unit="mmol/L"/></value><interpretationCode code="N"/></observationRange></referenceRange>'
    )
    row = '<table><tr><td><content ID="r1">Glycémie</content></td><td>7.2</td></tr></table>'
    page = shown(row, entries=measure("H", more=normal))
    assert (
        '<li><a href="#n-r1">Glycémie</a>\u00a0: 7.2 mmol/L <strong class="mark">▲ au-dessus des valeurs attendues (H)'
        "</strong>\u202f; attendu\u00a0: 3.9 à 6.1 mmol/L</li>"
    ) in page
    assert (
        '<span id="n-r1">Glycémie</span> <strong class="mark">▲ au-dessus des valeurs attendues (H)</strong></td>'
        in page
    )


@pytest.mark.parametrize(
    ("code", "sign"),
    [("H", "▲"), ("L", "▼"), ("HH", "‼ ▲ très au-dessus"), ("LL", "‼ ▼ très au-dessous"), ("AA", "‼ très anormal"), ("A", "● anormal")],
)  # fmt: skip
def test_every_mark_has_its_words(code: str, sign: str) -> None:
    (result,) = abnormal_results(read_document(narrated("x", entries=measure(code))))
    assert result.mark.startswith(sign)
    assert f"({code})" in result.mark
    assert (result.value, result.unit, result.label) == ("7.2", "mmol/L", "Glucose")


def test_alerts_come_before_the_other_results() -> None:
    document = read_document(narrated("x", entries=measure("H") + measure("LL") + measure("N") + measure("A")))
    assert [result.interpretation for result in abnormal_results(document)] == ["LL", "H", "A"]


@pytest.mark.parametrize("code", ["N", "S", "R", "", "HELLO"])
def test_a_result_that_nobody_marks_is_not_listed(code: str) -> None:
    document = read_document(narrated("x", entries=measure(code)))
    assert abnormal_results(document) == ()
    assert "Résultats hors limites" not in show_html(document)


def test_the_mark_of_a_reference_range_is_not_that_of_the_result() -> None:
    ranges = '<referenceRange><observationRange><interpretationCode code="HH"/></observationRange></referenceRange>'
    assert abnormal_results(read_document(narrated("x", entries=measure("N", more=ranges)))) == ()


def test_the_national_electrophoresis_has_six_results_out_of_range() -> None:
    results = abnormal_results(read_document(example("BIO-CR-BIO_2023.01_Electro")))
    assert [(result.label, result.value, result.reference) for result in results[:3]] == [
        ("Alpha1 (g/L)", "3.8", "0.800000 à 3.200000 g/L"),
        ("Urée", "10.02", "3.50 à 8 mmol/L"),
        ("Glucose à jeun", "7.2", "3.9 à 6.1 mmol/L"),
    ]
    assert len(results) == 6


def test_a_level_1_document_says_that_its_content_is_a_pdf() -> None:
    page = show_html(read_document(write_level1(whole_header(), PDF)))
    assert "Le contenu de ce document est un fichier PDF joint (1\u00a0Ko)." in page
    assert foreign_parts(page) == []


@pytest.mark.optional
def test_chromium_builds_the_tree_that_was_written(tmp_path: Path) -> None:
    page = show_html(read_document(example("BIO-CR-BIO_2023.01_Electro")))
    browsed = as_browsed(page, tmp_path)
    assert foreign_parts(browsed) == []
    assert shape(html.tostring(html.document_fromstring(browsed), encoding="unicode")) == shape(
        html.tostring(html.document_fromstring(page), encoding="unicode")
    )


@pytest.mark.slow
@pytest.mark.optional
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_chromium_opens_every_national_example(path: Path, tmp_path: Path) -> None:
    assert foreign_parts(as_browsed(show_html(read_document(path.read_bytes())), tmp_path)) == []
