"""Failed sign-ins of the last minutes and where accounts sign in from, common to all nodes and kept over a restart.

Keys are keyed hashes that the caller makes. How many failures are borne is `mssante.rules.sign_in`.

Source: reliability.md E11.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mssante.model.mailbox import AccountId
from mssante.store.times import from_micros, to_micros
from mssante.store.tx import Tx

FORGOTTEN_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class Tried:
    """The keys under which an attempt is counted."""

    source: bytes
    login: bytes
    everybody: bytes


@dataclass(frozen=True, slots=True)
class Counted:
    """Failures within the window.

    Attributes:
        source, login, everybody: how many.
        known_at: when the source signed in to the account last, to a day; None when it never did.
    """

    source: int = 0
    login: int = 0
    everybody: int = 0
    known_at: datetime | None = None


async def counted(tx: Tx, tried: Tried, account_id: AccountId | None, since: datetime) -> Counted:
    """Return what is counted for an attempt.

    Args:
        account_id: whose credential it is; None when it is nobody's.
        since: counts that began before are over.
    """
    row = await tx.one(
        "sign_in_counts",
        source=tried.source,
        login=tried.login,
        everybody=tried.everybody,
        account_id=0 if account_id is None else account_id,
        since=to_micros(since),
    )
    source, login, everybody, known_at = row or (0, 0, 0, None)
    return Counted(source or 0, login or 0, everybody or 0, None if known_at is None else from_micros(known_at))


async def count_failure(tx: Tx, tried: Tried, now: datetime, since: datetime) -> Counted:
    """Count one failure; return the counts with it.

    Args:
        since: counts that began before begin anew.
    """
    rows = await tx.all(
        "count_sign_in_failure",
        source=tried.source,
        login=tried.login,
        everybody=tried.everybody,
        now=to_micros(now),
        since=to_micros(since),
    )
    found = {bytes(key): int(failures) for key, failures in rows}
    return Counted(found[tried.source], found[tried.login], found[tried.everybody])


async def note_source(tx: Tx, source: bytes, account_id: AccountId, now: datetime) -> None:
    """Note that an account has signed in from a source."""
    await tx.run("note_sign_in_source", source=source, account_id=account_id, now=to_micros(now))


async def is_known(tx: Tx, source: bytes, since: datetime) -> bool:
    """Tell whether any account has signed in from a source since then."""
    return await tx.one("known_sign_in_source", source=source, since=to_micros(since)) is not None


async def forget(tx: Tx, failures_before: datetime, sources_before: datetime, limit: int = FORGOTTEN_AT_ONCE) -> int:
    """Forget counts that began, and sources last seen, before a time, `limit` of each at most; return how many."""
    failures = await tx.run("forget_sign_in_failures", before=to_micros(failures_before), limit=limit)
    sources = await tx.run("forget_sign_in_sources", before=to_micros(sources_before), limit=limit)
    return failures + sources
