"""What the page of a document may hold: elements, attributes and their values; and a browser that reads it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from lxml import html

from mssante.wire.cda.show import POLICY
from mssante.wire.cda.style import STYLE

ELEMENTS = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "div",
        "section",
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
        "li",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "strong",
        "em",
        "u",
        "sub",
        "sup",
        "span",
        "br",
        "a",
        "img",
        "pre",
    ]
)
ATTRIBUTES = {
    "lang": r"[A-Za-z0-9-]{2,40}",
    "charset": "utf-8",
    "http-equiv": "Content-Security-Policy",
    "name": "viewport|referrer",
    "content": f"{re.escape(POLICY)}|width=device-width, initial-scale=1|no-referrer",
    "class": "patient|alerts|mark|notice|table|file|notes",
    "aria-label": r"Patient|Tableau \d+",
    "role": "region",
    "tabindex": "0",
    "scope": "(col|row)(group)?",
    "colspan": r"\d{1,3}",
    "rowspan": r"\d{1,3}",
    "id": r"n-[\w.:-]+|note-\d+",
    "value": r"\d+",
    "href": r"#n-[\w.:-]+|#note-\d+",
    "alt": ".*",
    "src": "data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=]+",
}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def foreign_parts(page: str) -> list[str]:
    """Return all that a parser of HTML finds in a page and that does not belong there."""
    found = []
    for element in html.document_fromstring(page).iter():
        if not isinstance(element.tag, str):
            found.append(f"node {html.tostring(element)[:80]!r}")
            continue
        if element.tag not in ELEMENTS:
            found.append(f"element {element.tag}")
        if element.tag == "style" and (element.text or "").strip() != STYLE.strip():
            found.append("style of theirs")
        for name, value in element.attrib.items():
            if not re.fullmatch(ATTRIBUTES.get(name, "(?!)"), value, re.DOTALL):
                found.append(f"attribute {element.tag} {name}={value[:80]}")
    ids = re.findall(r'\sid="([^"]*)"', page)
    found += [f"twice {name}" for name in set(ids) if ids.count(name) > 1]
    return found


def as_browsed(page: str, folder: Path) -> str:
    """Return the tree that Chromium builds of a page, as HTML; skip when there is none."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    file = folder / "page.html"
    file.write_text(page, "utf-8")
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        timeout=60,
        check=True,
    )
    return done.stdout.decode("utf-8")


def shape(page: str) -> list[str]:
    """Return the elements and texts of a page in order, without blanks; bodies of tables that were left out stand."""
    return re.findall(r"<[^>]*>|[^<>\s]+", page.replace("<tbody>", "").replace("</tbody>", ""))
