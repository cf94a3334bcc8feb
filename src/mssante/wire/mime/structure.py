"""The structure of a message as IMAP writes it: BODYSTRUCTURE and its short form BODY.

Source: RFC 9051 section 7.5.2; RFC 3501 section 7.4.2.
"""

from mssante.wire.mime.envelope import read_head, render_envelope
from mssante.wire.mime.parameters import Parameters
from mssante.wire.mime.parts import Part
from mssante.wire.mime.strings import imap_nstring, imap_string


def render_structure(root: Part, data: bytes, *, extended: bool) -> bytes:
    """Return the structure; as deep as the tree, which `parse_parts` bounds.

    Args:
        root: of the message.
        data: the message, for the envelopes of messages in it.
        extended: with the extension data of BODYSTRUCTURE.
    """
    if root.is_multipart:
        children = b"".join([render_structure(child, data, extended=extended) for child in root.children])
        end = b" %b %b" % (_params(root.params), _tail(root)) if extended else b""
        return b"(%b %b%b)" % (children, _word(root.subtype), end)
    fields = b"%b %b %b %b %b %b %d" % (
        _word(root.type_),
        _word(root.subtype),
        _params(_with_charset(root)),
        _optional(root.id_),
        _optional(root.description),
        _word(root.encoding),
        root.end - root.body,
    )
    if root.is_message:
        inner = root.children[0]
        envelope = render_envelope(read_head(data[inner.start : inner.body]))
        fields += b" %b %b %d" % (envelope, render_structure(inner, data, extended=extended), root.lines)
    elif root.type_ == "text":
        fields += b" %d" % root.lines
    if extended:
        fields += b" %b %b" % (_optional(root.md5), _tail(root))
    return b"(" + fields + b")"


def _with_charset(part: Part) -> Parameters:
    """Return the parameters with the charset that text without one is in (RFC 2046 section 4.1.2)."""
    if part.type_ != "text" or any(name == "charset" for name, _value in part.params):
        return part.params
    return (*part.params, ("charset", "us-ascii"))


def _tail(part: Part) -> bytes:
    disposition = b"NIL"
    if part.disposition:
        disposition = b"(%b %b)" % (_word(part.disposition), _params(part.disposition_params))
    languages = [one.strip() for one in part.language.split(",") if one.strip()]
    language = b"NIL"
    if len(languages) == 1:
        language = _word(languages[0])
    elif languages:
        language = b"(" + b" ".join(_word(one) for one in languages) + b")"
    return b"%b %b %b" % (disposition, language, _optional(part.location))


def _params(params: Parameters) -> bytes:
    if not params:
        return b"NIL"
    return b"(" + b" ".join([_word(part) for pair in params for part in pair]) + b")"


def _word(text: str) -> bytes:
    return imap_string(text.encode())


def _optional(text: str) -> bytes:
    return imap_nstring(text.encode() if text else None)
