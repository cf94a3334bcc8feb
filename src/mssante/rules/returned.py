"""Is a delivery notice that came by mail to be believed, and what does it tell of the address?

A notice can be forged, also by a user of the other operator who was sent the same message. It counts only from an
operator that the white list lets speak for the domain of the address, with the envelope identifier that we gave to
that operator alone, for a message that we sent from that very mailbox to that very address and that was accepted there;
once.
"""

from dataclasses import dataclass
from typing import Final

from mssante.model.decision import Kind
from mssante.model.message import CopyState
from mssante.rules.correspondent import bounce_reason
from mssante.rules.outcome import classify_reply

RULE: Final = "returned"


@dataclass(frozen=True, slots=True)
class ReturnFacts:
    """What the rule needs of what a notice says of one recipient.

    Attributes:
        speaks_for_domain: the white list lets the peer send as the domain of the recipient.
        names_envelope: it gives back the envelope identifier that we gave to the operator of that domain, which stands
            nowhere in the message.
        is_for_sender: it came to the mailbox that sent the message.
        state: of the copy that it speaks of, found by our own reference and the recipient; None: there is none.
        is_notice: that copy was itself a notice.
        action, status, reply: as told.
    """

    speaks_for_domain: bool
    names_envelope: bool
    is_for_sender: bool
    state: CopyState | None
    is_notice: bool
    action: str
    status: str
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Returned:
    """The copy did not arrive after all.

    Attributes:
        kind: why.
        bounce: value of a `Kind` when that is about the address itself, else "".
    """

    kind: Kind
    bounce: str


def judge_return(facts: ReturnFacts) -> Returned | None:
    """Return what a notice means for a copy of ours; None: nothing, because it is not believed or not final.

    Source: RFC 3464 sections 2.3.3 (failed is final), 2.3.4 (class 5) and 4.1 (forgery); RFC 3463; issue of the
    directory (bounces feed back).
    """
    is_ours = facts.is_for_sender and facts.state is CopyState.RELAYED and not facts.is_notice
    if not (facts.speaks_for_domain and facts.names_envelope and is_ours):
        return None
    if facts.action != "failed" or not facts.status.startswith("5."):
        return None
    kind = classify_reply(550, facts.status, "")
    return Returned(kind, bounce_reason(kind, facts.reply))
