"""National identifiers as the files write them: IdNat_PS of a person, IdNat_Struct of a structure.

Source: operators.md 4.3 (kinds in front of the number).
"""

import re
from typing import Final

from mssante.model.national import practitioner_number

RPPS_KIND: Final = "8"

# Public files write the kind as a digit; its name is taken too (source: to confirm, the column is not documented).
_PERSON_KINDS: Final = {"RPPS": "8", "ADELI": "0", **{kind: kind for kind in ("0", "1", "3", "4", "5", "6", "8", "10")}}
_STRUCTURE_KINDS: Final = {
    "ADELI": "0",
    "FINESS": "1",
    "SIRET": "3",
    "RPPS-RANG": "4",
    "RPPS RANG": "4",
    **{kind: kind for kind in ("0", "1", "3", "4")},
}
_PERSON: Final = re.compile(r"0[0-9AB]{9}|10[^\s@|]{1,64}@[^\s@|]{1,189}|[13456][0-9A-Za-z/._\-]{3,60}")
_STRUCTURE: Final = re.compile(r"0[0-9A-Z]{9,14}|1[0-9][0-9AB][0-9]{7}|3[0-9]{14}|4[0-9]{14}")
_BARE: Final = {
    "0": re.compile(r"[0-9A-Z]{9,14}"),
    "1": re.compile(r"[0-9][0-9AB][0-9]{7}"),
    "3": re.compile(r"[0-9]{14}"),
    "4": re.compile(r"[0-9]{14}"),
}


def _luhn_table(doubled: int, length: int) -> dict[str, int]:
    """Return the share of some digits in a Luhn sum.

    Args:
        doubled: 0 when the first of them counts twice, then every second one; 1 when the second does.
    """
    table: dict[str, int] = {}
    for number in range(10**length):
        digits = f"{number:0{length}d}"
        values = [int(char) * (2 if place % 2 == doubled else 1) for place, char in enumerate(digits)]
        table[digits] = sum(value - 9 if value > 9 else value for value in values)
    return table


# Millions of lines: three digits at a time is seven times as fast as `model.national.is_rpps`, which says the same.
_ODD: Final = _luhn_table(1, 3)
_EVEN: Final = _luhn_table(0, 3)
_LAST: Final = _luhn_table(0, 2)


def is_rpps_id(identifier: str) -> bool:
    """Tell whether it is an IdNat_PS of kind RPPS: 8, then 11 digits of which the last is a Luhn key."""
    if len(identifier) != 12 or identifier[0] != RPPS_KIND:
        return False
    try:
        total = _ODD[identifier[1:4]] + _EVEN[identifier[4:7]] + _ODD[identifier[7:10]] + _LAST[identifier[10:]]
    except KeyError:
        return False
    return total % 10 == 0


def fault_of_person(identifier: str) -> str:
    """Return, in French, what is wrong with an IdNat_PS, or "" when it may stand."""
    if is_rpps_id(identifier) or (identifier[:1] != RPPS_KIND and _PERSON.fullmatch(identifier)):
        return ""
    if not identifier:
        return "professionnel sans identifiant"
    if identifier[:1] == RPPS_KIND:
        return "numéro RPPS faux : 8, puis 11 chiffres dont le dernier est la clé"
    return "identifiant national du professionnel de forme inconnue"


def person_id(kind: str, number: str, national: str) -> str:
    """Return the IdNat_PS of a line: as it gives it, else made of kind and number; "" when it gives neither."""
    if national or not number:
        return national
    return _PERSON_KINDS.get(kind.upper(), kind) + number


def structure_id(kind: str, number: str) -> str | None:
    """Return the IdNat_Struct of a kind and a number, which may begin with it already; None: of no known shape.

    Args:
        kind: digit or name of the kind, or "": the length of the number tells it.
    """
    code = _STRUCTURE_KINDS.get(kind.upper(), kind)
    if number[:1] == code and _STRUCTURE.fullmatch(number):
        return number
    bare = _BARE.get(code)
    if bare is not None:
        return code + number if bare.fullmatch(number) else None
    if code:
        return None
    if _BARE["1"].fullmatch(number):
        return f"1{number}"
    if _BARE["3"].fullmatch(number):
        return f"3{number}"
    return number if _STRUCTURE.fullmatch(number) else None


def is_structure_id(identifier: str) -> bool:
    """Tell whether it has the shape of an IdNat_Struct: its kind, then its number."""
    return _STRUCTURE.fullmatch(identifier) is not None


def kind_and_number(identifier: str) -> tuple[str, str]:
    """Return kind and number of an IdNat_PS; ("", "") for ""."""
    number = practitioner_number(identifier)
    if number != identifier or not identifier:
        return (identifier[:1], number) if identifier else ("", "")
    width = 2 if "@" in identifier else 1
    return identifier[:width], identifier[width:]
