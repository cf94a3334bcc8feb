"""What deliveries tell of an address: which failure is one of the address itself, how it is doing, what to use instead.

Source: issue of the directory (bounces feed back). The numbers here are our choice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.model.decision import Kind
from mssante.model.directory import Entry, Health
from mssante.model.folding import fold
from mssante.model.mailbox import MailboxType
from mssante.rules.outcome import classify_reply, read_reply

ALIVE_FOR: Final = timedelta(days=180)
"""How long a success says that an address is in use (our number)."""
DEAD_APART: Final = timedelta(hours=6)
"""Least time between two hard bounces of two days: 23:59 and 00:01 are one evening (our number)."""
DEAD_AFTER: Final = timedelta(hours=24)
"""Hard bounces that go on for so long are enough, whatever the days (our number)."""
WRITES_FOR: Final = timedelta(days=180)
"""Who wrote within this time is said to still use an address (our number)."""
_HARD: Final = frozenset({Kind.MAILBOX_UNKNOWN, Kind.MAILBOX_SUSPENDED})
_SHARED_MIN_CHARS: Final = 6
_NO_RANK: Final = 100


@dataclass(frozen=True, slots=True)
class Told:
    """What deliveries have told of an address; the failures are those since the last success."""

    delivered_at: datetime | None = None
    first_failed_at: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another address to write to, and in French why that one."""

    address: str
    why: str


def bounce_reason(kind: Kind, reply: str) -> str:
    """Return why a final failure is one of the address itself (value of a `Kind`), or "" when it is not.

    Trust, size, time and content say nothing of the address; neither does a refusal without an enhanced code.

    Args:
        kind: of the refusal.
        reply: the peer's line, or "".

    Source: RFC 3463 section 3.2 (5.1.1, 5.1.6) and 3.3 (5.2.1).
    """
    if kind in _HARD:
        return kind.value
    said = read_reply(reply)
    found = classify_reply(said.code, said.enhanced, said.text) if said.code >= 500 else kind
    return found.value if found in _HARD else ""


def health_of(told: Told, now: datetime) -> Health:
    """Return how an address is doing.

    Dead: two or more hard bounces without success between, on different days or over 24 hours. Bouncing: fewer.

    Source: issue of the directory; our numbers.
    """
    if told.failures and told.first_failed_at is not None and told.failed_at is not None:
        apart = told.failed_at - told.first_failed_at
        other_day = told.failed_at.date() != told.first_failed_at.date() and apart >= DEAD_APART
        return Health.DEAD if told.failures > 1 and (other_day or apart >= DEAD_AFTER) else Health.BOUNCING
    if told.delivered_at is not None and now - told.delivered_at <= ALIVE_FOR:
        return Health.ALIVE
    return Health.UNKNOWN


def choose_alternative(lost: Sequence[Entry], others: Sequence[Entry], bad: Collection[str]) -> Alternative | None:
    """Return what to use in the place of an address: the same professional, else the team of the same service.

    Args:
        lost: the lines of the address in the directory.
        others: mailboxes of the same professional and of the same structure.
        bad: addresses in lower case that must not be proposed.

    Source: issue of the directory (proposes the alternative).
    """
    gone = {one.address.lower() for one in lost} | set(bad)
    usable = [one for one in others if one.mailbox is not None and not one.mailbox.is_red]
    usable = [one for one in usable if one.address.lower() not in gone]
    people = {one.professional.identifier for one in lost if one.professional is not None}
    places = {one.structure.identifier for one in lost if one.structure is not None}
    own = [one for one in usable if one.professional is not None and one.professional.identifier in people]
    if own:
        best = min(own, key=lambda one: (_place(one) not in places, _rank(one), one.address))
        where = "" if best.structure is None else f", {best.structure.sign or best.structure.name}"
        return Alternative(best.address, f"autre boîte de {best.name}{where}")
    for line in lost:
        for one in sorted(usable, key=lambda one: (_rank(one), one.address)):
            if _is_team_of(one, line) and one.mailbox is not None:
                return Alternative(one.address, f"boîte du service « {one.mailbox.service or one.name} »")
    return None


def _is_team_of(team: Entry, line: Entry) -> bool:
    """Tell whether an ORG box stands for the service of a line: the same service, or the speciality of the person."""
    if team.mailbox is None or team.mailbox.kind is not MailboxType.ORG or line.structure is None:
        return False
    if _place(team) != line.structure.identifier:
        return False
    service = fold(team.mailbox.service)
    own = "" if line.mailbox is None else fold(line.mailbox.service)
    if own:
        return service == own
    specialities = () if line.professional is None else line.professional.specialities
    words = {word for one in specialities for word in fold(one.label).split() if len(word) >= _SHARED_MIN_CHARS}
    return bool(words & set(service.split()) - {"medecine", "medical", "medicale", "generale"})


def _place(one: Entry) -> str:
    return "" if one.structure is None else one.structure.identifier


def _rank(one: Entry) -> int:
    return _NO_RANK if one.mailbox is None or one.mailbox.rank is None else one.mailbox.rank
