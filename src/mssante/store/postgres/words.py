"""The words of a text for an engine that cannot find them itself, as FTS5 does (unicode61, remove_diacritics 2).

A folded text is its words in lower case without accents, with one space before, between and after them: words that
follow each other are then a piece of text.

Source: decision 0016.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from mssante.store.tx import Value

WORD_MAX_CHARS: Final = 100
"""Longer words are looked for by their beginning, then compared whole in the text."""
_BETWEEN: Final = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Return the folded text: "L'Été, déjà" gives " l ete deja "; "" when there is no word."""
    if not text.isascii():
        parts = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", "".join([char for char in parts if not unicodedata.combining(char)]))
    folded = _BETWEEN.sub(" ", text.lower()).strip()
    return f" {folded} " if folded else ""


def to_add(params: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return the parameters of ``add_text`` with the words to index, and the texts folded."""
    box = _number(params)
    header, text = fold(str(params["header"])), fold(str(params["text"]))
    found = " ".join([f"{box}:{word}" for word in _distinct(header + text)])
    return {**params, "header": header, "text": text, "words": found}


def to_search(params: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return the parameters of ``search_text`` with what asks for every word, the last one begun at least.

    ``phrase`` is the piece that a folded text holds when it has these words in this order; a text without a word asks
    for nothing, and is found nowhere.
    """
    folded, box = fold(str(params["text"])).rstrip(), _number(params)
    found = [f"'{box}:{word[:WORD_MAX_CHARS]}'" for word in folded.split()]
    query = " & ".join([*dict.fromkeys(found[:-1]), f"{found[-1]}:*"]) if found else ""
    return {**params, "query": query, "phrase": folded}


def _number(params: Mapping[str, Value]) -> int:
    return int(params["mailbox_id"] or 0)


def _distinct(folded: str) -> dict[str, None]:
    """Return each word of a folded text once, cut where it is too long for an index."""
    return dict.fromkeys([word[:WORD_MAX_CHARS] for word in folded.split()])
