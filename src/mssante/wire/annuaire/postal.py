"""Postal lines of the national files: town, postcode and département out of what is printed on an envelope.

Source: operators.md 4.4 (columns 21 to 31: lines L2 to L6 of a French address).
"""

import re
from typing import Final

_POSTCODE: Final = re.compile(r"([0-9]{5})\b *")
_CEDEX: Final = re.compile(r"[ ,\-]+CEDEX(?: *[0-9]{1,2})?$", re.IGNORECASE)
_DEPARTMENTS: Final = frozenset(
    {f"{code:02d}" for code in range(1, 96)}
    | {"2A", "2B"}
    | {f"97{last}" for last in range(1, 9)}
    | {"984", "986", "987", "988"}
)


def town_of(last_line: str) -> str:
    """Return the town of line L6: "44000 NANTES CEDEX 1" gives "NANTES"."""
    return _CEDEX.sub("", _POSTCODE.sub("", last_line, count=1) if last_line[:1].isdigit() else last_line).strip()


def postcode_of(last_line: str) -> str:
    """Return the postcode in front of line L6, or ""."""
    found = _POSTCODE.match(last_line)
    return found[1] if found else ""


def department_of(postcode: str, given: str = "") -> str:
    """Return the code of the département: the one given when it is a code ("44", "2A", "974"), else the postcode's.

    Corsica's postcodes 200 and 201 are 2A, the others 2B; those of the overseas are told by three digits.
    """
    if given in _DEPARTMENTS:
        return given
    if len(postcode) != 5 or not (postcode.isascii() and postcode.isdigit()):
        return ""
    if postcode.startswith("20"):
        return "2A" if postcode[:3] in {"200", "201"} else "2B"
    return postcode[:3] if postcode[:2] in {"97", "98"} else postcode[:2]


def joined(*parts: str) -> str:
    """Return the parts that are not empty with a space between them."""
    return " ".join([part for part in parts if part])
