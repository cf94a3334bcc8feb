"""What an entry of the directory says, as the values of LDAP attributes: strings, none when there is nothing to say.

Not for their names (see `attributes`).

Source: RFC 4517 section 3.3; RFC 4519; clients.md 4.4 (values returned); decision 0018.
"""

from collections.abc import Callable
from typing import Final

from mssante.model.directory import Entry, ListedMailbox, PostalAddress, Professional, Structure

Getter = Callable[[Entry], tuple[str, ...]]

PERSON_CLASSES: Final = ("top", "person", "organizationalPerson", "inetOrgPerson")
PLACE_CLASSES: Final = ("top", "organization")
BOX_CLASS: Final = "mssBoite"
PROFESSIONAL_CLASS: Final = "mssProfessionnel"
STRUCTURE_CLASS: Final = "mssStructure"


def of_box(get: Callable[[ListedMailbox], str]) -> Getter:
    """Return a getter of what the mailbox says."""

    def values(entry: Entry) -> tuple[str, ...]:
        found = "" if entry.mailbox is None else get(entry.mailbox)
        return (found,) if found else ()

    return values


def of_person(get: Callable[[Professional], str]) -> Getter:
    """Return a getter of what the professional says."""

    def values(entry: Entry) -> tuple[str, ...]:
        found = "" if entry.professional is None else get(entry.professional)
        return (found,) if found else ()

    return values


def of_place(get: Callable[[Structure], str]) -> Getter:
    """Return a getter of what the structure says."""

    def values(entry: Entry) -> tuple[str, ...]:
        found = "" if entry.structure is None else get(entry.structure)
        return (found,) if found else ()

    return values


def _once(*values: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([value for value in values if value]))


def object_classes(entry: Entry) -> tuple[str, ...]:
    """Return the classes of an entry: somebody or a box, else a place, with what it is nationally."""
    is_person = entry.mailbox is not None or entry.professional is not None
    return (
        *(PERSON_CLASSES if is_person else PLACE_CLASSES),
        *(() if entry.mailbox is None else (BOX_CLASS,)),
        *(() if entry.professional is None else (PROFESSIONAL_CLASS,)),
        *(() if entry.structure is None else (STRUCTURE_CLASS,)),
    )


def common_names(entry: Entry) -> tuple[str, ...]:
    """Return the names of a person in both orders, else the box's own words and the structure's names."""
    person, box, place = entry.professional, entry.mailbox, entry.structure
    if person is not None:
        return _once(f"{person.given} {person.family}".strip(), f"{person.family} {person.given}".strip())
    own = () if box is None else (box.description, box.service)
    return _once(*own, *(() if place is None else (place.sign, place.name))) or _once(entry.address)


def surname(entry: Entry) -> tuple[str, ...]:
    """Return the family name; a box of a structure repeats what it is called, since the class wants one."""
    if entry.professional is not None and entry.professional.family:
        return (entry.professional.family,)
    return () if entry.mailbox is None else common_names(entry)[:1]


def display_name(entry: Entry) -> tuple[str, ...]:
    """Return the name to show, with its civility."""
    person = entry.professional
    if person is None:
        return common_names(entry)[:1]
    return (" ".join([part for part in (person.civility, person.given, person.family) if part]),)


def title(entry: Entry) -> tuple[str, ...]:
    """Return the profession and the specialities in words."""
    person = entry.professional
    return () if person is None else _once(person.profession.label, *[one.label for one in person.specialities])


def phone(entry: Entry) -> tuple[str, ...]:
    """Return the numbers of the box and of the place."""
    box, place = entry.mailbox, entry.structure
    return _once("" if box is None else box.phone, "" if place is None else place.phone)


def postal_address(entry: Entry) -> tuple[str, ...]:
    """Return the address in lines.

    Source: RFC 4517 section 3.3.28.
    """
    if entry.structure is None:
        return ()
    at: PostalAddress = entry.structure.address
    lines = [at.complement, at.distribution, at.street, at.locality, f"{at.postcode} {at.town}".strip(), at.country]
    found = [line for line in lines if line]
    said = [line.replace("\\", "\\5C").replace("$", "\\24") for line in (entry.structure.name, *found)]
    return ("$".join(said),) if found else ()


address: Final = of_box(lambda box: box.address)
rank: Final = of_box(lambda box: "" if box.rank is None else str(box.rank))
paperless: Final = of_box(lambda box: "" if box.is_paperless is None else "TRUE" if box.is_paperless else "FALSE")
department: Final = of_place(lambda place: place.address.department)
country: Final = of_place(lambda place: place.address.country)


def changed(entry: Entry) -> tuple[str, ...]:
    """Return when the directory last saw a change."""
    return () if entry.updated_at is None else (entry.updated_at.strftime("%Y%m%d%H%M%SZ"),)


def specialities(entry: Entry) -> tuple[str, ...]:
    """Return the specialities in words."""
    return () if entry.professional is None else _once(*[one.label for one in entry.professional.specialities])


def speciality_codes(entry: Entry) -> tuple[str, ...]:
    """Return the codes of the specialities."""
    return () if entry.professional is None else _once(*[one.code for one in entry.professional.specialities])


def structure_names(entry: Entry) -> tuple[str, ...]:
    """Return the structure's name and sign."""
    return () if entry.structure is None else _once(entry.structure.name, entry.structure.sign)


def structural_class(entry: Entry) -> tuple[str, ...]:
    """Return the class that says what the entry is in the first place."""
    return ("organization" if entry.mailbox is None and entry.professional is None else "inetOrgPerson",)
