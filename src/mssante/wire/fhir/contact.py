"""A mailbox as a patch tells it: one ContactPoint with its metadata, checked part by part.

Source: operators.md 4.2 (which type has what), 4.6 (inconsistencies of the draft); clients.md 10 (addresses).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mssante.model.address import parse_address
from mssante.model.directory import Holder
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.wire.fhir import systems
from mssante.wire.fhir.paths import Element
from mssante.wire.fhir.resources import ContactPoint, Extension

TEXT_MAX_CHARS: Final = 255
RANK_MAX: Final = 2**31 - 1
KINDS: Final[Mapping[Holder, frozenset[MailboxType]]] = MappingProxyType(
    {
        Holder.PERSON: frozenset({MailboxType.PER, MailboxType.CAB}),
        Holder.ROLE: frozenset({MailboxType.PER}),
        Holder.PLACE: frozenset({MailboxType.ORG, MailboxType.APP}),
    }
)
"""Where each type of mailbox lives (operators.md 4.5)."""
HELD: Final[Mapping[Element, frozenset[MailboxType]]] = MappingProxyType(
    {
        Element.DESCRIPTION: frozenset({MailboxType.ORG, MailboxType.APP, MailboxType.CAB}),
        # The table of the draft names ORG and APP; the extension says "of the user of the mailbox" and the public
        # extraction has it for PER, so that what was read may be written back.
        Element.SERVICE: frozenset({MailboxType.ORG, MailboxType.APP, MailboxType.PER}),
        Element.RESPONSIBLE: frozenset({MailboxType.ORG, MailboxType.APP, MailboxType.CAB}),
    }
)
"""Which types have a text (operators.md 4.2, 4.6; the draft allows who is responsible for a CAB too)."""

_ADDRESS: Final = re.compile(r"[^@\s]+@(?:[^@\s]+\.mssante\.fr|interop-mssante\.apicrypt\.org)", re.IGNORECASE)
_TYPES: Final = {kind.value: kind for kind in MailboxType if kind is not MailboxType.CITIZEN}


@dataclass(frozen=True, slots=True)
class Told:
    """What a ContactPoint says; None is what it does not say."""

    address: str
    kind: MailboxType
    rank: int | None = None
    is_red: bool | None = None
    description: str | None = None
    service: str | None = None
    responsible: str | None = None
    phone: str | None = None
    is_paperless: bool | None = None


def read_contact(point: ContactPoint, holder: Holder) -> Told:
    """Return what the ContactPoint of a patch says.

    Raises:
        TheirProtocolError: something is missing, twice there, not known, or not for this type or resource.
    """
    if point.system != "email":
        raise wrong(f"system is {point.system[:20]!r} instead of 'email'")
    parts = _metadata(point.extension)
    kind = _kind(parts.pop("type", None))
    if kind not in KINDS[holder]:
        raise wrong(f"a mailbox of type {kind.value} does not live on this resource")
    texts = {element: _text(parts.pop(element.value, None)) for element in HELD}
    for element, text in texts.items():
        if text is not None and kind not in HELD[element]:
            raise wrong(f"{element.value} is not for a mailbox of type {kind.value}")
    told = Told(
        address=checked_address(point.value),
        kind=kind,
        rank=None if point.rank is None else checked_rank(point.rank),
        is_red=_flag(parts.pop("listeRouge", None)),
        description=texts[Element.DESCRIPTION],
        service=texts[Element.SERVICE],
        responsible=texts[Element.RESPONSIBLE],
        phone=_text(parts.pop("phone", None)),
        is_paperless=_flag(parts.pop("digitization", None)),
    )
    if parts:
        raise wrong(f"the metadata have a part that is not known: {next(iter(parts))[:40]!r}")
    return told


def checked_address(text: str) -> str:
    """Return an address that may stand in the directory, as it was given.

    Raises:
        TheirProtocolError: it is no address of the trust space, or a citizen's, who is in no directory.

    Source: clients.md 10 (pattern); operators.md 1.5.
    """
    if not _ADDRESS.fullmatch(text):
        raise wrong(f"value is no MSSanté address: {text[:80]!r}")
    if parse_address(text).is_citizen:
        raise wrong("value is a citizen's address, which no directory holds")
    return text


def checked_text(text: str) -> str:
    """Return a text that may be kept.

    Raises:
        TheirProtocolError: it is empty, too long, or holds control characters.
    """
    if not text.strip() or len(text) > TEXT_MAX_CHARS or not text.isprintable():
        raise wrong(f"a text is empty, longer than {TEXT_MAX_CHARS} characters, or not printable")
    return text.strip()


def checked_rank(rank: int) -> int:
    """Return a rank.

    Raises:
        TheirProtocolError: it is no positive number of 31 bits.
    """
    if not 0 < rank <= RANK_MAX:
        raise wrong("rank is below 1 or too large")
    return rank


def wrong(fault: str) -> TheirProtocolError:
    """Return the error that says it."""
    return TheirProtocolError(fault)


def _metadata(extensions: tuple[Extension, ...]) -> dict[str, Extension]:
    """Return the parts of the metadata by name; the email-type may be missing, as in the draft's examples."""
    found: dict[str, Extension] | None = None
    for extension in extensions:
        if extension.url == systems.EMAIL_TYPE:
            coding = extension.value_coding
            if coding is None or (coding.system, coding.code) != (systems.MESSAGING, systems.MESSAGING_CODE):
                raise wrong("the email-type is not MSSANTE of TRE_R256")
        elif extension.url != systems.METADATA:
            raise wrong(f"an extension is not known: {extension.url[:120]!r}")
        elif found is not None:
            raise wrong("the metadata stand there twice")
        else:
            found = {part.url: part for part in extension.extension}
            if len(found) != len(extension.extension):
                raise wrong("a part of the metadata stands there twice")
    if found is None:
        raise wrong(f"the extension {systems.METADATA} is missing")
    return found


def _kind(part: Extension | None) -> MailboxType:
    """Return the type of the mailbox, whichever way the draft writes it (operators.md 4.6)."""
    if part is None:
        raise wrong("the type is missing from the metadata")
    coding = part.value_coding
    concept = part.value_codeable_concept
    if concept is not None:
        if len(concept.coding) != 1:
            raise wrong("the type has not exactly one coding")
        coding = concept.coding[0]
    if coding is not None and coding.system not in systems.BOX_TYPES:
        raise wrong(f"the type is of a system that is not known: {coding.system[:120]!r}")
    code = coding.code if coding is not None else part.value_code
    if code not in _TYPES:
        raise wrong(f"the type is none of {', '.join(_TYPES)}: {str(code)[:20]!r}")
    return _TYPES[code]


def _text(part: Extension | None) -> str | None:
    if part is None:
        return None
    if part.value_string is None:
        raise wrong(f"{part.url[:40]} has no valueString")
    return checked_text(part.value_string)


def _flag(part: Extension | None) -> bool | None:
    if part is None:
        return None
    if part.value_boolean is None:
        raise wrong(f"{part.url[:40]} has no valueBoolean")
    return part.value_boolean
