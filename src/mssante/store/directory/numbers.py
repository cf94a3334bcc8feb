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


def number_of_box(address_key: str) -> int:
    """Return the first number to try for a mailbox, from 1; another address may have it already: then the next."""
    return 1 + _hashed(address_key) % (BOX_LIMIT - 2)


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode()).digest()[:8])
