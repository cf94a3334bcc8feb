"""Parse XML that comes from outside: no DTD, no entity, no network, bounded in bytes and elements.

What may be in it is each format's own affair. Nothing here follows a reference: neither a schema's location, nor a
style sheet, nor XInclude.

Source: reliability.md C07; reliability.md 6.5.
"""

import re
from typing import Final

from lxml import etree

from mssante.model.errors import TheirProtocolError

ELEMENTS_MAX: Final = 500_000

_DECLARED: Final = re.compile(rb"""<\?xml[^>]{0,200}encoding=["']([A-Za-z0-9._\-]{1,40})["']""")
_FORBIDDEN: Final = (b"<!DOCTYPE", b"<!ENTITY", b"<!ELEMENT", b"<!ATTLIST", b"<!NOTATION")
_UTF8: Final = frozenset({b"utf-8", b"utf8", b"us-ascii"})


def parse_xml(
    data: bytes, what: str, *, max_bytes: int, elements_max: int = ELEMENTS_MAX, long_texts: bool = False
) -> etree._Element:
    """Return the root element.

    A DTD is refused on the bytes, before any parser sees them; other encodings than UTF-8 are refused first, so that
    none can hide one. The library bounds the depth (256) and the length of one text (10 MB) too.

    Args:
        data: the whole document.
        what: what errors call it.
        max_bytes: longest document.
        elements_max: most elements.
        long_texts: one text may be longer than 10 MB (a file in base64); the depth is 2,048 at most then.

    Raises:
        TheirProtocolError: too big, not UTF-8, a DTD, not well-formed, or too deep.
    """
    if len(data) > max_bytes:
        msg = f"{what}: {len(data)} bytes, more than {max_bytes}"
        raise TheirProtocolError(msg)
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    if b"\0" in data or (declared and declared[1].lower() not in _UTF8):
        msg = f"{what}: not in UTF-8"
        raise TheirProtocolError(msg)
    for word in _FORBIDDEN:
        if word in data:
            msg = f"{what}: has a document type ({word.decode()}), which is refused"
            raise TheirProtocolError(msg)
    if data.count(b"<") > 2 * elements_max:
        msg = f"{what}: more than {elements_max} elements"
        raise TheirProtocolError(msg)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=long_texts,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        msg = f"{what}: not well-formed XML: {str(error)[:200]}"
        raise TheirProtocolError(msg) from error
    return root
