"""Names of folders as a reader sees them: his own at the top, those of other boxes under "Autres boîtes".

Source: RFC 9051 section 5.1 (names in normal form C); RFC 2342.
"""

import unicodedata
from typing import Final

from mssante.model.decision import Kind, Refusal

SEPARATOR: Final = "/"
OTHERS: Final = "Autres boîtes"
INBOX: Final = "INBOX"
NAME_MAX_BYTES: Final = 255
DEPTH_MAX: Final = 16
FOLDERS_MAX: Final = 2000
"""Most folders of one mailbox."""
SUBSCRIPTIONS_MAX: Final = 4000
"""Most names that one account has chosen to see or not to see."""


def split_name(name: str) -> tuple[str | None, str]:
    """Return the address that a full name points to (None: the box that was opened) and the folder in it."""
    name = unicodedata.normalize("NFC", name)
    if name == OTHERS or name.startswith(OTHERS + SEPARATOR):
        address, _, folder = name[len(OTHERS) + 1 :].partition(SEPARATOR)
        return address, _inbox(folder)
    return None, _inbox(name)


def full_name(address: str | None, folder: str) -> str:
    """Return the name of a folder as the reader sees it."""
    return folder if address is None else SEPARATOR.join((OTHERS, address, folder))


def judge_name(folder: str) -> Refusal | None:
    """Return the refusal of a new folder's name, or None."""
    levels = folder.split(SEPARATOR)
    if not all(level.strip() for level in levels):
        return _bad("Empty name or level", "ne peut pas avoir de niveau vide")
    if len(folder.encode()) > NAME_MAX_BYTES or len(levels) > DEPTH_MAX:
        return _bad("Name too long or too deep", f"ne peut dépasser {NAME_MAX_BYTES} octets et {DEPTH_MAX} niveaux")
    if not folder.isprintable() or "%" in folder or "*" in folder:
        return _bad("Control or wildcard character in name", "contient un caractère interdit")
    if levels[0] == OTHERS:
        return _bad("That name is taken by the server", "est réservé")
    return None


def levels_above(name: str) -> list[str]:
    """Return the names that stand above one, the highest first."""
    levels = name.split(SEPARATOR)
    return [SEPARATOR.join(levels[:count]) for count in range(1, len(levels))]


def too_many_subscriptions() -> Refusal:
    """Return the refusal of one choice too many."""
    return Refusal(
        Kind.TOO_MANY_FOLDERS,
        "subscriptions",
        "Too many subscriptions",
        french=f"Vous suivez déjà {SUBSCRIPTIONS_MAX} dossiers : n'en suivez plus certains.",
    )


def _inbox(folder: str) -> str:
    head, slash, rest = folder.partition(SEPARATOR)
    return INBOX + slash + rest if head.upper() == INBOX else folder


def _bad(public: str, french: str) -> Refusal:
    return Refusal(
        Kind.FOLDER_NAME, "folder-name", public, french=f"Ce nom de dossier {french} : choisissez-en un autre."
    )
