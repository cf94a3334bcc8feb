"""Which national identifier the holder of each type of mailbox has, and whether it is well-formed."""

from typing import Final

from mssante.model.address import Address
from mssante.model.mailbox import MailboxType
from mssante.model.national import is_finess, is_ins, is_rpps, is_siret

_RPPS_PREFIX: Final = "8"
_FINESS_PREFIX: Final = "1"
_SIRET_PREFIX: Final = "3"


def identifier_fault(kind: MailboxType, address: Address, identifier: str) -> str:
    """Return what is wrong with the identifier of a new mailbox, in French with the fix; "" when nothing is.

    Identifiers are taken with or without the digit of their national type; a professional without a national number
    has none here. The citizen's identity is the address itself and is never repeated as an identifier.

    Source: operators.md 1.3 (holder of each type), 1.4 (citizen's address), 4.3 (IdNat_PS, IdNat_Struct).
    """
    if kind is MailboxType.CITIZEN:
        return _citizen_fault(address, identifier)
    if not identifier:
        return ""
    if kind in {MailboxType.PER, MailboxType.CAB}:
        if is_rpps(_without(_RPPS_PREFIX, identifier, 11)):
            return ""
        return f"{identifier} n'est pas un RPPS (11 chiffres, clé de contrôle comprise) ; vérifiez la saisie"
    if is_finess(_without(_FINESS_PREFIX, identifier, 9)) or is_siret(_without(_SIRET_PREFIX, identifier, 14)):
        return ""
    return (
        f"{identifier} n'est ni un FINESS (9 caractères) ni un SIRET (14 chiffres) dont la clé de contrôle est juste ; "
        "vérifiez la saisie"
    )


def _citizen_fault(address: Address, identifier: str) -> str:
    if identifier:
        return "l'identité d'un usager est son adresse ; ne la donnez pas une seconde fois"
    if not is_ins(address.local):
        return "l'adresse d'un usager commence par son matricule INS (15 caractères, clé comprise) ; vérifiez la saisie"
    return ""


def _without(prefix: str, identifier: str, length: int) -> str:
    """Return the number without the digit of its national type, when it has it."""
    return identifier[1:] if len(identifier) == length + 1 and identifier.startswith(prefix) else identifier
