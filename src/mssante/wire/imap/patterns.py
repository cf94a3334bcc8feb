"""The wildcards of LIST, matched without going back: ``*`` is anything, ``%`` anything but the separator.

The set of places in the pattern that a name may have reached is kept as bits and moved along with the name, so that
time is the product of both lengths in machine words, whatever the pattern (reliability.md D03).

Source: RFC 9051 section 6.3.9.
"""

from collections.abc import Callable
from typing import Final

SEPARATOR: Final = "/"
PATTERN_MAX_CHARS: Final = 1000


def matcher(pattern: str) -> Callable[[str], bool]:
    """Return the function that tells whether a name matches; INBOX matches in any case, as it stands for all cases."""
    if "*" not in pattern and "%" not in pattern:
        return lambda name: name == pattern
    if pattern in {"*", "%"}:
        return (lambda _name: True) if pattern == "*" else (lambda name: SEPARATOR not in name)
    squeezed = _squeeze(pattern[:PATTERN_MAX_CHARS])
    stars = sum(1 << place for place, char in enumerate(squeezed) if char == "*")
    percents = sum(1 << place for place, char in enumerate(squeezed) if char == "%")
    plain: dict[str, int] = {}
    for place, char in enumerate(squeezed):
        if char not in "*%":
            plain[char] = plain.get(char, 0) | 1 << place
    end = 1 << len(squeezed)

    def matches(name: str) -> bool:
        state = _skip(1, stars | percents)
        for char in name:
            stay = stars if char == SEPARATOR else stars | percents
            state = _skip((state & plain.get(char, 0)) << 1 | state & stay, stars | percents)
            if not state:
                return False
        return bool(state & end)

    return matches


def _skip(state: int, wild: int) -> int:
    """Return the places with those added that a wildcard reaches by standing for nothing."""
    while (more := state | (state & wild) << 1) != state:
        state = more
    return state


def _squeeze(pattern: str) -> str:
    """Return the pattern with runs of wildcards as one: a run that holds ``*`` is ``*``."""
    pieces: list[str] = []
    for char in pattern:
        if char in "*%" and pieces and pieces[-1] in "*%":
            pieces[-1] = "*" if "*" in {char, pieces[-1]} else "%"
        else:
            pieces.append(char)
    return "".join(pieces)
