"""Whether a store may be opened: not while it is the unfinished copy of another one, nor once it has moved elsewhere.

Two stores of one operator that both work would each accept mail that the other never sees.

Source: reliability.md K18, H25; see `mssante.store.copying`.
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.errors import StoreError

ARRIVING: Final = "arriving"
LEFT: Final = "left"
ASKED: Final = "SELECT state, other FROM copying"
"""The question, the same on each engine; no row: it is in service."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Why a store cannot be opened."""

    state: str
    other: str


def check_in_service(name: str, moving: Moving | None, *, is_copy: bool = False) -> None:
    """Do nothing for a store that may be opened.

    Args:
        name: of the store, for the error.
        is_copy: an unfinished copy is what is wanted.

    Raises:
        StoreError: it may not.
    """
    if moving is None or (is_copy and moving.state == ARRIVING):
        return
    if moving.state == ARRIVING:
        fix = "finissez-la avec `mssante store copy ... --final`, ou recommencez dans une base ou un dossier vide"
        msg = f"{name} est la copie inachevée de {moving.other} : {fix}"
    else:
        msg = f"{name} a été déplacé vers {moving.other} : prenez la configuration de celui-ci"
    raise StoreError(msg)
