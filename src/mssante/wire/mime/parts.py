"""The parts of a message as offsets into its bytes: parsed once at delivery, kept beside the message.

Every message gets a tree, a broken one too; depth and number of parts are bounded, and what is beyond stays one part.
Not for the content of the parts (see `mssante.wire.mime.decode`).

Source: RFC 2045; RFC 2046 section 5; reliability.md C01, C04.
"""

from typing import Final

import msgspec

from mssante.wire.mime.headers import iter_fields, split_header
from mssante.wire.mime.parameters import Parameters, parse_parameters

DEPTH_MAX: Final = 30
PARTS_MAX: Final = 1000
HEAD_MAX_BYTES: Final = 1024 * 1024
_BOUNDARY_MAX: Final = 200
_TEXT_PLAIN: Final = ("text", "plain", ())
_OCTETS: Final = ("application", "octet-stream", ())


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One part with the parts in it; array-like, so that it is short in the store.

    Attributes:
        type_: lower case, as `subtype`.
        params: of Content-Type, as written.
        start: where its header begins.
        body: where its body begins.
        end: where it ends.
        lines: line ends in its body; 0 for a multipart.
        id_, description, encoding, disposition, language, location, md5: of the fields, "" for none.
        children: of a multipart; of a message/rfc822, the part that the message in it is.
    """

    type_: str
    subtype: str
    params: Parameters
    start: int
    body: int
    end: int
    lines: int
    id_: str = ""
    description: str = ""
    encoding: str = "7bit"
    disposition: str = ""
    disposition_params: Parameters = ()
    language: str = ""
    location: str = ""
    md5: str = ""
    children: tuple["Part", ...] = ()

    @property
    def is_multipart(self) -> bool:
        """Tell whether it is made of parts."""
        return self.type_ == "multipart" and bool(self.children)

    @property
    def is_message(self) -> bool:
        """Tell whether it is a message."""
        return self.type_ == "message" and self.subtype in {"rfc822", "global"} and bool(self.children)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Part)


def encode_parts(part: Part) -> bytes:
    """Return the tree as bytes for the store."""
    return _encoder.encode(part)


def decode_parts(data: bytes) -> Part:
    """Return the tree that `encode_parts` wrote."""
    return _decoder.decode(data)


def parse_parts(data: bytes) -> Part:
    """Return the parts of a whole message. Never raises; linear in its length times its depth.

    Args:
        data: header and body, CRLF or LF.
    """
    return _Parser(data).part(0, len(data), depth=0, digest=False)


def find_part(root: Part, path: tuple[int, ...]) -> Part | None:
    """Return the part of an IMAP part number, or None.

    Part 1 of a message that is no multipart is its body, and the numbers go on through a message in a message.

    Source: RFC 9051 section 6.4.5.1.
    """
    part = root
    # The message, or message in a message, whose parts the next number counts.
    is_whole = True
    for number in path:
        if not is_whole and part.is_message:
            part, is_whole = part.children[0], True
        if part.is_multipart:
            if not 0 < number <= len(part.children):
                return None
            part = part.children[number - 1]
        elif number != 1 or not is_whole:
            return None
        is_whole = False
    return part


def walk(root: Part) -> list[Part]:
    """Return every part, parents first."""
    found: list[Part] = []
    todo = [root]
    while todo:
        part = todo.pop()
        found.append(part)
        todo.extend(reversed(part.children))
    return found


class _Parser:
    """Parses one message; guards the number of parts."""

    __slots__ = ("_data", "_left")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = PARTS_MAX

    def part(self, start: int, end: int, *, depth: int, digest: bool) -> Part:
        data = self._data
        self._left -= 1
        head = data[start : min(end, start + HEAD_MAX_BYTES)]
        length = split_header(head, len(head))
        body = start + length if length >= 0 else min(end, start + len(head))
        fields = _content_fields(head if length < 0 else head[:length])
        type_, subtype, params = _content_type(fields.get(b"content-type"), digest=digest)
        children: tuple[Part, ...] = ()
        if depth < DEPTH_MAX and self._left > 0:
            if type_ == "multipart":
                children = self._multipart(body, end, params, depth=depth, digest=subtype == "digest")
            elif type_ == "message" and subtype in {"rfc822", "global"} and _is_plain(fields):
                children = (self.part(body, end, depth=depth + 1, digest=False),)
        if type_ == "message" and subtype in {"rfc822", "global"} and not children:
            # Encoded, or too deep to be read: readers expect an envelope of that type, so it is given as plain bytes.
            type_, subtype, params = _OCTETS
        if type_ == "multipart" and not children:
            # Nothing separates its parts: it is shown as the text that it is (RFC 2046 section 5.1).
            type_, subtype, params = _TEXT_PLAIN
        disposition, disposition_params = parse_parameters(fields.get(b"content-disposition", b""))
        return Part(
            type_=type_,
            subtype=subtype,
            params=params,
            start=start,
            body=body,
            end=end,
            # Nobody asks for those of a multipart, and counting 10 MB once more would take 10 of 25 ms.
            lines=0 if type_ == "multipart" else data.count(b"\n", body, end),
            id_=_text(fields.get(b"content-id")),
            description=_text(fields.get(b"content-description")),
            encoding=_text(fields.get(b"content-transfer-encoding")).lower() or "7bit",
            disposition=disposition,
            disposition_params=disposition_params,
            language=_text(fields.get(b"content-language")),
            location=_text(fields.get(b"content-location")),
            md5=_text(fields.get(b"content-md5")),
            children=children,
        )

    def _multipart(self, body: int, end: int, params: Parameters, *, depth: int, digest: bool) -> tuple[Part, ...]:
        boundary = next((value for name, value in params if name == "boundary"), "")
        if not boundary or len(boundary) > _BOUNDARY_MAX:
            return ()
        found: list[Part] = []
        begin = -1
        for delimiter, after, closes in self._delimiters(b"--" + boundary.encode(), body, end):
            if begin >= 0 and self._left > 0:
                found.append(self.part(begin, max(begin, delimiter), depth=depth + 1, digest=digest))
            begin = -1 if closes else after
            if closes:
                break
        if begin >= 0 and self._left > 0:
            # The last delimiter is missing: a message that was cut.
            found.append(self.part(begin, end, depth=depth + 1, digest=digest))
        return tuple(found)

    def _delimiters(self, mark: bytes, body: int, end: int) -> list[tuple[int, int, bool]]:
        """Return the delimiter lines: where the part before ends, where the next begins, whether it is the last."""
        data = self._data
        found: list[tuple[int, int, bool]] = []
        at = body
        while len(found) < PARTS_MAX + 1:
            at = data.find(mark, at, end)
            if at < 0:
                break
            line = at
            at += len(mark)
            if line != body and data[line - 1] != 10:
                continue
            stop = data.find(b"\n", at, end)
            stop = end if stop < 0 else stop + 1
            rest = data[at : min(stop, at + _BOUNDARY_MAX)]
            closes = rest.startswith(b"--") and not rest[2:].strip()
            if not closes and rest.strip():
                # Another boundary that begins alike.
                continue
            before = line
            if line > body:
                before = line - 2 if data[line - 2 : line] == b"\r\n" else line - 1
            found.append((before, stop, closes))
            if closes:
                break
            at = stop
        return found


def _content_fields(head: bytes) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    if b"content-" not in head.lower():
        return fields
    for name, value in iter_fields(head):
        if name[:8].lower() == b"content-":
            fields.setdefault(name.lower(), value)
    return fields


def _content_type(raw: bytes | None, *, digest: bool) -> tuple[str, str, Parameters]:
    if raw is None:
        return ("message", "rfc822", ()) if digest else _TEXT_PLAIN
    word, params = parse_parameters(raw)
    type_, slash, subtype = word.partition("/")
    type_, subtype = type_.strip(), subtype.strip()
    if not slash or not type_ or not subtype or not word.isascii():
        return _TEXT_PLAIN
    return type_, subtype, params


def _is_plain(fields: dict[bytes, bytes]) -> bool:
    encoding = fields.get(b"content-transfer-encoding", b"7bit").strip().lower()
    return encoding in {b"7bit", b"8bit", b"binary", b""}


def _text(value: bytes | None) -> str:
    if value is None:
        return ""
    return value[:HEAD_MAX_BYTES].replace(b"\r", b"").replace(b"\n", b"").strip().decode("utf-8", "replace")
