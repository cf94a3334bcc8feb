"""The public extraction of mailboxes (Extraction_Correspondance_MSSante): 31 columns, one line a mailbox.

Not for archives (the caller opens them), nor for deciding what is published (the red list is kept elsewhere).

Source: operators.md 4.4.
"""

import enum
import re
from collections.abc import Iterable, Iterator
from typing import Final

from mssante.model.directory import Coded, ListedMailbox, PostalAddress, Professional, Structure
from mssante.model.errors import TheirProtocolError
from mssante.model.folding import fold
from mssante.model.mailbox import MailboxType
from mssante.wire.annuaire.identifiers import fault_of_person, is_rpps_id, kind_and_number, person_id, structure_id
from mssante.wire.annuaire.lines import Batch, Row, fields_of, header_of, in_batches, read_lines, wrong_count
from mssante.wire.annuaire.postal import department_of, joined, postcode_of, town_of

COLUMNS: Final = (
    "Type de BAL",
    "Adresse BAL",
    "Type Identifiant PP",
    "Identifiant PP",
    "Identification nationale PP",
    "Type identifiant structure",
    "Identification Structure",
    "Service de rattachement",
    "Civilité d'exercice",
    "Nom d'exercice",
    "Prénom d'exercice",
    "Catégorie profession",
    "Libellé de catégorie profession",
    "Code Profession",
    "Libellé Profession",
    "Code savoir-faire",
    "Libellé savoir-faire",
    "Dématérialisation",
    "Raison Sociale structure BAL",
    "Enseigne commerciale structure BAL",
    "L2COMPLEMENTLOCALISATION structure BAL",
    "L3COMPLEMENTDISTRIBUTION structure BAL",
    "L4NUMEROVOIE structure BAL",
    "L4COMPLEMENTNUMEROVOIE structure BAL",
    "NL4TYPEVOIE structure BAL",
    "L4LIBELLEVOIE structure BAL",
    "L5LIEUDITMENTION structure BAL",
    "L6LIGNEACHEMINEMENT structure BAL",
    "Code postal structure BAL",
    "Département structure BAL",
    "Pays structure BAL",
)
EXTRACTION_HEADER: Final = "|".join(COLUMNS).encode() + b"\n"
ADDRESS_MAX_CHARS: Final = 254


class Column(enum.IntEnum):
    """Where each field stands in a row."""

    KIND = 0
    ADDRESS = 1
    PERSON_KIND = 2
    PERSON_NUMBER = 3
    PERSON = 4
    STRUCTURE_KIND = 5
    STRUCTURE = 6
    SERVICE = 7
    CIVILITY = 8
    FAMILY = 9
    GIVEN = 10
    CATEGORY = 11
    CATEGORY_LABEL = 12
    PROFESSION = 13
    PROFESSION_LABEL = 14
    SPECIALITY = 15
    SPECIALITY_LABEL = 16
    PAPERLESS = 17
    NAME = 18
    SIGN = 19
    COMPLEMENT = 20
    DISTRIBUTION = 21
    STREET_NUMBER = 22
    STREET_NUMBER_COMPLEMENT = 23
    STREET_KIND = 24
    STREET_NAME = 25
    LOCALITY = 26
    LAST_LINE = 27
    POSTCODE = 28
    DEPARTMENT = 29
    COUNTRY = 30


_WHAT: Final = "extraction MSSanté"
_KINDS: Final = {kind.value: kind for kind in MailboxType if kind is not MailboxType.CITIZEN}
_ADDRESS: Final = re.compile(r"[^\s@|<>\"(),;:\\]{1,64}@[A-Za-z0-9][A-Za-z0-9.\-]*\.[A-Za-z0-9\-]*[A-Za-z0-9]")
_PAPERLESS: Final = {
    "O": True,
    "OUI": True,
    "TRUE": True,
    "1": True,
    "N": False,
    "NON": False,
    "FALSE": False,
    "0": False,
}
_BREAKS: Final = {ord(char): " " for char in "|\r\n\t\v\f\x1c\x1d\x1e\x85\u2028\u2029"}


def read_extraction(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the mailboxes of an extraction.

    A row holds the 31 fields, stripped; `PERSON` is the IdNat_PS and `STRUCTURE` the IdNat_Struct with its kind, made
    of the two columns before it when the file gives them apart; both may be "".

    Args:
        chunks: the bytes of the .txt file in order.

    Raises:
        TheirProtocolError: the header is not that of an extraction (when the first batch is asked for).

    Source: operators.md 4.4; the shape of columns 6 and 7 is to confirm.
    """
    lines = read_lines(chunks)
    _check_header(header_of(lines, _WHAT))
    yield from in_batches(lines, _row, 2)


def _check_header(header: str) -> None:
    names = fields_of(header)
    for place, wanted in enumerate(COLUMNS):
        found = names[place] if place < len(names) else ""
        if fold(found) != fold(wanted):
            msg = f"{_WHAT} : colonne {place + 1} « {found[:80]} » au lieu de « {wanted} »"
            raise TheirProtocolError(msg)
    if len(names) > len(COLUMNS) and any(names[len(COLUMNS) :]):
        msg = f"{_WHAT} : {len(names)} colonnes au lieu de {len(COLUMNS)}"
        raise TheirProtocolError(msg)


def _row(line: str) -> Row | str:
    """Return the row of a line, or why it has none."""
    fields = fields_of(line)
    if len(fields) != 31:
        if len(fields) != 32 or fields[31]:
            return wrong_count(fields, 31)
        del fields[31]
    kind, address, person, structure = fields[0], fields[1], fields[4], fields[6]
    if kind not in _KINDS:
        return f"type de BAL inconnu : « {kind[:20]} »"
    if _ADDRESS.fullmatch(address) is None or len(address) > ADDRESS_MAX_CHARS or not address.isprintable():
        return "adresse de BAL mal formée"
    if not is_rpps_id(person):
        person = fields[4] = person_id(fields[2], fields[3], person)
        if person and (fault := fault_of_person(person)):
            return fault
    if structure:
        found = structure_id(fields[5], structure)
        if found is None:
            return "identifiant de structure de forme inconnue"
        fields[6] = found
    if (kind == "PER" and not person) or (kind in {"ORG", "APP"} and not structure):
        return f"BAL {kind} sans {'professionnel' if kind == 'PER' else 'structure'}"
    return tuple(fields)


def mailbox_of(row: Row) -> ListedMailbox:
    """Return the mailbox of a row of `read_extraction`."""
    return ListedMailbox(
        address=row[Column.ADDRESS],
        kind=_KINDS[row[Column.KIND]],
        professional=row[Column.PERSON],
        structure=row[Column.STRUCTURE],
        service=row[Column.SERVICE],
        is_paperless=_PAPERLESS.get(row[Column.PAPERLESS].upper()),
    )


def professional_of(row: Row) -> Professional | None:
    """Return the holder that a row of `read_extraction` names, or None."""
    if not row[Column.PERSON]:
        return None
    speciality = Coded(row[Column.SPECIALITY], row[Column.SPECIALITY_LABEL])
    return Professional(
        identifier=row[Column.PERSON],
        civility=row[Column.CIVILITY],
        family=row[Column.FAMILY],
        given=row[Column.GIVEN],
        profession=Coded(row[Column.PROFESSION], row[Column.PROFESSION_LABEL]),
        category=Coded(row[Column.CATEGORY], row[Column.CATEGORY_LABEL]),
        specialities=(speciality,) if speciality.code or speciality.label else (),
    )


def structure_of(row: Row) -> Structure | None:
    """Return the structure that a row of `read_extraction` names, or None."""
    if not row[Column.STRUCTURE]:
        return None
    return Structure(row[Column.STRUCTURE], row[Column.NAME], row[Column.SIGN], address_of(row))


def address_of(row: Row) -> PostalAddress:
    """Return the postal address of a row of `read_extraction`: street joined, town out of "44000 NANTES CEDEX 1"."""
    postcode = row[Column.POSTCODE] or postcode_of(row[Column.LAST_LINE])
    return PostalAddress(
        complement=row[Column.COMPLEMENT],
        distribution=row[Column.DISTRIBUTION],
        street=joined(*row[Column.STREET_NUMBER : Column.LOCALITY]),
        locality=row[Column.LOCALITY],
        postcode=postcode,
        town=town_of(row[Column.LAST_LINE]),
        department=department_of(postcode, row[Column.DEPARTMENT]),
        country=row[Column.COUNTRY],
    )


def extraction_line(mailbox: ListedMailbox, professional: Professional | None, structure: Structure | None) -> bytes:
    """Return the line of a mailbox, with its end; what is on the red list must not be handed in.

    The street stands whole in the name of the way; a separator or a line break within a text becomes a space.
    """
    fields = [""] * len(COLUMNS)
    fields[Column.KIND], fields[Column.ADDRESS] = mailbox.kind.value, mailbox.address
    fields[Column.PERSON_KIND], fields[Column.PERSON_NUMBER] = kind_and_number(mailbox.professional)
    fields[Column.PERSON] = mailbox.professional
    fields[Column.STRUCTURE_KIND], fields[Column.STRUCTURE] = mailbox.structure[:1], mailbox.structure
    fields[Column.SERVICE] = mailbox.service
    if mailbox.is_paperless is not None:
        fields[Column.PAPERLESS] = "O" if mailbox.is_paperless else "N"
    if professional is not None:
        fields[Column.CIVILITY : Column.PAPERLESS] = _person_fields(professional)
    if structure is not None:
        fields[Column.NAME :] = _place_fields(structure)
    line = "|".join(fields)
    if not _is_clean(line):
        line = "|".join([field.translate(_BREAKS).strip() for field in fields])
    return line.encode() + b"\n"


def _is_clean(line: str) -> bool:
    """Tell whether no field holds a separator, a break or a space at its ends; a tenth of a look at each field."""
    spaced = f"|{line}|"
    return line.isprintable() and len(COLUMNS) + 1 == spaced.count("|") and " |" not in spaced and "| " not in spaced


def _person_fields(professional: Professional) -> list[str]:
    speciality = professional.specialities[0] if professional.specialities else Coded()
    return [
        professional.civility,
        professional.family,
        professional.given,
        professional.category.code,
        professional.category.label,
        professional.profession.code,
        professional.profession.label,
        speciality.code,
        speciality.label,
    ]


def _place_fields(structure: Structure) -> list[str]:
    place = structure.address
    street = ["", "", "", place.street]
    last_line = joined(place.postcode, place.town)
    head = [structure.name, structure.sign, place.complement, place.distribution, *street]
    return [*head, place.locality, last_line, place.postcode, place.department, place.country]
