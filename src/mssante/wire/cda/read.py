"""Read a CDA R2 document of anybody: bounded, no DTD, nothing outside it is ever fetched or run.

Source: clients.md 5.6; reliability.md C07; HL7 CDA R2.
"""

from dataclasses import dataclass
from typing import Final

from lxml import etree

from mssante.model.document import DocumentHeader
from mssante.model.errors import TheirProtocolError
from mssante.wire.cda.header import read_header
from mssante.wire.cda.hl7 import HL7, first
from mssante.wire.xml import parse_xml

DOCUMENT_MAX_BYTES: Final = 40_000_000
ELEMENTS_MAX: Final = 100_000
DEPTH_MAX: Final = 100

_ROOT: Final = f"{HL7}ClinicalDocument"


@dataclass(frozen=True, slots=True, eq=False)
class CdaDocument:
    """A document that was read: its header, and its elements for those who show it or take files out of it.

    Attributes:
        header: what it says of itself.
        root: the ``ClinicalDocument`` element; nobody changes it.
        body: ``structuredBody`` (level 3) or ``nonXMLBody`` (level 1), None when there is neither.
    """

    header: DocumentHeader
    root: etree._Element
    body: etree._Element | None


def read_document(data: bytes) -> CdaDocument:
    """Return a document of level 1 or 3.

    Args:
        data: the whole XML, UTF-8.

    Raises:
        TheirProtocolError: not XML that we accept, not a CDA, or without identifier, type or patient; in French.

    Source: clients.md 5.6; reliability.md C07.
    """
    try:
        root = parse_xml(
            data,
            "document CDA",
            max_bytes=DOCUMENT_MAX_BYTES,
            elements_max=ELEMENTS_MAX,
            long_texts=True,
        )
    except TheirProtocolError as error:
        msg = f"le document CDA ne peut pas être lu ({error}) ; demandez à son auteur de le renvoyer"
        raise TheirProtocolError(msg) from error
    if root.tag != _ROOT:
        msg = f"ce fichier XML n'est pas un document CDA : sa racine est {str(root.tag)[:80]}, non ClinicalDocument"
        raise TheirProtocolError(msg)
    _check_depth(root)
    body = first(root, "component/structuredBody")
    if body is None:
        body = first(root, "component/nonXMLBody")
    return CdaDocument(read_header(root), root, body)


def _check_depth(root: etree._Element) -> None:
    """Refuse what is deeper than those who walk through it can bear; the library lets 2,048 levels pass."""
    depth = 0
    for event, _element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEPTH_MAX:
            msg = f"le document CDA a plus de {DEPTH_MAX} niveaux d'éléments imbriqués, il est refusé"
            raise TheirProtocolError(msg)
