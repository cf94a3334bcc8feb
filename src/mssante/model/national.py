"""National identifiers: shape and check digits.

Source: operators.md 4.3 (IdNat_Struct, IdNat_PS), 1.4 (INS matricule).
"""

from typing import Final

RPPS_DIGITS: Final = 11
ADELI_DIGITS: Final = 9
FINESS_DIGITS: Final = 9
SIRET_DIGITS: Final = 14
INS_CHARS: Final = 15

_CORSICA: Final = {"2A": "19", "2B": "18"}


def luhn_is_valid(digits: str) -> bool:
    """Tell whether the last digit is the Luhn key of those before it; False when it is not all ASCII digits."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def with_luhn(digits: str) -> str:
    """Return the digits with their Luhn key added."""
    return next(f"{digits}{key}" for key in range(10) if luhn_is_valid(f"{digits}{key}"))


def is_rpps(text: str) -> bool:
    """Tell whether it is an RPPS number: 11 digits, the last one a Luhn key."""
    return len(text) == RPPS_DIGITS and luhn_is_valid(text)


def practitioner_number(national_id: str) -> str:
    """Return the number of a professional without the digit in front that says of which directory it is.

    Args:
        national_id: 8 and an RPPS number, or 0 and an ADELI number; anything else comes back as it is.

    Source: clients.md 4.2 and 7.1 (national id: 0 and ADELI, 8 and RPPS).
    """
    is_national = national_id.isascii() and national_id.isdigit()
    if is_national and (
        (national_id[0] == "8" and len(national_id) == 1 + RPPS_DIGITS)
        or (national_id[0] == "0" and len(national_id) == 1 + ADELI_DIGITS)
    ):
        return national_id[1:]
    return national_id


def is_siret(text: str) -> bool:
    """Tell whether it is a SIRET number: 14 digits, the last one a Luhn key."""
    return len(text) == SIRET_DIGITS and luhn_is_valid(text)


def is_finess(text: str) -> bool:
    """Tell whether it is a FINESS number: 9 characters, department 2A or 2B allowed, the last one a Luhn key.

    The letter of a Corsican number counts as 0 in the key (our choice; the national rule was not found).
    """
    if len(text) != FINESS_DIGITS or not text.isascii():
        return False
    plain = text.upper()
    if plain[:2] in {"2A", "2B"}:
        plain = f"20{plain[2:]}"
    return luhn_is_valid(plain)


def ins_key(thirteen: str) -> str:
    """Return the two-digit key of the first 13 characters of an INS matricule.

    Raises:
        ValueError: they are not digits, 2A and 2B in the department excepted.

    Source: INSEE number: 97 - (number mod 97), 2A counts as 19 and 2B as 18.
    """
    department = _CORSICA.get(thirteen[5:7].upper(), thirteen[5:7])
    return f"{97 - int(thirteen[:5] + department + thirteen[7:]) % 97:02d}"


def is_ins(text: str) -> bool:
    """Tell whether it is an INS matricule: 13 characters and their key."""
    if len(text) != INS_CHARS or not text.isascii():
        return False
    digits = text[:5] + _CORSICA.get(text[5:7].upper(), text[5:7]) + text[7:]
    return digits.isdigit() and ins_key(text[:13]) == text[-2:]
