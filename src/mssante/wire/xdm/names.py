"""Which names of entries an archive may have: nothing that could reach outside it, hide, or be two things at once.

Nothing is ever written to disk under these names; they are refused all the same, because others' programs may.

Source: reliability.md C06; ISO 9660 level 1 (clients.md 5.5).
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from mssante.model.errors import TheirProtocolError

NAME_MAX_BYTES: Final = 255
DEPTH_MAX: Final = 8

_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
# Controls, invisible and direction characters, line separators, lone surrogates, private use.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def refused(name: str, why: str) -> TheirProtocolError:
    """Return the error that refuses an archive for one of its entries."""
    shown = "".join(char if char.isprintable() else "?" for char in name[:80])
    return TheirProtocolError(f"archive refusée : entrée « {shown} » : {why}")


def folded(name: str) -> str:
    """Return the form under which two names are the same to some file system."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def check_name(name: str, raw_bytes: int) -> None:
    """Refuse a name of an entry that is not a plain relative path.

    Args:
        name: folders apart by "/", a last "/" for a folder.
        raw_bytes: length as written in the archive.

    Raises:
        TheirProtocolError: why, in French.
    """
    if raw_bytes > NAME_MAX_BYTES:
        raise refused(name, f"nom de {raw_bytes} octets, plus que {NAME_MAX_BYTES}")
    _check_path(name, name)
    plain = unicodedata.normalize("NFKC", name)
    if plain != name:
        _check_path(plain, name)
        if plain.count("/") != name.count("/"):
            raise refused(name, "caractère qui se lit comme une barre oblique")


def _check_path(path: str, name: str) -> None:
    if not path.strip("/"):
        raise refused(name, "nom vide")
    if "\\" in path:
        raise refused(name, "barre oblique inverse dans le nom")
    if ":" in path:
        raise refused(name, "lettre de lecteur ou deux-points dans le nom")
    if path.startswith("/"):
        raise refused(name, "chemin absolu")
    if any(unicodedata.category(char) in _HIDDEN for char in path):
        raise refused(name, "caractère de contrôle ou invisible dans le nom")
    parts = path.removesuffix("/").split("/")
    if len(parts) > DEPTH_MAX:
        raise refused(name, f"plus de {DEPTH_MAX} dossiers imbriqués")
    for part in parts:
        _check_part(part, name)


def _check_part(part: str, name: str) -> None:
    if part in {"", ".", ".."}:
        raise refused(name, "chemin qui sort de l'archive ou qui n'est pas simple")
    if part[-1] in " .":
        raise refused(name, "nom terminé par une espace ou un point")
    if part[0] == " ":
        raise refused(name, "nom commençant par une espace")
    if _DEVICE.fullmatch(part):
        raise refused(name, "nom réservé à un périphérique")


def check_apart(names: Iterable[str]) -> None:
    """Refuse names of which two are the same to some file system, or of which one is a file and a folder.

    Raises:
        TheirProtocolError: names one of them.
    """
    seen: set[str] = set()
    files: set[str] = set()
    folders: set[str] = set()
    for name in names:
        key = folded(name.removesuffix("/"))
        if key in seen:
            raise refused(name, "deux entrées portent ce nom (casse et accents confondus)")
        seen.add(key)
        if not name.endswith("/"):
            files.add(key)
        above = key.split("/")[:-1]
        folders.update("/".join(above[:end]) for end in range(1, len(above) + 1))
    both = files & folders
    if both:
        raise refused(min(both), "à la fois fichier et dossier")
