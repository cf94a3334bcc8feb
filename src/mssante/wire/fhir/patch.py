"""A FHIR Patch as changes of mailboxes, in order: insert, replace, delete on the forms of the national draft.

Lenient where the draft contradicts itself (the type as code or concept, from TRE_R257 or TRE_R256, no email-type);
strict on everything else, and says in which operation and part it is wrong.

Source: operators.md 4.6; clients.md 10; FHIR R4 fhirpatch.
"""

from dataclasses import dataclass, field
from typing import Final

import msgspec

from mssante.model.directory import AddMailbox, ChangeMailbox, Holder, ListedMailbox, MailboxChange, RemoveMailbox
from mssante.model.errors import TheirProtocolError
from mssante.model.mailbox import MailboxType
from mssante.wire.fhir.contact import HELD, KINDS, checked_rank, checked_text, read_contact, wrong
from mssante.wire.fhir.paths import Element, Path, read_path
from mssante.wire.fhir.resources import Operation, OperationOutcome, Parameters, Part
from mssante.wire.fhir.search import NAMES

OPERATIONS_MAX: Final = 50
BODY_MAX_BYTES: Final = 64 * 1024
# A choice of two makes resourceType compulsory; the second one is never meant.
_DECODER: Final = msgspec.json.Decoder(Parameters | OperationOutcome)
_VALUES: Final = ("value_code", "value_string", "value_integer", "value_boolean", "value_contact_point")
_VALUE_OF: Final = {"type": "value_code", "path": "value_string", "index": "value_integer"}


class FixedPartError(TheirProtocolError):
    """A patch that changes what never changes: the address or the type of a mailbox (operators.md 4.2)."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a mailbox must be for the patch to make sense; the directory knows, the patch does not.

    Attributes:
        kinds: types of which it must be one.
        element: for whose sake; TYPE when the patch says the type again, which cannot change.
    """

    address: str
    kinds: frozenset[MailboxType]
    element: Element


@dataclass(frozen=True, slots=True)
class Patch:
    """The changes in their order, and what must be true before the first."""

    changes: tuple[MailboxChange, ...]
    needs: tuple[Need, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What was read so far; `added` has the types of the mailboxes that this patch inserts itself."""

    holder: Holder
    changes: list[MailboxChange] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    added: dict[str, MailboxType] = field(default_factory=dict)

    def need(self, address: str, kinds: frozenset[MailboxType], element: Element) -> None:
        """Ask for the type of a mailbox: at once when this patch inserted it, else of the directory."""
        known = self.added.get(address.lower())
        need = Need(address, kinds, element)
        if known is None:
            self.needs.append(need)
        elif known not in kinds:
            raise unmet(need)


def read_patch(body: bytes, holder: Holder) -> Patch:
    """Return the changes that the body asks for.

    Args:
        body: JSON of a Parameters resource.
        holder: which resource is patched.

    Raises:
        FixedPartError: it changes an address or a type.
        TheirProtocolError: it is no such patch.

    Source: operators.md 4.6 (several operations in one call are applied in order).
    """
    if len(body) > BODY_MAX_BYTES:
        raise wrong(f"the patch is longer than {BODY_MAX_BYTES} bytes")
    try:
        parameters = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fault = "nested too deep" if isinstance(error, RecursionError) else str(error)[:300]
        raise wrong(f"the body is no FHIR Patch: {fault}") from error
    if isinstance(parameters, OperationOutcome):
        raise wrong("the body is no FHIR Patch: resourceType is not Parameters")
    if not 0 < len(parameters.parameter) <= OPERATIONS_MAX:
        raise wrong(f"the patch has no operation, or more than {OPERATIONS_MAX}")
    reading = _Reading(holder)
    for number, operation in enumerate(parameters.parameter, 1):
        try:
            _operate(reading, operation)
        except TheirProtocolError as error:
            raise type(error)(f"operation {number}: {error}") from error
    return Patch(tuple(reading.changes), tuple(reading.needs))


def unmet(need: Need) -> TheirProtocolError:
    """Return the error of a need that the directory does not fulfil."""
    if need.element is Element.TYPE:
        return FixedPartError(f"the type of {need.address} cannot be changed: delete and insert")
    return wrong(f"{need.element.value} is not for a mailbox of the type of {need.address}")


def _operate(reading: _Reading, operation: Operation) -> None:
    parts = _parts(operation)
    verb, where = parts.pop("type", None), parts.pop("path", None)
    if verb is None or where is None:
        raise wrong(f"part '{'type' if verb is None else 'path'}' is missing")
    path = read_path(where.value_string or "", NAMES[reading.holder])
    value = parts.pop("value", None)
    index = parts.pop("index", None)
    if (index is not None) != (verb.value_code == "insert"):
        raise wrong("part 'index' is for insert, which needs it")
    if (value is None) != (verb.value_code == "delete"):
        raise wrong("part 'value' is missing, or stands in a delete")
    match verb.value_code:
        case "insert" if value is not None and index is not None:
            _insert(reading, path, value, index.value_integer or 0)
        case "replace" if value is not None:
            _replace(reading, path, value)
        case "delete":
            _delete(reading, path)
        case _:
            raise wrong(f"part 'type' is none of insert, replace, delete: {str(verb.value_code)[:20]!r}")


def _parts(operation: Operation) -> dict[str, Part]:
    """Return the parts by name, each with exactly the value that its name has."""
    found: dict[str, Part] = {}
    for part in operation.part:
        values = [name for name in _VALUES if getattr(part, name) is not None]
        if part.name in found:
            raise wrong(f"part '{part.name}' stands there twice")
        if len(values) != 1:
            raise wrong(f"part '{part.name}' has not exactly one value")
        if values[0] != _VALUE_OF.get(part.name, values[0]):
            raise wrong(f"part '{part.name}' has a value of another type than it must have")
        found[part.name] = part
    return found


def _insert(reading: _Reading, path: Path, value: Part, index: int) -> None:
    """Add a mailbox; where it stands in the list means nothing (the rank does)."""
    if path != Path("", Element.WHOLE):
        raise wrong(f"insert is only for {NAMES[reading.holder]}.telecom")
    if value.value_contact_point is None:
        raise wrong("part 'value' is no valueContactPoint")
    if index < 0:
        raise wrong("part 'index' is below 0")
    told = read_contact(value.value_contact_point, reading.holder)
    reading.added[told.address.lower()] = told.kind
    mailbox = ListedMailbox(
        address=told.address,
        kind=told.kind,
        service=told.service or "",
        description=told.description or "",
        responsible=told.responsible or "",
        phone=told.phone or "",
        is_red=bool(told.is_red),
        is_paperless=told.is_paperless,
        rank=told.rank,
    )
    reading.changes.append(AddMailbox(mailbox))


def _replace(reading: _Reading, path: Path, value: Part) -> None:
    if not path.address:
        raise wrong("replace names no mailbox: .where(value = '...') is missing")
    if path.element is Element.WHOLE:
        _replace_whole(reading, path.address, value)
        return
    _refuse_fixed(path)
    reading.changes.append(_changed(reading, path, value))


def _changed(reading: _Reading, path: Path, value: Part) -> ChangeMailbox:
    if path.element is Element.RANK:
        if value.value_integer is None:
            raise wrong("part 'value' is no valueInteger")
        return ChangeMailbox(path.address, rank=checked_rank(value.value_integer))
    if path.element is Element.RED:
        if value.value_boolean is None:
            raise wrong("part 'value' is no valueBoolean")
        return ChangeMailbox(path.address, is_red=value.value_boolean)
    if value.value_string is None:
        raise wrong("part 'value' is no valueString")
    return _text_change(reading, path, checked_text(value.value_string))


def _replace_whole(reading: _Reading, address: str, value: Part) -> None:
    """Replace all of a mailbox: what is not said is taken away.

    But for two things. The red list stays: nobody comes out of it because a client did not mention it. Who is
    responsible stays: open access never shows it, so a client that writes back what it read cannot know it.
    """
    if value.value_contact_point is None:
        raise wrong("part 'value' is no valueContactPoint")
    told = read_contact(value.value_contact_point, reading.holder)
    if told.address.lower() != address.lower():
        raise FixedPartError("the address of a mailbox cannot be changed: delete and insert")
    reading.need(address, frozenset({told.kind}), Element.TYPE)
    reading.changes.append(
        ChangeMailbox(
            address=address,
            is_red=told.is_red,
            description=(told.description or "") if told.kind in HELD[Element.DESCRIPTION] else None,
            service=(told.service or "") if told.kind in HELD[Element.SERVICE] else None,
            responsible=told.responsible,
            rank=told.rank or 0,
        )
    )


def _delete(reading: _Reading, path: Path) -> None:
    if not path.address:
        raise wrong("delete names no mailbox: .where(value = '...') is missing")
    if path.element is Element.WHOLE:
        reading.added.pop(path.address.lower(), None)
        reading.changes.append(RemoveMailbox(path.address))
        return
    _refuse_fixed(path)
    if path.element is Element.RED:
        raise wrong("listeRouge cannot be deleted: replace it by false")
    if path.element is Element.RANK:
        reading.changes.append(ChangeMailbox(path.address, rank=0))
    else:
        reading.changes.append(_text_change(reading, path, ""))


def _text_change(reading: _Reading, path: Path, text: str) -> ChangeMailbox:
    kinds = HELD[path.element] & KINDS[reading.holder]
    if not kinds:
        raise wrong(f"{path.element.value} is not for the mailboxes of {NAMES[reading.holder]}")
    if kinds != KINDS[reading.holder]:
        reading.need(path.address, kinds, path.element)
    match path.element:
        case Element.DESCRIPTION:
            return ChangeMailbox(path.address, description=text)
        case Element.SERVICE:
            return ChangeMailbox(path.address, service=text)
        case _:
            return ChangeMailbox(path.address, responsible=text)


def _refuse_fixed(path: Path) -> None:
    """Refuse what never changes, whatever the table of the draft says (operators.md 4.6: the guide says no)."""
    if path.element in {Element.ADDRESS, Element.TYPE}:
        what = "address" if path.element is Element.ADDRESS else "type"
        msg = f"the {what} of a mailbox cannot be changed: delete and insert"
        raise FixedPartError(msg)
