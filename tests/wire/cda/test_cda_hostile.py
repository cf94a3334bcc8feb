"""Narratives, attributes and titles made to run something or to fetch something: nothing of it reaches a page.

Source: reliability.md C07, C10, C11.
"""

import base64
import time
from collections.abc import Callable
from html import escape
from pathlib import Path

import pytest
from cda_documents import HL7, example, narrated
from cda_pages import as_browsed, foreign_parts

from mssante.model.errors import TheirProtocolError
from mssante.wire.cda.read import DEPTH_MAX, ELEMENTS_MAX, read_document
from mssante.wire.cda.results import abnormal_results
from mssante.wire.cda.show import show_html

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
SVG = 'xmlns="http://www.w3.org/2000/svg"'
MATH = 'xmlns="http://www.w3.org/1998/Math/MathML"'
HTML_PAYLOADS = [
    "<script>alert(1)</script>",
    "</p></main><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)>",
    "<object data='data:text/html,<script>alert(1)</script>'>",
    "<embed src='//evil.example/x.swf'>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href='//evil.example/'>",
    "<link rel=stylesheet href='//evil.example/a.css'>",
    "<link rel=dns-prefetch href='//evil.example'>",
    "<style>@import '//evil.example/a.css';</style>",
    "</style><script>alert(1)</script>",
    "<form action='//evil.example'><button>x</button></form>",
    "<video poster='//evil.example/p'><source src='//evil.example/v'></video>",
    "<img srcset='//evil.example/a 1x'>",
    "<table background='//evil.example/t'>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href=' &#1;javascript:alert(1)'>x</a>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<textarea></textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea></title></style></script></xmp></noscript><svg/onload=alert(1)>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>",
    "<?xml-stylesheet href='//evil.example/a.css'?>",
    "<xmp><script>alert(1)</script></xmp>",
    "<plaintext>",
    "<marquee onstart=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    "`><img src=x onerror=alert(1)>",
    "\u2028<script>alert(1)</script>\u2029",
    "{{constructor.constructor('alert(1)')()}}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
ELEMENTS = [
    f"<script {XHTML}>alert(1)</script>",
    f'<img {XHTML} src="x" onerror="alert(1)"/>',
    f'<iframe {XHTML} src="javascript:alert(1)"/>',
    f'<object {XHTML} data="https://evil.example/"/>',
    f"<style {XHTML}>@import url(https://evil.example/)</style>",
    f'<meta {XHTML} http-equiv="refresh" content="0;url=https://evil.example/"/>',
    f'<form {XHTML} action="https://evil.example/"><input name="a"/></form>',
    f'<svg {SVG} onload="alert(1)"><script>alert(1)</script><image href="https://evil.example/"/></svg>',
    f'<svg {SVG}><foreignObject><body {XHTML} onload="alert(1)"/></foreignObject></svg>',
    f'<svg {SVG}><use href="data:image/svg+xml;base64,PHN2Zz4="/><animate onbegin="alert(1)"/></svg>',
    f'<math {MATH}><maction actiontype="statusline" xlink:href="javascript:alert(1)" xmlns:xlink="http://www.w3.org/1999/xlink">x</maction></math>',
    f'<table><tr><td><p {XHTML} onclick="alert(1)">x</p></td></tr></table>',
    '<paragraph onclick="alert(1)" style="background:url(https://evil.example/)" class="alerts">x</paragraph>',
    '<content styleCode="background:url(https://evil.example/)" onmouseover="alert(1)">x</content>',
    '<content styleCode="Bold&quot; onclick=&quot;alert(1)" ID="&quot; onclick=&quot;alert(1)">x</content>',
    '<linkHtml href="javascript:alert(1)">x</linkHtml>',
    '<linkHtml href="JaVaScRiPt:alert(1)" target="_top">x</linkHtml>',
    '<linkHtml href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</linkHtml>',
    '<linkHtml href="vbscript:msgbox(1)">x</linkHtml>',
    '<linkHtml href="//evil.example/" ping="//evil.example/">x</linkHtml>',
    '<linkHtml href="#&quot; onclick=&quot;alert(1)">x</linkHtml><content ID="&quot; onclick=&quot;alert(1)">y</content>',
    '<linkHtml href="#a b">x</linkHtml><content ID="a b">y</content>',
    '<linkHtml href="#twice">x</linkHtml><content ID="twice">y</content><content ID="twice">z</content>',
    '<linkHtml href="https://evil.example/"><renderMultiMedia referencedObject="p"/>x</linkHtml>',
    '<renderMultiMedia referencedObject="https://evil.example/x.png"/>',
    '<renderMultiMedia referencedObject="p"><caption>&quot; onerror=&quot;alert(1)</caption></renderMultiMedia>',
    '<renderMultiMedia referencedObject="s"/><renderMultiMedia referencedObject="h"/>',
    '<footnote ID="&quot;&gt;&lt;script&gt;">x</footnote><footnoteRef IDREF="&quot;&gt;&lt;script&gt;"/>',
    '<table style="position:fixed" background="https://evil.example/" border="javascript:1"><tr><td colspan="1&quot; onclick=&quot;a">x</td></tr></table>',
    '<table><caption><script>alert(1)</script></caption><tbody><tr><th scope="x" onclick="a">x</th></tr></tbody></table>',
    '<list listType="ordered" styleCode="x" onclick="a"><item onclick="a"><caption onclick="a">x</caption></item></list>',
    '<x:include href="file:///etc/passwd" xmlns:x="http://www.w3.org/2001/XInclude"/>',
    '<x:value-of select="document(\'file:///etc/passwd\')" xmlns:x="http://www.w3.org/1999/XSL/Transform"/>',
    '<paragraph xml:base="https://evil.example/" xml:id="a" xmlns:on="x" on:click="alert(1)">x</paragraph>',
    "<tr><td>out</td></tr><td>of</td><thead/><item>place</item><caption>x</caption>",
    "<paragraph><paragraph><table><tr><td><paragraph><list><item><table/></item></list></paragraph></td></tr></table></paragraph></paragraph>",
    "<sub><sup><content styleCode='Bold'><table><tr><th><sub>x</sub></th></tr></table></content></sup></sub>",
    "<table><tr><table><tr><table><tbody>x</tbody></table></tr></table></tr></table>",
]  # fmt: skip
MEDIA = "".join(
    f'<entry><observationMedia classCode="OBS" moodCode="EVN" ID="{name}"><value mediaType="{kind}" '
    f'representation="B64">{base64.b64encode(data).decode()}</value></observationMedia></entry>'
    for name, kind, data in (
        ("p", "image/png", b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"),
        ("s", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("h", "image/png", b"<html><script>alert(1)</script>"),
    )
)


def test_there_are_enough_hostile_narratives() -> None:
    assert len({*HTML_PAYLOADS, *ELEMENTS}) >= 75


@pytest.mark.parametrize("text", [*map(escape, HTML_PAYLOADS), *ELEMENTS])
def test_a_hostile_narrative_leaves_nothing_that_runs_or_fetches(text: str) -> None:
    assert foreign_parts(show_html(read_document(narrated(text, entries=MEDIA)))) == []


@pytest.mark.parametrize("text", HTML_PAYLOADS)
def test_hostile_text_anywhere_in_the_header_stays_text(text: str) -> None:
    said = escape(text.replace("\n", " "))
    header = (
        f'<setId root="{said}" extension="{said}"/><author><time value="{said}"/><assignedAuthor><id root="{said}"/>'
        f'<code code="{said}" displayName="{said}"/><assignedPerson><name><family>{said}</family></name></assignedPerson>'
        f"<representedOrganization><name>{said}</name></representedOrganization></assignedAuthor></author>"
        f'<relatedDocument typeCode="RPLC"><parentDocument><id root="{said}" extension="{said}"/></parentDocument></relatedDocument>'
    )
    entries = (
        f'<entry><observation><code code="x"><originalText>{said}<reference value="#{said}"/></originalText></code><value value="{said}" unit="{said}"/>'
        f'<interpretationCode code="HH"/><referenceRange><observationRange><text>{said}</text></observationRange></referenceRange></observation></entry>'
    )
    entries += (
        '<entry><observation><code code="x"><originalText><reference value="#r"/></originalText></code>'
        '<interpretationCode code="L"/></observation></entry>'
    )
    narrative = f'<content ID="{said}">x</content><content ID="r">{said}</content>'
    data = narrated(narrative, title=said, header=header, entries=entries)
    data = (
        data.replace(b"Compte rendu", said.encode())
        .replace(b"PAT-TROIS", said.encode())
        .replace(b"279035121518989", said.encode())
    )
    assert foreign_parts(show_html(read_document(data))) == []


@pytest.mark.optional
def test_chromium_finds_nothing_either_in_all_of_them_together(tmp_path: Path) -> None:
    one = "<component><section><title>x</title><text>{}</text></section></component>"
    sections = "".join(one.format(text) for text in (*map(escape, HTML_PAYLOADS), *ELEMENTS))
    page = show_html(read_document(narrated("x", entries=MEDIA + sections)))
    assert foreign_parts(page) == []
    assert foreign_parts(as_browsed(page, tmp_path)) == []


def test_a_style_sheet_of_theirs_is_never_run() -> None:
    data = narrated("x").replace(b"?>\n", b'?>\n<?xml-stylesheet type="text/xsl" href="file:///etc/passwd"?>\n', 1)
    page = show_html(read_document(data))
    assert "passwd" not in page
    assert foreign_parts(page) == []


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY e "x">]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "https://evil.example/x.dtd">',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "https://evil.example/x.dtd">%p;]>',
    ],
)
def test_a_document_type_is_refused_in_french(prolog: str) -> None:
    data = narrated("&e;").replace(b"?>\n", b"?>\n" + prolog.encode(), 1)
    with pytest.raises(TheirProtocolError, match="ne peut pas être lu"):
        read_document(data)


def test_what_is_too_deep_is_refused_and_what_is_just_not_is_shown() -> None:
    levels = DEPTH_MAX - 6  # those of the document around it
    deep = "<content styleCode='Bold'>" * levels + "x" + "</content>" * levels
    assert show_html(read_document(narrated(deep))).count("<strong>") == levels + 1
    with pytest.raises(TheirProtocolError, match="niveaux"):
        read_document(narrated(f"<content>{deep}</content>"))
    with pytest.raises(TheirProtocolError, match="CDA"):
        read_document(narrated("<content>" * 5000 + "</content>" * 5000))


def test_too_many_elements_are_refused() -> None:
    with pytest.raises(TheirProtocolError, match="elements"):
        read_document(narrated("<br/>" * (2 * ELEMENTS_MAX)))


def test_too_many_authors_are_refused() -> None:
    with pytest.raises(TheirProtocolError, match="author y est 300 fois"):
        read_document(narrated("x", header="<author/>" * 300))


def seconds(work: Callable[[], object]) -> float:
    """Return the best of three: what else runs on the machine only adds."""
    best = float("inf")
    for _turn in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def rows(count: int) -> bytes:
    return narrated("<table>" + "<tr><td>a</td><td>b</td></tr>" * count + "</table>")


def nested(count: int) -> bytes:
    level = 80
    return narrated(("<paragraph>" * level + "x" + "</paragraph>" * level) * (count // level))


def paragraphs(count: int) -> bytes:
    return narrated("<paragraph>" * 80 + "<br/>" * count + "</paragraph>" * 80)


def identified(count: int) -> bytes:
    text = "".join(f'<content ID="i{n}">x</content><linkHtml href="#i{n}">y</linkHtml>' for n in range(count))
    return narrated(text)


def measured(count: int) -> bytes:
    entry = (
        '<entry><observation><code code="x"><originalText><reference value="#i{}"/></originalText></code>'
        '<interpretationCode code="H"/></observation></entry>'
    )
    text = "".join(f'<content ID="i{n}">x</content>' for n in range(count))
    return narrated(text, entries="".join(entry.format(n) for n in range(count)))


def called(count: int) -> bytes:
    return narrated("".join(f'<footnote ID="f{n}">x</footnote><footnoteRef IDREF="f{n}"/>' for n in range(count)))


def references(count: int) -> bytes:
    return narrated(f'<renderMultiMedia referencedObject="{"a " * count}"/>' * 3)


def attributes(count: int) -> bytes:
    said = " ".join(f"a{n}='b'" for n in range(count))
    return narrated(f"<content {said}>x</content>")


def spaces(count: int) -> bytes:
    return narrated(f"<content>{' ' * count}</content>")


@pytest.mark.parametrize(
    ("make", "count"),
    [
        (rows, 3_000),
        (nested, 4_000),
        (paragraphs, 10_000),
        (identified, 3_000),
        (measured, 1_000),
        (called, 5_000),
        (references, 300_000),
        (attributes, 10_000),
        (spaces, 1_000_000),
    ],
)
def test_reading_and_showing_take_time_in_proportion(make: Callable[[int], bytes], count: int) -> None:
    def work(data: bytes) -> None:
        document = read_document(data)
        abnormal_results(document)
        show_html(document)

    one, two = make(count), make(2 * count)
    # Others use the machine too: what is not linear is slow each time.
    ratios = (seconds(lambda: work(two)) / max(seconds(lambda: work(one)), 0.004) for _turn in range(3))
    assert any(ratio < 2.5 for ratio in ratios)


def test_an_example_is_read_and_shown_in_the_time_of_a_click() -> None:
    data = example("BIO-CR-BIO_2023.01_Electro")
    assert seconds(lambda: show_html(read_document(data))) < 0.2


def test_elements_of_another_namespace_are_no_document() -> None:
    with pytest.raises(TheirProtocolError, match="n'est pas un document CDA"):
        read_document(narrated("x").replace(HL7.encode(), b"urn:other"))
