"""Numbers with right keys that were given to nobody: their serial parts stand in ranges that are not in use.

Telephone numbers are of the ranges that the regulator keeps for fiction (ARCEP 2018-0881).

Source: operators.md 4.3; model.national (Luhn keys).
"""

from typing import Final

RPPS_MOST: Final = 10_000_000
FINESS_MOST: Final = 100_000

_STEP: Final = 7_919_431  # prime to ten million: every serial number comes once
_PHONES: Final = {"1": "019900", "2": "026191", "3": "035301", "4": "046571", "5": "053649"}


def _sums() -> list[int]:
    """Return, for each number of four digits, its share of a Luhn sum when its last digit counts twice."""
    table: list[int] = []
    for number in range(10_000):
        total = 0
        for place, char in enumerate(reversed(f"{number:04d}")):
            digit = int(char) * (1 if place % 2 else 2)
            total += digit - 9 if digit > 9 else digit
        table.append(total)
    return table


_SUMS: Final = _sums()


def rpps(index: int) -> str:
    """Return an RPPS number for each index below ten million, never the same for two.

    Real ones begin with 100 or 101; these begin with 109.
    """
    serial = (index * _STEP + 1_234_567) % RPPS_MOST
    total = 1 + _SUMS[9_000 + serial // 10_000] + _SUMS[serial % 10_000]
    return f"109{serial:07d}{-total % 10}"


def finess(department: str, index: int, *, legal: bool = False) -> str:
    """Return a FINESS number in a département for each index below a hundred thousand: of a place, or a legal person.

    The letter of a Corsican number counts as 0 (see model.national).
    """
    head = department[:2]
    serial = (800_000 if legal else 900_000) + index % FINESS_MOST
    body = int(head.replace("A", "0").replace("B", "0")) * 1_000_000 + serial
    return f"{head}{serial}{-(_SUMS[body // 10_000] + _SUMS[body % 10_000]) % 10}"


def siret(index: int) -> str:
    """Return a SIRET number: the first establishment of a SIREN that begins with 99."""
    serial = index % 1_000_000
    high = 9_900 + serial // 10_000
    siren = f"{high}{serial % 10_000:04d}{-(_SUMS[high] + _SUMS[serial % 10_000]) % 10}"
    # Of the nine digits and 0001, the first is in the place of one that counts twice: 9 gives 9.
    total = 9 + _SUMS[int(siren[1:5])] + _SUMS[int(siren[5:])] + _SUMS[1]
    return f"{siren}0001{-total % 10}"


def phone(department: str, number: int) -> str:
    """Return a telephone number of the zone, in the range for fiction."""
    zone = _ZONES.get(department[:2], "1")
    return f"{_PHONES[zone]}{number % 10_000:04d}"


_ZONES: Final = {
    department: zone
    for zone, departments in {
        "1": "75 77 78 91 92 93 94 95",
        "2": "14 18 22 27 28 29 35 36 37 41 44 45 49 50 53 56 61 72 76 85 97 98",
        "3": "02 08 10 21 25 39 51 52 54 55 57 58 59 60 62 67 68 70 71 80 88 89 90",
        "4": "01 03 04 05 06 07 11 13 15 26 2A 2B 30 34 38 42 43 48 63 66 69 73 74 83 84",
        "5": "09 12 16 17 19 23 24 31 32 33 40 46 47 64 65 79 81 82 86 87",
    }.items()
    for department in departments.split()
}
