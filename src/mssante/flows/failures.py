"""Failed sign-ins of the last minutes, counted by source, by login and in all; and sources that an account knows.

In memory and bounded: a restart forgives, and an attacker cannot make it grow.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from mssante.rules.sign_in import AttemptFacts, source_of

WINDOW: Final = timedelta(minutes=10)
KNOWN_FOR: Final = timedelta(days=30)
REMEMBERED: Final = 10_000


class Failures:
    """Counts; guards its own size."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: OrderedDict[tuple[str, str], tuple[datetime, int]] = OrderedDict()
        self._known: OrderedDict[tuple[str, int], datetime] = OrderedDict()

    def facts(self, ip: str, login: str, account: int | None, now: datetime) -> AttemptFacts:
        """Return what the rule needs; `account` is None when the credential is wrong."""
        source = source_of(ip)
        seen = None if account is None else self._known.get((source, account))
        return AttemptFacts(
            is_right=account is not None,
            is_known=seen is not None and now - seen < KNOWN_FOR,
            address_failures=self._count("ip", source, now),
            account_failures=self._count("login", login.casefold(), now),
            all_failures=self._count("all", "", now),
        )

    def failed(self, ip: str, login: str, now: datetime) -> None:
        """Count one failure."""
        for kind, key in (("ip", source_of(ip)), ("login", login.casefold()[:255]), ("all", "")):
            began, count = self._counts.pop((kind, key), (now, 0))
            fresh = now - began < WINDOW
            self._counts[kind, key] = (began, count + 1) if fresh else (now, 1)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)

    def succeeded(self, ip: str, account: int, now: datetime) -> None:
        """Remember that the account knows the source."""
        source = source_of(ip)
        self._known.pop((source, account), None)
        self._known[source, account] = now
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def knows(self, ip: str, now: datetime) -> bool:
        """Tell whether any account knows the source; looks through all, so for a source that is guessing only."""
        source = source_of(ip)
        return any(known == source and now - seen < KNOWN_FOR for (known, _account), seen in self._known.items())

    def _count(self, kind: str, key: str, now: datetime) -> int:
        began, count = self._counts.get((kind, key[:255]), (now, 0))
        return count if now - began < WINDOW else 0
