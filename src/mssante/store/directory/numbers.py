"""Numbers of the rows of the directory, made from what they are called: the same in each file.

Boxes come first, then professionals, then structures: an engine that gives rows in the order of their numbers gives
what has a mailbox first.
"""

import hashlib
import re
from typing import Final

BOX_BITS: Final = 48
BOX_LIMIT: Final = 1 << BOX_BITS
PERSON_BASE: Final = 1 << 52
PLACE_BASE: Final = 1 << 53
_DIGITS_MAX: Final = 14
_HASHED: Final = 10**15
_ROOM: Final = (1 << 51) - _HASHED
# Odd, large, without a pattern in their bits.
_MIX_PROFESSIONAL: Final = 0x9E3779B97F4A7C15
_MIX_STRUCTURE: Final = 0xC2B2AE3D27D4EB4F
_STAND_IN: Final = re.compile(r"m-[0-9a-f]{32}")


def number_of(identifier: str) -> int:
    """Return the number of a professional, structure or situation, below 2**52; 0 for "".

    Identifiers of up to 14 digits keep them, behind a 1 that saves their zeros; others are hashed. One that cannot be
    an id of FHIR, and the id that stands in its place (``m-`` and 32 digits of the same hash, `mssante.wire.fhir.ids`),
    have the same number.
    """
    if not identifier:
        return 0
    if len(identifier) <= _DIGITS_MAX and identifier.isascii() and identifier.isdigit():
        return int(f"1{identifier}")
    if _STAND_IN.fullmatch(identifier):
        return _HASHED + int(identifier[2:18], 16) % _ROOM
    return _HASHED + _hashed(identifier) % _ROOM


def situation_id(professional: str, structure: str) -> str:
    """Return the identifier of the situation of a professional in a structure."""
    return f"{professional}-{structure}"


def number_of_situation(professional: int, structure: int) -> int:
    """Return the number of a situation, from those of its two sides; a tenth of what hashing its identifier takes."""
    return _HASHED + (professional * _MIX_PROFESSIONAL ^ structure * _MIX_STRUCTURE) % _ROOM


def number_of_identified_situation(identifier: str) -> int:
    """Return the number of a situation by the identifier that `situation_id` made; 0 for one that it never makes."""
    professional, dash, structure = identifier.rpartition("-")
    return number_of_situation(number_of(professional), number_of(structure)) if dash else 0


def number_of_box(address_key: str) -> int:
    """Return the first number to try for a mailbox, from 1; another address may have it already: then the next."""
    return 1 + _hashed(address_key) % (BOX_LIMIT - 2)


def box_number(address: str, professional: int, structure: int) -> int:
    """Return the number of a mailbox line: an address may stand on several lines, with other holders or places."""
    return number_of_box(f"{address.lower()}|{professional}|{structure}")


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode()).digest()[:8])
