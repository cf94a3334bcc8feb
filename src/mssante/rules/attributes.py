"""Which attributes a mailbox of each type may have in the directory, and how long they may be.

Source: operators.md 4.2 (fields of each type), 4.3 (identifiers of structures).
"""

from typing import Final

from mssante.model.mailbox import MailboxType
from mssante.model.national import is_finess, is_siret
from mssante.model.publication import Listing

SERVICE_MAX_CHARS: Final = 90
DESCRIPTION_MAX_CHARS: Final = 75
RESPONSIBLE_MAX_CHARS: Final = 45
PHONE_MAX_CHARS: Final = 25
LOCAL_ID_MAX_CHARS: Final = 40
RANK_MAX: Final = 99

PLACES: Final = frozenset({MailboxType.ORG, MailboxType.APP})
"""Types that belong to a structure."""
DESCRIBED: Final = PLACES | {MailboxType.CAB}
"""Types that have a description and somebody who is responsible."""


def listing_fault(kind: MailboxType, listing: Listing) -> str:
    """Return what is wrong with the attributes for that type, in French with the fix; "" when nothing is.

    Source: operators.md 4.2 (which type has which; lengths are inferred there); clients.md 10 (the interface lets a CAB
        have a responsible person too).
    """
    bounded = (
        ("le service", listing.service, SERVICE_MAX_CHARS),
        ("la description", listing.description, DESCRIPTION_MAX_CHARS),
        ("le responsable", listing.responsible, RESPONSIBLE_MAX_CHARS),
        ("le téléphone", listing.phone, PHONE_MAX_CHARS),
        ("le matricule", listing.local_id, LOCAL_ID_MAX_CHARS),
    )
    for what, text, most in bounded:
        if len(text) > most or not text.isprintable():
            return f"{what} doit tenir en {most} caractères, sur une ligne"
    if listing.rank is not None and not 1 <= listing.rank <= RANK_MAX:
        return f"le rang va de 1 (boîte préférée) à {RANK_MAX}"
    if (listing.description or listing.responsible) and kind not in DESCRIBED:
        return f"une boîte {kind.value} n'a ni description ni responsable ; seules ORG, APP et CAB en ont"
    if listing.service and kind not in PLACES:
        return f"une boîte {kind.value} n'a pas de service ; seules ORG et APP en ont un"
    if kind is MailboxType.CITIZEN and listing != Listing():
        return "une boîte USAGER n'est dans aucun annuaire ; retirez ces options"
    if listing.structure and kind is not MailboxType.PER:
        return "la structure se donne pour une boîte PER ; celle d'une boîte ORG ou APP est son identifiant"
    if listing.structure and not structure_identifier(listing.structure):
        return f"{listing.structure} n'est ni un FINESS (9 caractères) ni un SIRET (14 chiffres) juste ; vérifiez-le"
    return ""


def structure_identifier(number: str) -> str:
    """Return IdNat_Struct of a FINESS or SIRET number, with or without the digit of its type; "" for anything else.

    Source: operators.md 4.3 (1 FINESS, 3 SIRET).
    """
    for prefix, is_sound, length in (("1", is_finess, 9), ("3", is_siret, 14)):
        bare = number[1:] if len(number) == length + 1 and number.startswith(prefix) else number
        if is_sound(bare):
            return prefix + bare.upper()
    return ""
