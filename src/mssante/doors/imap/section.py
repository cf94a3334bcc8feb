"""The bytes of a message that FETCH asks for: whole, a part, a header, some fields, decoded, or a piece of them.

Offsets of parts count from the body as received; our trace header of that copy stands in front of it.

Source: RFC 9051 sections 6.4.5 and 6.4.5.1; RFC 3516.
"""

from collections.abc import Iterable
from typing import Final

from mssante.flows.folders.content import Content
from mssante.flows.folders.values import Row
from mssante.model.decision import Kind, Refusal
from mssante.wire.imap.commands import BodyItem, SectionKind
from mssante.wire.mime.decode import decode_transfer
from mssante.wire.mime.fields import CACHED, select_fields
from mssante.wire.mime.parts import Part, decode_parts, find_part

_UNKNOWN_CODING: Final = Refusal(Kind.PARAMETER_UNKNOWN, "unknown-cte", "The part's coding is not known")
_FIELDS: Final = frozenset({SectionKind.HEADER_FIELDS, SectionKind.HEADER_FIELDS_NOT})


def needs_index(bodies: Iterable[BodyItem]) -> bool:
    """Tell whether the index says where the pieces lie; a whole message is read without it."""
    return any(item.path or item.kind is not SectionKind.ALL for item in bodies)


def needs_opening(row: Row, bodies: Iterable[BodyItem]) -> bool:
    """Tell whether the message must be opened; the fields that lists show were kept beside it."""
    return any(_from_cache(row, item) is None for item in bodies)


async def body_items(content: Content | None, row: Row, bodies: tuple[BodyItem, ...]) -> list[bytes] | Refusal:
    """Return what FETCH says of each item, or the refusal.

    Args:
        content: None when `needs_opening` said no.

    Raises:
        StoreDamagedError: the message cannot be read.
    """
    if content is None:
        return [_said(item, _from_cache(row, item)) for item in bodies]
    data = await content.data()
    root = decode_parts(row.parts) if row.parts else None
    pieces: list[bytes] = []
    for item in bodies:
        found = _section(content.prefix, data, root, item)
        if isinstance(found, Refusal):
            return found
        pieces.append(_said(item, found))
    return pieces


def _from_cache(row: Row, item: BodyItem) -> bytes | None:
    """Return the fields that were kept when the message came, or None when it must be opened."""
    if item.kind is not SectionKind.HEADER_FIELDS or item.path or row.cached_header is None:
        return None
    names = frozenset(name.lower() for name in item.fields)
    if not names <= CACHED:
        return None
    return select_fields(row.prefix + row.cached_header, names, without=False)


def _section(prefix: bytes, data: bytes, root: Part | None, item: BodyItem) -> bytes | Refusal | None:
    if root is None:
        return prefix + data if item.kind is SectionKind.ALL and not item.path else None
    if not item.path:
        return _of_message(prefix, data, root, item)
    part = find_part(root, item.path)
    if part is None:
        return None
    if item.kind is SectionKind.ALL:
        raw = data[part.body : part.end]
        if not item.binary:
            return raw
        decoded = decode_transfer(raw, part.encoding) if not part.is_multipart else raw
        return _UNKNOWN_CODING if decoded is None else decoded
    if item.kind is SectionKind.MIME:
        return data[part.start : part.body]
    return _of_message(b"", data, part.children[0], item) if part.is_message else None


def _of_message(prefix: bytes, data: bytes, root: Part, item: BodyItem) -> bytes:
    if item.kind is SectionKind.ALL:
        return prefix + data[root.start : root.end]
    if item.kind is SectionKind.TEXT:
        return data[root.body : root.end]
    head = prefix + data[root.start : root.body]
    if item.kind not in _FIELDS:
        return head
    names = frozenset(name.lower() for name in item.fields)
    return select_fields(head, names, without=item.kind is SectionKind.HEADER_FIELDS_NOT)


def _said(item: BodyItem, data: bytes | None) -> bytes:
    """Return an item as the answer says it; bytes stand in a literal, whatever they are."""
    if item.size_only:
        return b"%b %d" % (item.label, len(data or b""))
    label = item.label
    if item.partial is not None:
        first, count = item.partial
        label = b"%b<%d>" % (label, first)
        data = data[first : first + count] if data is not None else None
    if data is None:
        return label + b" NIL"
    mark = b"~" if item.binary else b""
    return b"%b %b{%d}\r\n%b" % (label, mark, len(data), data)
