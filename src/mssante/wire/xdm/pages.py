"""README.TXT and INDEX.HTM of an archive: who sent it, what is in it, how to open it; in French.

Source: clients.md 5.5.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from mssante.model.document import Coded, Identifier
from mssante.model.xds import DocumentEntry

_RULE: Final = "-" * 70
_LATIN: Final = str.maketrans(
    {"œ": "oe", "Œ": "OE", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."}
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who makes an archive, and with which program.

    Attributes:
        family, given: of the person who sends; "" for an application.
        ids: of this person or application.
        organization, organization_ids: where he works.
        address: postal, in one line.
        mail: secure address.
        editor: who makes the program.
    """

    family: str
    given: str = ""
    ids: tuple[Identifier, ...] = ()
    profession: Coded | None = None
    organization: str = ""
    organization_ids: tuple[Identifier, ...] = ()
    address: str = ""
    phone: str = ""
    mail: str = ""
    application: str = "mssante"
    application_version: str = ""
    editor: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A document as the pages show it; `path` from the root of the archive."""

    path: str
    entry: DocumentEntry


def readme(sender: Sender, pages: Sequence[Page], now: datetime) -> bytes:
    """Return README.TXT: lines end with CR LF, ISO-8859-1, what that cannot hold without its accents.

    Args:
        now: aware; its date is written.

    Source: clients.md 5.5.
    """
    name = " ".join(part for part in (sender.given, sender.family) if part)
    facts = (
        ("Expéditeur", name),
        ("Structure", sender.organization),
        ("Adresse", sender.address),
        ("Téléphone", sender.phone),
        ("Adresse MSSanté", sender.mail),
        ("Logiciel", sender.application),
        ("Version", sender.application_version),
        ("Éditeur", sender.editor),
        ("Créée le", now.strftime("%d/%m/%Y")),
    )
    lines = [
        "DOCUMENTS DE SANTÉ (archive IHE XDM)",
        _RULE,
        *(f"{label} : {_line(value)}" for label, value in facts if value),
        "",
        "COMMENT LIRE CES DOCUMENTS",
        _RULE,
        "Ouvrez INDEX.HTM avec un navigateur pour voir la liste des documents.",
        "Un logiciel de santé compatible importe l'archive entière, sans l'ouvrir :",
        "il y trouve les documents et leur description (METADATA.XML).",
        "Ces documents sont couverts par le secret professionnel.",
        "",
        "CONTENU",
        _RULE,
        *_tree(pages),
        "",
    ]
    return _latin("\r\n".join(lines))


def _tree(pages: Sequence[Page]) -> list[str]:
    listed = [f"        {page.path.rpartition('/')[2]} : {_line(page.entry.title)}" for page in pages]
    return [
        "README.TXT : ce fichier",
        "INDEX.HTM : liste des documents",
        "IHE_XDM",
        "    SUBSET01",
        "        METADATA.XML : description des documents",
        *listed,
    ]


def _line(text: str) -> str:
    return " ".join(text.split())


def _latin(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        plain = "".join(
            char if ord(char) < 256 else unicodedata.normalize("NFKD", char) for char in text.translate(_LATIN)
        )
        kept = "".join(char for char in plain if not unicodedata.combining(char))
        return kept.encode("latin-1", "replace")


def index(sender: Sender, pages: Sequence[Page]) -> bytes:
    """Return INDEX.HTM: XHTML 1.0 Strict, with links to each document and to README.TXT; no script, no style.

    Source: clients.md 5.5.
    """
    rows = "".join(
        f'<li><a href="{escape(page.path)}">{escape(_line(page.entry.title))}</a>{_when(page.entry)}</li>\n'
        for page in pages
    )
    who = escape(_line(" ".join(part for part in (sender.given, sender.family, sender.organization) if part)))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr" lang="fr">\n'
        '<head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />\n'
        "<title>Documents de santé</title></head>\n"
        f"<body>\n<h1>Documents de santé</h1>\n<p>Envoyés par {who or 'un logiciel de santé'}.</p>\n"
        f'<ul>\n{rows}</ul>\n<p><a href="README.TXT">Comment lire ces documents (README.TXT)</a></p>\n'
        "</body>\n</html>\n"
    ).encode()


def _when(entry: DocumentEntry) -> str:
    day = (entry.service_start or entry.creation_time)[:8]
    return f" ({day[6:8]}/{day[4:6]}/{day[:4]})" if len(day) == 8 else ""
