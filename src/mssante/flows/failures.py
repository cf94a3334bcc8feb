"""Failed sign-ins of the last minutes, counted by source, by login and in all; and sources that an account knows.

Counted in the store for all nodes, and in memory, bounded, for what this process has not written yet: who tries many
at the same time finds no gap. A restart forgives nothing.
"""

import hmac
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from mssante.rules.sign_in import AttemptFacts, source_of
from mssante.store.sign_ins import Counted, Tried

WINDOW: Final = timedelta(minutes=10)
KNOWN_FOR: Final = timedelta(days=30)
NOTED_AGAIN: Final = timedelta(days=1)
"""A known source is written down once in so long, not at each sign-in."""
REMEMBERED: Final = 10_000
LOGIN_CHARS: Final = 255
KEY_BYTES: Final = 16
NOTHING: Final = Counted()


def tried_by(key: bytes, ip: str, login: str) -> Tried:
    """Return the keys under which the store counts an attempt.

    Keyed hashes: somebody may type a password where the login goes.
    """

    def hashed(kind: str, text: str) -> bytes:
        # What is typed may be half of a character.
        return hmac.digest(key, f"{kind} {text}".encode(errors="surrogatepass"), "sha256")[:KEY_BYTES]

    return Tried(hashed("source", source_of(ip)), hashed("login", _counted_login(login)), hashed("everybody", ""))


def is_noted(known_at: datetime | None, now: datetime) -> bool:
    """Tell whether the store need not be told again that an account knows a source."""
    return known_at is not None and now - known_at < NOTED_AGAIN


def before_last(counted: Counted) -> AttemptFacts:
    """Return the facts of a wrong credential when its own failure is counted already."""
    return AttemptFacts(
        is_right=False,
        is_known=False,
        address_failures=counted.source - 1,
        account_failures=counted.login - 1,
        all_failures=counted.everybody - 1,
    )


class Failures:
    """Counts; guards its own size."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: OrderedDict[tuple[str, str], tuple[datetime, int]] = OrderedDict()
        self._known: OrderedDict[tuple[str, int], datetime] = OrderedDict()

    def facts(
        self, ip: str, login: str, account: int | None, now: datetime, counted: Counted = NOTHING
    ) -> AttemptFacts:
        """Return what the rule needs; `account` is None when the credential is wrong.

        Args:
            counted: what the store counts, for all nodes.
        """
        source = source_of(ip)
        seen = None if account is None else self._known.get((source, account))
        return AttemptFacts(
            is_right=account is not None,
            is_known=account is not None and (_is_fresh(seen, now) or _is_fresh(counted.known_at, now)),
            address_failures=max(self._count("ip", source, now), counted.source),
            account_failures=max(self._count("login", _counted_login(login), now), counted.login),
            all_failures=max(self._count("all", "", now), counted.everybody),
        )

    def failed(self, ip: str, login: str, now: datetime) -> None:
        """Count one failure."""
        for kind, key in (("ip", source_of(ip)), ("login", _counted_login(login)), ("all", "")):
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
        return any(known == source and _is_fresh(seen, now) for (known, _account), seen in self._known.items())

    def _count(self, kind: str, key: str, now: datetime) -> int:
        began, count = self._counts.get((kind, key), (now, 0))
        return count if now - began < WINDOW else 0


def _is_fresh(seen: datetime | None, now: datetime) -> bool:
    return seen is not None and now - seen < KNOWN_FOR


def _counted_login(login: str) -> str:
    return login.casefold()[:LOGIN_CHARS]
