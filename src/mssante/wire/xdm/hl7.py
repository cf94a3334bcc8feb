"""The HL7 v2 texts inside metadata: CX, XCN, XON and XTN, written and read.

Separators inside a value cannot be escaped there (IHE forbids it): they become spaces.

Source: IHE ITI TF-3 section 4.2.3.1.7 (general knowledge of it); clients.md 5.5 (shape of the patient's id).
"""

import re
from typing import Final

from mssante.model.document import INS_OIDS, Actor, Coded, Identifier, Organization, PersonName

PROFESSIONALS: Final = "1.2.250.1.71.4.2.1"
STRUCTURES: Final = "1.2.250.1.71.4.2.2"

_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,60})){1,40}")
_SEPARATORS: Final = str.maketrans(dict.fromkeys("^&|~\\", " "))


def is_oid(text: str) -> bool:
    """Tell whether it is an object identifier in digits and dots."""
    return len(text) <= 128 and _OID.fullmatch(text) is not None


def plain(text: str) -> str:
    """Return the text without HL7 separators, in one line."""
    return " ".join(text.translate(_SEPARATORS).split())


def write_cx(identifier: Identifier, kind: str = "") -> str:
    """Return a patient's identifier: ``<id>^^^&<OID>&ISO^NH`` for an INS, ``PI`` for a local one.

    Args:
        kind: overrides NH or PI.

    Source: clients.md 5.5.
    """
    kind = kind or ("NH" if identifier.root in INS_OIDS else "PI")
    return f"{plain(identifier.extension)}^^^&{plain(identifier.root)}&ISO^{kind}"


def read_cx(text: str) -> Identifier | None:
    """Return the identifier that a CX names, or None: no id, or an authority that is no OID."""
    fields = text.split("^")
    authority = fields[3].split("&") if len(fields) > 3 else []
    if len(authority) < 2 or not fields[0].strip() or not is_oid(authority[1].strip()):
        return None
    return Identifier(authority[1].strip(), fields[0].strip())


def write_xcn(actor: Actor) -> str:
    """Return a person ``id^family^given^^^^^^&OID&ISO^D^^^IDNPS``, or a device with U and RI in the last fields.

    IDNPS is a national number of a professional, EI a number of his establishment (it holds a "/", or another root).

    Source: CI-SIS (header of documents and metadata), as the agency's own test tool writes it; to confirm.
    """
    found = next((one for one in actor.ids if one.extension), actor.ids[0] if actor.ids else Identifier(""))
    if actor.device and not actor.name.family:
        family, given, name_kind, id_kind = actor.device, "", "U", "RI"
    else:
        family, given, name_kind = actor.name.family, actor.name.given, "D"
        id_kind = "IDNPS" if found.root == PROFESSIONALS and "/" not in found.extension else "EI"
    if not found.root:
        return f"^{plain(family)}^{plain(given)}^^^^^^^{name_kind}"
    return (
        f"{plain(found.extension)}^{plain(family)}^{plain(given)}^^^^^^&{plain(found.root)}&ISO^{name_kind}^^^{id_kind}"
    )


def read_xcn(text: str) -> Actor | None:
    """Return the person or device that an XCN names, or None when it holds neither a name nor an id."""
    fields = [*text.split("^"), *[""] * 13]
    authority = [*fields[8].split("&"), "", ""]
    ids = (Identifier(authority[1].strip(), fields[0].strip()),) if authority[1].strip() else ()
    family, given = fields[1].strip(), fields[2].strip()
    if not (ids or family or given):
        return None
    if fields[12].strip() == "RI" or fields[9].strip() == "U":
        return Actor(ids, device=" ".join(part for part in (family, given) if part))
    return Actor(ids, PersonName(family, given))


def write_xon(organization: Organization) -> str:
    """Return an organisation ``name^^^^^&OID&ISO^IDNST^^^id``; its name alone when it has no identifier.

    Source: CI-SIS (header of documents and metadata); to confirm for others than national identifiers.
    """
    found = next((one for one in organization.ids if one.extension), None)
    if found is None:
        return plain(organization.name)
    kind = "IDNST" if found.root == STRUCTURES else ""
    return f"{plain(organization.name)}^^^^^&{plain(found.root)}&ISO^{kind}^^^{plain(found.extension)}"


def read_xon(text: str) -> Organization:
    """Return the organisation that an XON names."""
    fields = [*text.split("^"), *[""] * 10]
    authority = [*fields[5].split("&"), "", ""]
    has_id = authority[1].strip() and fields[9].strip()
    ids = (Identifier(authority[1].strip(), fields[9].strip()),) if has_id else ()
    return Organization(ids, fields[0].strip())


def write_recipient(actor: Actor) -> str:
    """Return a recipient ``organisation|person|telecom``; "" when nothing is known of him."""
    organization = write_xon(actor.organization) if actor.organization else ""
    person = write_xcn(actor) if actor.ids or actor.name.family or actor.device else ""
    mail = f"^^Internet^{plain(actor.mail)}" if actor.mail else ""
    return f"{organization}|{person}|{mail}".rstrip("|")


def write_coded(code: Coded) -> str:
    """Return ``code^label^OID``, as authorSpecialty holds it; "" for no code."""
    return f"{plain(code.code)}^{plain(code.label)}^{plain(code.system)}" if code.code else ""
