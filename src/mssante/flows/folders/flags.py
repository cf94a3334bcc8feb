"""Flags and keywords: which are allowed, and how a command changes them.

Source: RFC 9051 sections 2.3.2 and 6.4.6; RFC 4314 section 4; RFC 7162 section 3.1.3.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from mssante.flows.folders.boxes import Spot
from mssante.flows.folders.values import Stored
from mssante.model.decision import Kind, Refusal
from mssante.model.message import Change
from mssante.rules.access import storable
from mssante.store import folders
from mssante.store.tx import Tx

SYSTEM: Final = ("\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen")
KEYWORD_MAX_BYTES: Final = 50
KEYWORDS_MAX: Final = 32
"""Most keywords of one message."""
FOLDER_KEYWORDS_MAX: Final = 100
"""Most different keywords that STORE makes in one folder: programs are told the list of them at each SELECT."""
_SPELT: Final = {flag.casefold(): flag for flag in SYSTEM}


def spelt(flags: Iterable[str]) -> frozenset[str]:
    r"""Return flags as they are stored: the system's in one spelling, without \Recent, which nobody sets."""
    return frozenset(_SPELT.get(flag.casefold(), flag) for flag in flags if flag.casefold() != "\\recent")


def judge_flags(flags: Iterable[str]) -> Refusal | None:
    """Return the refusal of flags that cannot be kept, or None."""
    flags = tuple(flags)
    keywords = [flag for flag in flags if not flag.startswith("\\")]
    unknown = [flag for flag in flags if flag.startswith("\\") and flag.casefold() not in {*_SPELT, "\\recent"}]
    if unknown or len(keywords) > KEYWORDS_MAX or any(not _is_keyword(word) for word in keywords):
        return Refusal(
            Kind.PARAMETER_UNKNOWN,
            "flags",
            "Flags that cannot be kept",
            french=f"Un mot-clé a au plus {KEYWORD_MAX_BYTES} caractères, un message au plus {KEYWORDS_MAX} mots-clés.",
        )
    return None


def judge_new_keywords(flags: Iterable[str], known: Iterable[str]) -> Refusal | None:
    """Return the refusal of one keyword too many for a folder, or None.

    Args:
        flags: to be set.
        known: the flags of each message there, separated by spaces.
    """
    words = {flag for flag in flags if not flag.startswith("\\")}
    if not words:
        return None
    there = {word for text in set(known) for word in text.split() if not word.startswith("\\")}
    if words <= there or len(words | there) <= FOLDER_KEYWORDS_MAX:
        return None
    return Refusal(
        Kind.PARAMETER_UNKNOWN,
        "flags",
        "Too many keywords in this mailbox",
        french=f"Un dossier a au plus {FOLDER_KEYWORDS_MAX} mots-clés différents.",
    )


async def changed_flags(
    tx: Tx, spot: Spot, uids: Sequence[int], mode: str, flags: frozenset[str], unchanged_since: int | None
) -> tuple[Stored, tuple[Change, ...]] | Refusal:
    """Change the flags of messages under one modification number; return what became of each."""
    allowed = storable(spelt(flags), spot.rights)
    if not spot.rights & set("swt"):
        return Refusal(Kind.RIGHTS_MISSING, "rights", "You may not change flags here")
    wanted: list[tuple[int, frozenset[str], frozenset[str]]] = []
    same: list[tuple[int, str, int]] = []
    modified: list[int] = []
    rows = await folders.flags_at(tx, spot.folder.folder_id, uids)
    for uid in uids:
        row = rows.get(uid)
        if row is None:
            continue
        if unchanged_since is not None and row[1] > unchanged_since:
            modified.append(uid)
            continue
        before = frozenset(row[0].split())
        after = _after(before, mode, allowed, spot.rights)
        if len([flag for flag in after if not flag.startswith("\\")]) > KEYWORDS_MAX:
            return judge_flags(after) or Refusal(Kind.PARAMETER_UNKNOWN, "flags", "Too many keywords")
        if after == before:
            same.append((uid, *row))
        else:
            wanted.append((uid, before, after))
    changes, changed = await folders.set_flags_many(tx, spot.folder.folder_id, wanted)
    return Stored(tuple(sorted([*changed, *same])), tuple(modified)), changes


def _after(before: frozenset[str], mode: str, flags: frozenset[str], rights: frozenset[str]) -> frozenset[str]:
    if mode == "+":
        return before | flags
    if mode == "-":
        return before - flags
    # What the rights do not let one change stays as it was.
    return flags | (before - storable(before, rights))


def _is_keyword(word: str) -> bool:
    plain = word.isascii() and word.isprintable() and not set(word) & set(' (){%*"]\\')
    return plain and 0 < len(word) <= KEYWORD_MAX_BYTES
