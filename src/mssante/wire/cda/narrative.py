"""The narrative of a CDA as safe HTML, made from a white list: nothing of theirs is copied but text and numbers.

Each element and attribute of the result is written here; the only attributes with a value of theirs are ``id`` and
``href`` of a fragment (letters and digits, with a prefix), ``colspan`` and ``rowspan`` (small integers) and the
picture of an ``img``, encoded anew from checked bytes. Elements stand only where HTML allows them, so that a browser
builds the same tree that was written: no room for mutations. Text of unknown elements is kept as text.

Source: HL7 CDA R2 section 4.3.5 (narrative block); reliability.md C10; reliability.md C11.
"""

import base64
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from lxml import etree

from mssante.wire.cda.extract import EmbeddedFile
from mssante.wire.cda.french import size_words
from mssante.wire.cda.hl7 import HL7, all_text, attribute, beginning, elements
from mssante.wire.cda.results import MARKS, AbnormalResult

PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif"})
PICTURE_MAX_BYTES: Final = 5_000_000
MEDIA_MAX: Final = 5
SPAN_MAX: Final = 200
SHOWN_MAX: Final = 500

_NAME: Final = re.compile(r"[\w.:\-]{1,200}")
_STYLES: Final = {"bold": ("strong",), "italics": ("em",), "underline": ("u",), "bolditalics": ("strong", "em")}
_BLOCKS: Final = tuple(HL7 + name for name in ("paragraph", "list", "table"))
_ROWS: Final = frozenset({"thead", "tbody", "tfoot"})


class Narrative:
    """What is shared by the sections of one page: pictures shown once, notes, marks, targets of links."""

    def __init__(
        self, body: etree._Element | None, files: Sequence[EmbeddedFile], results: Sequence[AbnormalResult]
    ) -> None:
        """Prepare; `results` are marked where the narrative tells them."""
        self._files: Mapping[str, EmbeddedFile] = {file.id: file for file in reversed(files) if file.id}
        self._shown: set[str] = set()
        self._marks: dict[str, list[str]] = {}
        for result in results:
            for place in result.places:
                codes = self._marks.setdefault(place, [])
                codes.extend({result.interpretation}.difference(codes))
        self._targets = set(self._marks)
        self._known: set[str] = set()
        self._footnotes: set[str] = set()
        for element in _narrated(body):
            name, own = element.tag[len(HL7) :], element.get("ID", "")
            if name == "linkHtml" and element.get("href", "").startswith("#"):
                self._targets.add(element.get("href", "")[1:])
            elif name == "footnote":
                self._footnotes.add(own)
            self._known.add(own)
        self._given: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._notes: dict[int, str] = {}
        self._out: list[str] = []
        self._tables = 0

    def text(self, element: etree._Element) -> str:
        """Return the HTML of one ``text`` element."""
        return self._aside(element)

    def notes(self) -> str:
        """Return the list of the footnotes that were met, "" when there are none."""
        if not self._notes:
            return ""
        items = (f'<li id="note-{number}" value="{number}">{html}</li>' for number, html in sorted(self._notes.items()))
        return f'<section class="notes"><h2>Notes</h2><ol>{"".join(items)}</ol></section>'

    def link(self, place: str) -> str:
        """Return the attribute that leads to an element of the narrative, "" when it has no such element."""
        return f' href="#n-{escape(place)}"' if place in self._known and _NAME.fullmatch(place) else ""

    def _aside(self, element: etree._Element) -> str:
        """Return what an element holds, written beside the rest."""
        kept, self._out = self._out, []
        self._flow(element)
        html, self._out = "".join(self._out), kept
        return html

    def _say(self, text: str | None) -> None:
        if text:
            self._out.append(escape(text, quote=False))

    def _flow(self, element: etree._Element) -> None:
        """Write the text of an element and what is in it."""
        self._say(element.text)
        for child in element:
            tag: object = child.tag  # a comment's is a function
            if isinstance(tag, str):
                self._element(tag[len(HL7) :] if tag.startswith(HL7) else "", child)
            self._say(child.tail)

    def _element(self, name: str, element: etree._Element) -> None:
        match name:
            case "br":
                self._out.append("<br>")
            case "content":
                self._content(element)
            case "paragraph":
                self._paragraph(element)
            case "sub" | "sup":
                self._inside(name, element)
            case "list":
                self._list(element)
            case "table":
                self._table(element)
            case "linkHtml":
                self._link(element)
            case "footnote":
                self._footnote(element)
            case "footnoteRef":
                self._call(attribute(element, "IDREF"))
            case "renderMultiMedia":
                self._media(element)
            case "caption":
                self._inside("strong", element)
                self._out.append(" ")
            case _:
                self._flow(element)
                self._out.append(" ")

    def _inside(self, tag: str, element: etree._Element) -> None:
        self._out.append(f"<{tag}{self._id(element)}>")
        self._flow(element)
        self._out.append(f"</{tag}>")

    def _block(self, tag: str, element: etree._Element, attributes: str = "") -> None:
        """Write an element whose mark stands within it."""
        styles = _styles(element)
        self._out.append(f"<{tag}{attributes}{self._id(element)}>")
        self._out.extend(f"<{style}>" for style in styles)
        self._flow(element)
        self._out.extend(f"</{style}>" for style in reversed(styles))
        self._mark(element)
        self._out.append(f"</{tag}>")

    def _paragraph(self, element: etree._Element) -> None:
        # A table, a list or a paragraph in a paragraph would end it in the eyes of a browser.
        self._block("div" if _holds_block(element) else "p", element)

    def _content(self, element: etree._Element) -> None:
        name = self._id(element)
        if attribute(element, "revised") == "delete":
            self._out.append("[supprimé : ")
        tags = (["span"] if name else []) + list(_styles(element))
        for tag in tags:
            self._out.append(f"<{tag}{name}>")
            name = ""
        self._flow(element)
        self._out.extend(f"</{tag}>" for tag in reversed(tags))
        if attribute(element, "revised") == "delete":
            self._out.append("]")
        self._mark(element)

    def _list(self, element: etree._Element) -> None:
        tag = "ol" if attribute(element, "listType") == "ordered" else "ul"
        self._mark(element, "p")
        pieces = list(_pieces(element))
        for name, piece in pieces:
            if isinstance(piece, str):
                self._out.append(f"<p>{escape(piece, quote=False)}</p>")
            elif name != "item":
                self._paragraph(piece)
        self._out.append(f"<{tag}{self._id(element)}>")
        for name, piece in pieces:
            if not isinstance(piece, str) and name == "item":
                self._block("li", piece)
        self._out.append(f"</{tag}>")

    def _table(self, element: etree._Element) -> None:
        self._tables += 1
        self._mark(element, "p")
        # The box can be scrolled, so it must be reached by the keyboard and have a name.
        box = f'<div class="table" role="region" tabindex="0" aria-label="Tableau {self._tables}">'
        self._out.append(f"{box}<table{self._id(element)}>")
        pieces = list(_pieces(element))
        legend = next((piece for name, piece in pieces if name == "caption"), None)
        if legend is not None and not isinstance(legend, str):
            self._block("caption", legend)
        for name, piece in pieces:
            if name in _ROWS and not isinstance(piece, str):
                self._out.append(f"<{name}>")
                for inner, part in _pieces(piece):
                    self._row(inner, part, in_head=name == "thead")
                self._out.append(f"</{name}>")
            elif piece is not legend and name not in {"col", "colgroup"}:
                self._row(name, piece, in_head=False)
        self._out.append("</table></div>")

    def _row(self, name: str, piece: etree._Element | str, *, in_head: bool) -> None:
        """Write a row; what stands where only rows may is a row of one cell."""
        if isinstance(piece, str) or name != "tr":
            self._out.append("<tr>")
            self._cell(name, piece, in_head=in_head)
            self._out.append("</tr>")
            return
        self._out.append(f"<tr{self._id(piece)}>")
        for inner, part in _pieces(piece):
            self._cell(inner, part, in_head=in_head)
        if marks := self._marks_of(piece):
            self._out.append(f"<td>{marks}</td>")
        self._out.append("</tr>")

    def _cell(self, name: str, piece: etree._Element | str, *, in_head: bool) -> None:
        if isinstance(piece, str):
            self._out.append(f"<td>{escape(piece, quote=False)}</td>")
        elif name == "th":
            group = "group" if in_head and _span(piece, "colspan") > 1 else ""
            self._block("th", piece, f' scope="{"col" if in_head else "row"}{group}"{_spans(piece)}')
        elif name == "td":
            self._block("td", piece, _spans(piece))
        else:
            self._out.append("<td>")
            self._element(name, piece)
            self._out.append("</td>")

    def _link(self, element: etree._Element) -> None:
        """Write a link: a live one only within the page; others with their address as text."""
        address, words = attribute(element, "href"), all_text(element)
        here = self.link(address[1:]) if address.startswith("#") else ""
        if here:
            self._out.append(f"<a{here}>{escape(words or address, quote=False)}</a>")
            return
        self._say(words)
        if address and address != words:
            self._say(f" (adresse : {address[:SHOWN_MAX]})")

    def _footnote(self, element: etree._Element) -> None:
        name = attribute(element, "ID") or f"\0{len(self._numbers)}"
        number = self._number(name)
        self._out.append(f'<sup><a href="#note-{number}">{number}</a></sup>')
        if number not in self._notes:
            self._notes[number] = ""  # so that a note within a note does not take its place
            self._notes[number] = self._aside(element)

    def _call(self, name: str) -> None:
        if name in self._footnotes:
            number = self._number(name)
            self._out.append(f'<sup><a href="#note-{number}">{number}</a></sup>')

    def _number(self, name: str) -> int:
        return self._numbers.setdefault(name, len(self._numbers) + 1)

    def _media(self, element: etree._Element) -> None:
        legend = next((beginning(child, SHOWN_MAX) for name, child in elements(element) if name == "caption"), "")
        for name in (element.get("referencedObject") or "").split(maxsplit=MEDIA_MAX)[:MEDIA_MAX]:
            self._one_media(name, legend)
        self._mark(element)

    def _one_media(self, name: str, legend: str) -> None:
        file = self._files.get(name)
        said = f" : {legend}" if legend else ""
        if file is None:
            self._note(f"Objet joint absent du document{said}")
        elif file.problem:
            self._note(f"Objet joint illisible{said} : {file.problem}")
        elif name in self._shown:
            self._note(f"Objet déjà montré plus haut{said}")
        elif file.media_type in PICTURES and len(file.data) <= PICTURE_MAX_BYTES:
            self._shown.add(name)
            packed = base64.b64encode(file.data).decode("ascii")
            alternative = escape(legend or "Image du document, sans légende")
            self._out.append(f'<img alt="{alternative}" src="data:{file.media_type};base64,{packed}">')
            if legend:
                self._note(legend)
        else:
            kind = "Fichier PDF joint" if file.media_type == "application/pdf" else f"Fichier joint {file.media_type}"
            self._note(f"{kind} au document ({size_words(len(file.data))}){said}")

    def _note(self, text: str) -> None:
        self._out.append(f'<span class="file">{escape(text, quote=False)}</span>')

    def _id(self, element: etree._Element) -> str:
        """Return the attribute of an element that something leads to, once: two must not have the same."""
        name = element.get("ID") or ""
        if name not in self._targets or name in self._given or not _NAME.fullmatch(name):
            return ""
        self._given.add(name)
        return f' id="n-{escape(name)}"'

    def _marks_of(self, element: etree._Element) -> str:
        codes = self._marks.pop(element.get("ID") or "", ())
        return "".join(f' <strong class="mark">{escape(MARKS[code], quote=False)}</strong>' for code in codes)

    def _mark(self, element: etree._Element, tag: str = "") -> None:
        if marks := self._marks_of(element):
            self._out.append(f"<{tag}>{marks}</{tag}>" if tag else marks)


def _narrated(body: etree._Element | None) -> Iterator[etree._Element]:
    """Yield all elements of the narrative of all sections."""
    for text in () if body is None else body.iter(f"{HL7}text"):
        parent = text.getparent()
        if parent is not None and parent.tag == f"{HL7}section":
            yield from text.iter(f"{HL7}*")


def _pieces(element: etree._Element) -> Iterator[tuple[str, etree._Element | str]]:
    """Yield the children with their names, and with the name "" the texts between them that say something."""
    if element.text and element.text.strip():
        yield "", element.text
    for child in element:
        tag: object = child.tag  # a comment's is a function
        if isinstance(tag, str):
            yield (tag[len(HL7) :] if tag.startswith(HL7) else "other"), child
        if child.tail and child.tail.strip():
            yield "", child.tail


def _holds_block(element: etree._Element) -> bool:
    """Return whether a block stands somewhere in an element, itself not counted."""
    return any(inner is not element for inner in itertools.islice(element.iter(*_BLOCKS), 2))


def _styles(element: etree._Element) -> tuple[str, ...]:
    words = attribute(element, "styleCode").lower().split()[:10]
    return tuple(dict.fromkeys(tag for word in words for tag in _STYLES.get(word, ())))


def _span(element: etree._Element, name: str) -> int:
    text = attribute(element, name)
    return min(max(int(text), 1), SPAN_MAX) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _spans(element: etree._Element) -> str:
    found = ((name, _span(element, name)) for name in ("colspan", "rowspan"))
    return "".join(f' {name}="{count}"' for name, count in found if count > 1)
