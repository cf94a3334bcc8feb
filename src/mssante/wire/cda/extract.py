"""Take the files out of a CDA: the one that is its body at level 1, those embedded in a structured body.

A file is what its first bytes say: what its document calls it must agree, or the file is not given out.

Source: HL7 CDA R2 (ED, observationMedia, nonXMLBody); clients.md 5.6; reliability.md C10.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from lxml import etree

from mssante.model.errors import TheirProtocolError
from mssante.wire.cda.hl7 import HL7, attribute, first
from mssante.wire.cda.read import CdaDocument

FILE_MAX_BYTES: Final = 30_000_000

_BEGINNINGS: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"{\\rtf", "text/rtf"),
)
_OTHER_NAMES: Final = {"application/rtf": "text/rtf", "image/jpg": "image/jpeg", "application/x-pdf": "application/pdf"}


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file in a structured body.

    Attributes:
        id: what the narrative calls it (ID of observationMedia), "" when nothing.
        media_type: what it is, from its first bytes; what the document says when it cannot be read.
        data: the bytes, b"" when it cannot be read.
        problem: French, why it cannot be read; "" when it can.
    """

    id: str
    media_type: str
    data: bytes
    problem: str = ""


def attached_file(document: CdaDocument) -> tuple[str, bytes] | None:
    """Return the type and the bytes of the body at level 1, None when the document has no such body.

    Raises:
        TheirProtocolError: not base64, too long, of a type that is not accepted, or not what it is called; in French.
    """
    text = first(document.root, "component/nonXMLBody/text")
    return None if text is None else read_file(text, "le fichier joint au document CDA")


def embedded_files(document: CdaDocument) -> tuple[EmbeddedFile, ...]:
    """Return the files of a structured body, in their order; one that cannot be read says why."""
    found = []
    for media in document.root.iter(f"{HL7}observationMedia"):
        value = first(media, "value")
        if value is None:
            continue
        try:
            media_type, data = read_file(value, "le fichier inséré dans le document CDA")
        except TheirProtocolError as error:
            found.append(EmbeddedFile(media_name(media), attribute(value, "mediaType")[:80], b"", str(error)))
        else:
            found.append(EmbeddedFile(media_name(media), media_type, data))
    return tuple(found)


def media_name(media: etree._Element) -> str:
    """Return what the narrative calls a medium: its ID, or that of the region of interest that holds it."""
    for element in (media, *media.iterancestors(f"{HL7}regionOfInterest")):
        if name := attribute(element, "ID"):
            return name
    return ""


def read_file(value: etree._Element, what: str) -> tuple[str, bytes]:
    """Return the type and the bytes of an ED element.

    Raises:
        TheirProtocolError: it cannot be given out; in French.
    """
    declared = attribute(value, "mediaType").lower().partition(";")[0].strip() or "text/plain"
    declared = _OTHER_NAMES.get(declared, declared)
    written = "".join(str(text) for text in value.itertext())
    if attribute(value, "compression"):
        msg = f"{what} est compressé, ce qui n'est pas accepté"
        raise TheirProtocolError(msg)
    if declared == "text/plain" and attribute(value, "representation").upper() != "B64":
        return declared, written.encode()
    data = _from_base64(written, what)
    if len(data) > FILE_MAX_BYTES:
        msg = f"{what} a {len(data)} octets, plus que {FILE_MAX_BYTES}"
        raise TheirProtocolError(msg)
    return _checked_type(declared, data, what), data


def type_of(data: bytes) -> str:
    """Return the type that the first bytes tell, "" for none of those accepted."""
    return next((media_type for start, media_type in _BEGINNINGS if data.startswith(start)), "")


def _from_base64(written: str, what: str) -> bytes:
    packed = "".join(written.split()).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        msg = f"{what} n'est pas en base64 correct, il ne peut pas être ouvert"
        raise TheirProtocolError(msg) from error


def _checked_type(declared: str, data: bytes, what: str) -> str:
    """Return the type of a file, which must be of the kind that is declared: a picture may be another picture."""
    found = type_of(data)
    if declared == "text/plain" and not found and b"\0" not in data:
        return declared
    if found == declared or (found and found.startswith("image/") and declared.startswith("image/")):
        return found
    accepted = {media_type for _start, media_type in _BEGINNINGS} | {"text/plain"}
    if declared not in accepted:
        msg = f"{what} est du type {declared[:80]}, qui n'est pas accepté ({', '.join(sorted(accepted))})"
    else:
        msg = f"{what} est annoncé comme {declared}, mais son contenu n'en est pas un ; ne l'ouvrez pas"
    raise TheirProtocolError(msg)
