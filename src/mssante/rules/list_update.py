"""Whether a new white list may take the place of the one in force: no roll-back, no sudden shrinking or growing.

The source is authenticated before this (TLS to the publisher, signature where it is demanded); these guards hold when
the source itself is wrong. A refusal keeps the last good list in force and raises an alarm.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.model.decision import Decision, Kind, Permit, Refusal
from mssante.model.whitelist import WhiteList

# One domain may always leave, and a small list may always grow by this many, whatever the shares say.
ALWAYS_MAY_LEAVE: Final = 1
ALWAYS_MAY_COME: Final = 50
# A date further ahead would lock every later list out, because none may be older than the one in force.
CLOCK_SKEW: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UpdateFacts:
    """A list that was fetched, beside the one in force.

    Attributes:
        current: None when there is none yet.
        new: the list that was fetched.
        same_bytes: both have the same bytes.
        now: UTC.
        shrink_share: largest share of the domains that may be lost, 0 to 1.
        grow_factor: largest growth of the number of domains.
    """

    current: WhiteList | None
    new: WhiteList
    same_bytes: bool
    now: datetime
    shrink_share: float
    grow_factor: float


def judge_update(facts: UpdateFacts) -> Decision:
    """Return whether the new list may be put in force.

    Source: operators.md 3.5; reliability.md C09, H17.
    """
    current, new = facts.current, facts.new
    if not new.names:
        return _refuse("list-empty", f"list {new.version} has no usable entry ({len(new.bad)} were left out)")
    if new.generated_at > facts.now + CLOCK_SKEW:
        return _refuse("list-future", f"list {new.version} is dated after now, {facts.now:%Y-%m-%dT%H:%M:%SZ}")
    if current is None:
        return Permit("list-first", f"list {new.version}, {len(new.names)} domains")
    if new.generated_at < current.generated_at:
        return _refuse("list-rollback", f"list {new.version} is older than {current.version} in force")
    if new.generated_at == current.generated_at and not facts.same_bytes:
        return _refuse("list-same-date", f"list {new.version} has the date of the one in force and another content")
    return _judge_size(facts, current)


def _judge_size(facts: UpdateFacts, current: WhiteList) -> Decision:
    new = facts.new
    lost = len(current.names.keys() - new.names.keys())
    before, after = len(current.names), len(new.names)
    if lost > max(ALWAYS_MAY_LEAVE, before * facts.shrink_share):
        return _refuse("list-shrink", f"list {new.version} loses {lost} of {before} domains")
    if after > max(before + ALWAYS_MAY_COME, before * facts.grow_factor):
        return _refuse("list-growth", f"list {new.version} goes from {before} to {after} domains")
    return Permit("list-update", f"list {new.version}, {after} domains, {lost} lost since {current.version}")


def _refuse(rule: str, detail: str) -> Refusal:
    return Refusal(Kind.LIST_UNAVAILABLE, rule, "new white list refused, the last good one stays in force", detail)
