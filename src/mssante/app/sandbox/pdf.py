"""A small PDF letter: one page of text, enough for a reader to open. Not for real letters, which are made elsewhere."""

from collections.abc import Iterable
from typing import Final

_PAGE: Final = (595, 842)
_LINE_POINTS: Final = 16
LINES_MAX: Final = 45


def letter_pdf(title: str, lines: Iterable[str]) -> bytes:
    """Return a PDF 1.4 of one A4 page: the title, then at most 45 lines of text.

    Source: ISO 32000-1 sections 7.5 (file structure), 9.4 (text), Annex D (WinAnsiEncoding).
    """
    texts = [title, "", *lines][: LINES_MAX + 2]
    drawn = [f"BT /F1 11 Tf {_LINE_POINTS} TL 60 780 Td".encode(), *(_shown(text) for text in texts), b"ET"]
    content = b"\n".join(drawn)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_PAGE[0]} {_PAGE[1]}] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    return _file(objects)


def _shown(text: str) -> bytes:
    raw = text.encode("cp1252", "replace")
    for char in (b"\\", b"(", b")"):
        raw = raw.replace(char, b"\\" + char)
    return b"(" + raw + b") Tj T*"


def _file(objects: tuple[bytes, ...]) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for place in places:
        out += b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
