"""Fuzz target: CDA documents of any bytes, whole or as the narrative and entries of one; atheris or hypothesis."""

import re

from mssante.model.errors import TheirProtocolError, WireError
from mssante.wire.cda.extract import attached_file
from mssante.wire.cda.names import pdf_name, subject_of, without_marker
from mssante.wire.cda.read import read_document
from mssante.wire.cda.show import show_html

FRAME = (
    b'<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    b'<id root="1.2"/><code code="1"/><recordTarget><patientRole><patient><name><family qualifier="BR">A</family>'
    b'<given qualifier="BR">B</given></name></patient></patientRole></recordTarget>'
    b"<component><structuredBody><component><section><text>%s</text></section></component></structuredBody></component>"
    b"</ClinicalDocument>"
)
ALLOWED = frozenset(
    b"html head meta title style body header main div section h1 h2 h3 h4 p dl dt dd ul ol li table caption thead tbody"
    b" tfoot tr th td strong em u sub sup span br a img pre !doctype".split()
)
TAG = re.compile(rb"</?([^\s>]*)([^>]*)>")
ATTRIBUTES = re.compile(
    rb"""(?: (?:lang|charset|http-equiv|name|content|class|aria-label|role|tabindex|scope|colspan|rowspan|id|value|alt)"""
    rb"""="[^"<]*"| href="#n(?:ote)?-[^"<]*"| src="data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/=]*"| html)*"""
)


def one_input(data: bytes) -> None:
    for document in (data, FRAME % data):
        _one_document(document)


def _one_document(data: bytes) -> None:
    try:
        document = read_document(data)
    except TheirProtocolError:
        return
    page = show_html(document).encode()
    for tag, attributes in TAG.findall(page):
        assert tag.lower() in ALLOWED, tag
        assert ATTRIBUTES.fullmatch(attributes), attributes
    assert page.count(b"<") == len(TAG.findall(page))
    assert "\n" not in without_marker(document.header.title)
    try:
        attached_file(document)
    except TheirProtocolError:
        return
    try:
        assert "\n" not in subject_of([document.header])
        assert "/" not in pdf_name(document.header)
    except WireError:
        return
