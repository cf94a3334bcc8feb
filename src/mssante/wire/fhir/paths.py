"""The paths of a FHIR Patch: the few forms of the national draft, read forward once.

Not for FHIRPath: anything else is refused, with the place where it stops being one of these forms.

Source: operators.md 4.6; the draft (``X.telecom``, ``.where(value = '...')``, ``.rank``, ``.extension('...')``);
FHIRPath section 6.1.2 (escapes of a string).
"""

import enum
import re
from dataclasses import dataclass
from typing import Final

from mssante.model.address import ADDRESS_MAX_BYTES
from mssante.model.errors import TheirProtocolError
from mssante.wire.fhir import systems

PATH_MAX_CHARS: Final = 1000
_STRING: Final = re.compile(r"'((?:[^'\\]|\\.)*)'")
_ESCAPES: Final = {"'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/", "r": "\r", "n": "\n", "t": "\t", "f": "\f"}
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)


class Element(enum.Enum):
    """What of a mailbox a path leads to; the value is what it is called in FHIR."""

    WHOLE = "telecom"
    RANK = "rank"
    ADDRESS = "value"
    TYPE = "type"
    RED = "listeRouge"
    DESCRIPTION = "description"
    SERVICE = "service"
    RESPONSIBLE = "responsible"


_PARTS: Final = {
    one.value: one for one in (Element.TYPE, Element.RED, Element.DESCRIPTION, Element.SERVICE, Element.RESPONSIBLE)
}


@dataclass(frozen=True, slots=True)
class Path:
    """Where a path leads.

    Attributes:
        address: of the mailbox; "" leads to the list of them, where one is inserted.
        element: what of it.
    """

    address: str
    element: Element


def read_path(text: str, resource: str) -> Path:
    """Return where the path leads.

    Args:
        text: such as ``Practitioner.telecom.where(value = 'a@b.mssante.fr').rank``.
        resource: which resource is patched.

    Raises:
        TheirProtocolError: it is none of the forms of the draft.
    """
    if len(text) > PATH_MAX_CHARS:
        raise _wrong(f"the path is longer than {PATH_MAX_CHARS} characters")
    at = _over(text, 0, f"{resource}.telecom", f"{resource}.telecom")
    if at == len(text):
        return Path("", Element.WHOLE)
    at = _over(text, at, ".where(value", ".where(value = '...')")
    at = _spaces(text, _over(text, _spaces(text, at), "=", "'='"))
    address, at = _string(text, at)
    at = _over(text, at, ")", "')'")
    if not 0 < len(address) <= ADDRESS_MAX_BYTES or not address.isprintable():
        raise _wrong("the path names an address that is empty, too long or not printable")
    return Path(address, _element(text, at))


def write_path(path: Path, resource: str) -> str:
    """Return the path as text; `read_path` gives it back."""
    if not path.address:
        return f"{resource}.telecom"
    found = f"{resource}.telecom.where(value = {_quoted(path.address)})"
    if path.element is Element.WHOLE:
        return found
    if path.element in {Element.RANK, Element.ADDRESS}:
        return f"{found}.{path.element.value}"
    return f"{found}.extension('{systems.METADATA}').extension('{path.element.value}').value"


def _element(text: str, at: int) -> Element:
    rest = text[at:]
    simple = {"": Element.WHOLE, ".rank": Element.RANK, ".value": Element.ADDRESS}.get(rest)
    if simple is not None:
        return simple
    url, at = _string(text, _over(text, at, ".extension(", ".rank or .extension('...')"))
    if url != systems.METADATA:
        raise _wrong(f"the path leads into an extension that is not served: {url[:120]!r}")
    part, at = _string(text, _over(text, at, ").extension(", ").extension('...')"))
    if part not in _PARTS:
        raise _wrong(f"the path leads to a part that cannot be changed here: {part[:40]!r}")
    at = _over(text, at, ")", "')'")
    # The draft ends with .value, which is the value of the extension whatever its type; without it the same is meant.
    if text[at:] not in {"", ".value"}:
        raise _expected(text, at, "'.value'")
    return _PARTS[part]


def _over(text: str, at: int, word: str, wanted: str) -> int:
    if not text.startswith(word, at):
        raise _expected(text, at, wanted)
    return at + len(word)


def _spaces(text: str, at: int) -> int:
    while text[at : at + 1] == " ":
        at += 1
    return at


def _string(text: str, at: int) -> tuple[str, int]:
    found = _STRING.match(text, at)
    if found is None:
        raise _expected(text, at, "a string between single quotes")
    return _ESCAPE.sub(_unescaped, found[1]), found.end()


def _unescaped(found: re.Match[str]) -> str:
    if found[1][0] == "u" and len(found[1]) > 1:
        return chr(int(found[1][1:], 16))
    if found[1] not in _ESCAPES:
        raise _wrong(f"the path has an escape that is none: \\{found[1]}")
    return _ESCAPES[found[1]]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _expected(text: str, at: int, wanted: str) -> TheirProtocolError:
    return _wrong(f"the path has {text[at : at + 40]!r} at character {at + 1} where {wanted} is expected")


def _wrong(fault: str) -> TheirProtocolError:
    return TheirProtocolError(fault)
