"""The white list as a value: which certificate names may speak for which domains."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mssante.model.dn import DistinguishedName


@dataclass(frozen=True, slots=True)
class Entry:
    """One ``Domaine`` of the file: one domain bound to one certificate name."""

    domain: str
    dn: DistinguishedName
    dn_text: str
    description: str
    responsible: str
    support: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class BadEntry:
    """An entry that was left out, with the place and the reason; never a reason to refuse the file."""

    line: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class WhiteList:
    """A whole list in force.

    Attributes:
        generated_at: ``DateDeGeneration``, UTC; names the version.
        entries: the usable ones, in the order of the file.
        names: domain -> certificate names bound to it.
        keys: domain -> structural keys of those names (see `DistinguishedName.key`).
        all_keys: every structural key of the list, for peers that send the null reverse path.
        all_names: every certificate name of the list, for the strict comparison.
        bad: what was left out.
    """

    generated_at: datetime
    entries: tuple[Entry, ...]
    names: Mapping[str, frozenset[DistinguishedName]]
    keys: Mapping[str, frozenset[object]]
    all_keys: frozenset[object]
    bad: tuple[BadEntry, ...] = ()
    all_names: frozenset[DistinguishedName] = frozenset()

    @property
    def version(self) -> str:
        """Return the name of this version as logs and audit give it: ``2026-01-02T03:04:05Z``."""
        return _version(self.generated_at)


@lru_cache(maxsize=8)
def _version(at: datetime) -> str:
    """Return the name of a version; asked for at every MAIL FROM."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def build_white_list(generated_at: datetime, entries: tuple[Entry, ...], bad: tuple[BadEntry, ...] = ()) -> WhiteList:
    """Return the list with its look-up tables made."""
    names: dict[str, set[DistinguishedName]] = {}
    for entry in entries:
        names.setdefault(entry.domain, set()).add(entry.dn)
    # One certificate serves thousands of domains: its key is made once.
    key_of = {dn: dn.key for dns in names.values() for dn in dns}
    keys = {domain: frozenset[object](key_of[dn] for dn in dns) for domain, dns in names.items()}
    return WhiteList(
        generated_at=generated_at,
        entries=entries,
        names={domain: frozenset(dns) for domain, dns in names.items()},
        keys=keys,
        all_keys=frozenset(key_of.values()),
        bad=bad,
        all_names=frozenset(key_of),
    )
