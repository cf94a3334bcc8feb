"""Which address somebody gets: the written rule of local parts and of homonyms.

The rule, as docs and the command line tell it:

1. ``prenom.nom``: small letters, no accents, no apostrophes.
2. The parts of a compound given name and of a family name of several words have a hyphen between them
   (``jean-pierre.martin-dupont``); a particle is written together with the word after it (``anne.delafontaine``).
3. Of several given names with commas between them the first one counts.
4. When the address was ever given: ``prenom.nom2``, then ``prenom.nom3`` and so on; a closed one is never given again.
5. Whoever has a mailbox of that domain keeps it: the number RPPS, else the hospital's own, says who it is. A hospital
   gives its numbers again: where only its own says so, the name must be the same too.

Source: operators.md 1.4 (the usual local part is prenom.nom), 5 (no re-use), 11 U15 (grammar and homonyms: our choice).
"""

import re
from collections.abc import Iterator
from typing import Final

from mssante.model.folding import fold

LOCAL_MAX_CHARS: Final = 60
"""Four less than RFC 5321 section 4.5.3.1.1 allows, for the number of a homonym."""
HOMONYMS_MAX: Final = 999

_PARTICLE: Final = re.compile(
    r"d|de|du|des|da|di|do|dos|del|della|l|la|le|les|el|al|ben|ibn|van|von|der|den|ten|ter|zu|mac|mc|o"
)
_CIVILITIES: Final = frozenset({"dr", "docteur", "pr", "professeur", "m", "mr", "mme", "mlle"})
_FIRST: Final = re.compile(r"[,;/]")


def local_part(given: str, family: str) -> str:
    """Return ``prenom.nom`` by the written rule; "" when one of the two has no letter that an address can hold."""
    first = "-".join(_words(_FIRST.split(given.strip(), maxsplit=1)[0]))
    last = "-".join(_with_particles(_words(family)))
    if not first or not last:
        return ""
    last = last[: LOCAL_MAX_CHARS - 2].rstrip("-")
    first = first[: LOCAL_MAX_CHARS - 1 - len(last)].rstrip("-")
    return f"{first}.{last}"


def service_part(name: str) -> str:
    """Return the local part of a team or a service from its name: ``secretariat-de-cardiologie``; "" for no letter."""
    return "-".join(_words(name))[:LOCAL_MAX_CHARS].rstrip("-")


def candidates(local: str) -> Iterator[str]:
    """Return the local parts to try, in order: as it is, then with 2, 3 and so on."""
    yield local
    for number in range(2, HOMONYMS_MAX + 1):
        yield f"{local}{number}"


def split_holder(holder: str) -> tuple[str, str, str]:
    """Return civility, family name and given name of a holder as shown to others: ``Dr Claire DE LA TOUR``.

    Words in capitals at the end are the family name; without any, the last word is.
    """
    words = holder.split()
    civility = words.pop(0) if words and words[0].strip(".").casefold() in _CIVILITIES else ""
    start = len(words)
    while start and words[start - 1].isupper():
        start -= 1
    start = min(start, len(words) - 1) if words else 0
    return civility.strip(".").upper(), " ".join(words[start:]), " ".join(words[:start])


def civility(holder: str) -> str:
    """Return the civility that a holder's name begins with, as it is written, or ""."""
    first = holder.split(maxsplit=1)[0] if holder.strip() else ""
    return first if first.strip(".").casefold() in _CIVILITIES else ""


def is_same_name(one: str, other: str) -> bool:
    """Tell whether two holders as shown to others have the same name, but for civility, accents and case.

    Second given names behind a comma do not count, as in rule 3.
    """
    bare = fold(one.removeprefix(civility(one)))
    if bare and bare == fold(other.removeprefix(civility(other))):
        return True
    (_one, *names), (_other, *others) = split_holder(one), split_holder(other)
    local = local_part(names[1], names[0])
    return bool(local) and local == local_part(others[1], others[0])


def _words(text: str) -> list[str]:
    """Return the words of a name as an address can hold them: a to z and digits only."""
    return [word for word in fold(text).split() if word.isascii()]


def _with_particles(words: list[str]) -> list[str]:
    """Return the words with each particle joined to what follows it."""
    joined: list[str] = []
    pending = ""
    for word in words:
        pending += word
        if not _PARTICLE.fullmatch(word):
            joined.append(pending)
            pending = ""
    return [*joined, pending] if pending else joined
