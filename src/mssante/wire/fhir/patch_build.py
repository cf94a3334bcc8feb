"""Changes of mailboxes as a FHIR Patch: the client's side of `mssante.wire.fhir.patch`.

Source: operators.md 4.6 (operations, paths; TRE_R257, CodeableConcept and email-type are written).
"""

from msgspec.structs import replace

from mssante.model.directory import AddMailbox, ChangeMailbox, Holder, ListedMailbox, MailboxChange, RemoveMailbox
from mssante.wire.fhir import systems
from mssante.wire.fhir.build import contact_point
from mssante.wire.fhir.contact import HELD, KINDS
from mssante.wire.fhir.paths import Element, Path, write_path
from mssante.wire.fhir.resources import ContactPoint, Extension, Operation, Parameters, Part
from mssante.wire.fhir.search import NAMES


def build_patch(holder: Holder, changes: tuple[MailboxChange, ...]) -> Parameters:
    """Return the patch that asks for the changes, in order; without operation when nothing of them can be said.

    What a type of mailbox does not have in FHIR is left out: the description of a PER, the telephone.
    """
    resource = NAMES[holder]
    found: list[Operation] = []
    for change in changes:
        match change:
            case AddMailbox(mailbox):
                found.append(_insert(resource, mailbox))
            case RemoveMailbox(address):
                found.append(_operation("delete", write_path(Path(address, Element.WHOLE), resource)))
            case ChangeMailbox():
                found += _replacements(holder, change)
    return Parameters(tuple(found))


def written_contact(mailbox: ListedMailbox) -> ContactPoint:
    """Return the mailbox as it is published: as it is shown, with who is responsible for it."""
    point = contact_point(_spoken(mailbox))
    if not mailbox.responsible or mailbox.kind not in HELD[Element.RESPONSIBLE]:
        return point
    said = Extension(url=Element.RESPONSIBLE.value, value_string=mailbox.responsible)
    parts = [
        replace(part, extension=(*part.extension, said)) if part.url == systems.METADATA else part
        for part in point.extension
    ]
    return replace(point, extension=tuple(parts))


def _spoken(mailbox: ListedMailbox) -> ListedMailbox:
    """Return the mailbox without the texts that its type does not have."""
    return ListedMailbox(
        address=mailbox.address,
        kind=mailbox.kind,
        service=mailbox.service if mailbox.kind in HELD[Element.SERVICE] else "",
        description=mailbox.description if mailbox.kind in HELD[Element.DESCRIPTION] else "",
        is_red=mailbox.is_red,
        is_paperless=mailbox.is_paperless,
        rank=mailbox.rank,
    )


def _insert(resource: str, mailbox: ListedMailbox) -> Operation:
    return _operation(
        "insert",
        write_path(Path("", Element.WHOLE), resource),
        Part("index", value_integer=0),
        Part("value", value_contact_point=written_contact(mailbox)),
    )


def _replacements(holder: Holder, change: ChangeMailbox) -> list[Operation]:
    resource, found = NAMES[holder], []
    if change.is_red is not None:
        path = write_path(Path(change.address, Element.RED), resource)
        found.append(_operation("replace", path, Part("value", value_boolean=change.is_red)))
    texts = (
        (Element.DESCRIPTION, change.description),
        (Element.SERVICE, change.service),
        (Element.RESPONSIBLE, change.responsible),
    )
    for element, text in texts:
        if text is not None and HELD[element] & KINDS[holder]:
            value = (Part("value", value_string=text),) if text else ()
            path = write_path(Path(change.address, element), resource)
            found.append(_operation("replace" if text else "delete", path, *value))
    if change.rank is not None:
        value = (Part("value", value_integer=change.rank),) if change.rank else ()
        path = write_path(Path(change.address, Element.RANK), resource)
        found.append(_operation("replace" if change.rank else "delete", path, *value))
    return found


def _operation(verb: str, path: str, *parts: Part) -> Operation:
    return Operation("operation", (Part("type", value_code=verb), Part("path", value_string=path), *parts))
