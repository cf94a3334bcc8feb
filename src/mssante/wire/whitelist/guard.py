"""The guarded way from bytes to the root of a white list; one parser for reading and verifying."""

from typing import Final

from lxml import etree

from mssante.model.errors import TheirProtocolError
from mssante.wire.xml import parse_xml

NAMESPACE: Final = "https://listeblanche.mssante.fr/schema"
ROOT_TAG: Final = f"{{{NAMESPACE}}}ListeBlancheMSSante"
LIST_MAX_BYTES: Final = 64 * 1024 * 1024
ELEMENTS_MAX: Final = 5_000_000


def parse_guarded(data: bytes, max_bytes: int = LIST_MAX_BYTES) -> etree._Element:
    """Return the root of the white list.

    Raises:
        TheirProtocolError: too big, not UTF-8, a DTD, not well-formed, or another root.

    Source: reliability.md C07; operators.md 3.2.
    """
    root = parse_xml(data, "white list", max_bytes=max_bytes, elements_max=ELEMENTS_MAX)
    if root.tag != ROOT_TAG:
        msg = f"white list has the root {str(root.tag)[:100]!r} instead of {ROOT_TAG!r}"
        raise TheirProtocolError(msg)
    return root
