"""How the command line writes dates and counts in French. Not for machine formats, which stay in ISO 8601 UTC."""

from datetime import UTC, datetime
from typing import Final

_MONTHS: Final = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def french_date(moment: datetime) -> str:
    """Return the moment as ``23 novembre 2026 à 05:24 UTC``; the first of a month is written ``1er``."""
    utc = moment.astimezone(UTC)
    day = "1er" if utc.day == 1 else str(utc.day)
    return f"{day} {_MONTHS[utc.month - 1]} {utc.year} à {utc:%H:%M} UTC"


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return the number with its noun; zero and one take the singular, as French wants."""
    noun = singular if abs(number) < 2 else (plural or f"{singular}s")
    return f"{number} {noun}"
