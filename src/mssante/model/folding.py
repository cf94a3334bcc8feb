"""How names and words are compared in the directory: without case, accents, hyphens and apostrophes."""

import re
import unicodedata
from typing import Final

_LETTERS: Final = {
    ord("œ"): "oe",
    ord("Œ"): "oe",
    ord("æ"): "ae",
    ord("Æ"): "ae",
    ord("ß"): "ss",
    ord("ø"): "o",
    ord("Ø"): "o",
    ord("ł"): "l",
    ord("Ł"): "l",
    ord("đ"): "d",
    ord("Đ"): "d",
}
_BETWEEN: Final = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """Return the words of a text in lower case without accents, a space between them: "D'Été-Noël" is "d ete noel"."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text.translate(_LETTERS))
        text = "".join([char for char in parts if not unicodedata.combining(char)])
    return _BETWEEN.sub(" ", text.lower()).strip()


def joined(text: str) -> str:
    """Return a compound name in one word: "Jean-Pierre" gives "jeanpierre"; "" for a name of one word."""
    folded = fold(text)
    return folded.replace(" ", "") if " " in folded else ""
