"""When the mailboxes that a staff file does not name may be suspended at once.

Source: users.md 7.1 DSI-5; the guard is that of the directory's import (a truncated file is refused), our choice.
"""

from dataclasses import dataclass
from typing import Final

MOST_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class AbsenceGuard:
    """How much may go at once.

    Attributes:
        most_share: of the mailboxes in service that the file speaks of; one may always go.
    """

    most_share: float = MOST_SHARE


def absence_fault(absent: int, in_scope: int, refused: int, guard: AbsenceGuard) -> str:
    """Return why nobody is suspended, in French with the fix; "" when those absent may be.

    Args:
        absent: mailboxes that no line means.
        in_scope: mailboxes in service of the types and structures of the file.
        refused: lines of which it is not sure whom they mean: their mailboxes look absent and are not.
        guard: the most that may go.
    """
    if not absent:
        return ""
    if refused:
        lines = "une ligne est refusée" if refused == 1 else f"{refused} lignes sont refusées"
        return f"{lines} sans qu'on sache de quelle boîte elles parlent ; corrigez-les avant de suspendre les absentes"
    if absent > max(1.0, guard.most_share * in_scope):
        share = f"{100 * absent / max(in_scope, 1):.0f} % (au plus {100 * guard.most_share:.0f} %)"
        return (
            f"{absent} boîtes sur {in_scope} absentes du fichier, soit {share} : fichier tronqué ? S'il est juste, "
            "relancez avec --absent-max"
        )
    return ""
