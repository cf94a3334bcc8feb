"""Distinguished names as values, compared by structure and never as printed text.

Not for reading certificates (see `mssante.wire.x509`): here only the text form of RFC 4514 and the comparison.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mssante.model.errors import TheirProtocolError

DN_MAX_CHARS: Final = 1024
_NEEDS_ESCAPE: Final = frozenset(',+"\\<>;=')
# Short names of RFC 4514 section 3, and those met in certificates of IGC-Santé; the key is the dotted form.
_SHORT_NAMES: Final = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "T",
    "2.5.4.42": "GN",
    "2.5.4.97": "ORGANIZATIONIDENTIFIER",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
    "1.2.840.113549.1.9.1": "EMAILADDRESS",
}
_ALIASES: Final = {"S": "ST", "SP": "ST", "E": "EMAILADDRESS", "EMAIL": "EMAILADDRESS", "GIVENNAME": "GN", "TITLE": "T"}


# What Unicode calls a space, and line ends; other control characters are no spaces, so that they never match one.
_SPACES: Final = re.compile("[ \t\r\n\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


@dataclass(frozen=True, slots=True)
class DistinguishedName:
    """A subject or issuer name.

    Attributes:
        rdns: most specific first, as RFC 4514 prints it; each is a set of (type, value) pairs in written order, the
            type an upper-case short name or a dotted number, the value as found (Unicode).
    """

    rdns: tuple[tuple[tuple[str, str], ...], ...]

    def __str__(self) -> str:
        """Return the RFC 4514 text, comma without space, as the white list writes it."""
        return _text(self.rdns)

    @property
    def key(self) -> tuple[frozenset[tuple[str, str]], ...]:
        """Return the form for structural comparison: NFC, spaces trimmed and collapsed, without case, order kept.

        Source: operators.md 3.3 (comparison inferred from the data of the real list); RFC 5280 section 7.1.
        """
        return _key(self.rdns)

    def first(self, kind: str) -> str | None:
        """Return the first value of that type (``CN``, ``O``, ...), or None."""
        return next((value for rdn in self.rdns for name, value in rdn if name == kind), None)


# The same few names are compared and written down at every MAIL FROM, each time letter by letter without these two.
@lru_cache(maxsize=4096)
def _text(rdns: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    return ",".join("+".join(f"{kind}={_escape(value)}" for kind, value in rdn) for rdn in rdns)


@lru_cache(maxsize=4096)
def _key(rdns: tuple[tuple[tuple[str, str], ...], ...]) -> tuple[frozenset[tuple[str, str]], ...]:
    return tuple(frozenset((kind, _fold(value)) for kind, value in rdn) for rdn in rdns)


def attribute_name(dotted: str) -> str:
    """Return the short upper-case name of an attribute type, or the dotted number when it has none."""
    return _SHORT_NAMES.get(dotted, dotted)


def parse_dn(text: str) -> DistinguishedName:
    """Return the name that the text writes, in either order of separators met in the real list.

    Args:
        text: RFC 4514, most specific first; spaces around separators are dropped; ``;`` is not a separator.

    Raises:
        TheirProtocolError: not a name: empty, a part without ``=``, a bad escape, half a surrogate, or longer than
            1,024 characters.

    Source: RFC 4514 section 3; operators.md 2.3.
    """
    if not text.strip() or len(text) > DN_MAX_CHARS:
        msg = f"distinguished name {text[:60]!r} is empty or longer than {DN_MAX_CHARS} characters"
        raise TheirProtocolError(msg)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = f"distinguished name {text[:60]!r} is not Unicode text"
        raise TheirProtocolError(msg) from error
    rdns: list[tuple[tuple[str, str], ...]] = []
    pairs: list[tuple[str, str]] = []
    for part, separator in _split(text):
        pairs.append(_pair(part, text))
        if separator != "+":
            rdns.append(tuple(pairs))
            pairs = []
    return DistinguishedName(tuple(rdns))


def _split(text: str) -> list[tuple[str, str]]:
    parts: list[tuple[str, str]] = []
    start = 0
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 2
            continue
        if char in ",+":
            parts.append((text[start:position], char))
            start = position + 1
        position += 1
    parts.append((text[start:], ""))
    return parts


def _pair(part: str, whole: str) -> tuple[str, str]:
    kind, equals, raw = part.partition("=")
    kind = kind.strip().upper()
    plain = kind.replace(".", "").replace("-", "")
    # A value in hexadecimal is an encoding that no certificate of the trust space needs.
    if not equals or not plain.isalnum() or not plain.isascii() or raw.lstrip(" ").startswith("#"):
        msg = f"distinguished name {whole[:60]!r}: {part.strip()[:40]!r} is not of the form TYPE=value"
        raise TheirProtocolError(msg)
    kind = _ALIASES.get(kind, attribute_name(kind))
    return kind, _unescape(_trim(raw), whole)


def _trim(raw: str) -> str:
    raw = raw.lstrip(" ")
    stripped = raw.rstrip(" ")
    # An escaped last space belongs to the value.
    if len(stripped) < len(raw) and (len(stripped) - len(stripped.rstrip("\\"))) % 2:
        stripped += " "
    return stripped


def _unescape(raw: str, whole: str) -> str:
    if "\\" not in raw:
        return raw
    out = bytearray()
    position = 0
    while position < len(raw):
        char = raw[position]
        if char != "\\":
            out += char.encode()
            position += 1
            continue
        pair = raw[position + 1 : position + 3]
        if len(pair) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in pair):
            out.append(int(pair, 16))
            position += 3
        elif pair and (pair[0] in _NEEDS_ESCAPE or pair[0] in " #"):
            out += pair[0].encode()
            position += 2
        else:
            msg = f"distinguished name {whole[:60]!r} has a bad escape"
            raise TheirProtocolError(msg)
    try:
        return out.decode()
    except UnicodeDecodeError as error:
        msg = f"distinguished name {whole[:60]!r} has an escape that is not UTF-8"
        raise TheirProtocolError(msg) from error


def _escape(value: str) -> str:
    out = "".join(f"\\{char}" if char in _NEEDS_ESCAPE else "\\00" if char == "\0" else char for char in value)
    if out.startswith((" ", "#")):
        out = f"\\{out}"
    if out.endswith(" ") and len(value) > 1:
        out = f"{out[:-1]}\\ "
    return out


def _fold(value: str) -> str:
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).casefold())
    return _SPACES.sub(" ", folded).strip(" ")
