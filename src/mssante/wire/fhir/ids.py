r"""The logical id of a resource, made from the national identifier and nothing else.

Source: FHIR R4 datatypes, id: ``[A-Za-z0-9\-.]{1,64}``.
"""

import hashlib
import re
from typing import Final

RESOURCE_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def resource_id(identifier: str) -> str:
    """Return the identifier itself when it may be an id, else ``m-`` and 32 digits of its BLAKE2b.

    Args:
        identifier: IdNat_PS, IdNat_Struct or the identifier of a situation; a person without national number has
            an address in it (operators.md 4.3, kind 10), which may not be an id.
    """
    if RESOURCE_ID.fullmatch(identifier):
        return identifier
    return f"m-{hashlib.blake2b(identifier.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
