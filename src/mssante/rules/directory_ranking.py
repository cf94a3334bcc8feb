"""Which entry of the directory comes first, and why: facts in, score and reasons out.

Source: users.md SEC-2 (what tells the right address among several). The weights are our own choice.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.model.directory import Health
from mssante.model.directory_search import Candidate, Past, Scored

RECENT: Final = timedelta(days=30)
GENERAL_NAMES: Final = frozenset(
    ["accueil", "contact", "courrier", "direction", "dim", "dmp", "info", "messagerie", "mss", "mssante", "secretariat"]
)
_EXACT_NAME: Final = 40.0
_WORD: Final[Mapping[str, float]] = {"person": 12.0, "own": 9.0, "work": 7.0, "spot": 6.0, "house": 5.0, "address": 3.0}
_SAID: Final[Mapping[str, str]] = {
    "work": "profession ou spécialité demandée",
    "own": "boîte du service demandé",
    "spot": "au lieu demandé",
    "house": "dans la structure demandée",
    "address": "dans l'adresse",
}
_BEGUN: Final = 0.5
_NEAR: Final = 0.4
_HAS_BOX: Final = 60.0
_SAME_POSTCODE: Final = 5.0
_SAME_DEPARTMENT: Final = 4.0
_DELIVERED: Final = 12.0
_DELIVERED_LONG_AGO: Final = 6.0
_PREFERRED: Final = 3.0
_HAS_LEFT: Final = -15.0
_GENERAL: Final = -4.0
_HEALTH: Final[Mapping[Health, float]] = {
    Health.DEAD: -50.0,
    Health.BOUNCING: -25.0,
    Health.AWAY: -6.0,
    Health.ALIVE: 2.0,
    Health.UNKNOWN: 0.0,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One word that was asked for, with the words of the directory that it was taken for.

    Attributes:
        exact: it stands as it was typed (or is called the same).
        begun: words that begin with it.
        near: words that are one slip away.
    """

    exact: frozenset[str]
    begun: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()


def rank(
    candidates: Sequence[Candidate],
    wanted: Sequence[Wanted],
    *,
    near: str,
    past: Mapping[str, Past],
    now: datetime,
) -> list[Scored]:
    """Return the candidates, the best first; those on the red list are left out.

    Args:
        near: postcode or département of the asker, "".
        past: address in lower case -> what is known of it.
    """
    names = Counter(name for name, _holder in {(one.name, one.holder) for one in candidates if one.name})
    found = [
        _score(one, wanted, near, past.get(one.address.lower(), Past()), now) for one in candidates if not one.is_red
    ]
    alike = {one.number: names[one.name] for one in candidates if one.name}
    found = [_told_apart(one, alike.get(one.number, 0)) for one in found]
    return sorted(found, key=lambda one: (-one.score, one.number))


def is_general(candidate: Candidate) -> bool:
    """Tell whether a box of a structure says nothing of the department that reads it."""
    if candidate.kind != "ORG" or candidate.own:
        return False
    local = candidate.address.lower().partition("@")[0]
    return not local or local in GENERAL_NAMES or local.split(".", 1)[0] in GENERAL_NAMES


def _score(one: Candidate, wanted: Sequence[Wanted], near: str, past: Past, now: datetime) -> Scored:
    score, reasons = _words(one, wanted)
    warnings = []
    if one.address:
        score += _HAS_BOX
    else:
        warnings.append("aucune adresse MSSanté publiée")
    for gain, said in (*_nearness(one, near), *_history(past, now)):
        score += gain
        reasons.append(said)
    if one.rank == 1:
        score += _PREFERRED
        reasons.append("adresse préférée de son titulaire")
    score += _HEALTH[past.health]
    for loss, said in _doubts(one, past):
        score += loss
        warnings.append(said)
    return Scored(one.number, round(score, 2), tuple(reasons), " ; ".join(warnings))


def _words(one: Candidate, wanted: Sequence[Wanted]) -> tuple[float, list[str]]:
    """Score each word by the best place where it stands; say once for each place that it does.

    The hottest loop of a search: a hundred candidates, 6 us each; the places come in the order of their weight.
    """
    name = frozenset(one.name.split())
    held = [("person", name if not one.joined else name.union(one.joined.split()))]
    held += [
        (place, frozenset(text.split()))
        for place, text in (("own", one.own), ("work", one.work), ("spot", one.spot), ("house", one.house))
        if text
    ]
    score, address = 0.0, one.address.lower()
    places: set[str] = set()
    typed: set[str] = set()
    for word in wanted:
        best, where = 0.0, ""
        for place, words in held:
            share = 1.0 if not words.isdisjoint(word.exact) else _looser(words, word)
            if _WORD[place] * share > best:
                best, where = _WORD[place] * share, place
                if share == 1.0:
                    break
        if not where and any(text in address for text in word.exact):
            best, where = _WORD["address"], "address"
        score += best
        places.add(where)
        if where == "person":
            typed |= word.exact & held[0][1]
    reasons = []
    if name and name <= typed:
        score += _EXACT_NAME
        reasons.append("nom et prénom exacts")
    elif "person" in places:
        reasons.append("nom exact" if typed else "nom voisin")
    reasons += [said for place, said in _SAID.items() if place in places]
    return score, reasons


def _looser(words: frozenset[str], word: Wanted) -> float:
    if word.begun and not words.isdisjoint(word.begun):
        return _BEGUN
    return _NEAR if word.near and not words.isdisjoint(word.near) else 0.0


def _nearness(one: Candidate, near: str) -> list[tuple[float, str]]:
    if near and near == one.postcode:
        return [(_SAME_POSTCODE, "même code postal que vous")]
    if near and one.department and (near == one.department or near.startswith(one.department)):
        return [(_SAME_DEPARTMENT, "même département que vous")]
    return []


def _history(past: Past, now: datetime) -> list[tuple[float, str]]:
    if past.delivered_at is None:
        return []
    said = f"vous lui avez écrit le {past.delivered_at:%d/%m/%Y}, message remis"
    return [(_DELIVERED if now - past.delivered_at <= RECENT else _DELIVERED_LONG_AGO, said)]


def _doubts(one: Candidate, past: Past) -> list[tuple[float, str]]:
    found = []
    if one.has_left:
        found.append((_HAS_LEFT, "n'exerce plus dans cette structure selon l'annuaire"))
    if is_general(one):
        found.append((_GENERAL, "boîte générale : le service qui la lit n'est pas indiqué"))
    if past.health is Health.DEAD:
        found.append((0.0, "adresse morte : les derniers messages ont été refusés"))
    elif past.health is Health.BOUNCING:
        found.append((0.0, "les derniers messages n'ont pas été remis"))
    elif past.health is Health.AWAY:
        until = f" avant le {past.away_until:%d/%m/%Y}" if past.away_until is not None else ""
        instead = f", écrivez à {past.instead}" if past.instead else ""
        found.append((0.0, f"absent{until}{instead}"))
    return found


def _told_apart(one: Scored, count: int) -> Scored:
    if count < 2:
        return one
    said = f"{count} réponses portent ce nom : vérifiez la profession, la ville et la structure"
    return Scored(one.number, one.score, one.reasons, f"{one.warning} ; {said}" if one.warning else said)
