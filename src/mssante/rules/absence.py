"""Does a message get an automatic answer while its recipient is away?

Source: RFC 3834 sections 2 to 5; reliability.md B08 (no answer to an answer, no loop).
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mssante.model.address import Address

AGAIN_AFTER: Final = timedelta(days=7)
"""Source: RFC 3834 section 2 (the same sender is not answered again for several days; 7 is usual)."""

_LIST: Final = re.compile(r"list-(?:id|help|unsubscribe|subscribe|post|owner|archive)|mailing-list")
_BULK: Final = frozenset({"bulk", "junk", "list"})
_MACHINES: Final = re.compile(
    r"(?:owner-.*|.*-owner|.*-request|.*-bounces?|mailer-daemon|postmaster|no-?reply|ne-?pas-?repondre|listserv|majordomo)",
    re.IGNORECASE,
)


TEXT_MAX_CHARS: Final = 1000
LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What the rule needs.

    Attributes:
        box: that was written to.
        sender: of the envelope; None for the null sender.
        named: keys of the addresses in To and Cc.
        fields: lower-case names of the header fields.
        auto_submitted, precedence, content_type, suppress: values of Auto-Submitted, Precedence, Content-Type and
            X-Auto-Response-Suppress, or "".
        answered_at: when this sender was answered last, or None.
    """

    box: Address
    sender: Address | None
    named: frozenset[str]
    fields: frozenset[str]
    auto_submitted: str = ""
    precedence: str = ""
    content_type: str = ""
    suppress: str = ""
    answered_at: datetime | None = None


def why_silent(facts: AnswerFacts, now: datetime) -> str:
    """Return why no answer is given, as a stable word; "" when one is.

    Source: RFC 3834 section 2 (whom not to answer), section 5 (Auto-Submitted); RFC 3464 and 8098 (reports).
    """
    sender = facts.sender
    if sender is None or _MACHINES.fullmatch(sender.local):
        return "machine"
    if sender.key == facts.box.key:
        return "own"
    is_automatic = facts.auto_submitted.split(";")[0].strip().casefold() not in {"", "no"}
    if is_automatic or facts.suppress.strip().casefold() not in {"", "none"}:
        return "automatic"
    if facts.content_type.split(";")[0].strip().casefold() == "multipart/report":
        return "report"
    if any(map(_LIST.fullmatch, facts.fields)) or facts.precedence.strip().casefold() in _BULK:
        return "list"
    if facts.box.key not in facts.named:
        return "not-named"
    if facts.answered_at is not None and now < facts.answered_at + AGAIN_AFTER:
        return "answered"
    return ""


def absence_fault(
    box: Address, starts_at: datetime, ends_at: datetime, text: str, substitute: Address | None, now: datetime
) -> str:
    """Return what is wrong with an absence, in French with the fix; "" when nothing is.

    Source: users.md 7.3 DOC-5 (from a date to a date; who stands in), our bounds.
    """
    if ends_at <= starts_at or ends_at <= now:
        return "la fin de l'absence doit venir après son début et être à venir"
    if ends_at - starts_at > LONGEST:
        return f"une absence dure {LONGEST.days} jours au plus ; au-delà, suspendez ou closez la boîte"
    if len(text) > TEXT_MAX_CHARS or not all(char.isprintable() or char == "\n" for char in text):
        return f"le message doit tenir en {TEXT_MAX_CHARS} caractères, sans caractère de commande"
    if substitute is not None and (substitute.key == box.key or substitute.is_citizen):
        return "le remplaçant doit être une autre boîte, professionnelle"
    return ""
