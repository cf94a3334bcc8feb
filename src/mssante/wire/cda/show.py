"""Show a CDA document as one safe page of HTML in French; not for files beside it (see `extract`).

The page holds no script, no form and no address to anything outside it, and says so to the browser (CSP); it should be
served with the same policy, in a frame of its own.

Source: clients.md 5.6 (VISU.01); clients.md 6.2 (BIO/va1.06, va1.08); reliability.md C10; HL7 CDA R2 section 4.3.
"""

import base64
import re
from collections.abc import Sequence
from html import escape
from typing import Final

from lxml import etree

from mssante.model.document import Act, DocumentHeader, Patient
from mssante.model.errors import TheirProtocolError
from mssante.wire.cda import french
from mssante.wire.cda.extract import attached_file, embedded_files
from mssante.wire.cda.hl7 import all_text, attribute, every, first
from mssante.wire.cda.narrative import PICTURE_MAX_BYTES, PICTURES, Narrative
from mssante.wire.cda.read import CdaDocument
from mssante.wire.cda.results import AbnormalResult, abnormal_results
from mssante.wire.cda.style import STYLE

POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
LISTED_MAX: Final = 30

# A French colon or semicolon must not begin a line.
_SEPARATOR: Final = "\u202f; "
_COLON: Final = "\u00a0: "
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_CONFIDENTIAL: Final = {"R": "restreint", "V": "très restreint"}


def show_html(document: CdaDocument) -> str:
    """Return the whole page: who, what, when, the results out of range, the narrative, the notes."""
    header = document.header
    language = header.language if _LANGUAGE.fullmatch(header.language) else "fr"
    title = header.title or french.code_words(header.code)
    results = abnormal_results(document)
    narrative = Narrative(document.body, embedded_files(document), results)
    body = _level_3(document.body, narrative) if header.has_structured_body else _level_1(document)
    parts = (
        "<!DOCTYPE html>",
        f'<html lang="{escape(language)}"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{_text(title)} – {_text(french.patient_words(header.patient))}</title>",
        f"<style>{STYLE}</style></head><body>",
        f"<header><h1>{_text(title)}</h1>",
        '<div lang="fr">',
        _patient(header.patient),
        _facts(header),
        "</div></header><main>",
        _alerts(results, narrative),
        body,
        narrative.notes(),
        "</main></body></html>\n",
    )
    return "\n".join(part for part in parts if part)


def _text(text: str) -> str:
    return escape(text, quote=False)


def _terms(pairs: Sequence[tuple[str, str]]) -> str:
    rows = (f"<dt>{_text(term)}</dt><dd>{_text(said)}</dd>" for term, said in pairs if said)
    return f"<dl>{''.join(rows)}</dl>"


def _patient(patient: Patient) -> str:
    born, when = french.birth_words(patient)
    used = f"{patient.used_name} {patient.used_given}".strip()
    born_as = {patient.birth_name, patient.first_given, patient.birth_given}
    pairs = (
        ("Nom et prénom utilisés", "" if {patient.used_name, patient.used_given} <= born_as else used),
        (born, when or "date de naissance inconnue"),
        ("Sexe", french.SEXES[patient.sex] if patient.sex else "non précisé"),
        ("Lieu de naissance", f"{patient.birth_place} (code INSEE)" if patient.birth_place else ""),
        ("Matricule INS", french.ins_words(patient.ins) if patient.ins else "absent du document"),
        ("Identifiant local", ", ".join(item.extension for item in patient.local_ids[:LISTED_MAX] if item.extension)),
    )
    name = _text(french.patient_words(patient))
    return f'<section class="patient" aria-label="Patient"><strong>{name}</strong>{_terms(pairs)}</section>'


def _facts(header: DocumentHeader) -> str:
    """Return the list of what the header says, in the order in which a reader asks."""
    signer = header.legal_authenticator
    recipients = [french.actor_words(actor) for actor in header.recipients[:LISTED_MAX]]
    pairs = [
        ("Type de document", french.code_words(header.code)),
        ("Date du document", french.moment(header.created_at)),
        *(("Auteur", french.actor_words(actor)) for actor in header.authors[:LISTED_MAX]),
        ("Responsable", french.actor_words(signer) if signer else ""),
        ("Établissement", french.organization_words(header.custodian)),
        ("Acte", _act(header.acts[0]) if header.acts else ""),
        ("Autres actes", _SEPARATOR.join(_act(act) for act in header.acts[1:LISTED_MAX])),
        ("Destinataires", _SEPARATOR.join(recipients)),
        ("Version", str(header.version) if header.version else ""),
        ("Remplace", f"annule et remplace le document {_replaced(header)}" if header.replaces else ""),
        ("Confidentialité", _CONFIDENTIAL.get(header.confidentiality.code, "")),
    ]
    return _terms(pairs)


def _act(act: Act) -> str:
    return ", ".join(part for part in (french.code_words(act.code), french.period(act.start, act.stop)) if part)


def _replaced(header: DocumentHeader) -> str:
    old = header.replaces
    return f"{old.root} {old.extension}".strip() if old else ""


def _alerts(results: Sequence[AbnormalResult], narrative: Narrative) -> str:
    if not results:
        return ""
    items = []
    for result in results:
        where = next((link for place in result.places if (link := narrative.link(place))), "")
        label = f"<a{where}>{_text(result.label)}</a>" if where else _text(result.label)
        value = f"{result.value} {result.unit}".strip()
        said = f"{_COLON}{_text(value)}" if value else ""
        expected = f"{_SEPARATOR}attendu{_COLON}{_text(result.reference)}" if result.reference else ""
        items.append(f'<li>{label}{said} <strong class="mark">{_text(result.mark)}</strong>{expected}</li>')
    return (
        '<section class="alerts" lang="fr"><h2>Résultats hors limites</h2>'
        f"<ul>{''.join(items)}</ul><p>D'après les indications du laboratoire.</p></section>"
    )


def _level_3(body: etree._Element | None, narrative: Narrative) -> str:
    out: list[str] = []
    for section in every(body, "component/section"):
        _section(section, 2, narrative, out)
    return "\n".join(out)


def _section(section: etree._Element, level: int, narrative: Narrative, out: list[str]) -> None:
    title = all_text(first(section, "title")) or attribute(first(section, "code"), "displayName")
    out.append("<section>")
    if title:
        heading = f"h{min(level, 4)}"
        out.append(f"<{heading}>{_text(title)}</{heading}>")
    text = first(section, "text")
    if text is not None:
        out.append(narrative.text(text).strip())
    for inner in every(section, "component/section"):
        _section(inner, level + 1, narrative, out)
    out.append("</section>")


def _level_1(document: CdaDocument) -> str:
    try:
        found = attached_file(document)
    except TheirProtocolError as error:
        return f'<p class="notice">{_text(str(error))}</p>'
    if found is None:
        return '<p class="notice" lang="fr">Ce document n\'a pas de contenu.</p>'
    media_type, data = found
    if media_type == "text/plain":
        return f"<pre>{_text(data.decode('utf-8', 'replace'))}</pre>"
    if media_type in PICTURES and len(data) <= PICTURE_MAX_BYTES:
        packed = base64.b64encode(data).decode("ascii")
        return f'<img alt="Image du document" src="data:{media_type};base64,{packed}">'
    kind = "PDF" if media_type == "application/pdf" else media_type
    size = french.size_words(len(data))
    return f'<p class="notice" lang="fr">Le contenu de ce document est un fichier {kind} joint ({size}).</p>'
