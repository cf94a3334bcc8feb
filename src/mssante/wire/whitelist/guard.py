"""Parse XML that comes from outside: no DTD, no entity, no network, bounded; one parser for reading and verifying."""

import re
from typing import Final

from lxml import etree

from mssante.model.errors import TheirProtocolError

NAMESPACE: Final = "https://listeblanche.mssante.fr/schema"
ROOT_TAG: Final = f"{{{NAMESPACE}}}ListeBlancheMSSante"
LIST_MAX_BYTES: Final = 64 * 1024 * 1024

_DECLARED: Final = re.compile(rb"""<\?xml[^>]{0,200}encoding=["']([A-Za-z0-9._\-]{1,40})["']""")
_FORBIDDEN: Final = (b"<!DOCTYPE", b"<!ENTITY", b"<!ELEMENT", b"<!ATTLIST", b"<!NOTATION")


def parse_guarded(data: bytes, max_bytes: int = LIST_MAX_BYTES) -> etree._Element:
    """Return the root of the white list.

    A DTD is refused on the bytes, before any parser sees them; other encodings than UTF-8 are refused first, so that
    none can hide one. The library bounds the depth (256) and the length of one text (10 MB).

    Raises:
        TheirProtocolError: too big, not UTF-8, a DTD, not well-formed, or another root.

    Source: reliability.md C07; reliability.md 6.5; operators.md 3.2.
    """
    if len(data) > max_bytes:
        msg = f"white list has {len(data)} bytes, more than {max_bytes}"
        raise TheirProtocolError(msg)
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    if b"\0" in data or (declared and declared[1].lower() not in {b"utf-8", b"utf8", b"us-ascii"}):
        msg = "white list is not in UTF-8"
        raise TheirProtocolError(msg)
    for word in _FORBIDDEN:
        if word in data:
            msg = f"white list has a document type ({word.decode()}), which is refused"
            raise TheirProtocolError(msg)
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        msg = f"white list is not well-formed XML: {str(error)[:200]}"
        raise TheirProtocolError(msg) from error
    if root.tag != ROOT_TAG:
        msg = f"white list has the root {str(root.tag)[:100]!r} instead of {ROOT_TAG!r}"
        raise TheirProtocolError(msg)
    return root
